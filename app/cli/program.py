"""The commands of Kesos."""

import difflib
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final

import typer

from app.authz.roles import Role
from app.cli.auditing import NotedSeals, audit, check_seals, noted_seal, told_of_seals
from app.cli.catalogue import catalogue
from app.cli.commands import Commands
from app.cli.console import Refusal, plain, said, step, tell
from app.cli.database import make_ready, migrate_down, require_ready, run, running
from app.cli.demo import demonstrate
from app.cli.distributing import distributing
from app.cli.documents import documents
from app.cli.granting import grants
from app.cli.importing import import_aliases, import_population, read_lines, show_issues
from app.cli.imports import imports
from app.cli.ledger import ledger_checked, told_of_ledger
from app.cli.lists import lists_checked, tell_of_lists
from app.cli.outlet import outlet_id
from app.cli.people import Post, enlist
from app.cli.programmes import programmes
from app.cli.sales import sales_checked, told_of_sales
from app.cli.sampling import samples
from app.cli.seeding import AsOf, day_of_families, seed_families
from app.cli.serving import address_of, listening, refuse_too_many, require_pooler, serve_in_processes, serving
from app.cli.simulating import simulations
from app.cli.working import work
from app.domain.insights.service import Discrepancy, verify_summaries
from app.domain.regions.models import CodeNamespace
from app.domain.regions.rules import parse_region
from app.domain.registry.errors import ImportRejected
from app.domain.registry.seed.loading import MOST_FAMILIES
from app.schema.root import api
from app.settings import Settings, get_settings
from app.tenants.durability import volatile_settings
from app.tenants.region_path import RegionLevel, RegionPath
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader

_COUNTRY: Final = "0"
_SHOWN: Final = 20
_MOST_WORKERS: Final = 64

Host = Annotated[str | None, typer.Option(help="Address to listen at; KESOS_HOST, or 127.0.0.1.", show_default=False)]
Port = Annotated[
    int | None,
    typer.Option(
        min=0, max=65535, help="Port to listen at, 0 for a free one; KESOS_PORT, or 8000.", show_default=False
    ),
]
Families = Annotated[int, typer.Option(min=1, max=MOST_FAMILIES, help="How many families to make.")]

app = typer.Typer(
    cls=Commands,
    help="Kesos: one GraphQL API of Indonesian social welfare for the ministry, the provinces and the regencies.",
    epilog="Settings are environment variables; the README lists them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(imports, name="import")
app.add_typer(samples, name="sample")
app.add_typer(audit)
app.add_typer(grants)
app.add_typer(documents, name="documents")
app.add_typer(programmes)
app.add_typer(catalogue)
app.add_typer(distributing)
app.add_typer(work)
app.add_typer(simulations, name="simulate")


def _show_version(wanted: bool) -> None:
    if wanted:
        plain(f"kesos {version('kesos')}")
        raise typer.Exit


@app.callback()
def _kesos(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Nothing is shared by all commands but the way they fail."""


def _place(settings: Settings, host: str | None, port: int | None) -> tuple[str, int]:
    return host or settings.host, settings.port if port is None else port


@app.command()
def demo(families: Families = 20_000, as_of: AsOf = None, host: Host = None, port: Port = None) -> None:
    """Start with synthetic families of Jawa Tengah, tokens for every role, and a first query with its answer.

    The first start makes the database and fills it; later ones keep what is there. Ctrl-C stops everything.
    """
    settings, day = get_settings(), day_of_families(as_of)
    if not settings.is_development:
        raise Refusal("The demo signs its own tokens: unset KESOS_ISSUER, or use `kesos serve`.")
    with listening(*_place(settings, host, port)) as taken, running(settings) as server:
        run(demonstrate(settings, server, taken, families, day))


@app.command()
def serve(
    host: Host = None,
    port: Port = None,
    workers: Annotated[int, typer.Option(min=1, max=_MOST_WORKERS, help="Processes that share the port.")] = 1,
    with_worker: Annotated[
        bool,
        typer.Option(
            "--with-worker", help="Work on background jobs too; where many are asked for, run `kesos worker`."
        ),
    ] = False,
) -> None:
    """Serve the API over a database that is ready, until Ctrl-C or SIGTERM."""
    settings = get_settings()
    if with_worker and workers > 1:
        raise Refusal("--with-worker is for a single process: run `kesos worker` beside `kesos serve --workers`.")
    with listening(*_place(settings, host, port)) as taken, running(settings) as server:
        run(_check_before_serving(settings, server, workers, with_worker=with_worker))
        ready = f"Kesos answers at {address_of(taken)}/graphql; Ctrl-C stops it."
        if workers > 1:
            tell(ready)
            serve_in_processes(server, taken, workers)
        else:

            async def serve_here() -> None:
                async with serving(settings, server, taken, with_worker=with_worker) as here:
                    tell(ready)
                    await here.until_stopped()

            run(serve_here())


async def _check_before_serving(settings: Settings, server: DatabaseServer, workers: int, *, with_worker: bool) -> None:
    await require_ready(server)
    await require_pooler(settings, server)
    await refuse_too_many(settings, server, workers, with_worker=with_worker)


@app.command("migrate")
def migrate_database(
    down: Annotated[
        str | None,
        typer.Option(metavar="REVISION", help="Go back to this revision, or to `base`; what is above it is lost."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Go down without asking.")] = False,
) -> None:
    """Make the database ready: roles, tables, the region tree, editions of the registry, and programmes."""
    with running(get_settings()) as server:
        if down is None:
            run(make_ready(server))
            return
        if not yes:
            typer.confirm(f"Tables above revision {down} and all their rows will be deleted. Go on?", abort=True)
        run(migrate_down(server, down))
    tell(f"The database is at revision {down}.")


@app.command()
def seed(
    region: Annotated[str, typer.Option(help="Where the families live: 33, 33.02, 33.02.01 or 33.02.01.2001.")],
    families: Families,
    number: Annotated[int, typer.Option("--seed", help="The same number and day make the same families.")] = 1,
    as_of: AsOf = None,
) -> None:
    """Fill an empty region with synthetic families."""
    settings, path, day = get_settings(), parse_region(region), day_of_families(as_of)
    with running(settings) as server:

        async def work() -> None:
            await require_ready(server)
            await seed_families(settings, server, region=path, families=families, seed=number, day=day)

        run(work())


@app.command()
def token(
    role: Annotated[Role, typer.Option(help="What the bearer is.", case_sensitive=False)],
    region: Annotated[str, typer.Option(help="Where: 33, 33.02, 33.02.01, 33.02.01.2001, or 0 for the country.")],
    person: Annotated[int, typer.Option(min=1, max=9, help="Which of several people who hold the role there.")] = 1,
    outlet: Annotated[
        str | None, typer.Option(help="Of which e-Warong the bearer is the agent: EwarongAgent:3302:<id>.")
    ] = None,
) -> None:
    """Print a token of the development issuer, good for 12 hours, and nothing else."""
    settings = get_settings()
    path = RegionPath.country() if region == _COUNTRY else parse_region(region)
    with running(settings) as server:

        async def work() -> str:
            await require_ready(server)
            (enlisted,) = await enlist(settings, server, [Post(role, path, person, outlet_id(outlet))])
            return enlisted.token

        plain(run(work()))


@app.command()
def schema(
    check: Annotated[
        bool, typer.Option("--check", help="Compare with schema.graphql of this folder instead of printing.")
    ] = False,
) -> None:
    """Print the GraphQL schema."""
    sdl = api().sdl
    if not check:
        typer.echo(sdl, nl=False)
        return
    file = Path("schema.graphql")
    committed = file.read_text(encoding="utf-8") if file.exists() else ""
    if committed != sdl:
        for line in difflib.unified_diff(
            committed.splitlines(), sdl.splitlines(), "schema.graphql", "the code", "", "", 1, ""
        ):
            plain(line)
        raise Refusal("schema.graphql is not what the code says: run `kesos schema > schema.graphql` and commit it.")


@app.command()
def check(seal: NotedSeals = None) -> None:
    """Verify that every total equals the rows that it sums up, the ledger adds up, and all that was sealed is as it was; exit 1 if not.

    With --seal, verify too that the chains of seals still hold those that you wrote down. Recipients whom two regencies have on their
    lists of the same programme and period are named; they alone are no failure.
    """
    noted = [noted_seal(each) for each in seal or ()]
    with running(get_settings()) as server:

        async def work() -> list[str]:
            await require_ready(server)
            async with open_loader(server) as loader:
                with step("Counting every row again", keep=False):
                    found = await verify_summaries(loader)
                volatile = await volatile_settings(loader)
            told = [*_told_of_totals(found), *told_of_ledger(await ledger_checked(server))]
            told += told_of_sales(await sales_checked(server))
            tell_of_lists(await lists_checked(server))
            return told + told_of_seals(await check_seals(server, noted)) + _told_of_durability(volatile)

        wrong = run(work())
    if wrong:
        raise Refusal(" ".join(wrong))


def _told_of_totals(found: Sequence[Discrepancy]) -> list[str]:
    for wrong in found[:_SHOWN]:
        region = RegionPath.of_id(wrong.region_id).code
        plain(f"{wrong.level.value} {region} {wrong.counter}: stored {wrong.stored:,}, counted {wrong.counted:,}")
    if found:
        return [f"{len(found):,} totals differ from their rows: restore a backup, or report this with the lines above."]
    plain("Every total of families and persons equals the rows that it sums up.")
    return []


def _told_of_durability(volatile: Sequence[str]) -> list[str]:
    return [
        f"{name} is off in PostgreSQL, so a crash loses what was acknowledged: turn it on in postgresql.conf and reload."
        for name in volatile
    ]


@imports.command("opensid")
def import_opensid_file(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, readable=True, help="OpenSID's population file: xlsx, xlsm or csv."
        ),
    ],
    village: Annotated[str, typer.Option(help="Code of the village that the file is about, such as 52.01.14.2005.")],
    accept_valid: Annotated[
        bool, typer.Option("--accept-valid", help="Register the valid rows even if others are rejected.")
    ] = False,
    edition: Annotated[
        str | None,
        typer.Option(help="Edition of new families, such as DTSEN:2026-Q3; the newest of DTSEN.", show_default=False),
    ] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of a csv, such as cp1252.")] = "utf-8-sig",
) -> None:
    """Register the families and persons of a village from OpenSID's population file.

    All or nothing, unless --accept-valid is given. A second import of the same file changes nothing.
    """
    settings, path = get_settings(), parse_region(village)
    if path.level is not RegionLevel.VILLAGE:
        raise Refusal(f"{village} is no village: --village takes a code such as 52.01.14.2005.")
    with running(settings) as server:

        async def work() -> None:
            await require_ready(server)
            report = await import_population(
                settings, server, file, village=path, edition=edition, encoding=encoding, accept_valid=accept_valid
            )
            show_issues(report)
            plain(
                f"{report.families_created} families and {report.persons_created} persons registered in {path.code}; "
                f"{report.families_unchanged} families and {report.persons_unchanged} persons were there already; "
                f"{report.rows_rejected} rows rejected."
            )

        try:
            run(work())
        except ImportRejected as rejection:
            show_issues(rejection.report)
            raise Refusal(f"{said(rejection)} Correct the file, or add --accept-valid.") from rejection


@imports.command("aliases")
def import_alias_file(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            readable=True,
            help="CSV with the columns bps_code,kemendagri_code,source (withdrawn_code instead of bps_code for KEMENDAGRI).",
        ),
    ],
    namespace: Annotated[CodeNamespace, typer.Option(help="Whose codes they are.", case_sensitive=False)],
) -> None:
    """Take over a bridge between other codes and the region tree, all or nothing."""
    lines = read_lines(file)
    with running(get_settings()) as server:

        async def work() -> int:
            await require_ready(server)
            return await import_aliases(server, lines, namespace)

        changed = run(work())
    plain(f"{changed:,} aliases are new or changed.")
