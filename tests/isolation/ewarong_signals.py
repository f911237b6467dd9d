"""Signals about the outlets of ``ewarong_agents`` and screenings, the same in every database, each marked with its regency.

A screening that lies across Banyumas and its neighbours bears the mark of Cilacap: Banyumas does not see it.
"""

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from app.tenants.server import DatabaseServer
from tests.isolation.ewarong_agents import outlet_of
from tests.isolation.ewarong_sales import sale_of
from tests.isolation.ewarong_supply import supply_of
from tests.isolation.walking import Values
from tests.isolation.working import job_of
from tests.support.world import BANYUMAS, CILACAP, Regency, connected

if TYPE_CHECKING:
    import asyncpg

_MAKER: Final = "01b00000-0000-7000-8000-000000000000"
_SIGNAL: Final = """
insert into ewarong_signal (regency_id, id, village_low, village_high, code, agent_id, family_id, district_id, supplier_id, first_day,
  last_day, measured, threshold, transactions, subject_key, state, triaged_by, triaged_by_name, triaged_at, triage_reason, created_at)
select regency_id, $2, village_id, village_id, $3, id, (select f.id from family f where f.regency_id = a.regency_id order by f.id limit 1),
  village_id / 10000, $5, '2099-05-05', '2099-05-05', regency_id, 1, 1, concat($3::text, ':', $2::uuid), 'CONFIRMED', $6::text::uuid, $4,
  '2100-01-01Z', $4, '2100-01-01Z'
from ewarong_agent a where id = $1
on conflict do nothing
"""
_LEAD: Final = """
insert into ewarong_lead (regency_id, signal_id, transaction_id, village_id)
select regency_id, $1, id, village_id from ewarong_transaction where id = $2
on conflict do nothing
"""
_SCREENING: Final = """
insert into ewarong_screening (regency_id, id, village_low, village_high, region_id, first_day, last_day, signals, idempotency_key, job_id,
  made_by, made_by_name, made_at)
values ($1::bigint / 1000000, $2, $1, $3, $4::bigint, '2099-05-01', '2099-05-31', $4::bigint, $2, $5::text::uuid, $6::text::uuid, $7,
  '2100-01-01Z')
on conflict do nothing
"""
_OPEN: Final = """
insert into ewarong_signal (regency_id, id, village_low, village_high, code, first_day, last_day, measured, threshold, transactions,
  subject_key)
values ($1::int, $2, $1::int * 1000000::bigint, $1::int * 1000000::bigint + 999999, 'F8', '2099-05-05', '2099-05-05', 1,
  0, 0, $2::uuid::text)
"""


def _uuid(number: int, place: int) -> UUID:
    return UUID(f"01f90000-0000-7000-8000-{number:02}{place:010}")


def _id(node: str) -> UUID:
    return UUID(node.rpartition(":")[2])


def signal_of(regency: Regency) -> str:
    """The node id of a signal about an outlet of ``regency``, with a transaction behind it."""
    return f"EwarongSignal:{regency.id}:{_uuid(1, regency.tag)}"


def screening_of(regency: Regency) -> str:
    """The node id of a screening of all of ``regency``."""
    return f"EwarongScreening:{regency.id}:{_uuid(3, regency.tag)}"


async def plant_signals(server: DatabaseServer, *regencies: Regency) -> None:
    """Give an outlet of each of ``regencies`` two signals and its regency two screenings; with neighbours also one across them."""
    async with connected(server) as owner:
        for regency in regencies:
            low, high, mark = regency.path.villages.low, regency.path.villages.high, regency.mark
            supplier = next(_id(each) for each in supply_of(regency) if each.startswith("EwarongSupplier:"))
            for number, code in ((1, "F4"), (2, "F8")):
                signal = _uuid(number, regency.tag)
                await owner.execute(_SIGNAL, _id(outlet_of(regency)), signal, code, mark, supplier, _MAKER)
                await owner.execute(_LEAD, signal, _id(sale_of(regency)))
            for number in (3, 4):
                await owner.execute(
                    _SCREENING,
                    low,
                    _uuid(number, regency.tag),
                    high,
                    regency.id,
                    str(_id(job_of(regency))),
                    _MAKER,
                    mark,
                )
        if CILACAP in regencies:
            low, high, job = CILACAP.path.villages.low, BANYUMAS.path.villages.high, str(_id(job_of(CILACAP)))
            await owner.execute(_SCREENING, low, _uuid(3, 33), high, 33, job, _MAKER, CILACAP.mark)


def _after(identifier: UUID) -> str:
    return json.dumps(base64.urlsafe_b64encode(json.dumps(["NEWEST", str(identifier)]).encode()).decode().rstrip("="))


def signal_values(pages: Values, both: tuple[Regency, Regency]) -> dict[str, Values]:
    """What arguments of signals and screenings are given on the walk: the caller's own and those of a neighbour."""
    places = Values(once=[json.dumps(code) for code in (BANYUMAS.code, CILACAP.code, "33")])
    values: dict[str, Values] = {
        "Query.ewarongSignals(agent)": Values(once=[json.dumps(outlet_of(regency)) for regency in both]),
        "EwarongSignal.transactions(first)": pages,
        "EwarongSignal.transactions(after)": Values(once=[_after(_id(sale_of(regency))) for regency in both]),
    }
    for name, last in (("ewarongSignals", 2), ("ewarongScreenings", 4)):
        values |= {
            f"Query.{name}(first)": pages,
            f"Query.{name}(after)": Values(once=[_after(_uuid(last, regency.tag)) for regency in both]),
            f"Query.{name}(region)": places,
        }
    return values


async def plant_open_signal(owner: "asyncpg.Connection[asyncpg.Record]", regency: Regency) -> Mapping[str, str]:
    """A signal in ``regency`` that nobody has triaged."""
    signal = uuid4()
    await owner.execute(_OPEN, regency.id, signal)
    return {"EwarongSignal": f"EwarongSignal:{regency.id}:{signal}"}


NOWHERE: Final[Mapping[str, str]] = {"EwarongSignal": f"EwarongSignal:{CILACAP.id}:{uuid4()}"}
"""A signal that is not there."""


def screened(code: str) -> dict[str, Any]:
    """A screening of the region ``code``."""
    return {"region": code, "firstDay": "2026-01-01", "lastDay": "2026-01-31", "idempotencyKey": str(uuid4())}


def triaged(signal: str) -> dict[str, Any]:
    """What somebody makes of ``signal``."""
    return {"id": signal, "state": "DISMISSED", "reason": "Uji", "version": 1}
