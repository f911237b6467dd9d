"""A transaction is taken back by its opposite, once, with a reason: by its outlet soon after, by the office at any time."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from app.authz.authorize import Access
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.domain.base import DomainError
from app.domain.ewarong.actors import Actor
from app.domain.ewarong.transactions.errors import KeyConflict, TransactionReversed
from app.domain.ewarong.transactions.reversing import Reversed, reverse_transaction
from app.domain.ewarong.transactions.service import Reported
from app.tenants.server import DatabaseServer
from app.tenants.session import Database
from tests.authz.people import access_of, grant
from tests.ewarong.transactions.selling import MATRIX, PRICE, VILLAGE, faults, plant_kpm, redemption, rows_of, sell
from tests.support.outlets import balance_of, plant_agent
from tests.support.world import BANYUMAS, CILACAP

if TYPE_CHECKING:
    import asyncpg

REVERSE = Permission.EWARONG_TRANSACTION_REVERSE
WHO = Actor(UUID("01a40000-0000-7000-8000-000000000001"), "Petugas Uji")


def office(code: str = BANYUMAS.code) -> Access:
    return access_of(MATRIX, grant(Role.REGENCY_VERIFIER, code))


async def reverse(
    database: Database, access: Access, of: Reported, *, reason: str = "Salah kartu", key: UUID | None = None
) -> Reversed:
    scope = access.scope(REVERSE)
    async with database.write(scope) as session:
        return await reverse_transaction(
            session, scope, (of.regency_id, of.id), reason=reason, idempotency_key=key or uuid4(), actor=WHO
        )


async def refusal(database: Database, access: Access, of: Reported, *, reason: str = "Salah kartu") -> str:
    with pytest.raises(DomainError) as told:
        await reverse(database, access, of, reason=reason)
    return told.value.code


async def test_what_is_taken_back_is_with_the_family_again(
    market: DatabaseServer, market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    sold = await sell(market_database, outlet, redemption(outlet, kpm))
    before = await rows_of(market_owner, "ewarong_transaction", sold.id)
    done = await reverse(market_database, outlet.access(MATRIX), sold, reason="  Salah kartu  ")
    assert (done.transaction, done.village_id, done.repeated) == ((BANYUMAS.id, sold.id), outlet.village_id, False)
    assert await balance_of(market_owner, kpm) == 200_000
    assert await rows_of(market_owner, "ewarong_transaction", sold.id) == before
    (row,) = await rows_of(market_owner, "ewarong_reversal", sold.id, "transaction_id")
    assert (row["amount"], row["reason"], row["reversed_by"]) == (PRICE, "Salah kartu", WHO.id)
    (entry,) = await rows_of(market_owner, "journal_entry", row["entry_id"])
    assert (entry["kind"], entry["source_id"], entry["reason"], entry["source_key"]) == (
        "REVERSAL",
        before[0]["entry_id"],
        "Salah kartu",
        f"REVERSAL:{before[0]['entry_id']}",
    )
    days = await market_owner.fetchrow(
        "select sum(reversals) as reversals, sum(reversed_amount) as amount from ewarong_day where agent_id = $1",
        outlet.id,
    )
    assert days is not None
    assert (days["reversals"], days["amount"]) == (1, PRICE)
    assert await faults(market) == []


async def test_once_whoever_asks_again_and_at_once(
    market: DatabaseServer, market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    sold = await sell(market_database, outlet, redemption(outlet, kpm))
    key = uuid4()
    acting = [outlet.access(MATRIX), office()] * 3
    done = await asyncio.gather(
        *(reverse(market_database, access, sold, key=key) for access in acting),
        reverse(market_database, office(), sold),
        return_exceptions=True,
    )
    same = [each for each in done if isinstance(each, Reversed)]
    assert [each.repeated for each in same].count(False) == 1
    assert all(isinstance(each, Reversed | TransactionReversed) for each in done), done
    assert await balance_of(market_owner, kpm) == 200_000
    assert await refusal(market_database, office(), sold) == "EWARONG_TRANSACTION_REVERSED"
    other = await sell(market_database, outlet, redemption(outlet, kpm))
    with pytest.raises(DomainError) as told:
        await reverse(market_database, office(), other, key=await _key_of(market_owner, sold))
    assert told.value.code == "IDEMPOTENCY_CONFLICT"
    assert await faults(market) == []


async def _key_of(owner: "asyncpg.Connection[asyncpg.Record]", sold: Reported) -> UUID:
    (row,) = await rows_of(owner, "ewarong_reversal", sold.id, "transaction_id")
    return UUID(str(row["idempotency_key"]))


async def test_a_key_stands_for_its_reason_too(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    sold, key = await sell(market_database, outlet, redemption(outlet, kpm)), uuid4()
    await reverse(market_database, office(), sold, key=key)
    assert (await reverse(market_database, office(), sold, reason=" Salah kartu ", key=key)).repeated
    with pytest.raises(KeyConflict):
        await reverse(market_database, office(), sold, reason="Salah jumlah", key=key)
    # At once: of two reasons with one key one is kept, and the other is told so.
    other, key = await sell(market_database, outlet, redemption(outlet, kpm)), uuid4()
    done = await asyncio.gather(
        *(reverse(market_database, office(), other, reason=why, key=key) for why in ("Salah kartu", "Salah jumlah")),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in done) == ["KeyConflict", "Reversed"], done


async def test_a_key_with_which_a_neighbour_took_something_back_takes_nothing_else_back(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    mine, other = await plant_agent(market_owner, VILLAGE), await plant_agent(market_owner, VILLAGE)
    kpm, key = await plant_kpm(market_owner, BANYUMAS.id), uuid4()
    sold = [await sell(market_database, outlet, redemption(outlet, kpm)) for outlet in (mine, other)]
    await reverse(market_database, other.access(MATRIX), sold[1], key=key)
    with pytest.raises(KeyConflict):
        await reverse(market_database, mine.access(MATRIX), sold[0], key=key)
    assert await balance_of(market_owner, kpm) == 200_000 - PRICE
    assert not (await reverse(market_database, mine.access(MATRIX), sold[0])).repeated
    with pytest.raises(TransactionReversed):
        await reverse(market_database, mine.access(MATRIX), sold[0], key=key)


async def test_an_outlet_has_days_and_the_office_has_time(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    sold = await sell(market_database, outlet, redemption(outlet, kpm))
    aged = "update ewarong_transaction set received_at = received_at - interval '4 days' where id = $1"
    await market_owner.execute(aged, sold.id)
    assert await refusal(market_database, outlet.access(MATRIX), sold) == "REVERSAL_TOO_LATE"
    assert not (await reverse(market_database, office(), sold)).repeated


async def test_of_another_outlet_or_regency_there_is_nothing_to_take_back(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    other = await plant_agent(market_owner, VILLAGE)
    sold = await sell(market_database, outlet, redemption(outlet, kpm))
    unknown = replace(sold, id=uuid4())
    for access, of in (
        (other.access(MATRIX), sold),
        (other.access(MATRIX), unknown),
        (office(CILACAP.code), sold),
        (office(), unknown),
    ):
        assert await refusal(market_database, access, of) == "EWARONG_TRANSACTION_NOT_FOUND"
    assert await balance_of(market_owner, kpm) == 200_000 - PRICE


async def test_a_family_of_another_regency_has_its_money_back_in_its_own_journal(
    market: DatabaseServer, market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, CILACAP.id)
    sold = await sell(market_database, outlet, redemption(outlet, kpm))
    await reverse(market_database, outlet.access(MATRIX), sold)
    assert await balance_of(market_owner, kpm) == 200_000
    (row,) = await rows_of(market_owner, "ewarong_reversal", sold.id, "transaction_id")
    (entry,) = await rows_of(market_owner, "journal_entry", row["entry_id"])
    assert entry["regency_id"] == CILACAP.id
    assert await faults(market) == []


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501, "a\nb"])
async def test_a_reason_says_something(
    reason: str, market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, CILACAP.id)
    sold = await sell(market_database, outlet, redemption(outlet, kpm))
    assert await refusal(market_database, office(), sold, reason=reason) == "EWARONG_TRANSACTION_INVALID"


async def test_a_reason_with_a_number_of_somebody_is_refused_by_name_and_kept_nowhere(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet, kpm = await plant_agent(market_owner, VILLAGE), await plant_kpm(market_owner, BANYUMAS.id)
    sold = await sell(market_database, outlet, redemption(outlet, kpm))
    with pytest.raises(DomainError) as told:
        await reverse(market_database, office(), sold, reason="NIK 9902-0101-0190-0001 salah kartu")
    assert (told.value.code, told.value.fields) == ("PERSONAL_NUMBER", ("reason",))
    assert not await rows_of(market_owner, "ewarong_reversal", sold.id, "transaction_id")
