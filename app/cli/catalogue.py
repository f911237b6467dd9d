"""`kesos catalogue`: what outlets sell and what oversight compares with, and files that add to it."""

from datetime import date
from pathlib import Path
from typing import Annotated, Final

import typer

from app.cli.commands import Commands
from app.cli.console import Refusal, day_given, plain, said
from app.cli.database import require_ready, run, running
from app.domain.ewarong.catalogue.errors import CatalogueDataDiffers, CatalogueFileInvalid, CatalogueProgrammeUnknown
from app.domain.ewarong.catalogue.loading import CatalogueFile, load_catalogue, read_catalogue
from app.settings import get_settings
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader

catalogue = typer.Typer(
    name="catalogue",
    cls=Commands,
    help="What outlets sell, baskets by era, and the numbers of oversight: list them, or add to them.",
    no_args_is_help=True,
)

_RULES: Final = """
select distinct on (programme_code, channel) * from basket_rule where valid_from <= $1
order by programme_code, channel, valid_from desc
"""
_NUMBERS: Final = (
    "select distinct on (code) * from ewarong_threshold where valid_from <= $1 order by code, valid_from desc"
)


@catalogue.command("list")
def list_catalogue(
    on: Annotated[str | None, typer.Option(help="The day, YYYY-MM-DD; today.", show_default=False)] = None,
) -> None:
    """List the baskets and the numbers that are in force on a day, with their sources."""
    day = day_given(on, "--on")
    with running(get_settings()) as server:
        run(_list(server, day))


@catalogue.command("load")
def load_file(
    file: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, readable=True, help="TOML file of additions (docs/catalogue.md)."),
    ],
) -> None:
    """Add what a file says. What was judged by stays, so a changed number begins on a later day. Run again, it changes nothing."""
    try:
        read = read_catalogue(file.read_text(encoding="utf-8"), file.name)
    except UnicodeDecodeError:
        raise Refusal(f"{file.name} is not text in UTF-8: save it so.") from None
    except CatalogueFileInvalid as error:
        raise Refusal(said(error)) from error
    with running(get_settings()) as server:
        run(_load(server, read, file.name))


async def _list(server: DatabaseServer, day: date) -> None:
    await require_ready(server)
    async with open_loader(server) as loader:
        rules, numbers = await loader.fetch(_RULES, day), await loader.fetch(_NUMBERS, day)
    for row in rules:
        if row["valid_to"] is None or day <= row["valid_to"]:
            holds = ", ".join(row["groups"]) if row["open"] else "cash, no basket"
            plain(f"{row['programme_code']} {row['channel']}  from {row['valid_from']}: {holds}  [{row['source']}]")
    for row in numbers:
        plain(f"{row['code']}  {row['value']:f} {row['unit']}  from {row['valid_from']}  [{row['source']}]")


async def _load(server: DatabaseServer, read: CatalogueFile, name: str) -> None:
    await require_ready(server)
    async with open_loader(server) as loader:
        try:
            loaded = await load_catalogue(loader, read)
        except (CatalogueDataDiffers, CatalogueProgrammeUnknown) as error:
            raise Refusal(said(error)) from error
    counted = (loaded.commodities, loaded.rules, loaded.thresholds)
    plain(
        f"{name}: {counted[0]} commodities and groups, {counted[1]} rules, {counted[2]} numbers are new or changed."
        if any(counted)
        else f"{name}: nothing new."
    )
