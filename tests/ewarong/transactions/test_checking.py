"""``kesos check`` finds what does not agree: each kind of fault is put there once, and taken away again."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from app.domain.ewarong.transactions.checking import CHECKS, Fault, check_transactions
from app.domain.ewarong.transactions.service import Reported
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader
from tests.ewarong.transactions.selling import VILLAGE, plant_kpm, redemption, sell
from tests.ewarong.transactions.test_reversing import office, reverse
from tests.support.outlets import plant_agent
from tests.support.triggers import past_triggers
from tests.support.world import BANYUMAS


@pytest_asyncio.fixture
async def sold(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> AsyncIterator[tuple[Reported, Reported]]:
    """Two transactions, the second of which was taken back."""
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    stands = await sell(market_database, outlet, redemption(outlet, kpm))
    taken = await sell(market_database, outlet, redemption(outlet, kpm))
    await reverse(market_database, office(), taken)
    yield stands, taken


_OF_ENTRY = "from ewarong_transaction t where l.account = 'AGENT' and l.entry_id = t.entry_id and t.id = $1"
_OF_DAY = "where agent_id = (select agent_id from ewarong_transaction where id = $1)"


@pytest.mark.parametrize(
    ("damage", "repair", "faults"),
    [
        (
            "update ewarong_transaction set amount = amount + 1 where id = $1",
            "update ewarong_transaction set amount = amount - 1 where id = $1",
            {Fault.TRANSACTION_WITHOUT_ENTRY, Fault.LINES_DIFFER, Fault.DAY_DIFFERS},
        ),
        (
            f"update journal_line l set holder_id = $1 {_OF_ENTRY}",  # noqa: S608  (a test's own words)
            f"update journal_line l set holder_id = t.agent_id {_OF_ENTRY}",  # noqa: S608  (a test's own words)
            {Fault.TRANSACTION_WITHOUT_ENTRY},
        ),
        (
            "update ewarong_transaction set entry_id = id where id = $1",
            "update ewarong_transaction set entry_id = (select id from journal_entry where source_id = $1) where id = $1",
            {Fault.TRANSACTION_WITHOUT_ENTRY, Fault.AGENT_WITHOUT_TRANSACTION},
        ),
        (
            "update ewarong_line set amount = amount + 5 where transaction_id = $1",
            "update ewarong_line set amount = amount - 5 where transaction_id = $1",
            {Fault.LINES_DIFFER},
        ),
        (
            f"update ewarong_day set transactions = transactions + 1 {_OF_DAY}",  # noqa: S608  (a test's own words)
            f"update ewarong_day set transactions = transactions - 1 {_OF_DAY}",  # noqa: S608  (a test's own words)
            {Fault.DAY_DIFFERS},
        ),
    ],
)
async def test_a_fault_is_found_by_its_name(  # noqa: PLR0917  (what is done and undone, and where)
    damage: str,
    repair: str,
    faults: set[Fault],
    sold: tuple[Reported, Reported],
    market: DatabaseServer,
    market_owner: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    stands, _ = sold
    told: list[int] = []
    async with open_loader(market) as loader:
        assert await check_transactions(loader, told.append) == []
        assert told == list(range(1, CHECKS + 1))
        async with past_triggers(market_owner):
            await market_owner.execute(damage, stands.id)
        assert {each.fault for each in await check_transactions(loader)} == faults
        async with past_triggers(market_owner):
            await market_owner.execute(repair, stands.id)
        assert await check_transactions(loader) == []


async def test_a_reversal_has_the_opposite_entry(
    sold: tuple[Reported, Reported], market: DatabaseServer, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    _, taken = sold
    async with open_loader(market) as loader:
        await market_owner.execute("update ewarong_reversal set entry_id = id where transaction_id = $1", taken.id)
        assert {each.fault for each in await check_transactions(loader)} == {
            Fault.REVERSAL_WITHOUT_ENTRY,
            Fault.AGENT_WITHOUT_TRANSACTION,
        }
        await market_owner.execute(
            "update ewarong_reversal r set entry_id = e.id from journal_entry e join ewarong_transaction t "
            "on e.source_id = t.entry_id where e.kind = 'REVERSAL' and t.id = r.transaction_id and t.id = $1",
            taken.id,
        )
        assert await check_transactions(loader) == []


async def test_no_statement_inserts_a_redemption_without_its_entry(
    sold: tuple[Reported, Reported], market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """What the triggers refuse, whoever asks: not even the owner has another way."""
    stands, taken = sold
    copy = (
        "insert into ewarong_transaction select (t).* from (select jsonb_populate_record(t, "
        "jsonb_build_object('id', gen_random_uuid(), 'idempotency_key', gen_random_uuid(), 'receipt', gen_random_uuid())) as t "
        "from ewarong_transaction t where id = $1) x"
    )
    with pytest.raises(asyncpg.PostgresError) as other:
        await market_owner.execute(copy, stands.id)
    assert other.value.sqlstate == "KL001"
    again = (
        "insert into ewarong_reversal select (r).* from (select jsonb_populate_record(r, "
        "jsonb_build_object('id', gen_random_uuid(), 'idempotency_key', gen_random_uuid(), 'transaction_id', $2::text)) as r "
        "from ewarong_reversal r where transaction_id = $1) x"
    )
    with pytest.raises(asyncpg.PostgresError) as opposite:
        await market_owner.execute(again, taken.id, str(stands.id))
    assert opposite.value.sqlstate == "KL001"
