"""What it costs to keep a million: ``python -m bench.footprint``, bytes on disk, bytes of WAL and CPU of imports, lists and redemptions.

Everything is done as in the field, by the functions that answer requests and work on jobs, in a database of its own that is thrown away.
What is printed is what was measured, multiplied up to a million; the rows beside each figure say how many were measured.
"""

import asyncio
import functools
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple
from uuid import UUID

import orjson
import typer
import uvloop
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from uuid_utils.compat import uuid7

from app.authz.authorize import Access, authorize
from app.authz.permissions import Permission
from app.cli.intake import Operator
from app.domain.audit.models import Action
from app.domain.audit.service import Event
from app.domain.bansos.cycles.generation import Maker, generate
from app.domain.bansos.cycles.service import Actor, make
from app.domain.bansos.programmes.loading import load_programmes
from app.domain.base import DomainError
from app.domain.ewarong.transactions.items import Line, Redemption, item_of
from app.domain.ewarong.transactions.service import told
from app.domain.ewarong.transactions.syncing import MOST_ITEMS, Device, sync_transactions
from app.domain.regions.models import RegionKind
from app.domain.regions.service import load_region_tree
from app.domain.registry.imports.models import ImportFormat, ImportMode
from app.domain.registry.imports.service import Asked
from app.domain.registry.seed.places import Village
from app.domain.registry.seed.sampling import write_sample
from app.domain.registry.service import load_editions
from app.settings import Settings
from app.tenants.migrate import migrate
from app.tenants.server import DatabaseServer, database_server, prepare
from app.tenants.session import SCOPE_CALL, Database, open_loader
from bench.cpu import Meter
from bench.cycles import BenchWork
from bench.market import LINES, TOTAL, Stall, planted
from bench.reads import accesses
from bench.stage import PROVINCE, SEED

if TYPE_CHECKING:
    import asyncpg

MILLION: Final = 1_000_000
STALLS: Final = 16
SYNCED_FOR_EACH: Final = 4
"""Redemptions in syncs for each that is reported by itself."""
PROGRAMME: Final = "SEMBAKO"
FAMILIES_OF_VILLAGE: Final = 300
"""Totals are kept for each village: a few families in each of many would make them look larger than they are in the field."""
_console = Console(width=140)
_GIGABYTE: Final = 10**9
_SHOWN: Final = 14
_CYCLE: Final = Permission.BANSOS_CYCLE_MAKE
_REPORT: Final = Permission.EWARONG_TRANSACTION_REPORT
# Free space maps and the like are counted with the rows.
_SIZES: Final = """
select c.relname::text as name, pg_table_size(c.oid) - coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0) as rows,
  pg_indexes_size(c.oid) as indexes, coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0) as toast
from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
"""
# Lists take in nobody whom the civil registry has not matched, and a file never says that it has.
_MATCH: Final = "update person set identity_status = 'MATCHED' where identity_status = 'NIK_ISSUED'"
_WAL: Final = "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"
_VILLAGES: Final = """
select v.id, v.kind::text, r.name from region v join region r on r.id = v.id / 1000000
where v.level = 'VILLAGE' and v.id between $1 and $2 and v.valid_to is null order by v.id"""
_ONCE: Final = f"""
with scope as materialized (select {SCOPE_CALL} as length)
select reported.outcome from scope
cross join lateral ewarong_transaction_report(case when scope.length > 0 then $8::text::jsonb end, $9::text::jsonb) reported
"""  # noqa: S608  (our own words)
_LINES: Final = tuple(
    Line(str(line["commodity"]), Decimal(str(line["quantity"])), int(str(line["unitPrice"]))) for line in LINES
)


class Bytes(NamedTuple):
    """Of rows, of their indexes, and of values that were moved out of rows for their length."""

    rows: int
    indexes: int
    toast: int

    def since(self, earlier: "Bytes") -> "Bytes":
        """What was added after ``earlier``."""
        return Bytes(*(now - then for now, then in zip(self, earlier, strict=True)))


class Moment(NamedTuple):
    """What there is, and what was spent so far: bytes of WAL, seconds of CPU of PostgreSQL and of this process."""

    tables: Mapping[str, Bytes]
    wal: int
    database: float
    own: float


@dataclass(frozen=True, slots=True)
class Work:
    """A piece of work between two moments."""

    title: str
    tables: Mapping[str, Bytes]
    wal: int
    database: float
    own: float

    @property
    def whole(self) -> Bytes:
        """All tables together."""
        return Bytes(*(sum(sizes) for sizes in zip(*self.tables.values(), strict=True)))

    def figures(self, of: int) -> list[str]:
        """Of a million, where ``of`` were done: gigabytes of rows, indexes, TOAST, all, WAL; minutes of CPU of PostgreSQL, Python."""
        sizes = [*self.whole, sum(self.whole), self.wal]
        return [f"{size / of * MILLION / _GIGABYTE:,.2f}" for size in sizes] + [
            f"{seconds / of * MILLION / 60:,.1f}" for seconds in (self.database, self.own)
        ]


class Ledger:
    """Notes what each piece of work has cost."""

    def __init__(self, settings: Settings, owner: "asyncpg.Connection[asyncpg.Record]") -> None:
        """Of the embedded PostgreSQL of ``settings``, asked through ``owner``."""
        self._meter, self._owner = Meter(settings), owner
        self._last: Moment | None = None

    async def begin(self) -> None:
        """From here on everything counts to the next piece of work."""
        self._last = await self._moment()

    async def end(self, title: str) -> Work:
        """What was done since ``begin``.

        Raises:
            RuntimeError: nothing was begun.
        """
        began, ended = self._last, await self._moment()
        if began is None:
            raise RuntimeError("nothing was begun")
        tables = {name: sizes.since(began.tables[name]) for name, sizes in ended.tables.items()}
        return Work(title, tables, ended.wal - began.wal, ended.database - began.database, ended.own - began.own)

    async def _moment(self) -> Moment:
        rows = await self._owner.fetch(_SIZES)
        tables = {row["name"]: Bytes(row["rows"], row["indexes"], row["toast"]) for row in rows}
        wal: int = await self._owner.fetchval(_WAL)
        return Moment(tables, wal, self._meter.database(), self._meter.own())


async def _prepare(server: DatabaseServer) -> list[Village]:
    await prepare(server)
    await migrate(server)
    async with open_loader(server) as loader:
        await load_region_tree(loader)
        await load_editions(loader)
        await load_programmes(loader)
        rows = await loader.fetch(_VILLAGES, PROVINCE.villages.low, PROVINCE.villages.high)
    return [Village(row["id"], RegionKind[row["kind"]], row["name"]) for row in rows]


async def _import(settings: Settings, server: DatabaseServer, file: Path) -> None:
    asked = Asked(
        idempotency_key=uuid7(),
        upload_id=uuid7(),
        region=PROVINCE,
        format=ImportFormat.KESOS_CSV,
        mode=ImportMode.ADDITION,
        edition="",
    )
    async with Operator.at(server) as operator:
        found = await operator.start(settings, file, asked, None)
        await operator.check(settings, found)
        await operator.apply(found, accept_valid=True)


async def _generate(server: DatabaseServer) -> None:
    async with Operator.at(server) as operator:
        scope = authorize(operator.access, _CYCLE)
        person = operator.access.principal
        async with operator.database.write(scope) as session:
            made = await make(
                session,
                Actor(person.id, person.name),
                programme=PROGRAMME,
                period=date(datetime.now(tz=UTC).year, 1, 1),
                region=PROVINCE,
                idempotency_key=uuid7(),
            )
        work = BenchWork(server, operator.database, made.id, made.villages)
        await generate(work, scope, Maker(person.id, operator.access.roles(_CYCLE), _CYCLE.value))


class _Device:
    """The device of an outlet, which reports what it sells at once, or all that it has sold while it was offline."""

    def __init__(self, stall: Stall, access: Access) -> None:
        self._stall, self._access = stall, access
        self._id, self._sequence = uuid.uuid4(), 0

    def _event(self, operation: str) -> Event:
        return Event(
            action=Action.CHANGE,
            principal_id=self._access.principal.id,
            roles=self._access.roles(_REPORT),
            permission=_REPORT.value,
            operation=operation,
            document_hash=bytes(32),
            subject_type="EwarongTransaction",
            subject_ids=(),
            row_count=1,
            purpose=None,
            request_id="bench",
            village_low=self._stall.village_id,
            village_high=self._stall.village_id,
        )

    def _sold(self) -> Redemption:
        self._sequence += 1
        return Redemption(
            regency_id=self._stall.regency_id,
            agent_id=self._stall.id,
            token=self._stall.cards[self._sequence % len(self._stall.cards)],
            lines=_LINES,
            total=TOTAL,
            happened_at=datetime.now(tz=UTC),
            idempotency_key=UUID(int=uuid7().int),
            device_id=self._id,
            device_sequence=self._sequence,
        )

    async def report(self, database: Database) -> None:
        """Sell one basket and report it at once, in one round trip as the API does.

        Raises:
            RuntimeError: it was refused, so the figures would mean nothing.
        """
        item = orjson.dumps(item_of(self._sold())).decode()
        event = told(self._event("ewarongTransactionReport"))
        outcome = await database.write_once(authorize(self._access, _REPORT), _ONCE, (item, event))
        if outcome["outcome"] != "REPORTED":
            raise RuntimeError(f"a redemption was refused: {outcome['outcome']}")

    async def sync(self, database: Database, items: int) -> None:
        """Sell and report ``items`` baskets.

        Raises:
            RuntimeError: one was refused, so the figures would mean nothing.
        """
        now = datetime.now(tz=UTC)
        device = Device(self._id, self._stall.regency_id, self._stall.id, now)
        async with database.write(authorize(self._access, _REPORT)) as session:
            synced = await sync_transactions(
                session, device, [self._sold() for _ in range(items)], self._event("ewarongTransactionsSync"), now=now
            )
        refused = [each.result.english for each in synced if isinstance(each.result, DomainError)]
        if refused:
            raise RuntimeError(f"{len(refused)} redemptions were refused: {refused[0]}")


async def _sell(
    database: Database, devices: Sequence[_Device], transactions: int, size: int, shown: Callable[[int], None]
) -> None:
    """Sell ``transactions`` baskets, ``size`` at a time, or each by itself where that is 1; the devices take turns."""
    for at in range(0, transactions, size):
        device = devices[at // size % len(devices)]
        if size == 1:
            await device.report(database)
        else:
            await device.sync(database, min(size, transactions - at))
        shown(size)


async def _measured(
    settings: Settings, server: DatabaseServer, families: int, transactions: int
) -> AsyncIterator[tuple[Work, Mapping[str, int]]]:
    """Each piece of work with what was done in it, by its name."""
    villages = await _prepare(server)
    file = settings.data_dir / "sample.zip"
    today = datetime.now(tz=UTC).date()
    count = min(len(villages), -(-families // FAMILIES_OF_VILLAGE))
    villages = villages[:: len(villages) // count][:count]
    made = write_sample(file, region=PROVINCE, villages=villages, families=families, seed=SEED, today=today)
    owner = await server.admin.connect()
    try:
        ledger = Ledger(settings, owner)
        await owner.execute("vacuum analyze")
        await ledger.begin()
        await _import(settings, server, file)
        yield await ledger.end("import"), {"persons": made.persons, "families": families}
        await owner.execute(_MATCH)
        await owner.execute("vacuum analyze")
        await ledger.begin()
        await _generate(server)
        yield await ledger.end("list of aid"), {"families": families}
        stalls = await planted(settings, server, stalls=STALLS)
        tokens = [stall.token for stall in stalls]
        devices = [
            _Device(stall, access)
            for stall, access in zip(stalls, await accesses(settings, server, tokens), strict=True)
        ]
        database = Database(server.app, read_pool_size=1, write_pool_size=1)
        await database.open()
        try:
            for title, size, count in (
                ("redemption in a sync", MOST_ITEMS, transactions),
                ("redemption by itself", 1, max(1, transactions // SYNCED_FOR_EACH)),
            ):
                with Progress(console=_console, transient=True) as progress:
                    task = progress.add_task(f"{title}: {count:,}", total=count)
                    await ledger.begin()
                    await _sell(database, devices, count, size, functools.partial(progress.advance, task))
                yield await ledger.end(title), {"transactions": count}
        finally:
            await database.close()
    finally:
        await owner.close()


def _cost_table() -> Table:
    table = Table("", "measured", title="What a million costs: gigabytes (10^9 bytes), and minutes of one core")
    for name in ("rows", "indexes", "TOAST", "all of it", "WAL", "CPU of PostgreSQL", "CPU of Python"):
        table.add_column(name, justify="right")
    return table


def _size_table(work: Work, of: int, what: str) -> Table:
    table = Table("table", title=f"{work.title}: bytes for each of {of:,} {what}, by table")
    for name in ("rows", "indexes", "TOAST"):
        table.add_column(name, justify="right")
    largest = sorted(work.tables, key=lambda name: -sum(work.tables[name]))[:_SHOWN]
    for name in largest:
        if sum(work.tables[name]) >= of:
            table.add_row(name, *(f"{size / of:,.0f}" for size in work.tables[name]))
    return table


async def _measure(settings: Settings, server: DatabaseServer, families: int, transactions: int) -> None:
    costs, sizes = _cost_table(), []
    async for work, done in _measured(settings, server, families, transactions):
        for what, of in done.items():
            costs.add_row(f"{work.title}, a million {what}", f"{of:,}", *work.figures(of))
        what, of = next(iter(done.items()))
        sizes.append(_size_table(work, of, what))
    for table in (costs, *sizes):
        _console.print(table)


def main(
    families: Annotated[int, typer.Option(min=100, help="Synthetic families of Jawa Tengah in the file.")] = 50_000,
    transactions: Annotated[
        int, typer.Option(min=1, help="Redemptions of three goods each in syncs; a quarter as many by themselves.")
    ] = 20_000,
) -> None:
    """Import a file, generate a list of SEMBAKO and sell baskets, and print what a million of each takes: bytes, WAL and CPU.

    It takes some minutes, and a few hundred megabytes of the folder for temporary files.
    """
    uvloop.install()
    with tempfile.TemporaryDirectory(prefix="kesos-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        settings = Settings(data_dir=Path(folder) / "data")
        with database_server(settings) as server:
            asyncio.run(_measure(settings, server, families, transactions))


if __name__ == "__main__":
    typer.run(main)
