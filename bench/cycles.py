"""How fast the lists of a province are generated: ``python -m bench.cycles``, with the proof that they add up and repeat to the row."""

import asyncio
import tempfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from time import perf_counter
from typing import Annotated, Final
from uuid import UUID

import asyncpg
import typer
import uvloop
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from uuid_utils.compat import uuid7

from app.authz.authorize import OPERATOR_ID, authorize, operator_access
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
from app.tenants.server import DatabaseServer, database_server, prepare
from app.tenants.session import Database, open_loader
from bench.stage import SEED

_PERMISSION: Final = Permission.BANSOS_CYCLE_MAKE
_OPERATOR: Final = Actor(OPERATOR_ID, "bench")
_console = Console(width=120)
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
        with Progress(console=_console, transient=True) as progress:
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


async def _timed(
    server: DatabaseServer, database: Database, programme: str, region: RegionPath, note: Callable[[str, float], None]
) -> dict[str, str]:
    """Make and generate the cycles of ``region``; the digest of all rows afterwards."""
    access = operator_access(RegionPath.country(), load_role_matrix())
    scope = authorize(access, _PERMISSION)
    period = date(datetime.now(tz=UTC).year, 1, 1)
    began = perf_counter()
    async with database.write(scope) as session:
        made = await make(
            session, _OPERATOR, programme=programme, period=period, region=region, idempotency_key=uuid7()
        )
    note("make", perf_counter() - began)
    began = perf_counter()
    maker = Maker(OPERATOR_ID, access.roles(_PERMISSION), _PERMISSION.value)
    await generate(BenchWork(server, database, made.id, made.villages), scope, maker)
    note("generate", perf_counter() - began)
    began = perf_counter()
    async with open_loader(server) as loader:
        digest = {row["name"]: row["digest"] for row in await loader.fetch(_DIGEST)}
    note("digest of all rows", perf_counter() - began)
    return digest


async def _measure(
    settings: Settings, server: DatabaseServer, families: int, region: RegionPath, programme: str
) -> bool:
    await _fill(server, settings, region, families)
    table = Table("", "seconds", title=f"{programme} in {region.code}, {families:,} families")

    def note(what: str, seconds: float) -> None:
        table.add_row(what, f"{seconds:,.2f}")

    database = Database(server.app, read_pool_size=1, write_pool_size=4)
    await database.open()
    try:
        first = await _timed(server, database, programme, region, note)
        again = await _timed(server, database, programme, region, note)
    finally:
        await database.close()
    async with open_loader(server) as loader:
        rows = await loader.fetch(_OUTCOMES, programme)
    _console.print(table)
    outcomes = Table("outcome", "reason", "families", "rupiah")
    for row in rows:
        outcomes.add_row(row["outcome"], row["reason"], f"{row['families']:,}", f"{row['amount']:,}")
    _console.print(outcomes)
    told = sum(row["families"] for row in rows)
    _console.print(f"in and out by reason: {told:,} of {families:,} families")
    _console.print(f"generated again: {'the same to the row' if again == first else f'{first} became {again}'}")
    return told == families and again == first


def main(
    families: Annotated[int, typer.Option(help="Synthetic families in the region.")] = 100_000,
    region: Annotated[str, typer.Option(help="Code of a province or a regency.")] = "33",
    programme: Annotated[str, typer.Option(help="A programme that Kesos knows.")] = "SEMBAKO",
) -> None:
    """Generate the cycles of a region twice in a database of its own, and print what each phase took. Fails where they differ."""
    uvloop.install()
    with tempfile.TemporaryDirectory(prefix="kesos-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        settings = Settings(data_dir=Path(folder) / "data")
        with database_server(settings) as server:
            right = asyncio.run(_measure(settings, server, families, RegionPath.parse(region), programme))
    if not right:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
