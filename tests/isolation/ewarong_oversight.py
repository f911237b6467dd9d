"""Inspections and violations of the outlets of ``ewarong_agents``, the same in every database, each marked with its regency."""

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from app.domain.ewarong.models.agents import AgentState
from app.tenants.server import DatabaseServer
from tests.isolation.ewarong_agents import outlet_of
from tests.isolation.walking import Values
from tests.support.outlets import plant_agent
from tests.support.world import BANYUMAS, CILACAP, Regency, connected

if TYPE_CHECKING:
    import asyncpg

_MAKER: Final = "01b00000-0000-7000-8000-000000000000"
_INSPECTION: Final = """
insert into ewarong_inspection (regency_id, id, village_id, agent_id, inspected_at, latitude, longitude, photos, note, met, not_met,
  idempotency_key, request, reported_by, reported_by_name, created_at)
select regency_id, $2, village_id, id, '2100-01-01Z', -7.4, 109.2, array[sha256($3::text::bytea)], $3, 1, 1, $2, '\\x00', $4::text::uuid,
  $3, '2100-01-01Z'
from ewarong_agent where id = $1
on conflict do nothing
"""
_FINDINGS: Final = """
insert into ewarong_finding (regency_id, inspection_id, item_code, village_id, agent_id, result, note)
select i.regency_id, i.id, c.code, i.village_id, i.agent_id, 'NOT_MET', $2
from ewarong_inspection i, (select code from ewarong_checklist_item order by code limit 2) c where i.id = $1
on conflict do nothing
"""
_VIOLATION: Final = """
insert into ewarong_violation (regency_id, id, village_id, agent_id, code, state, description, inspection_id, signal_id, idempotency_key,
  request, recorded_by, recorded_by_name, recorded_at, first_warned_by, first_warned_by_name, first_warned_at, step, reply_due,
  replied_at, decision_reason)
select regency_id, $2, village_id, id, 'PACKAGING', 'FIRST_WARNING', $3, $5, $2, $2, '\\x00', $4::text::uuid, $3, '2100-01-01Z',
  gen_random_uuid(), $3, '2100-01-01Z', 2, '2100-01-08', '2100-01-02Z', $3
from ewarong_agent where id = $1
on conflict do nothing
"""
_STEP: Final = """
insert into ewarong_violation_step (regency_id, id, village_id, agent_id, violation_id, step, act, from_state, to_state, reason, reply_due,
  taken_by, taken_by_name, taken_at)
select regency_id, id, village_id, agent_id, id, 1, 'RECORD', null, 'RECORDED', $2, null, $3::text::uuid, $2, '2100-01-01Z'
from ewarong_violation where id = $1
on conflict do nothing
"""
_STATEMENT: Final = """
insert into ewarong_statement (regency_id, id, village_id, agent_id, violation_id, kind, text, against, step, said_by, said_by_name,
  said_at)
select regency_id, id, village_id, agent_id, id, 'REPLY', $2, 'FIRST_WARNING', 2, $3::text::uuid, $2, '2100-01-02Z'
from ewarong_violation where id = $1
on conflict do nothing
"""


def _uuid(number: int, regency: Regency) -> UUID:
    return UUID(f"01fb0000-0000-7000-8000-{number:02}{regency.tag:010}")


def inspection_of(regency: Regency) -> str:
    """The node id of an inspection of an outlet of ``regency``."""
    return f"EwarongInspection:{regency.id}:{_uuid(1, regency)}"


def violation_of(regency: Regency) -> str:
    """The node id of a violation of it."""
    return f"EwarongViolation:{regency.id}:{_uuid(3, regency)}"


async def plant_oversight(server: DatabaseServer, *regencies: Regency) -> None:
    """Give an outlet of each of ``regencies`` two inspections and two violations, with findings, steps and statements."""
    async with connected(server) as owner:
        for regency in regencies:
            outlet, mark = UUID(outlet_of(regency).rpartition(":")[2]), regency.mark
            for number in (1, 2):
                inspection, violation = _uuid(number, regency), _uuid(number + 2, regency)
                await owner.execute(_INSPECTION, outlet, inspection, mark, _MAKER)
                await owner.execute(_FINDINGS, inspection, mark)
                await owner.execute(_VIOLATION, outlet, violation, mark, _MAKER, inspection)
                await owner.execute(_STEP, violation, mark, _MAKER)
                await owner.execute(_STATEMENT, violation, mark, _MAKER)


def _after(identifier: UUID) -> str:
    return json.dumps(base64.urlsafe_b64encode(json.dumps(["NEWEST", str(identifier)]).encode()).decode().rstrip("="))


def oversight_values(pages: Values, both: tuple[Regency, Regency]) -> dict[str, Values]:
    """What arguments of inspections and violations are given on the walk: the caller's own and those of a neighbour."""
    places = Values(once=[json.dumps(code) for code in (BANYUMAS.code, CILACAP.code, "33")])
    agents = Values(once=[json.dumps(outlet_of(regency)) for regency in both])
    values: dict[str, Values] = {"Query.ewarongChecklist(on)": Values(["2026-03-10"], ['"2010-01-01"'])}
    for name, last in (("ewarongInspections", 2), ("ewarongViolations", 4)):
        values |= {
            f"Query.{name}(first)": pages,
            f"Query.{name}(after)": Values(once=[_after(_uuid(last, regency)) for regency in both]),
            f"Query.{name}(region)": places,
            f"Query.{name}(agent)": agents,
        }
    values["Query.ewarongViolations(overdue)"] = Values(once=["true", "false"])
    return values


STATES: Final[Mapping[str, str]] = {
    "ewarongViolationWarn": "RECORDED",
    "ewarongViolationDismiss": "RECORDED",
    "ewarongViolationRemedied": "RECORDED",
    "ewarongViolationRecommend": "SECOND_WARNING",
    "ewarongViolationDecide": "RECOMMENDED_REVOKE",
    "ewarongViolationReply": "FIRST_WARNING",
    "ewarongViolationAppeal": "FIRST_WARNING",
    "ewarongAppealAnswer": "SECOND_WARNING",
}
"""Where a violation stands that a mutation can do something to."""
_READY: Final = """
update ewarong_violation set state = $2, reply_due = case when $3 then current_date + 7 end,
  appealed_at = case when $4 then now() end, replied_at = null, version = 1, step = 1, decision_reason = null,
  first_warned_by = null, first_warned_by_name = null, first_warned_at = null
where id = $1
"""


async def plant_violations(owner: "asyncpg.Connection[asyncpg.Record]", regency: Regency) -> Mapping[str, str]:
    """A violation in ``regency`` for each mutation of violations that can be done to it; node ids by the name of the mutation."""
    ids = {}
    for mutation, state in STATES.items():
        stands = AgentState.ACTIVE if state == "RECORDED" else AgentState(state)
        outlet, violation = await plant_agent(owner, regency.village(1, 2), state=stands), uuid4()
        await owner.execute(_VIOLATION, outlet.id, violation, "Uji", _MAKER, None)
        await owner.execute(_STEP, violation, "Uji", _MAKER)
        speaks = mutation in {"ewarongViolationReply", "ewarongViolationAppeal"}
        await owner.execute(_READY, violation, state, speaks, mutation == "ewarongAppealAnswer")
        ids[mutation] = f"EwarongViolation:{regency.id}:{violation}"
    return ids


NOWHERE: Final[Mapping[str, str]] = {mutation: f"EwarongViolation:{CILACAP.id}:{uuid4()}" for mutation in STATES}
"""Violations that are not there."""


def inspected(agent: str) -> dict[str, Any]:
    """An inspection of ``agent``."""
    return {
        "agent": agent,
        "inspectedAt": "2026-03-10T02:00:00Z",
        "items": [{"code": "RECEIPT_GIVEN", "result": "MET"}],
        "idempotencyKey": str(uuid4()),
    }


def recorded(agent: str) -> dict[str, Any]:
    """A violation of ``agent``."""
    return {"agent": agent, "code": "LEVY", "description": "Uji", "idempotencyKey": str(uuid4())}


def stepped(violation: str, **others: Any) -> dict[str, Any]:
    """A step of ``violation``."""
    return {"id": violation, "version": 1, "reason": "Uji"} | others


def said(violation: str, **others: Any) -> dict[str, Any]:
    """A statement about ``violation``."""
    return {"id": violation, "version": 1, "text": "Uji"} | others
