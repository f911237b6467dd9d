"""Synthetic families."""

from datetime import date
from typing import Annotated

import typer

from app.cli.console import Refusal, day_given, step, today
from app.domain.registry.sealing import Seal
from app.domain.registry.seed.loading import SeedProgress, SeedResult, seed_registry
from app.settings import Settings
from app.tenants.region_path import RegionPath
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader

AsOf = Annotated[
    str | None,
    typer.Option(
        help="The day from which families and ages are reckoned, YYYY-MM-DD; today.",
        show_default=False,
    ),
]


def day_of_families(as_of: str | None) -> date:
    """The day of ``--as-of``; today in Jakarta where nothing was given.

    Raises:
        Refusal: it is no day, or one that is still to come.
    """
    day = day_given(as_of, "--as-of")
    if day > today():
        raise Refusal(f"{day} is still to come, and with it whoever is born until then: write --as-of {today()}.")
    return day


async def seed_families(
    settings: Settings, server: DatabaseServer, *, region: RegionPath, families: int, seed: int, day: date
) -> SeedResult:
    """Seed ``region`` as of ``day`` and show how fast it goes; the errors are those of ``seed_registry``."""
    with step("Synthetic families", families) as work:

        def show(progress: SeedProgress) -> None:
            rate = progress.persons / max(progress.seconds, 1e-9)
            work.at(progress.families, f"{progress.families:,} families, {rate:,.0f} persons/s")

        async with open_loader(server) as loader:
            result = await seed_registry(
                loader,
                region=region,
                families=families,
                seed=seed,
                seal=Seal.of_settings(settings),
                today=day,
                on_progress=show,
            )
        rate = result.persons / result.seconds
        work.done(f"{result.families:,} with {result.persons:,} persons in {region.code}, {rate:,.0f} persons/s")
    await _settle(server)
    return result


async def _settle(server: DatabaseServer) -> None:
    """Give the planner its statistics, and index-only scans their visibility map, before anybody reads."""
    connection = await server.admin.connect()
    try:
        with step("Statistics", keep=False):
            await connection.execute("vacuum (analyze)")
    finally:
        await connection.close()
