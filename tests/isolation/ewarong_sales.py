"""Transactions of the outlets of ``ewarong_agents``, the same in every database, each marked with its regency."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from app.tenants.server import DatabaseServer
from tests.isolation.ewarong_agents import outlet_of
from tests.isolation.walking import Values
from tests.support.outlets import Outlet, plant_agent, plant_wallet
from tests.support.triggers import past_triggers
from tests.support.world import BANYUMAS, CILACAP, Regency, connected

if TYPE_CHECKING:
    import asyncpg

_SOLD: Final = """
insert into ewarong_transaction (regency_id, id, village_id, agent_id, programme_code, amount, balance, happened_at, received_at, day,
  clock_skew, device_id, device_sequence, latitude, longitude, last_four, card_id, family_id, family_regency_id, family_village_id,
  wallet_id, entry_id, receipt, unbalanced, basket, idempotency_key, request, reported_by)
select regency_id, $2, village_id, id, 'SEMBAKO', 1000 + regency_id, regency_id, '2099-05-05T03:00Z', '2099-05-05T03:01Z', '2099-05-05',
  3, $2, 1, -7.4, 109.2, right(regency_id::text, 4), $2, $2, regency_id, village_id, $2, $2, $3, true, '\\x00', $2, '\\x00', $2
from ewarong_agent where id = $1
on conflict do nothing
"""
_LINE: Final = """
insert into ewarong_line (regency_id, transaction_id, number, village_id, agent_id, commodity_code, quantity, unit_price, amount)
select regency_id, id, 1, village_id, agent_id, 'RICE', 1, amount, amount from ewarong_transaction where id = $1
on conflict do nothing
"""
_REVERSED: Final = """
insert into ewarong_reversal (regency_id, id, village_id, agent_id, transaction_id, amount, reason, entry_id, day, idempotency_key,
  reversed_by, reversed_by_name, reversed_at)
select regency_id, id, village_id, agent_id, id, amount, $2, id, day, id, reported_by, $2, received_at
from ewarong_transaction where id = $1
on conflict do nothing
"""
_DAY: Final = """
insert into ewarong_day (regency_id, agent_id, day, slot, village_id, transactions, amount)
select regency_id, agent_id, day, 0, village_id, 2, 2 * amount from ewarong_transaction where id = $1
on conflict do nothing
"""
_DEVICE: Final = """
insert into ewarong_device (regency_id, id, village_id, agent_id, synced_at)
select regency_id, id, village_id, agent_id, received_at from ewarong_transaction where id = $1
on conflict do nothing
"""
_FAMILY: Final = """
insert into family (regency_id, id, village_id, edition_id, head_name)
select $1::int, $2::uuid, $3::bigint, min(id), $4::text from registry_edition on conflict do nothing
"""
_CARD: Final = """
insert into kks_card (regency_id, id, village_id, family_id, person_id, bank, state, last_four, token, activated_at, state_at)
values ($1::int, $2::uuid, $3::bigint, $2::uuid, $2::uuid, 'BRI', 'ACTIVE', '0042', $4::text, now(), now()) on conflict do nothing
"""
_TO_TAKE_BACK: Final = """
insert into ewarong_transaction select regency_id, $2::uuid, village_id, id, 'SEMBAKO', 1000, 0, now(), now(), current_date, null, null,
  null, null, null, '0042', $3::uuid, $3::uuid, regency_id, village_id, $4::uuid,
  ledger_entry_id(regency_id, concat('REDEMPTION:', $2::uuid)), $5::text, false, '\\x00', $2::uuid, '\\x00', $2::uuid
from ewarong_agent where id = $1
"""


def _uuid(number: int, regency: Regency) -> UUID:
    return UUID(f"01fa0000-0000-7000-8000-{number:02}{regency.tag:010}")


def sale_of(regency: Regency) -> str:
    """The node id of a transaction of ``regency``, which was taken back."""
    return f"EwarongTransaction:{regency.id}:{_uuid(1, regency)}"


def receipt_of(regency: Regency) -> str:
    """The code of its receipt."""
    return f"{regency.mark}{regency.id}"


async def plant_sales(server: DatabaseServer, *regencies: Regency) -> None:
    """Give each of ``regencies``, which have outlets, two transactions of one, the first of which was taken back."""
    async with connected(server) as owner, past_triggers(owner):
        for regency in regencies:
            outlet = UUID(outlet_of(regency).rpartition(":")[2])
            for number, receipt in ((1, receipt_of(regency)), (2, f"{receipt_of(regency)}2")):
                await owner.execute(_SOLD, outlet, _uuid(number, regency), receipt)
                await owner.execute(_LINE, _uuid(number, regency))
            await owner.execute(_REVERSED, _uuid(1, regency), regency.mark)
            for statement in (_DAY, _DEVICE):
                await owner.execute(statement, _uuid(1, regency))


def _cursor(*values: Any) -> str:
    return json.dumps(base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("="))


def sale_values(pages: Values, both: tuple[Regency, Regency]) -> dict[str, Values]:
    """What arguments of transactions are given on the walk: the caller's own and those of a neighbour."""
    return {
        "Query.ewarongTransactions(first)": pages,
        "Query.ewarongTransactions(after)": Values(once=[_cursor("NEWEST", str(_uuid(2, each))) for each in both]),
        "Query.ewarongTransactions(region)": Values(
            once=[json.dumps(code) for code in (BANYUMAS.code, CILACAP.code, "33")]
        ),
        "Query.ewarongTransactions(agent)": Values(once=[json.dumps(outlet_of(each)) for each in both]),
        "Query.ewarongTransactions(programme)": Values(once=['"SEMBAKO"', '"PKH"']),
        "Query.ewarongTransactions(from)": Values(once=['"2099-05-05"', '"2099-05-06"']),
        "Query.ewarongTransactions(to)": Values(once=['"2099-05-05"', '"2099-05-04"']),
        "Query.ewarongSettlement(agent)": Values([outlet_of(each) for each in reversed(both)]),
        "Query.ewarongSettlement(from)": Values(["2099-05-01"]),
        "Query.ewarongSettlement(to)": Values(["2099-05-31"]),
        "Query.ewarongDayTotals(region)": Values([CILACAP.code, BANYUMAS.code]),
        "Query.ewarongDayTotals(from)": Values(["2099-05-01"]),
        "Query.ewarongDayTotals(to)": Values(["2099-05-31"]),
        "Query.ewarongDayTotals(by)": Values(["AGENT"], ["DISTRICT", "REGENCY"]),
        # Whoever holds a receipt may know what is on it, wherever it is from: so the caller has none of a neighbour.
        "Query.ewarongReceipt(code)": Values([receipt_of(BANYUMAS)]),
    }


async def plant_sale(owner: "asyncpg.Connection[asyncpg.Record]", regency: Regency) -> Mapping[str, str]:
    """A transaction of ``regency`` to take back, and the token of a card with which to buy, by what they are."""
    village, family, token = regency.village(1, 2), _uuid(9, regency), f"jual-{regency.id}"
    outlet: Outlet = await plant_agent(owner, village)
    for statement in (_FAMILY, _CARD):
        await owner.execute(statement, regency.id, family, outlet.village_id, token)
    wallet = await plant_wallet(owner, regency.id, outlet.village_id, family, programme="SEMBAKO", balance=10_000)
    identifier = uuid4()
    await owner.execute(_TO_TAKE_BACK, outlet.id, identifier, family, wallet, identifier.hex)
    return {"EwarongTransaction": f"EwarongTransaction:{regency.id}:{identifier}", "token": token}


NOWHERE: Final[Mapping[str, str]] = {
    "EwarongTransaction": f"EwarongTransaction:{CILACAP.id}:{uuid4()}",
    "token": "nobody",
}
"""A transaction and a card that are not there."""


def _bought(token: str) -> dict[str, Any]:
    return {
        "token": token,
        "lines": [{"commodity": "RICE", "quantity": "1", "unitPrice": 1_000}],
        "happenedAt": datetime.now(UTC).isoformat(),
        "idempotencyKey": str(uuid4()),
    }


def reported(agent: str, token: str) -> dict[str, Any]:
    """Something that the holder of ``token`` bought at ``agent``."""
    return {"agent": agent, **_bought(token)}


def synced(agent: str, token: str) -> dict[str, Any]:
    """The same, kept by a device."""
    return {
        "agent": agent,
        "deviceId": str(uuid4()),
        "deviceNow": datetime.now(UTC).isoformat(),
        "items": [{"deviceSequence": 1, **_bought(token)}],
    }


def taken_back(sale: str) -> dict[str, Any]:
    """The transaction ``sale``, to be taken back."""
    return {"id": sale, "reason": "Uji", "idempotencyKey": str(uuid4())}
