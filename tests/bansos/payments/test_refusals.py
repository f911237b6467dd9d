"""What is refused for the state it is in says what comes next, in terms of the API."""

import re
from pathlib import Path
from typing import Final

import pytest

from app.domain.bansos.cycles.errors import CycleStateWrong
from app.domain.bansos.models.cycles import CycleState
from app.domain.bansos.models.payments import OrderState
from app.domain.bansos.payments.errors import CycleUnsettled, OrderStateWrong

SDL: Final = (Path(__file__).parents[3] / "schema.graphql").read_text(encoding="utf-8")
FIELD: Final = re.compile(r"`(\w+)`")


def named(text: str) -> set[str]:
    """The fields of the schema that ``text`` names; all of them are there."""
    fields = set(FIELD.findall(text))
    assert all(re.search(rf"^  {field}(\(|:)", SDL, re.MULTILINE) for field in fields), fields
    return fields


@pytest.mark.parametrize("state", OrderState)
def test_an_order_that_is_elsewhere_is_told_with_its_next_step(state: OrderState) -> None:
    refused = OrderStateWrong(state)
    assert state.value in refused.english
    assert state.indonesian in refused.indonesian
    assert named(refused.english) == named(refused.indonesian) != set()


@pytest.mark.parametrize("state", CycleState)
def test_a_cycle_that_is_elsewhere_is_told_with_its_next_step(state: CycleState) -> None:
    refused = CycleStateWrong(state)
    assert state.value in refused.english
    assert state.indonesian in refused.indonesian
    assert named(refused.english) == named(refused.indonesian)
    assert named(refused.english) or state is CycleState.CLOSED


def test_a_cycle_that_is_not_settled_is_told_what_settles_it() -> None:
    refused = CycleUnsettled(orders=1, entitlements=3)
    assert named(refused.english) == named(refused.indonesian) == {"bankResultsRead", "paymentOrderReturn"}
