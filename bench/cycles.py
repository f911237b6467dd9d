"""How fast the lists of a province are generated: ``python -m bench.cycles``, with the proof that they add up and repeat to the row."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Annotated, Final, NamedTuple
from uuid import UUID

import asyncpg
import typer
import uvloop
from rich.console import Console
from rich.progress import Progress
from uuid_utils.compat import uuid7

from app.authz.authorize import OPERATOR_ID, Access, authorize, operator_access
from app.authz.enforcer import load_role_matrix
from app.authz.permissions import Permission
from app.domain.bansos.cycles.generation import Maker, generate
from app.domain.bansos.cycles.service import Actor, make
from app.domain.bansos.programmes.loading import load_programmes
from app.domain.regions.service import load_region_tree
from app.domain.registry.sealing import Seal
from app.domain.registry.seed.loading import SeedProgress, seed_registry
from app.domain.registry.service import load_editions
from app.settings import Settings
from app.tenants.migrate import migrate
from app.tenants.region_path import RegionPath, Span
from app.tenants.server import DatabaseServer, prepare
from app.tenants.session import Database, open_loader
from bench.cpu import Meter
from bench.parts import Measured
from bench.phases import Laps, Stopwatch, grid_of_phases
from bench.report import Circumstances
from bench.results import Grid, Plan
from bench.stage import PROVINCE, SEED, empty

FAMILIES: Final = 100_000
PROGRAMME: Final = "SEMBAKO"
_PERMISSION: Final = Permission.BANSOS_CYCLE_MAKE
_OPERATOR: Final = Actor(OPERATOR_ID, "bench")
_OUTCOMES: Final = """
select o.outcome, o.reason, sum(o.families)::int as families, sum(o.amount)::bigint as amount
from cycle_outcome o join aid_cycle c on c.regency_id = o.regency_id and c.id = o.cycle_id
where c.programme_code = $1 group by 1, 2 order by 1, 3 desc
"""
# Sums of 64-bit hashes: the order of rows does not matter, and a row that is there twice or not at all does.
_DIGEST: Final = " union all ".join(
    f"select '{table}' as name, count(*)::text || ' rows ' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text as digest "  # noqa: S608  (our own words)
    f"from {table} t"
    for table in ("entitlement", "aid_exclusion", "cycle_outcome")
)


@dataclass
class BenchWork:
    """A job of the bench; it notes how many families were done when."""

    server: DatabaseServer
    database: Database
    subject_id: UUID
    villages: Span
    job_id: UUID = field(default_factory=uuid7)

    def loader(self) -> "AbstractAsyncContextManager[asyncpg.Connection[asyncpg.Record]]":
        """A connection of kesos_loader."""
        return open_loader(self.server)

    async def progress(self, _done: int, _total: int | None = None, *, stage: str | None = None) -> None:
        """Nothing is told on the way."""


async def _fill(server: DatabaseServer, settings: Settings, region: RegionPath, families: int) -> None:
    await prepare(server)
    await migrate(server)
    async with open_loader(server) as loader:
        await load_region_tree(loader)
        await load_editions(loader)
        await load_programmes(loader)
        with Progress(transient=True) as progress:
            task = progress.add_task(f"seeding {families:,} families", total=families)

            def advance(done: SeedProgress) -> None:
                progress.update(task, completed=done.families)

            await seed_registry(
                loader,
                region=region,
                families=families,
                seed=SEED,
                seal=Seal.of_settings(settings),
                today=datetime.now(tz=UTC).date(),
                on_progress=advance,
            )
    admin = await server.admin.connect()
    try:
        await admin.execute("vacuum analyze")
        await admin.execute("checkpoint")
    finally:
        await admin.close()


class _Lists(NamedTuple):
    """Which lists are made, and as who."""

    access: Access
    programme: str
    region: RegionPath


async def _timed(
    server: DatabaseServer, database: Database, lists: _Lists, note: Callable[[str], None]
) -> dict[str, str]:
    """Make and generate ``lists``, and ``note`` when each is done; the digest of all rows afterwards."""
    access, programme, region = lists
    scope = authorize(access, _PERMISSION)
    period = date(datetime.now(tz=UTC).year, 1, 1)
    async with database.write(scope) as session:
        made = await make(
            session, _OPERATOR, programme=programme, period=period, region=region, idempotency_key=uuid7()
        )
    note("make")
    maker = Maker(OPERATOR_ID, access.roles(_PERMISSION), _PERMISSION.value)
    await generate(BenchWork(server, database, made.id, made.villages), scope, maker)
    note("generate")
    async with open_loader(server) as loader:
        digest = {row["name"]: row["digest"] for row in await loader.fetch(_DIGEST)}
    note("digest of all rows")
    return digest


class Unlike(RuntimeError):
    """The lists do not add up, or are others when they are generated again: no figure of theirs means anything."""


async def measure(
    settings: Settings, server: DatabaseServer, families: int, region: RegionPath, programme: str
) -> list[Grid]:
    """Generate the cycles of ``region`` twice: what each phase took, and whom the lists hold.

    Raises:
        Unlike: they do not add up, or differ.
    """
    await _fill(server, settings, region, families)
    lists = _Lists(operator_access(RegionPath.country(), load_role_matrix()), programme, region)
    database = Database(server.app, read_pool_size=1, write_pool_size=4)
    await database.open()
    try:
        laps = Laps(Stopwatch(settings))
        first = await _timed(server, database, lists, lambda what: laps.note(f"first: {what}"))
        again = await _timed(server, database, lists, lambda what: laps.note(f"again: {what}"))
    finally:
        await database.close()
    async with open_loader(server) as loader:
        rows = await loader.fetch(_OUTCOMES, programme)
    if first != again:
        raise Unlike(f"generated again, {first} became {again}")
    if (told := sum(row["families"] for row in rows)) != families:
        raise Unlike(f"{told:,} of {families:,} families are in or out by a reason")
    title = f"{programme} in {region.code} of {families:,} families, twice, the same to the row"
    outcomes = Grid(
        ("outcome", "reason", "families", "rupiah"),
        [(row["outcome"], row["reason"], f"{row['families']:,}", f"{row['amount']:,}") for row in rows],
        "Every family is in or out by a reason",
    )
    return [grid_of_phases(laps.phases, title=title, things=families, thing="family"), outcomes]


def run(_plan: Plan, command: str) -> Measured:
    """A part of ``make bench``."""
    with empty() as (settings, server):
        circumstances = Circumstances(command, [Meter(settings)])
        grids = asyncio.run(measure(settings, server, FAMILIES, PROVINCE, PROGRAMME))
        return Measured(grids, circumstances.told())


def main(
    families: Annotated[int, typer.Option(help="Synthetic families in the region.")] = FAMILIES,
    region: Annotated[str, typer.Option(help="Code of a province or a regency.")] = PROVINCE.code,
    programme: Annotated[str, typer.Option(help="A programme that Kesos knows.")] = PROGRAMME,
) -> None:
    """Generate the cycles of a region twice in a database of its own, and print what each phase took. Fails where they differ."""
    uvloop.install()
    console = Console(width=120)
    with empty() as (settings, server):
        for grid in asyncio.run(measure(settings, server, families, RegionPath.parse(region), programme)):
            console.print(grid.table())


if __name__ == "__main__":
    typer.run(main)
