"""`kesos programmes`: what programmes there are, and files of programmes."""

from collections.abc import Sized
from datetime import date
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer

from app.cli.commands import Commands
from app.cli.console import Refusal, day_given, plain, said
from app.cli.database import require_ready, run, running
from app.domain.bansos.eligibility.checks import check_terms
from app.domain.bansos.programmes.files import ProgrammeFile, ProgrammeFileInvalid, read_programme_file
from app.domain.bansos.programmes.loading import (
    ProgrammeDataDiffers,
    ProgrammeOtherUnknown,
    ProgrammeRegionUnknown,
    load_programmes,
)
from app.settings import get_settings
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader

programmes = typer.Typer(
    name="programmes",
    cls=Commands,
    help="Programmes of aid: list them, check a file of one, or take it over.",
    no_args_is_help=True,
)

_LISTED: Final = """
select p.code, p.name, p.fund, p.village_low, p.village_high, p.valid_from, p.valid_to, t.version, t.state, t.valid_from as terms_from,
  t.period_months, t.amount, t.rules, t.components
from programme p
left join lateral (
  select t.*, (select count(*) from eligibility_rule r where (r.programme_code, r.version) = (t.programme_code, t.version)) as rules,
    (select count(*) from benefit_component c where (c.programme_code, c.version) = (t.programme_code, t.version)) as components
  from programme_terms t where t.programme_code = p.code and t.state <> 'REJECTED'
) t on true
order by p.code, t.version
"""

File = Annotated[
    Path,
    typer.Argument(exists=True, dir_okay=False, readable=True, help="TOML file of one programme (docs/programmes.md)."),
]


class _Terms(NamedTuple):
    version: int
    state: str
    valid_from: date
    months: int
    amount: int | None
    rules: int
    components: int


@programmes.command("list")
def list_programmes(
    on: Annotated[
        str | None, typer.Option(help="The day whose terms are marked, YYYY-MM-DD; today.", show_default=False)
    ] = None,
) -> None:
    """List the programmes with their validity and the versions of their terms; `*` marks those in force."""
    day = day_given(on, "--on")
    with running(get_settings()) as server:
        run(_list(server, day))


@programmes.command("check")
def check_file(file: File) -> None:
    """Read a file of a programme, its conditions and sentences included; exit 1 where something in it cannot be."""
    read = _read(file)
    counted = ", ".join(f"{len(each)} {name}" for name, each in _parts(read))
    plain(f"{file.name}: {read.code} holds together ({counted}).")


@programmes.command("load")
def load_file(file: File) -> None:
    """Take a file of a programme over; terms that are in force stay, so changed ones need a new version. Run again, it changes nothing."""
    read = _read(file)
    with running(get_settings()) as server:
        run(_load(server, read))


def _read(file: Path) -> ProgrammeFile:
    try:
        return read_programme_file(file, check_terms)
    except ProgrammeFileInvalid as error:
        for each in error.errors:
            plain(each)
        raise Refusal(f"{file.name} is no programme: change what the lines above say.") from error


def _parts(read: ProgrammeFile) -> list[tuple[str, Sized]]:
    return [("versions of terms", read.terms), ("relations", read.relations), ("years of quotas", read.quotas)]


async def _load(server: DatabaseServer, read: ProgrammeFile) -> None:
    await require_ready(server)
    async with open_loader(server) as loader:
        try:
            loaded = await load_programmes(loader, [read])
        except (ProgrammeDataDiffers, ProgrammeOtherUnknown, ProgrammeRegionUnknown) as error:
            raise Refusal(said(error)) from error
    for version in loaded.kept:
        plain(f"{version}: people have decided otherwise, so the file's terms are not taken over.")
    plain(
        f"{read.code}: {loaded.terms} new versions of terms."
        if loaded.terms or loaded.programmes
        else f"{read.code}: nothing new."
    )


async def _list(server: DatabaseServer, day: date) -> None:
    await require_ready(server)
    async with open_loader(server) as loader:
        rows = await loader.fetch(_LISTED)
    for code in dict.fromkeys(row["code"] for row in rows):
        own = [row for row in rows if row["code"] == code]
        first = own[0]
        ends = first["valid_to"] or "-"
        plain(f"{code}  {first['name']}  [{first['fund']}]  {first['valid_from']} .. {ends}")
        terms = [
            _Terms(
                row["version"],
                row["state"],
                row["terms_from"],
                row["period_months"],
                row["amount"],
                row["rules"],
                row["components"],
            )
            for row in own
            if row["version"] is not None
        ]
        runs = first["valid_from"] <= day and (first["valid_to"] is None or day <= first["valid_to"])
        active = [each.valid_from for each in terms if each.state == "ACTIVE" and each.valid_from <= day]
        for each in terms:
            in_force = runs and each.state == "ACTIVE" and bool(active) and each.valid_from == max(active)
            plain(f"  {'*' if in_force else ' '} {_told(each)}")
        if not terms:
            plain("    no terms yet")


def _told(terms: _Terms) -> str:
    amount = f"{terms.components} components" if terms.amount is None else f"Rp{terms.amount:,}"
    pending = "" if terms.state == "ACTIVE" else f"  {terms.state}"
    return f"version {terms.version} from {terms.valid_from}: {amount} for {terms.months} month(s), {terms.rules} rules{pending}"
