"""The cost of an operation is what its answer holds where lists are full, and never less."""

import csv
import lzma
from collections import Counter
from importlib.resources import files
from typing import Any, Final

import pytest
from graphql import get_introspection_query, parse

from app.authz.permissions import Permission
from app.authz.roles import Role
from app.domain.insights.queries import AgeBand
from app.domain.registry.enums import IdentityStatus, Sex
from app.schema.ids import MOST_IDS
from app.schema.plan.limits.measure import Meter
from app.schema.plan.limits.refusals import MOST_COST, CostTooHigh
from app.schema.plan.limits.sizes import _GIVEN, _LISTS, _MOST_REGIONS, _TAKEN, ASSUMED, field_sizes
from app.schema.root import api
from tests.support.client import ApiClient
from tests.support.world import BANYUMAS

BLUEPRINT: Final = api().planner.blueprint
METER: Final = Meter(BLUEPRINT)


def values_of(answer: Any) -> int:
    """Keys of objects, and leaves in lists."""
    if isinstance(answer, dict):
        return sum(1 + values_of(value) for value in answer.values())
    if isinstance(answer, list):
        return sum(values_of(item) if isinstance(item, dict | list) else 1 for item in answer)
    return 0


def cost_of(text: str, **variables: Any) -> int:
    return METER.measure(parse(text)).cost(None, variables)


EXACT: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "one object": ('{ region(code: "33.02") { code name parent { name } } }', {}),
    "a page by a literal": ("{ families(first: 3) { nodes { id village { name } } } }", {}),
    "a page by a variable": ("query ($n: Int!) { families(first: $n) { edges { cursor node { id } } } }", {"n": 4}),
    "a page by default": ("{ families { nodes { id } totalCount pageInfo { hasNextPage } } }", {}),
    "a page by the default of a variable": ("query ($n: Int! = 2) { families(first: $n) { nodes { id } } }", {}),
    "a page by a variable that is absent": ("query ($n: Int) { families(first: $n) { nodes { id } } }", {}),
    "pages within a page": (
        "query ($n: Int!) { regions(first: $n, level: PROVINCE) { nodes { children(first: 2) { nodes { name } } } } }",
        {"n": 3},
    ),
    "a fragment on a connection": (
        (
            "query ($n: Int!) { a: families(first: $n) { ...F } b: families(first: 2) { ...F } } "
            "fragment F on FamilyConnection { nodes { id } ...G } fragment G on FamilyConnection { totalCount edges { cursor } }"
        ),
        {"n": 5},
    ),
    "a fragment on a connection, with pages within": (
        (
            "query ($n: Int!, $m: Int!) { a: regions(first: $n, level: PROVINCE) { ...F } "
            "b: regions(first: 2, level: PROVINCE) { ...F } } "
            "fragment F on RegionConnection { nodes { name children(first: $m) { nodes { code } } } totalCount }"
        ),
        {"n": 3, "m": 2},
    ),
    "objects by their ids": (
        'query ($ids: [ID!]!) { nodes(ids: $ids) { id } b: nodes(ids: ["Region:33"]) { id } }',
        {"ids": ["Region:33", "Region:34"]},
    ),
    "one id where a list may stand": ("query ($id: ID!) { nodes(ids: [$id]) { id } }", {"id": "Region:33"}),
}


@pytest.mark.parametrize(("text", "variables"), EXACT.values(), ids=EXACT)
async def test_the_cost_of_full_lists_is_what_the_answer_holds(
    api_client: ApiClient, text: str, variables: dict[str, Any]
) -> None:
    caller = await api_client.as_(Role.MINISTRY_ADMIN)
    answer = await caller.answer(text, **variables)
    assert "errors" not in answer, answer
    assert answer["extensions"]["cost"]["requested"] == values_of(answer["data"])


ABOVE: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "members and ranks": ("{ families(first: 100) { nodes { members { id name } ranks { decile } } } }", {}),
    "ancestors": ('{ region(code: "33.02.01.2001") { ancestors { name } aliases { code } changes { decree } } }', {}),
    "what is left out": ("{ families(first: 5) { nodes @skip(if: true) { id } totalCount @include(if: false) } }", {}),
    "one key for two fields": ("{ families(first: 5) { nodes { id } nodes { id headName } } }", {}),
    "types behind an interface": (
        '{ nodes(ids: ["Region:33", "Region:34"]) { id ... on Region { name } ... on Family { headName members { id } } } }',
        {},
    ),
    "rows by regency": (
        (
            "query ($r: String!, $by: RegionLevel!) { registrySummary(region: $r, by: $by) { total { families } "
            "rows { region { name } counts { persons familiesByDecile { families } personsByAge { band persons } "
            "personsByIdentityStatus { status } } } } }"
        ),
        {"r": "33", "by": "REGENCY"},
    ),
    "rows by village": (
        (
            "query ($r: String!) { registrySummary(region: $r, by: VILLAGE) { ...Rows } } "
            "fragment Rows on RegistrySummary { rows { counts { families } } }"
        ),
        {"r": BANYUMAS.code},
    ),
    "me": ("{ me { permissions grants { role } principal { name } } }", {}),
    "editions": ("{ registryEditions { period label } }", {}),
}


@pytest.mark.parametrize(("text", "variables"), ABOVE.values(), ids=ABOVE)
async def test_the_cost_is_an_upper_bound_of_what_the_answer_holds(
    api_client: ApiClient, text: str, variables: dict[str, Any]
) -> None:
    caller = await api_client.as_(Role.PROVINCE_OFFICER, "33")
    answer = await caller.answer(text, **variables)
    assert "errors" not in answer, answer
    assert answer["extensions"]["cost"]["requested"] >= values_of(answer["data"])


async def test_introspection_costs_no_less_than_the_schema_holds(api_client: ApiClient) -> None:
    caller = await api_client.as_(Role.MINISTRY_ADMIN)
    answer = await caller.answer(get_introspection_query())
    assert MOST_COST > answer["extensions"]["cost"]["requested"] > values_of(answer["data"]) > 5_000


@pytest.mark.parametrize(
    ("first", "size"), [(0, 0), (-5, 0), (1, 1), (100, 100), (101, 100), (2**31 - 1, 100), (None, 25), ("x", 25)]
)
def test_a_page_is_never_longer_than_a_page_may_be(first: Any, size: int) -> None:
    text = "query ($n: Int) { families(first: $n) { nodes { id } } }"
    assert cost_of(text, n=first) == 2 + size
    if isinstance(first, int):
        assert cost_of(f"{{ families(first: {first}) {{ nodes {{ id }} }} }}") == 2 + size


def test_a_list_of_leaves_counts_as_its_key_and_its_leaves() -> None:
    assert cost_of("{ me { permissions } }") == 1 + 1 + _LISTS["Me", "permissions"].of()


def test_a_list_of_ids_is_never_longer_than_it_may_be() -> None:
    ids = ["Region:33"] * (MOST_IDS + 50)
    assert cost_of("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids) == 1 + MOST_IDS
    assert cost_of("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[]) == 1


def test_lists_within_lists_are_refused_however_they_are_spelled() -> None:
    plain = (
        "families(first: $n) { nodes { members { family { members { family { members { id name sex nik } } } } } } }"
    )
    in_fragments = (
        "{ families(first: 100) { ...A } } fragment A on FamilyConnection { nodes { ...B } } "
        "fragment B on Family { members { family { ...C } } } fragment C on Family { members { family { members { id name sex nik } } } }"
    )
    with pytest.raises(CostTooHigh) as refusal:
        cost_of(f"query ($n: Int!) {{ {plain} }}", n=100)
    with pytest.raises(CostTooHigh) as the_same:
        cost_of(in_fragments)
    assert refusal.value.cost == the_same.value.cost > MOST_COST
    assert refusal.value.extensions == {"cost": refusal.value.cost, "most": MOST_COST}
    assert cost_of(f"query ($n: Int!) {{ {plain} }}", n=10) < MOST_COST


def test_each_operation_has_its_own_cost() -> None:
    measure = METER.measure(
        parse("query A { region(code: 1) { name } } query B($n: Int!) { families(first: $n) { nodes { id } } }")
    )
    assert measure.cost("A", {}) == 2
    assert measure.cost("B", {"n": 7}) == 9


def test_numbers_stay_small_however_fragments_multiply_them() -> None:
    text = "{ region(code: 1) { ...f0 } } " + " ".join(
        f"fragment f{n} on Region {{ children(first: 100) {{ nodes {{ ...f{n + 1} ...f{n + 1} }} }} }}"
        for n in range(6)
    )
    with pytest.raises(CostTooHigh) as refusal:
        cost_of(text + " fragment f6 on Region { name }")
    assert refusal.value.cost == 10**12


def test_what_is_declared_about_lists_is_about_lists_of_the_schema() -> None:
    for type_name, field_name in [*_LISTS, *_GIVEN, *_TAKEN]:
        fields = getattr(BLUEPRINT.schema.type_map[type_name], "fields", {})
        assert field_name in fields, (type_name, field_name)
    counts = {place: count.of() for place, count in _LISTS.items()}
    assert counts["RegistryCounts", "familiesByDecile"] == 10
    assert counts["RegistryCounts", "personsByIdentityStatus"] == len(IdentityStatus)
    assert counts["RegistryCounts", "personsByAge"] == len(AgeBand) * len(Sex)
    assert counts["Me", "permissions"] >= len(Permission)
    assert ASSUMED > 10  # lines of a family card


def test_every_connection_of_the_schema_hands_its_size_to_its_lists() -> None:
    sizes = field_sizes(BLUEPRINT)
    pages = {
        (type_name, field_name): sizes[type_name][field_name]
        for type_name, type_ in BLUEPRINT.schema.type_map.items()
        for field_name, field in getattr(type_, "fields", {}).items()
        if "first" in getattr(field, "args", {})
    }
    assert len(pages) > 3
    for place, size in pages.items():
        assert size.gives is not None, place
        lists = [each for each in sizes[size.type_name].values() if each.takes or each.lists is not None]
        assert lists, place
        assert all(each.takes for each in lists), place


def test_the_rows_of_a_summary_are_at_most_those_of_the_largest_region() -> None:
    codes = ["33"]
    for name in ("provinces", "regencies", "districts", "villages"):
        packed = (files("app.domain.regions") / "data" / f"{name}.csv.xz").read_bytes()
        codes += [row[0] for row in list(csv.reader(lzma.decompress(packed).decode().splitlines()))[1:]]
    levels = {0: "PROVINCE", 1: "REGENCY", 2: "DISTRICT", 3: "VILLAGE"}
    found: dict[tuple[int, str], int] = {}
    for above in levels:
        counted = Counter((tuple(code.split(".")[: above + 1]), code.count(".")) for code in set(codes))
        for (_, dots), number in counted.items():
            if dots >= above:
                found[above, levels[dots]] = max(number, found.get((above, levels[dots]), 0))
    assert found == _MOST_REGIONS
