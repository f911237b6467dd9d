"""Random sequences of all that can be done with the cycles of a regency, by people who may do all of it."""

import random
from collections import Counter
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

import pytest

from app.domain.bansos.cycles.service import Generation
from app.domain.bansos.models.cycles import CycleState
from app.domain.bansos.models.programmes import Relation
from app.domain.base import DomainError
from tests.bansos.cycles.bureau import APPROVER, MAKER, SECOND, VERIFIER, Bureau
from tests.support.aid import plant_programme, plant_relation
from tests.support.world import FAMILIES

PEOPLE: Final = (MAKER, VERIFIER, APPROVER, SECOND)
PROGRAMMES: Final = ("UTAMA", "LAINNYA")
STEPS: Final = ("make", "verify", "verify", "verify", "approve", "approve", "approve", "release", "release", "revise")
RELEASED: Final = {CycleState.RELEASED.value}


async def _act(bureau: Bureau, dice: random.Random) -> None:
    step, by, programme = dice.choice(STEPS), dice.choice(PEOPLE), dice.choice(PROGRAMMES)
    if step == "make":
        await bureau.generate(await bureau.make(programme, by=by))
        return
    cycles = await bureau.cycles(programme)
    if cycles:
        more: dict[str, Any] = {"reason": "uji", "idempotency_key": uuid4()} if step == "revise" else {}
        done = await bureau.act(step, dice.choice(cycles), by, **more)
        if step == "revise" and dice.random() < 0.7:
            await bureau.generate(Generation(done.regency_id, done.generation_id, done.villages))


async def _holds(bureau: Bureau, released: dict[Any, Any]) -> None:
    cycles = await bureau.owner.fetch("select * from aid_cycle")
    for cycle in cycles:
        people = [cycle[f"{what}_by"] for what in ("made", "verified", "approved", "second_approved")]
        acted = [each for each in people if each is not None]
        assert len(set(acted)) == len(acted), "nobody takes two steps"
        if cycle["state"] in {"APPROVED", "RELEASED"}:
            assert len(acted) == (4 if cycle["amount"] > 3_000_000 else 3)
        if cycle["state"] not in {"DRAFT", "SUPERSEDED"}:
            reasons = await bureau.reasons(cycle)
            assert sum(reasons.values()) == cycle["families"] == FAMILIES
            assert reasons["ENTITLED", ""] == cycle["entitled"]
        if cycle["state"] in RELEASED:
            lists = await bureau.lists(cycle["id"])
            assert released.setdefault(cycle["id"], lists) == lists, "what was released is not changed"
    living = Counter(cycle["programme_code"] for cycle in cycles if cycle["state"] != "SUPERSEDED")
    assert not living or max(living.values()) == 1
    double = await bureau.owner.fetchval(
        "select count(*) from (select family_id from entitlement e join aid_cycle c on c.id = e.cycle_id "
        "where c.state not in ('DRAFT', 'SUPERSEDED') and e.step <> 'CANCELLED' group by 1 having count(*) > 1) twice"
    )
    assert double == 0, "nobody receives of two programmes that exclude each other"
    loose = await bureau.owner.fetchval(
        "select count(*) from entitlement e join aid_cycle c on c.id = e.cycle_id "
        "where c.state = 'SUPERSEDED' and e.step <> 'CANCELLED'"
    )
    assert loose == 0, "nobody receives by a list that was superseded"


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_is_done_in_whatever_order_no_rule_is_broken(bureau: Bureau, seed: int) -> None:
    for code in PROGRAMMES:
        await plant_programme(bureau.owner, code, second_approval_above=3_000_000)
    await plant_relation(bureau.owner, PROGRAMMES[0], Relation.EXCLUSIVE, PROGRAMMES[1])
    dice = random.Random(seed)  # noqa: S311  (the same sequences each time)
    released: dict[Any, Any] = {}
    for _ in range(100):
        with suppress(DomainError):
            await _act(bureau, dice)
        await _holds(bureau, released)
    assert released, "a sequence that never gets to a release proves little"
