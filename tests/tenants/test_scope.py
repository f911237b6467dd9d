from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.tenants.region_path import RegionLevel, RegionPath, Span
from app.tenants.scope import EntityBinding, TenantScope
from tests.tenants.test_region_path import CODES

PATHS = CODES.map(RegionPath.parse)
WARONG = EntityBinding("EWARONG", UUID(int=1))
LKS = EntityBinding("LKS", UUID(int=2))


def _scope(*codes: str) -> TenantScope:
    return TenantScope.of(map(RegionPath.parse, codes))


@given(st.lists(PATHS, max_size=8), PATHS)
def test_a_scope_covers_a_region_that_lies_in_one_of_its_own(granted: list[RegionPath], region: RegionPath) -> None:
    scope = TenantScope.of(granted)

    assert all(scope.covers(own) for own in granted)
    if scope.covers(region) and region.level is RegionLevel.VILLAGE:
        assert any(own.holds(region) for own in granted)
    if any(own.holds(region) for own in granted):
        assert scope.covers(region)


@given(st.lists(PATHS, max_size=8))
def test_spans_are_sorted_apart_and_hold_each_granted_village_once(granted: list[RegionPath]) -> None:
    spans = TenantScope.of(granted).spans

    assert all(left.high + 1 < right.low for left, right in pairwise(spans))
    for bound in {end for span in spans for end in (span.low, span.high)}:
        assert any(own.villages.low <= bound <= own.villages.high for own in granted)


def test_regions_side_by_side_become_one_span() -> None:
    assert _scope("33.02", "33.01").spans == (Span(3301000000, 3302999999),)


def test_a_region_within_another_adds_nothing() -> None:
    assert _scope("33", "33.02.01").spans == _scope("33").spans


def test_the_finest_level_is_that_of_the_smallest_grant() -> None:
    assert _scope("33", "36.02.01").finest is RegionLevel.DISTRICT


def test_regions_apart_are_bounded_by_their_hull_and_told_exactly_by_a_multirange() -> None:
    scope = _scope("33.02", "33.04.01")

    assert scope.multirange == "{[3302000000,3302999999],[3304010000,3304019999]}"
    assert scope.settings == (3302, 3304, 3302000000, 3304019999, scope.multirange, "", "")


def test_one_span_needs_no_multirange() -> None:
    assert _scope("33.02").settings == (3302, 3302, 3302000000, 3302999999, "", "", "")


def test_the_ministry_holds_every_regency() -> None:
    assert TenantScope.of([RegionPath.country()]).settings[:4] == (0, 9999, 0, 9999999999)


def test_an_empty_scope_covers_nothing_and_sets_nothing() -> None:
    scope = TenantScope.of([])

    assert scope.settings == (None, None, None, None, "", "", "")
    assert scope.multirange == "{}"
    assert not scope.covers(RegionPath.parse("33.02.01.2001"))


@pytest.mark.parametrize("bindings", [(WARONG, LKS), (LKS, WARONG, LKS)])
def test_entities_are_kept_once_in_one_order(bindings: tuple[EntityBinding, ...]) -> None:
    scope = TenantScope.of([], [(RegionPath.parse("33.02"), binding) for binding in bindings])

    assert scope.entities == (WARONG, LKS)
    assert scope.settings[5] == f"{{{WARONG.id},{LKS.id}}}"


def test_who_holds_a_village_freely_and_a_thing_elsewhere_is_not_held_to_the_thing_in_the_village() -> None:
    scope = TenantScope.of([RegionPath.parse("33.02.01.2001")], [(RegionPath.parse("33.02"), WARONG)])

    assert scope.multirange == "{[3302000000,3302999999]}"
    assert scope.settings[5:] == (f"{{{WARONG.id}}}", "{[3302012001,3302012001]}")


def test_without_a_bound_grant_nothing_needs_to_be_said_of_free_ones() -> None:
    assert TenantScope.of([RegionPath.parse("33.02")]).settings[5:] == ("", "")
