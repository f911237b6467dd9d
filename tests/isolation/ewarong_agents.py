"""Outlets and their services with ids and moments that are the same in every database, each marked with its regency."""

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from app.tenants.server import DatabaseServer
from tests.isolation.walking import Values
from tests.support.outlets import Outlet, plant_agent
from tests.support.world import BANYUMAS, CILACAP, Regency, connected

if TYPE_CHECKING:
    import asyncpg

_MAKER: Final = "01b00000-0000-7000-8000-000000000000"
_STEP: Final = """
insert into ewarong_agent_step (regency_id, id, village_id, agent_id, to_state, reason, violation_id, taken_by, taken_by_name, taken_at)
select regency_id, id, village_id, id, 'ACTIVE', $2, id, $3::text::uuid, $2, '2100-01-01Z' from ewarong_agent where id = $1
on conflict do nothing
"""
_ASSESSED: Final = """
insert into ewarong_due_diligence (regency_id, id, village_id, agent_id, criterion, met, note, assessed_by, assessed_by_name, assessed_at)
select regency_id, id, village_id, id, 'MARKET_PRICE', true, $2, $3::text::uuid, $2, '2100-01-01Z' from ewarong_agent where id = $1
on conflict do nothing
"""
_SERVICE: Final = """
insert into ewarong_service (regency_id, id, village_id, agent_id, weekday, valid_from, valid_to, opens, closes, place, idempotency_key,
  planned_by, planned_by_name, planned_at)
select regency_id, $4, village_id, id, 1, '2099-01-01', '2099-12-31', '08:00', '10:00', $2, $4, $3::text::uuid, $2, '2100-01-01Z'
from ewarong_agent where id = $1
on conflict do nothing
"""


def _uuid(number: int, regency: Regency) -> UUID:
    return UUID(f"01fc0000-0000-7000-8000-{number:02}{regency.tag:010}")


def _village(regency: Regency) -> str:
    return regency.village(1, 2)


def outlet_of(regency: Regency) -> str:
    """The node id of an outlet of ``regency`` that serves."""
    return f"EwarongAgent:{regency.id}:{_uuid(1, regency)}"


def service_of(regency: Regency) -> str:
    """The node id of a service of it."""
    return f"EwarongService:{regency.id}:{_uuid(3, regency)}"


async def plant_outlets(server: DatabaseServer, *regencies: Regency) -> None:
    """Give each of ``regencies`` two outlets, each with a step, an assessment and a service."""
    async with connected(server) as owner:
        for regency in regencies:
            mark = regency.mark
            for number in (1, 2):
                identifier = _uuid(number, regency)
                if not await owner.fetchval("select exists (select from ewarong_agent where id = $1)", identifier):
                    await plant_agent(
                        owner,
                        _village(regency),
                        identifier=identifier,
                        name=mark,
                        owner_name=mark,
                        number=f"{mark}{number}",
                        kind="MOBILE",
                        place=(-7.4, 109.2),
                    )
                await owner.execute(_STEP, identifier, mark, _MAKER)
                await owner.execute(_ASSESSED, identifier, mark, _MAKER)
                await owner.execute(_SERVICE, identifier, mark, _MAKER, _uuid(number + 2, regency))


def _cursor(*values: Any) -> str:
    return json.dumps(base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("="))


def outlet_values(pages: Values, both: tuple[Regency, Regency]) -> dict[str, Values]:
    """What arguments of outlets are given on the walk: the caller's own and those of a neighbour."""
    places = Values(once=[json.dumps(code) for code in (BANYUMAS.code, CILACAP.code, "33")])
    outlets = Values(
        once=[_cursor("VILLAGE", int(_village(regency).replace(".", "")), str(_uuid(1, regency))) for regency in both]
    )
    services = Values(once=[_cursor("NEWEST", str(_uuid(4, regency))) for regency in both])
    return {
        "Query.ewarongAgents(first)": pages,
        "Query.ewarongAgents(after)": outlets,
        "Query.ewarongAgents(region)": places,
        "Query.ewarongServices(first)": pages,
        "Query.ewarongServices(after)": services,
        "Query.ewarongServices(region)": places,
        "Query.ewarongServices(on)": Values(once=['"2099-01-05"', '"2099-01-06"']),
        "Query.ewarongCoverage(region)": Values(["33", CILACAP.code, BANYUMAS.code]),
        "Query.ewarongCoverage(by)": Values(["DISTRICT"], ["PROVINCE", "REGENCY", "VILLAGE"]),
        "EwarongAgent.families(month)": Values(["2026-07-01"]),
        "EwarongAgent.services(first)": Values([2], ["1"]),
        "EwarongAgent.services(after)": services,
    }


async def plant_aims(owner: "asyncpg.Connection[asyncpg.Record]", regency: Regency) -> Mapping[str, str]:
    """Outlets of ``regency`` to act upon, and a service, by their types."""
    outlet: Outlet = await plant_agent(owner, _village(regency), kind="MOBILE")
    service = uuid4()
    await owner.execute(_SERVICE, outlet.id, "Uji", _MAKER, service)
    return {"EwarongAgent": outlet.node, "EwarongService": f"EwarongService:{regency.id}:{service}"}


NOWHERE: Final[Mapping[str, str]] = {
    type_: f"{type_}:{CILACAP.id}:{uuid4()}" for type_ in ("EwarongAgent", "EwarongService")
}
"""Things that are not there."""


def proposed(code: str) -> dict[str, Any]:
    """An outlet to propose in the regency ``code``."""
    return {
        "village": f"{code}.01.2001",
        "number": uuid4().hex,
        "name": "Uji",
        "kind": "SHOP",
        "bank": "BRI",
        "address": "Uji",
        "owner": {"name": "Uji", "nik": "9902010101900001"},
        "idempotencyKey": str(uuid4()),
    }


def planned(code: str, agent: str) -> dict[str, Any]:
    """A service of ``agent`` to plan in the regency ``code``."""
    return {
        "agent": agent,
        "village": f"{code}.01.2001",
        "weekday": 1,
        "validFrom": "2099-01-01",
        "validTo": "2099-12-31",
        "opens": "08:00",
        "closes": "10:00",
        "place": "Uji",
        "idempotencyKey": str(uuid4()),
    }


def barred(code: str) -> dict[str, Any]:
    """A list of the regency ``code``."""
    # The source is another one each time, so that the list changes something.
    owner = {"nik": "9903010101800001", "office": "BANK_STAFF", "validFrom": "2026-01-01"}
    return {"region": code, "source": f"Daftar {uuid4().int % 10**9}", "owners": [owner]}
