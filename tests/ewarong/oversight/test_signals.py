"""A signal alone accuses nobody: a violation rests on one that a person has confirmed, about that outlet."""

from uuid import UUID, uuid4

import pytest

from app.domain.ewarong.models.signals import SignalState
from tests.ewarong.oversight.office import Office
from tests.support.client import Caller

SIGNAL = """
insert into ewarong_signal (regency_id, id, village_low, village_high, code, agent_id, first_day, last_day, measured, threshold,
  transactions, subject_key, state, triaged_by, triaged_by_name, triaged_at)
values ($1, $2, $3, $3, 'F9', $4, '2026-03-01', '2026-03-02', 12, 10, 12, concat('F9:', gen_random_uuid()), $5, $6::uuid,
  case when $6::uuid is not null then 'Penelaah Uji' end, case when $6::uuid is not null then now() end)
"""


async def plant(office: Office, state: SignalState) -> str:
    """A signal about the outlet; its node id."""
    outlet, identifier = office.outlet, uuid4()
    by = None if state is SignalState.OPEN else UUID(int=7)
    await office.owner.execute(SIGNAL, outlet.regency_id, identifier, outlet.village_id, outlet.id, state.value, by)
    return f"EwarongSignal:{outlet.regency_id}:{identifier}"


async def read(caller: Caller, identifier: str) -> str | None:
    document = "query($id: ID!) { node(id: $id) { ... on EwarongViolation { signalId } } }"
    told: str | None = (await caller.query(document, id=identifier))["node"]["signalId"]
    return told


async def test_a_violation_is_recorded_from_a_confirmed_signal(office: Office) -> None:
    signal = await plant(office, SignalState.CONFIRMED)
    violation = await office.record("CASH_SWIPE", signal=signal)
    assert violation["state"] == "RECORDED"
    assert await read(office.verifier, violation["id"]) == signal
    assert await read(office.keeper, violation["id"]) is None
    assert await read(office.bank, violation["id"]) is None


@pytest.mark.parametrize("state", [SignalState.OPEN, SignalState.DISMISSED])
async def test_nothing_is_recorded_from_a_signal_that_nobody_has_confirmed(office: Office, state: SignalState) -> None:
    refused = await office.record("CASH_SWIPE", signal=await plant(office, state))
    assert (refused["__typename"], refused["code"]) == ("Conflict", "SIGNAL_NOT_CONFIRMED")


async def test_a_signal_about_another_outlet_is_not_there(office: Office) -> None:
    neighbour = await Office.open(office.api, office.owner)
    refused = await office.record("CASH_SWIPE", signal=await plant(neighbour, SignalState.CONFIRMED))
    assert (refused["__typename"], refused["code"]) == ("NotFound", "EWARONG_SIGNAL_NOT_FOUND")
