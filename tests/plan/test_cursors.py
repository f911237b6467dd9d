"""A cursor gives back what PostgreSQL wrote into it, and whatever else is sent as a cursor is refused as none."""

import base64
import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.schema.paging import CursorInvalid, cursor_expression, cursor_values
from app.schema.plan.source import Order
from app.schema.regions import REGIONS
from app.schema.registry.sources import FAMILIES, PERSONS
from app.tenants.session import Database
from tests.plan.evaluation import REPEATABLE, evaluated, row_of

ORDERS: dict[str, Order] = {
    f"{source.table.name} by {choice.value}": order
    for source in (REGIONS, FAMILIES, PERSONS)
    for choice, order in source.orders.items()
}
BIGINTS = st.integers(-(2**63), 2**63 - 1)
VALUES: dict[type, st.SearchStrategy[Any]] = {
    int: BIGINTS,
    str: st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    UUID: st.uuids(),
}
ROW = st.fixed_dictionaries(
    {
        "id": VALUES[UUID],
        "village_id": VALUES[int],
        "decile": st.integers(1, 10),
        "head_name": VALUES[str],
        "name": VALUES[str],
        "code": VALUES[str],
    }
)
NAMED = ORDERS["family by NAME"]
DECILES = ORDERS["family by DECILE"]


def cursor_of(*values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@REPEATABLE
@given(row=ROW, order=st.sampled_from(sorted(ORDERS)), number=BIGINTS)
async def test_what_goes_into_a_cursor_comes_out(
    database: Database, row: dict[str, Any], order: str, number: int
) -> None:
    if order.startswith("region"):
        row = {**row, "id": number}
    keys = ORDERS[order].keys
    from_ = row_of(**row)
    cursor = await evaluated(database, cursor_expression(order, ORDERS[order], from_))
    written = [await evaluated(database, key.expression(from_)) for key in keys]
    assert list(cursor_values(order, ORDERS[order], cursor)) == written


@REPEATABLE
@given(st.text())
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    with pytest.raises(CursorInvalid):
        cursor_values("NAME", NAMED, text)


@REPEATABLE
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_any_other_json_is_refused(value: Any) -> None:
    with pytest.raises(CursorInvalid):
        cursor_values("NAME", NAMED, cursor_of("NAME", value))
    with pytest.raises(CursorInvalid):
        cursor_values("DECILE", DECILES, cursor_of("DECILE", value, value, value))


@REPEATABLE
@given(name=VALUES[str], id_=st.uuids(), at=st.integers(0), to=st.characters())
def test_a_cursor_that_was_tampered_with_is_another_cursor_or_none(name: str, id_: UUID, at: int, to: str) -> None:
    cursor = cursor_of("NAME", name, str(id_))
    at %= len(cursor)
    try:
        values = cursor_values("NAME", NAMED, cursor[:at] + to + cursor[at + 1 :])
    except CursorInvalid:
        return
    assert [type(value) for value in values] == [str, UUID]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "?",
        cursor_of(),
        cursor_of("NAME"),
        cursor_of("DECILE", "a", "0190a1b2-0000-7000-8000-000000000000"),
        cursor_of("NAME", 1, "0190a1b2-0000-7000-8000-000000000000"),
        cursor_of("NAME", "a", "0190a1b2"),
        cursor_of("NAME", "a\0", "0190a1b2-0000-7000-8000-000000000000"),
        cursor_of("NAME", "\ud800", "0190a1b2-0000-7000-8000-000000000000"),
        cursor_of("NAME", "a", "0190a1b2-0000-7000-8000-000000000000", 1),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
        base64.urlsafe_b64encode(b'["NAME",' + b"9" * 5000 + b"]").decode(),
    ],
)
def test_a_cursor_of_another_list_or_of_nobody_is_refused(cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        cursor_values("NAME", NAMED, cursor)


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 1.5, True, None, "1"])
def test_a_number_that_no_column_holds_is_refused(number: Any) -> None:
    with pytest.raises(CursorInvalid):
        cursor_values("DECILE", DECILES, cursor_of("DECILE", 1, number, "0190a1b2-0000-7000-8000-000000000000"))
