"""A redemption is reported: what is written, what is refused, and that a refusal writes nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from app.domain.base import DomainError
from app.domain.ewarong.models.agents import SERVING, AgentState
from app.domain.ewarong.transactions.errors import (
    BalanceTooLow,
    CommodityProhibited,
    OutsidePeriod,
    TotalMismatch,
    TransactionInvalid,
)
from app.domain.ewarong.transactions.items import Line
from app.domain.ewarong.transactions.service import Reported, report_transaction
from app.tenants.server import DatabaseServer
from app.tenants.session import Database
from tests.ewarong.transactions.selling import (
    EGGS,
    MATRIX,
    OTHER_VILLAGE,
    PRICE,
    REPORT,
    RICE,
    VILLAGE,
    event_of,
    faults,
    plant_kpm,
    redemption,
    rows_of,
    sell,
    unbound,
)
from tests.support.outlets import Kpm, balance_of, plant_agent, plant_wallet, set_state
from tests.support.world import BANYUMAS, CILACAP

if TYPE_CHECKING:
    import asyncpg

NOBODY = Kpm(BANYUMAS.id, 3302012001, UUID(int=1), UUID(int=2), UUID(int=3), "nobody", "0000", UUID(int=4), "SEMBAKO")


async def refused(database: Database, outlet: Any, given: Any, **others: Any) -> DomainError:
    with pytest.raises(DomainError) as told:
        await sell(database, outlet, given, **others)
    return told.value


async def counted(owner: "asyncpg.Connection[asyncpg.Record]") -> dict[str, int]:
    tables = ("ewarong_transaction", "ewarong_line", "journal_entry", "journal_line", "audit_event", "ewarong_day")
    return {
        table: await owner.fetchval(f"select count(*) from {table}")  # noqa: S608  (a test's own words)
        for table in tables
    }


async def test_what_is_reported_is_there_with_lines_entry_totals_and_event(
    market: DatabaseServer, market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    done = await sell(market_database, outlet, redemption(outlet, kpm, total=PRICE, latitude=-7.4, longitude=109.2))
    assert (done.repeated, done.amount, done.balance) == (False, PRICE, 200_000 - PRICE)
    assert len(done.receipt) == 10
    assert await balance_of(market_owner, kpm) == 200_000 - PRICE
    (row,) = await rows_of(market_owner, "ewarong_transaction", done.id)
    assert (row["regency_id"], row["village_id"], row["agent_id"]) == (BANYUMAS.id, outlet.village_id, outlet.id)
    assert (row["family_id"], row["family_regency_id"], row["wallet_id"]) == (kpm.family_id, BANYUMAS.id, kpm.wallet_id)
    assert (row["card_id"], row["last_four"], row["programme_code"]) == (kpm.card_id, kpm.last_four, "SEMBAKO")
    assert row["unbalanced"] is True
    lines = await market_owner.fetch("select * from ewarong_line where transaction_id = $1 order by number", done.id)
    assert [(each["commodity_code"], each["quantity"], each["unit_price"], each["amount"]) for each in lines] == [
        ("RICE", Decimal("2.5"), 12_000, 30_000),
        ("EGGS", Decimal(1), 28_000, 28_000),
    ]
    (entry,) = await rows_of(market_owner, "journal_entry", row["entry_id"])
    assert (entry["kind"], entry["source_id"], entry["source_key"]) == (
        "REDEMPTION",
        done.id,
        f"REDEMPTION:{done.id}",
    )
    sides = await rows_of(market_owner, "journal_line", row["entry_id"], "entry_id")
    assert {(each["account"], each["holder_id"], each["amount"]) for each in sides} == {
        ("WALLET", kpm.wallet_id, -PRICE),
        ("AGENT", outlet.id, PRICE),
    }
    (event,) = await market_owner.fetch("select * from audit_event where subject_ids = array[$1::uuid]", done.id)
    assert (event["village_low"], event["village_high"], event["action"]) == (
        outlet.village_id,
        outlet.village_id,
        "CHANGE",
    )
    (day,) = await rows_of(market_owner, "ewarong_day", outlet.id, "agent_id")
    assert (day["transactions"], day["amount"], day["day"]) == (1, PRICE, row["day"])
    queued = await market_owner.fetchval(
        "select count(*) from seal_queue where record_id = any($1)", [event["id"], row["entry_id"]]
    )
    assert queued == 2
    assert await faults(market) == []


async def test_a_basket_of_all_groups_is_balanced_and_equal_baskets_have_equal_digests(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    tofu = Line("TOFU", Decimal("1.000"), 5_000)
    first = await sell(market_database, outlet, redemption(outlet, kpm, lines=[RICE, EGGS, tofu]))
    other = await sell(
        market_database,
        outlet,
        redemption(outlet, kpm, lines=[replace(tofu, quantity=Decimal(1)), replace(EGGS, unit_price=27_000), RICE]),
    )
    (one,) = await rows_of(market_owner, "ewarong_transaction", first.id)
    (two,) = await rows_of(market_owner, "ewarong_transaction", other.id)
    assert (one["unbalanced"], two["unbalanced"]) == (False, False)
    assert one["basket"] == two["basket"]


async def test_money_is_rounded_half_up_line_by_line(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    lines = [Line("RICE", Decimal("0.5"), 12_001), Line("EGGS", Decimal("0.5"), 12_001)]
    done = await sell(market_database, outlet, redemption(outlet, kpm, lines=lines, total=12_002))
    assert done.amount == 12_002


@pytest.mark.parametrize("state", list(AgentState))
async def test_an_outlet_sells_in_the_states_in_which_it_serves(
    state: AgentState, market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE, state=state), await plant_kpm(market_owner, CILACAP.id)
    if state in SERVING:
        assert (await sell(market_database, outlet, redemption(outlet, kpm))).balance == 200_000 - PRICE
        return
    assert (await refused(market_database, outlet, redemption(outlet, kpm))).code == "AGENT_SUSPENDED"
    await set_state(market_owner, outlet, AgentState.ACTIVE)
    assert not (await sell(market_database, outlet, redemption(outlet, kpm))).repeated


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("PRINTED", "CARD_UNKNOWN"),
        ("DISTRIBUTED", "CARD_UNKNOWN"),
        ("LOST", "CARD_BLOCKED"),
        ("DAMAGED", "CARD_BLOCKED"),
        ("SWAPPED", "CARD_BLOCKED"),
        ("BLOCKED", "CARD_BLOCKED"),
        ("WITHDRAWN", "CARD_BLOCKED"),
    ],
)
async def test_a_card_is_taken_while_it_is_active(
    state: str, code: str, market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, CILACAP.id, state=state)
    assert (await refused(market_database, outlet, redemption(outlet, kpm))).code == code
    await market_owner.execute("update kks_card set state = 'ACTIVE' where id = $1", kpm.card_id)
    assert not (await sell(market_database, outlet, redemption(outlet, kpm))).repeated


async def test_a_token_that_nobody_has_is_refused_as_one_that_is_not_active(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    assert (await refused(market_database, outlet, redemption(outlet, kpm, token="nobody"))).code == "CARD_UNKNOWN"


async def test_a_token_of_two_active_cards_is_nobodys(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet = await plant_agent(market_owner, VILLAGE)
    one, two = await plant_kpm(market_owner, BANYUMAS.id), await plant_kpm(market_owner, CILACAP.id)
    await market_owner.execute("update kks_card set token = $2 where id = $1", two.card_id, one.token)
    assert (await refused(market_database, outlet, redemption(outlet, one))).code == "CARD_AMBIGUOUS"
    for ended, other in ((one, two), (two, one)):
        await market_owner.execute("update kks_card set state = 'WITHDRAWN' where id = $1", ended.card_id)
        await sell(market_database, outlet, redemption(outlet, one))
        assert (await balance_of(market_owner, ended), await balance_of(market_owner, other)) == (
            200_000 if ended is one else 200_000 - PRICE,
            200_000 - PRICE,
        )
        await market_owner.execute("update kks_card set state = 'ACTIVE' where id = $1", ended.card_id)


async def test_a_refusal_writes_nothing(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    before = await counted(market_owner)
    dear = Line("RICE", Decimal(10), 20_001)
    low = await refused(market_database, outlet, redemption(outlet, kpm, lines=[dear]))
    assert isinstance(low, BalanceTooLow)
    assert low.balance == 200_000
    sugar = await refused(market_database, outlet, redemption(outlet, kpm, lines=[RICE, Line("SUGAR", Decimal(1), 1)]))
    assert isinstance(sugar, CommodityProhibited)
    assert sugar.commodity == "SUGAR"
    wrong = await refused(market_database, outlet, redemption(outlet, kpm, total=PRICE + 1))
    assert isinstance(wrong, TotalMismatch)
    assert wrong.total == PRICE
    unknown = await refused(market_database, outlet, redemption(outlet, kpm, lines=[Line("GOLD", Decimal(1), 1)]))
    assert unknown.code == "COMMODITY_UNKNOWN"
    assert await counted(market_owner) == before
    all_of_it = Line("RICE", Decimal(10), 20_000)
    assert (await sell(market_database, outlet, redemption(outlet, kpm, lines=[all_of_it]))).balance == 0


async def test_the_moment_is_neither_ahead_nor_long_ago_nor_before_there_was_money(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    now = datetime.now(UTC)
    ahead = redemption(outlet, kpm, happened_at=now + timedelta(hours=3))
    assert (await refused(market_database, outlet, ahead)).code == "OUTSIDE_PERIOD"
    # The device's clock is three hours ahead, and said so when it synced.
    corrected = replace(ahead, clock_skew=3 * 3600)
    assert not (await sell(market_database, outlet, corrected)).repeated
    yesterday = redemption(outlet, kpm, happened_at=now - timedelta(days=2))
    assert (await refused(market_database, outlet, yesterday)).code == "OUTSIDE_PERIOD"
    await market_owner.execute(
        "update wallet set created_at = now() - interval '400 days' where id = $1", kpm.wallet_id
    )
    assert not (await sell(market_database, outlet, yesterday)).repeated
    long_ago = redemption(outlet, kpm, happened_at=now - timedelta(days=40))
    assert (await refused(market_database, outlet, long_ago)).code == "OUTSIDE_PERIOD"


# At any hour the day of one of the two is not the outlet's.
@pytest.mark.parametrize("zone", ["UTC-14", "UTC+12"])
async def test_a_limit_counts_from_its_day_where_the_outlet_is(
    zone: str, market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    await market_owner.execute("update wallet set created_at = now() - interval '90 days' where id = $1", kpm.wallet_id)
    access = outlet.access(MATRIX)

    async def sold(days: int) -> Reported:
        given = redemption(outlet, kpm, lines=[EGGS], happened_at=datetime.now(UTC) - timedelta(days=days))
        async with market_database.write(access.scope(REPORT)) as session:
            await session.execute(sa.text(f"set local time zone '{zone}'"))
            return await report_transaction(session, given, event_of(access))

    await sold(5)
    limit = (
        "insert into ewarong_threshold (code, valid_from, value, unit, source) "
        "select 'REPORT_DAYS', (now() at time zone 'Asia/Jakarta')::date + $1::int, $2::int, 'days', 'uji'"
    )
    try:
        await market_owner.execute(limit, 0, 2)
        await market_owner.execute(limit, 1, 60)
        await sold(1)
        with pytest.raises(OutsidePeriod):
            await sold(5)
    finally:
        await market_owner.execute("delete from ewarong_threshold where source = 'uji'")


async def test_a_programme_is_named_where_the_family_has_several_that_are_spent_at_outlets(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    await plant_wallet(market_owner, kpm.regency_id, kpm.village_id, kpm.family_id, programme="PKH", balance=1_000_000)
    assert not (await sell(market_database, outlet, redemption(outlet, kpm))).repeated, "PKH is not spent at outlets"
    assert (
        await refused(market_database, outlet, redemption(outlet, kpm, programme="PKH"))
    ).code == "PROGRAMME_NOT_REDEEMABLE"
    rule = (
        "insert into basket_rule select 'PKH', channel, valid_from, valid_to, open, groups, prohibited, balanced, legal_basis_id, "
        "source from basket_rule where programme_code = 'SEMBAKO' and valid_from = '2022-01-01'"
    )
    await market_owner.execute(rule)
    try:
        assert (await refused(market_database, outlet, redemption(outlet, kpm))).code == "WALLET_AMBIGUOUS"
        named = await sell(market_database, outlet, redemption(outlet, kpm, programme="PKH"))
        assert named.balance == 1_000_000 - PRICE
    finally:
        await market_owner.execute("delete from basket_rule where programme_code = 'PKH'")


async def test_a_family_buys_in_another_regency_and_its_own_journal_has_the_entry(
    market: DatabaseServer, market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, CILACAP.id)
    done = await sell(market_database, outlet, redemption(outlet, kpm))
    (row,) = await rows_of(market_owner, "ewarong_transaction", done.id)
    assert (row["regency_id"], row["family_regency_id"]) == (BANYUMAS.id, CILACAP.id)
    (entry,) = await rows_of(market_owner, "journal_entry", row["entry_id"])
    assert (entry["regency_id"], entry["village_low"], entry["village_high"]) == (
        CILACAP.id,
        kpm.village_id,
        kpm.village_id,
    )
    assert await faults(market) == []


async def test_another_outlet_is_as_unknown_as_none(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    mine, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    neighbour, far = await plant_agent(market_owner, VILLAGE), await plant_agent(market_owner, OTHER_VILLAGE)
    for outlet in (neighbour, far, replace(mine, id=uuid4())):
        told = await refused(market_database, mine, redemption(outlet, kpm))
        assert (told.code, told.english) == ("AGENT_UNKNOWN", "There is no such e-Warong.")
    free = unbound(VILLAGE)
    assert not (await sell(market_database, neighbour, redemption(neighbour, kpm), access=free)).repeated
    assert (await refused(market_database, far, redemption(far, kpm), access=free)).code == "AGENT_UNKNOWN"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [RICE] * 51}, "lines"),
        ({"lines": [replace(RICE, quantity=Decimal(0))]}, "lines"),
        ({"lines": [replace(RICE, quantity=Decimal("0.0001"))]}, "lines"),
        ({"lines": [replace(RICE, quantity=Decimal("NaN"))]}, "lines"),
        ({"lines": [replace(RICE, quantity=Decimal("1e400"))]}, "lines"),
        ({"lines": [replace(RICE, unit_price=0)]}, "lines"),
        ({"lines": [Line("RICE", Decimal("0.001"), 499)]}, "lines"),
        ({"token": ""}, "token"),
        ({"token": "a\0b"}, "token"),
        ({"programme": "é"}, "programme"),
        ({"latitude": 1.0}, "longitude"),
        ({"latitude": 60.0, "longitude": 100.0}, "latitude"),
        ({"device_sequence": 1}, "device_sequence"),
        ({"device_id": uuid4(), "device_sequence": -1}, "device_sequence"),
        ({"happened_at": datetime(1999, 1, 1, tzinfo=UTC)}, "happened_at"),
    ],
)
async def test_what_cannot_be_is_refused_by_name(
    changes: dict[str, Any],
    field: str,
    market_database: Database,
    market_owner: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    outlet = await plant_agent(market_owner, VILLAGE)
    with pytest.raises(TransactionInvalid) as told:
        await sell(market_database, outlet, replace(redemption(outlet, NOBODY), **changes))
    assert told.value.fields == (field,)
