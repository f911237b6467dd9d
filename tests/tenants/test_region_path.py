import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.tenants.region_path import RegionCodeInvalid, RegionLevel, RegionPath, Span

PAIR = st.integers(0, 99).map("{:02d}".format)
PROVINCE = st.integers(10, 99).map(str)
VILLAGE = st.builds("{}{:03d}".format, st.integers(1, 3), st.integers(0, 999))
SEGMENTS = st.tuples(PROVINCE, PAIR, PAIR, VILLAGE)
CODES = st.builds(lambda segments, depth: ".".join(segments[:depth]), SEGMENTS, st.integers(1, 4))


@given(CODES)
def test_a_code_is_read_and_written_unchanged(code: str) -> None:
    path = RegionPath.parse(code)

    assert path.code == code
    assert RegionPath.of_id(path.id) == path
    assert path.level.digits == len(code.replace(".", ""))


@given(SEGMENTS, SEGMENTS, st.integers(0, 4), st.integers(1, 4), st.integers(1, 4))
def test_a_region_holds_exactly_those_whose_code_begins_with_its_segments(
    mine: tuple[str, ...], yours: tuple[str, ...], shared: int, my_depth: int, your_depth: int
) -> None:
    first = mine[:my_depth]
    second = (mine[:shared] + yours[shared:])[:your_depth]

    holds = RegionPath.parse(".".join(first)).holds(RegionPath.parse(".".join(second)))

    assert holds == (second[: len(first)] == first)


@given(SEGMENTS, SEGMENTS, st.integers(0, 3))
def test_siblings_share_no_village_and_lie_in_their_parent(
    mine: tuple[str, ...], yours: tuple[str, ...], depth: int
) -> None:
    above = mine[:depth]
    parent = RegionPath.parse(".".join(above)) if above else RegionPath.country()
    first, second = (RegionPath.parse(".".join((*above, segment))) for segment in (mine[depth], yours[depth]))

    assert parent.holds(first)
    assert parent.holds(second)
    assert first.ancestor(parent.level) == parent
    assert first == second or first.villages.high < second.villages.low or second.villages.high < first.villages.low


@given(CODES)
def test_the_country_holds_every_region(code: str) -> None:
    assert RegionPath.country().holds(RegionPath.parse(code))
    assert RegionPath.parse(code).ancestor(RegionLevel.COUNTRY) == RegionPath.country()


def test_the_villages_of_a_region_are_a_range_of_ids() -> None:
    assert RegionPath.parse("33.02").villages == Span(3302000000, 3302999999)
    assert RegionPath.parse("33.02.01.2001").villages == Span(3302012001, 3302012001)


def test_a_region_has_no_single_descendant() -> None:
    with pytest.raises(ValueError, match=r"33\.02 has no single region at level VILLAGE"):
        RegionPath.parse("33.02").ancestor(RegionLevel.VILLAGE)


@pytest.mark.parametrize("undotted", ["3302", "330201", "3302010", "3302012001"])
def test_a_code_without_dots_is_never_guessed_at(undotted: str) -> None:
    with pytest.raises(RegionCodeInvalid) as refused:
        RegionPath.parse(undotted)

    assert refused.value.looks_like_bps


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "3",
        "03",
        "333",
        "33.",
        "33.2",
        "33.02.01.4001",
        "33.02.01.2001.1",
        "33,02",
        " 33",
        "33\n",
        "33\x00",
        "٣٣",
    ],
)
def test_what_is_no_code_at_all_does_not_look_like_one_of_the_bps(text: str) -> None:
    with pytest.raises(RegionCodeInvalid) as refused:
        RegionPath.parse(text)

    assert not refused.value.looks_like_bps
