"""Wallets, journal entries and returns for the differential tests, and as the reference executor resolves them."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from app.authz.permissions import Permission
from tests.differential import cycle_fields, job_fields, region_fields
from tests.differential.audit_fields import region_code
from tests.differential.cycle_fields import MAKER, bounds, node_parts, tagged, uuid_of, value_of
from tests.differential.payment_fields import other_id
from tests.differential.rows import Arguments, Reader, Resolver, Row, insert, page_of

if TYPE_CHECKING:
    import asyncpg

_NEWEST: Final[dict[str, tuple[type, ...]]] = {"NEWEST": (datetime, UUID)}
KEYS: Final[dict[str, dict[str, tuple[type, ...]]]] = {
    "Query.journalEntries": _NEWEST,
    "Wallet.entries": _NEWEST,
    "Query.wallets": {"VILLAGE": (int, UUID)},
    "Query.idleReturns": {"NEWEST": (UUID,)},
}
COLUMNS: Final = {"IdleReturn.startedBy": "made_by_name", "IdleReturn.startedAt": "made_at"}
_READ: Final = Permission.BANSOS_LEDGER_READ
_BEGIN: Final = datetime(2031, 3, 1, 0, 0, 0, 5_000, tzinfo=UTC)
_WALLETS: Final = """
insert into wallet (regency_id, id, village_id, family_id, programme_code, moved_at)
select regency_id, md5(concat(programme, id))::uuid, village_id, id, programme, $1 from family, (values ('SEMBAKO'), ('PKH')) p(programme)
where regency_id in (3402, 3471) and (programme = 'PKH' or right(id::text, 1) < '8')
"""
# Every entry comes with its lines in one statement; some share their moment.
_FILLED: Final = """
with e as (
  insert into journal_entry (regency_id, id, village_low, village_high, happened_at, kind, programme_code, cycle_id, family_id, source_id,
    source_key, principal_id, reason)
  select w.regency_id, md5(concat($2::text, w.id))::uuid, w.village_id, w.village_id,
    $4::timestamptz + (ascii(right(w.id::text, 1)) / 4) * interval '1 minute', $2::text, w.programme_code, c.id, w.family_id, w.id,
    concat($2::text, ' "uji" \\ ', w.id), $1, case $2::text when 'REVERSAL' then 'Keliru "sekali"' end
  from wallet w left join aid_cycle c on c.regency_id = w.regency_id and c.made_by = $1 and c.state = 'CLOSED' and w.programme_code = 'PKH'
  where w.moved_at = $5 and right(w.id::text, 1) < $6
  returning *
)
insert into journal_line (regency_id, entry_id, number, village_low, village_high, account, holder_id, programme_code, amount)
select e.regency_id, e.id, n, village_low, village_high, case n when 1 then 'CLEARING' else 'WALLET' end, case n when 2 then source_id end,
  programme_code, case n when 1 then -$3::bigint else $3::bigint end
from e, (values (1), (2)) v(n)
"""
_RELEASED: Final = """
with e as (
  insert into journal_entry (regency_id, id, village_low, village_high, happened_at, kind, programme_code, cycle_id, source_id, source_key,
    principal_id)
  select regency_id, md5(concat('RELEASE', id))::uuid, village_low, village_high, $2, 'RELEASE', programme_code, cycle_id, id,
    concat('RELEASE ', id), $1
  from (select o.*, c.programme_code from payment_order o join aid_cycle c on c.regency_id = o.regency_id and c.id = o.cycle_id
    where o.made_by = $1) o
  returning *
)
insert into journal_line (regency_id, entry_id, number, village_low, village_high, account, programme_code, amount)
select e.regency_id, e.id, n, village_low, village_high, case n when 1 then 'TREASURY' else 'CLEARING' end, programme_code,
  case n when 1 then -9000000000 else 9000000000 end
from e, (values (1), (2)) v(n)
"""
_PLACES: Final = ((3471, 3471, 3471), (347103, 3471, 3471), (3402, 3402, 3402), (34, 3400, 3499), (3302, 3302, 3302))
_CLEARED: Final = (
    "delete from seal_queue where stream = 'ledger' and record_id in (select id from journal_entry where principal_id = $1)",
    "delete from journal_line where entry_id in (select id from journal_entry where principal_id = $1)",
    "delete from journal_entry where principal_id = $1",
    "delete from idle_return where made_by = $1",
)


async def start(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Wallets of every family, some of them empty, what has moved them, releases of orders, and returns of idle balances."""
    await owner.execute(_WALLETS, _BEGIN)
    for kind, amount, below in (("TOP_UP", 2**33, "c"), ("REVERSAL", -7, "6")):
        await owner.execute(_FILLED, MAKER, kind, amount, _BEGIN, _BEGIN, below)
        await owner.execute("update wallet set moved_at = $1 where regency_id in (3402, 3471)", _BEGIN)
    await owner.execute(_RELEASED, MAKER, _BEGIN + timedelta(days=1))
    for number, (region, low, high) in enumerate(_PLACES * 2):
        jobs = job_fields.some_of(low)
        await insert(
            owner,
            "idle_return",
            {
                "regency_id": low,
                "id": uuid_of(900 + number),
                "village_low": 3471030000 if region == 347103 else low * 1_000_000,
                "village_high": 3471039999 if region == 347103 else high * 1_000_000 + 999_999,
                "region_id": region,
                "programme_code": ("SEMBAKO", "PKH")[number % 2],
                "untouched_since": _BEGIN - timedelta(days=number),
                "idempotency_key": uuid_of(number),
                "job_id": jobs[number % len(jobs)] if jobs else None,
                "made_by": MAKER,
                "made_by_name": 'Sri "Ayu" \\ é',
                "made_at": _BEGIN,
                "wallets": number,
                "amount": 2**41 + number,
                "finished_at": _BEGIN if number % 2 else None,
            },
        )


async def clear(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Take them away, and the totals that they came to."""
    for statement in _CLEARED:
        await owner.execute(statement, MAKER)
    await owner.execute("delete from wallet where regency_id in (3402, 3471)")
    await owner.execute("delete from ledger_total where regency_id in (3402, 3471)")


async def _entries(reader: Reader) -> list[Row]:
    rows = await reader.rows("select * from journal_entry order by happened_at desc, id desc")
    return [tagged("JournalEntry", row) for row in rows if reader.covers(_READ, row)]


async def entry_by_id(reader: Reader, regency: int, id_: UUID) -> Row | None:
    """The entry, if the principal may see all that it is about."""
    return next((row for row in await _entries(reader) if (row["regency_id"], row["id"]) == (regency, id_)), None)


async def _wallets(reader: Reader, order: str = "village_id, id") -> list[Row]:
    rows = await reader.rows(f"select * from wallet order by {order}")  # noqa: S608  (our own words)
    return [tagged("Wallet", row) for row in reader.seen(_READ, rows)]


async def wallet_by_id(reader: Reader, regency: int, id_: UUID) -> Row | None:
    """The wallet, if the principal may see its village."""
    return next((row for row in await _wallets(reader) if (row["regency_id"], row["id"]) == (regency, id_)), None)


async def _returns(reader: Reader) -> list[Row]:
    rows = await reader.rows("select * from idle_return order by id desc")
    return [tagged("IdleReturn", row) for row in rows if reader.covers(_READ, row)]


async def return_by_id(reader: Reader, regency: int, id_: UUID) -> Row | None:
    """The return, if the principal may see all that it is about."""
    return next((row for row in await _returns(reader) if (row["regency_id"], row["id"]) == (regency, id_)), None)


async def _moving(reader: Reader, regency: int, wallet_id: UUID) -> set[UUID]:
    lines = await reader.rows(
        "select entry_id from journal_line where regency_id = $1 and holder_id = $2 and account = 'WALLET'",
        *(regency, wallet_id),
    )
    return {line["entry_id"] for line in lines}


async def _listed_entries(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    low, high = bounds(arguments)
    found = [
        row
        for row in await _entries(reader)
        if low <= row["village_low"] <= row["village_high"] <= high
        and arguments.get("programme") in {None, row["programme_code"]}
        and arguments.get("kind") in {None, row["kind"]}
    ]
    for name in ("cycle", "family"):
        if (given := arguments.get(name)) is not None:
            found = [row for row in found if (row["regency_id"], row[f"{name}_id"]) == node_parts(given)]
    if (given := arguments.get("wallet")) is not None:
        regency, wallet_id = node_parts(given)
        moving = await _moving(reader, regency, wallet_id)
        found = [row for row in found if row["regency_id"] == regency and row["id"] in moving]
    return page_of(found, arguments, "NEWEST", _NEWEST["NEWEST"], ("happened_at", "id"))


async def _entries_of_wallet(reader: Reader, wallet: Row, arguments: Arguments) -> Row:
    moving = await _moving(reader, wallet["regency_id"], wallet["id"])
    found = [row for row in await _entries(reader) if row["id"] in moving]
    return page_of(found, arguments, "NEWEST", _NEWEST["NEWEST"], ("happened_at", "id"))


async def _listed_wallets(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    low, high = bounds(arguments)
    found = [
        row
        for row in await _wallets(reader)
        if low <= row["village_id"] <= high
        and arguments.get("programme") in {None, row["programme_code"]}
        and (not arguments["holding"] or row["balance"] > 0)
    ]
    return page_of(found, arguments, "VILLAGE", (int, UUID), ("village_id", "id"))


async def _listed_returns(reader: Reader, _root: Row, arguments: Arguments) -> Row:
    low, high = bounds(arguments)
    found = [
        row
        for row in await _returns(reader)
        if low <= row["village_low"] <= row["village_high"] <= high
        and arguments.get("programme") in {None, row["programme_code"]}
    ]
    return page_of(found, arguments, "NEWEST", (UUID,), ("id",))


async def _of_family(reader: Reader, family: Row, _arguments: Arguments) -> list[Row]:
    return [row for row in await _wallets(reader, "programme_code") if row["family_id"] == family["id"]]


def _lines(reader: Reader, entry: Row, _arguments: Arguments) -> Any:
    return reader.rows(
        "select * from journal_line where regency_id = $1 and entry_id = $2 order by number",
        *(entry["regency_id"], entry["id"]),
    )


def _wallet_of_line(reader: Reader, line: Row, arguments: Arguments) -> Any:
    return other_id("Wallet", "holder_id")(reader, line, arguments) if line["account"] == "WALLET" else None


FIELDS: Final[dict[str, Resolver]] = {
    "Query.journalEntry": lambda reader, _root, arguments: entry_by_id(reader, *node_parts(arguments["id"])),
    "Query.journalEntries": _listed_entries,
    "Query.wallets": _listed_wallets,
    "Query.idleReturns": _listed_returns,
    "Family.wallets": _of_family,
    **{f"{name}.id": value_of("node_id") for name in ("JournalEntry", "Wallet", "IdleReturn")},
    **{f"{name}.programme": cycle_fields.programme for name in ("JournalEntry", "Wallet", "IdleReturn")},
    "JournalEntry.regionCode": region_code,
    "JournalEntry.cycle": cycle_fields.cycle,
    "JournalEntry.familyId": other_id("Family", "family_id"),
    "JournalEntry.lines": _lines,
    # None of these entries is sealed; proofs are looked at in tests/bansos.
    "JournalEntry.inclusionProof": lambda _reader, _entry, _arguments: None,
    "JournalLine.walletId": _wallet_of_line,
    "Wallet.family": cycle_fields.family,
    "Wallet.village": lambda reader, row, _arguments: region_fields.by_id(reader, row["village_id"]),
    "Wallet.entries": _entries_of_wallet,
    "IdleReturn.region": lambda reader, row, _arguments: region_fields.by_id(reader, row["region_id"]),
    "IdleReturn.job": job_fields.of_row,
}
