"""Files of synthetic families, for whoever wants to see a format or to try an import."""

from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from app.cli.console import Refusal, step
from app.cli.database import require_ready, run, running
from app.cli.seeding import AsOf, day_of_families
from app.domain.regions.rules import parse_region
from app.domain.registry.seed.loading import MOST_FAMILIES, villages_of
from app.domain.registry.seed.places import Village
from app.domain.registry.seed.sampling import SampleProgress, write_sample
from app.settings import get_settings
from app.tenants.region_path import RegionPath
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader

samples = typer.Typer(help="Make files of synthetic families.", no_args_is_help=True)


@samples.callback()
def _samples() -> None:
    """Keep the name of the format in the command, though there is one."""


@samples.command("kesos-csv")
def sample_kesos_csv(
    region: Annotated[str, typer.Option(help="Where the families live: 33, 33.02, 33.02.01 or 33.02.01.2001.")],
    families: Annotated[int, typer.Option(min=1, max=MOST_FAMILIES, help="How many families to make.")],
    out: Annotated[Path, typer.Option(help="The zip to write; a file of that name is replaced.")],
    number: Annotated[int, typer.Option("--seed", help="The same number and day make the same families.")] = 1,
    as_of: AsOf = None,
) -> None:
    """Write synthetic families as a zip in Kesos CSV, with made-up NIK in clear (province 99)."""
    path, day = parse_region(region), day_of_families(as_of)
    with running(get_settings()) as server:
        villages = run(_villages(server, path))
    started = perf_counter()
    with step("Synthetic families", families) as work:

        def show(progress: SampleProgress) -> None:
            rate = progress.persons / max(perf_counter() - started, 1e-9)
            work.at(progress.families, f"{progress.families:,} families, {rate:,.0f} persons/s")

        try:
            done = write_sample(
                out, region=path, villages=villages, families=families, seed=number, today=day, on_progress=show
            )
        except OSError as error:
            raise Refusal(f"{out} cannot be written ({error.strerror}): name a file in a folder of yours.") from error
        work.done(f"{done.families:,} with {done.persons:,} persons in {out}")


async def _villages(server: DatabaseServer, region: RegionPath) -> list[Village]:
    await require_ready(server)
    async with open_loader(server) as loader:
        return await villages_of(loader, region)
