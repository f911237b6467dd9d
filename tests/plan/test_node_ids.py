"""A node id leads back to its row, and whatever else is sent as an id is refused as none."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.schema.ids import MOST_IDS, NodeId, NodeIdInvalid, TooManyIds, parse_node_id, parse_node_ids
from app.schema.plan.source import Row
from app.schema.regions import REGIONS
from app.schema.registry.sources import FAMILIES, PERSONS
from app.tenants.region_path import RegionPath
from app.tenants.session import Database
from tests.plan.evaluation import REPEATABLE, evaluated, row_of

REGENCIES = st.integers(1000, 9999)
CODES = st.from_regex(r"[1-9][0-9](\.[0-9]{2}(\.[0-9]{2}(\.[123][0-9]{3})?)?)?", fullmatch=True)
ID = "0190a1b2-0000-7000-8000-000000000000"


@REPEATABLE
@given(regency=REGENCIES, id_=st.uuids(), prefix=st.sampled_from(["Family", "Person"]))
async def test_the_id_of_a_tenant_row_leads_back_to_it(
    database: Database, regency: int, id_: UUID, prefix: str
) -> None:
    source = FAMILIES if prefix == "Family" else PERSONS
    text = await evaluated(database, source.node_text(Row(row_of(regency_id=regency, id=id_))))
    assert text == f"{prefix}:{regency}:{id_}"
    assert parse_node_id(text) == NodeId(prefix, (regency, id_))
    assert parse_node_id(text, prefix) == parse_node_id(text)


@REPEATABLE
@given(code=CODES)
async def test_the_id_of_a_region_leads_back_to_it(database: Database, code: str) -> None:
    text = await evaluated(database, REGIONS.node_text(Row(row_of(code=code))))
    assert parse_node_id(text) == NodeId("Region", (RegionPath.parse(code).id,))


@REPEATABLE
@given(st.text())
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(NodeIdInvalid):
        parse_node_id(text)


@REPEATABLE
@given(st.sampled_from(["Family", "Person", "Region"]), st.lists(st.text(), max_size=3))
def test_any_text_behind_a_known_name_is_refused(prefix: str, parts: list[str]) -> None:
    with pytest.raises(NodeIdInvalid):
        parse_node_id(":".join([prefix, *parts]))


@REPEATABLE
@given(regency=REGENCIES, id_=st.uuids(), at=st.integers(0), to=st.characters())
def test_an_id_that_was_tampered_with_is_another_id_or_none(regency: int, id_: UUID, at: int, to: str) -> None:
    text = f"Family:{regency}:{id_}"
    at %= len(text)
    tampered = text[:at] + to + text[at + 1 :]
    try:
        found = parse_node_id(tampered)
    except NodeIdInvalid:
        return
    assert ":".join([found.prefix, *map(str, found.key)]) == tampered


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "Family",
        f"Family:03471:{ID}",
        f"Family:{ID}",
        f"Family:999:{ID}",
        f"Family:10000:{ID}",
        f"Family:3471:{ID}:",
        f"Family:3471:{ID.upper()}",
        f"Family:3471:{{{ID}}}",
        f"Family:3471:{ID.replace('-', '')}",
        f"Family:\u0663\u0664\u0667\u0661:{ID}",
        f"Family:{'9' * 5000}:{ID}",
        f"family:3471:{ID}",
        "Region:3471",
        "Region:34.71:34",
        "Region:34.71 ",
        "WelfareRank:3471:1",
    ],
)
def test_an_id_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(NodeIdInvalid):
        parse_node_id(text)


def test_an_id_of_another_type_is_refused() -> None:
    with pytest.raises(NodeIdInvalid):
        parse_node_id(f"Person:3471:{ID}", "Family")


def test_more_than_a_hundred_ids_are_refused() -> None:
    assert len(parse_node_ids(["Region:34"] * MOST_IDS)) == MOST_IDS
    with pytest.raises(TooManyIds):
        parse_node_ids(["Region:34"] * (MOST_IDS + 1))
