"""Totals of a province on their way to the ministry by logical replication: ``python -m bench.replication``.

Two databases of one server of its own stand for the two: the first holds two regencies of two provinces, of which one is published. Nobody
sees a family at the ministry: rows of totals are all that leaves.
"""

import asyncio
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
import uvloop
from rich.console import Console
from rich.table import Table

from app.domain.regions.service import load_region_tree
from app.domain.registry.sealing import Seal
from app.domain.registry.seed.loading import seed_registry
from app.domain.registry.service import load_editions
from app.settings import Settings
from app.tenants.migrate import migrate
from app.tenants.region_path import RegionPath
from app.tenants.server import DatabaseServer, database_server, prepare
from app.tenants.session import open_loader
from bench.stage import SEED

if TYPE_CHECKING:
    import asyncpg

PUBLISHED: Final = RegionPath.parse("33")
DISTRICTS: Final = (RegionPath.parse("33.02.01"), RegionPath.parse("34.04.01"))
TOTALS: Final = ("registry_summary", "registry_cohort", "ledger_total")
_console = Console(width=120)
_PATIENCE_SECONDS: Final = 60.0
_HOME: Final = "regency_id between 3300 and 3399"
_COUNTED: Final = {
    "families at home": f"select sum(families) from registry_summary where {_HOME} and depth = 2",  # noqa: S608  (our own words)
    "families elsewhere": f"select sum(families) from registry_summary where not ({_HOME}) and depth = 2",  # noqa: S608  (our own words)
    "cohorts at home": f"select count(*) from registry_cohort where {_HOME}",  # noqa: S608  (our own words)
    "rows of families": "select count(*) from family",
}
_CHANGE: Final = """
update family set status = 'MOVED' where regency_id = 3302 and id in (select id from family where regency_id = 3302 limit 50)"""


def publication(province: RegionPath) -> str:
    """The statement that offers the totals of ``province`` to whoever may replicate."""
    low, high = province.id * 100, province.id * 100 + 99
    tables = ", ".join(f"{table} where (regency_id between {low} and {high})" for table in TOTALS)
    return f"create publication kesos_totals_{province.id} for table {tables}"


async def _counted(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, int]:
    return {name: int(await connection.fetchval(query) or 0) for name, query in _COUNTED.items()}


async def _until(
    ministry: "asyncpg.Connection[asyncpg.Record]", wanted: Mapping[str, int]
) -> tuple[dict[str, int], float]:
    """What the ministry counts when it is as ``wanted``, or when patience is at its end; and the seconds that it took."""
    began = time.perf_counter()
    while True:
        counted = await _counted(ministry)
        if counted == wanted or time.perf_counter() - began > _PATIENCE_SECONDS:
            return counted, time.perf_counter() - began
        await asyncio.sleep(0.02)


async def _fill(settings: Settings, office: DatabaseServer, ministry: DatabaseServer, families: int) -> None:
    for server in (office, ministry):
        await prepare(server)
        await migrate(server)
    async with open_loader(office) as loader:
        await load_region_tree(loader)
        await load_editions(loader)
        for district in DISTRICTS:
            today = datetime.now(tz=UTC).date()
            seal = Seal.of_settings(settings)
            await seed_registry(loader, region=district, families=families, seed=SEED, seal=seal, today=today)


async def _replicated(settings: Settings, office: DatabaseServer, families: int) -> bool:
    ministry = replace(office, admin=replace(office.admin, database="kesos_ministry"))
    await _fill(settings, office, ministry, families)
    there, here = await office.admin.connect(), await ministry.admin.connect()
    table = Table("", *_COUNTED, "seconds", title=f"Totals of {PUBLISHED.code}, replicated")
    right = True
    try:
        await there.execute(publication(PUBLISHED))
        # Of the same server: a subscription that makes its own slot would wait for the transaction that makes it.
        await there.execute("select pg_create_logical_replication_slot('kesos_totals', 'pgoutput')")
        address = (
            f"host={office.admin.host} port={office.admin.port} user={office.admin.user} dbname={office.admin.database}"
        )
        # Tables of tenants have row-level security, past which their owner cannot replicate, and whoever subscribes can.
        await here.execute(
            f"create subscription kesos_totals connection '{address}' publication kesos_totals_{PUBLISHED.id} "
            "with (create_slot = false, slot_name = 'kesos_totals', run_as_owner = true)"
        )
        for moment in ("the first copy", "50 families moved away"):
            if moment != "the first copy":
                await there.execute(_CHANGE)
            counted = await _counted(there)
            table.add_row(f"province, {moment}", *map(str, counted.values()), "")
            wanted = {**counted, "families elsewhere": 0, "rows of families": 0}
            counted, seconds = await _until(here, wanted)
            table.add_row("ministry", *map(str, counted.values()), f"{seconds:.2f}", end_section=True)
            right = right and counted == wanted
        await here.execute("alter subscription kesos_totals disable")
        await here.execute("alter subscription kesos_totals set (slot_name = none)")
        await here.execute("drop subscription kesos_totals")
    finally:
        await there.close()
        await here.close()
    _console.print(publication(PUBLISHED), soft_wrap=True)
    _console.print(table)
    return right


async def _decode_changes(server: DatabaseServer) -> None:
    owner = await server.admin.connect()
    try:
        await owner.execute("alter system set wal_level = logical")
    finally:
        await owner.close()


def main(
    families: Annotated[int, typer.Option(min=50, help="Families in one district of each of two provinces.")] = 2_000,
) -> None:
    """Publish the totals of one province, subscribe to them in another database, and fail unless they and nothing else arrive."""
    uvloop.install()
    with tempfile.TemporaryDirectory(prefix="kesos-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        settings = Settings(data_dir=Path(folder) / "data")
        with database_server(settings) as server:
            asyncio.run(_prepared(server))
        # The level of the log is read when PostgreSQL starts.
        with database_server(settings) as server:
            right = asyncio.run(_replicated(settings, server, families))
    if not right:
        raise typer.Exit(1)


async def _prepared(server: DatabaseServer) -> None:
    await prepare(server)
    await _decode_changes(server)


if __name__ == "__main__":
    typer.run(main)
