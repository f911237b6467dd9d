import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.regions.errors import RegionCodeMalformed
from app.domain.regions.rules import parse_bps_code, parse_region
from app.tenants.region_path import RegionLevel


def test_a_dotted_code_is_a_kemendagri_code() -> None:
    assert parse_region("33.02.01.2001").id == 3302012001


@pytest.mark.parametrize("code", ["3302", "330201", "3302010", "3302012001"])
def test_a_code_without_dots_is_refused_with_word_of_the_namespace(code: str) -> None:
    with pytest.raises(RegionCodeMalformed) as refused:
        parse_region(code)

    assert refused.value.code == "REGION_CODE_MALFORMED"
    for message in (refused.value.indonesian, refused.value.english):
        assert code in message
        assert "33.02" in message
        assert "BPS" in message


@given(st.text(st.characters(exclude_categories=[])))
def test_a_refusal_can_be_sent_whatever_the_caller_wrote(text: str) -> None:
    for parse in (parse_region, parse_bps_code):
        try:
            parse(text)
        except RegionCodeMalformed as refused:
            sent = orjson.dumps([refused.indonesian, refused.english])
            assert b"\\u0000" not in sent
            assert len(sent) < 600


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("33", RegionLevel.PROVINCE),
        ("3302", RegionLevel.REGENCY),
        ("3302010", RegionLevel.DISTRICT),
        ("3302010001", RegionLevel.VILLAGE),
    ],
)
def test_the_length_of_a_bps_code_is_its_level(code: str, level: RegionLevel) -> None:
    assert parse_bps_code(code).level is level


@pytest.mark.parametrize("code", ["", "3", "33.02", "330201", "33020100011", "0302", "3302 ", "3302\n", "٣٣٠٢"])
def test_another_form_is_no_bps_code(code: str) -> None:
    with pytest.raises(RegionCodeMalformed, match="no BPS code"):
        parse_bps_code(code)
