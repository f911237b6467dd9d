"""`kesos import`: files taken into the registry from the command line, and what became of them."""

from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID, uuid4

import typer

from app.cli.console import Refusal, plain, said, tell
from app.cli.database import require_ready, run, running
from app.cli.intake import Found, Operator
from app.domain.regions.rules import parse_region
from app.domain.registry.imports.errors import ImportEmpty, ImportHasErrors
from app.domain.registry.imports.file_errors import VillageNeeded
from app.domain.registry.imports.models import ImportFormat, ImportMode
from app.domain.registry.imports.profiles import load_profile
from app.domain.registry.imports.service import Asked
from app.settings import get_settings
from app.tenants.region_path import RegionPath

_FORMATS: Final = {term.value.lower().replace("_", "-"): term for term in ImportFormat}
_MODES: Final = {term.value.lower(): term for term in ImportMode}
_LISTED: Final = 20
_SHOWN: Final = 20
_SUBJECTS: Final = ("families", "persons")
_OUTCOMES: Final = ("new", "same", "changed", "moved")

imports = typer.Typer(help="Take in files of other systems.", no_args_is_help=True)


@imports.command("file")
def import_file(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The file: csv, zip, xlsx or xlsm.")
    ],
    *,
    region: Annotated[str, typer.Option(help="What the file is about: 33, 33.02, 33.02.01 or 33.02.01.2001.")],
    file_format: Annotated[str, typer.Option("--format", help=f"What it looks like: {', '.join(_FORMATS)}.")],
    profile: Annotated[
        str | None,
        typer.Option(
            help="Mapping profile, for --format profile: a name, or a TOML file of your own.", show_default=False
        ),
    ] = None,
    edition: Annotated[
        str | None,
        typer.Option(help="Edition of the data, such as DTSEN:2026-Q3; the newest of DTSEN.", show_default=False),
    ] = None,
    mode: Annotated[
        str, typer.Option(help="`addition`: families that it does not name stay; `edition`: they leave.")
    ] = "addition",
    encoding: Annotated[str, typer.Option(help="Encoding of a csv, such as cp1252.")] = "utf-8-sig",
    apply: Annotated[bool, typer.Option("--apply", help="Apply it if it is without errors.")] = False,
    accept_valid: Annotated[
        bool, typer.Option("--accept-valid", help="With --apply: apply the valid rows even if others are rejected.")
    ] = False,
) -> None:
    """Check a file against the rules and the registry, show what would come of it, and with --apply apply it.

    Without --apply nothing is registered: `importApply` of the API, or this command with --apply, does that.
    """
    settings = get_settings()
    asked = Asked(
        idempotency_key=uuid4(),
        upload_id=uuid4(),
        region=parse_region(region),
        format=_chosen("--format", file_format, _FORMATS),
        mode=_chosen("--mode", mode, _MODES),
        edition="",
        profile=_profile(profile),
        encoding=encoding,
    )
    with running(settings) as server:

        async def work() -> None:
            await require_ready(server)
            async with Operator.at(server) as operator:
                started = await operator.start(settings, file, asked, edition)
                tell(f"Import {started.id}")
                await operator.check(settings, started)
                _show(await operator.found(started.id, most_issues=_SHOWN))
                if not apply:
                    plain("Nothing is registered yet: add --apply, or let somebody decide with importApply.")
                    return
                try:
                    await operator.apply(started, accept_valid=accept_valid)
                except ImportHasErrors as refused:
                    raise Refusal(
                        f"{said(refused).partition('.')[0]}: correct the file, or add --accept-valid."
                    ) from refused
                except ImportEmpty as refused:
                    raise Refusal(f"{said(refused)} Correct the file and import it again.") from refused
                plain("Applied.")

        try:
            run(work())
        except VillageNeeded as refused:
            raise Refusal(
                f"{said(refused).partition(':')[0]}: import it for one village, such as --region 33.02.01.2001."
            ) from refused


@imports.command("list")
def list_imports(
    region: Annotated[str, typer.Option(help="Only imports that lie in this region; 0 for the country.")] = "0",
    most: Annotated[int, typer.Option(min=1, max=1000, help="How many of the newest.")] = _LISTED,
) -> None:
    """List the newest imports, one a line."""
    path = RegionPath.country() if region == "0" else parse_region(region)
    with running(get_settings()) as server:

        async def work() -> None:
            await require_ready(server)
            async with Operator.at(server) as operator:
                for row in await operator.latest(path, most):
                    plain(
                        f"{row.id}  {row.created_at:%Y-%m-%d %H:%M}  {RegionPath.of_id(row.region_id).code:<13}  {row.format:<13}  "
                        f"{row.mode:<8}  {row.stage:<9}  {row.created_by_name}"
                    )

        run(work())


@imports.command("show")
def show_import(
    import_id: Annotated[str, typer.Argument(metavar="ID", help="Id of an import, as `kesos import list` prints it.")],
    issues: Annotated[int, typer.Option(min=0, max=100_000, help="How many findings to print.")] = _SHOWN,
) -> None:
    """Show what was counted in an import, and the first things that were found in it."""
    try:
        identifier = UUID(import_id.rpartition(":")[2])
    except ValueError as error:
        raise Refusal(f"{import_id[:40]} is no id of an import: `kesos import list` prints them.") from error
    with running(get_settings()) as server:

        async def work() -> None:
            await require_ready(server)
            async with Operator.at(server) as operator:
                _show(await operator.found(identifier, most_issues=issues))

        run(work())


def _profile(given: str | None) -> str | None:
    """The name of a profile, or the text of one in a file."""
    if given is None or not Path(given).is_file():
        return given
    load_profile(Path(given))
    return Path(given).read_text(encoding="utf-8")


def _chosen(option: str, given: str, known: dict[str, Any]) -> Any:
    if given not in known:
        raise Refusal(f"{option} is one of {', '.join(known)}.")
    return known[given]


def _show(found: Found) -> None:
    row = found.row
    plain(f"{row.format} of {RegionPath.of_id(row.region_id).code}, {row.mode.lower()}: {row.stage}")
    for subject in _SUBJECTS:
        outcomes = ", ".join(f"{getattr(row, f'{subject}_{outcome}'):,} {outcome}" for outcome in _OUTCOMES)
        staged, accepted, rejected = (getattr(row, f"{subject}_{name}") for name in ("staged", "accepted", "rejected"))
        plain(f"{subject}: {staged:,} read, {accepted:,} accepted ({outcomes}), {rejected:,} rejected")
    plain(
        f"{row.families_left:,} families leave; {row.rows_with_warnings:,} rows with warnings; "
        f"{row.probable_duplicates:,} probable duplicates"
    )
    if found.issues:
        plain(f"{'line':>8}  {'row':<6}  {'column':<20}  {'value':<18}  finding")
    for issue in found.issues:
        plain(
            f"{issue.line:>8}  {issue.subject.lower():<6}  {issue.column or '-':<20}  {issue.value or '-':<18}  {issue.text} "
            f"[{issue.code}]"
        )
