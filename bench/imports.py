"""How fast a file comes in, from upload to applied: ``python -m bench.imports``, phase by phase, with the memory it takes.

Beside the time of each phase stands the CPU time of this process and of PostgreSQL: on a machine with other work to do, only that can be
compared from run to run.
"""

import asyncio
import os
import resource
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

import asyncpg
import typer
import uvloop
from rich.console import Console
from uuid_utils.compat import uuid7

from app.cli.intake import Operator
from app.domain.regions.models import RegionKind
from app.domain.regions.service import load_region_tree
from app.domain.registry.imports.applying import apply_import
from app.domain.registry.imports.checking import check_import
from app.domain.registry.imports.models import COUNTS, ImportFormat, ImportMode
from app.domain.registry.imports.queries import Import, locked_import
from app.domain.registry.imports.service import Asked, request_apply
from app.domain.registry.sealing import Seal
from app.domain.registry.seed.places import Village
from app.domain.registry.seed.sampling import write_sample
from app.domain.registry.service import load_editions
from app.domain.vault import Vault
from app.settings import Settings
from app.tenants.migrate import migrate
from app.tenants.region_path import RegionPath, Span
from app.tenants.server import DatabaseServer, prepare
from app.tenants.session import Database, open_loader
from bench.cpu import Meter
from bench.parts import Measured
from bench.phases import Phase, Spent, Stopwatch, grid_of_phases, whole
from bench.report import Circumstances
from bench.results import Grid, Plan
from bench.stage import PROVINCE, SEED, empty

PERSONS_OF_FAMILY: Final = 3.4
PERSONS: Final = 100_000
PERSONS_IF_FULL: Final = 1_000_000
_VILLAGES: Final = """
select v.id, v.kind::text, r.name from region v join region r on r.id = v.id / 1000000
where v.level = 'VILLAGE' and v.id between $1 and $2 and v.valid_to is null order by v.id"""


@dataclass
class TimedWork:
    """A job that notes when each of its stages began."""

    server: DatabaseServer
    database: Database
    subject_id: UUID
    villages: Span
    stopwatch: Stopwatch
    job_id: UUID = field(default_factory=uuid7)
    began: list[tuple[str, Spent]] = field(default_factory=list)

    def loader(self) -> "AbstractAsyncContextManager[asyncpg.Connection[asyncpg.Record]]":
        """A connection of kesos_loader."""
        return open_loader(self.server)

    async def progress(self, _done: int, _total: int | None = None, *, stage: str | None = None) -> None:
        """Note the time."""
        if stage is not None and (not self.began or self.began[-1][0] != stage):
            self.began.append((stage, self.stopwatch()))

    def phases(self) -> list[Phase]:
        """The stages with what each took; call it when the work is done."""
        ends = [began for _, began in self.began[1:]] + [self.stopwatch()]
        return [(stage, end.since(began)) for (stage, began), end in zip(self.began, ends, strict=True)]


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def _sample(server: DatabaseServer, out: Path, families: int) -> int:
    async with open_loader(server) as loader:
        rows = await loader.fetch(_VILLAGES, PROVINCE.villages.low, PROVINCE.villages.high)
    villages = [Village(row["id"], RegionKind[row["kind"]], row["name"]) for row in rows]
    today = datetime.now(tz=UTC).date()
    return write_sample(out, region=PROVINCE, villages=villages, families=families, seed=SEED, today=today).persons


async def _prepare(server: DatabaseServer) -> None:
    await prepare(server)
    await migrate(server)
    async with open_loader(server) as loader:
        await load_region_tree(loader)
        await load_editions(loader)
    # PostgreSQL does this by itself a minute after regions were loaded, which would be while the file is read.
    admin = await server.admin.connect()
    try:
        await admin.execute("vacuum analyze")
    finally:
        await admin.close()


async def _import(
    settings: Settings, server: DatabaseServer, file: Path, region: RegionPath, mode: ImportMode
) -> AsyncIterator[Phase]:
    """Import ``file``, and yield each phase with what it took."""
    stopwatch = Stopwatch(settings)
    async with Operator.at(server) as operator:
        began = stopwatch()
        asked = Asked(
            idempotency_key=uuid7(),
            upload_id=uuid7(),
            region=region,
            format=ImportFormat.KESOS_CSV,
            mode=mode,
            edition="",
        )
        found = await operator.start(settings, file, asked, None)
        yield "UPLOAD", stopwatch().since(began)
        check = TimedWork(server, operator.database, found.id, found.villages, stopwatch)
        await check_import(
            check,
            operator.scope,
            vault=Vault.of_settings(settings),
            seal=Seal.of_settings(settings),
            today=datetime.now(tz=UTC).date(),
            test_provinces=settings.nik_provinces_for_tests,
        )
        for phase in check.phases():
            yield phase
        began = stopwatch()
        await _apply(operator, found, stopwatch)
        yield "APPLY", stopwatch().since(began)


async def _apply(operator: Operator, found: Import, stopwatch: Stopwatch) -> None:
    async with operator.database.write(operator.scope) as session:
        checked = await locked_import(session, *found.key)
        if checked is None:
            raise LookupError("the import is gone")
        await request_apply(
            session, operator.actor, found.key, version=checked.version, accept_valid=True, queued=False
        )
    permission = "registry:import:run"
    await apply_import(
        TimedWork(operator.server, operator.database, found.id, found.villages, stopwatch),
        operator.scope,
        principal_id=operator.actor.id,
        roles=(),
        permission=permission,
    )


async def measure(settings: Settings, server: DatabaseServer, persons: int, mode: ImportMode) -> Grid:
    """Import a file of about so many ``persons`` into an empty registry: its phases, and the memory that this process came to."""
    await _prepare(server)
    file = settings.data_dir / "sample.zip"
    made = await _sample(server, file, round(persons / PERSONS_OF_FAMILY))
    before = _peak_mb()
    phases = [phase async for phase in _import(settings, server, file, PROVINCE, mode)]
    taken = whole(phases)
    title = (
        f"{made:,} persons, {file.stat().st_size / 1e6:,.0f} MB zipped: {made / taken.wall:,.0f} persons a second; memory grew "
        f"from {before:,.0f} to {_peak_mb():,.0f} MB at most"
    )
    return grid_of_phases([*phases, ("all", taken)], title=title, things=made, thing="person")


async def _counts(server: DatabaseServer) -> dict[str, int]:
    async with open_loader(server) as loader:
        row = await loader.fetchrow("select * from registry_import order by created_at desc limit 1")
    return {name: row[name] for name in COUNTS}


def run(_plan: Plan, command: str) -> Measured:
    """A part of ``make bench``, in a process of its own, whose memory nothing else has used."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_measured, command).result()


def _measured(command: str) -> Measured:
    uvloop.install()
    persons = PERSONS_IF_FULL if os.environ.get("SCALE") == "full" else PERSONS
    with empty() as (settings, server):
        circumstances = Circumstances(command, [Meter(settings)])
        grid = asyncio.run(measure(settings, server, persons, ImportMode.ADDITION))
        return Measured([grid], circumstances.told())


def main(
    persons: Annotated[int, typer.Option(help="About so many persons are in the file.")] = PERSONS,
    edition: Annotated[bool, typer.Option(help="Take the file for the whole edition, not for an addition.")] = False,
) -> None:
    """Import a synthetic file of Jawa Tengah into an empty registry, and print what each phase took."""
    uvloop.install()
    console = Console(width=160)
    with empty() as (settings, server):
        grid = asyncio.run(measure(settings, server, persons, ImportMode.EDITION if edition else ImportMode.ADDITION))
        console.print(grid.table())
        console.print(asyncio.run(_counts(server)))


if __name__ == "__main__":
    typer.run(main)
