import pytest

from app.domain.regions.errors import BridgeRefused
from app.domain.regions.models import CodeNamespace
from app.domain.regions.service import Loader, add_aliases

BPS_HEADER = "bps_code,kemendagri_code,source"


async def _denoted(loader: Loader, code: str) -> object:
    return await loader.fetchval(
        "select region.code from region join region_alias on region.id = region_id where region_alias.code = $1", code
    )


async def test_a_bridge_adds_its_aliases_once(loader: Loader) -> None:
    bridge = [BPS_HEADER, "3302010,33.02.01,sig.bps.go.id", "3302010001,33.02.01.2001,sig.bps.go.id"]

    assert await add_aliases(loader, CodeNamespace.BPS, bridge) == 2
    assert await add_aliases(loader, CodeNamespace.BPS, bridge) == 0

    assert await _denoted(loader, "3302010001") == "33.02.01.2001"


async def test_a_later_bridge_corrects_an_earlier_one(loader: Loader) -> None:
    await add_aliases(loader, CodeNamespace.BPS, [BPS_HEADER, "3302010,33.02.01,edisi 2024"])

    assert await add_aliases(loader, CodeNamespace.BPS, [BPS_HEADER, "3302010,33.02.02,edisi 2025"]) == 1

    assert await _denoted(loader, "3302010") == "33.02.02"


async def test_a_withdrawn_kemendagri_code_leads_to_the_region_of_today(loader: Loader) -> None:
    bridge = ["withdrawn_code,kemendagri_code,source", "92.77,96.71,Permendagri 137/2017"]

    assert await add_aliases(loader, CodeNamespace.KEMENDAGRI, bridge) == 1

    assert await _denoted(loader, "92.77") == "96.71"


@pytest.mark.parametrize(
    ("lines", "line", "reason"),
    [
        ([], 1, "columns"),
        (["kemendagri_code,bps_code,source"], 1, "columns"),
        ([BPS_HEADER, "3302010,33.02.01,BPS", "3302011,33.02.77,BPS"], 3, "no region with the code 33.02.77"),
        ([BPS_HEADER, "33.02,33.02,BPS"], 2, "no BPS code"),
        ([BPS_HEADER, "3302,3302,BPS"], 2, "no Kemendagri code"),
        ([BPS_HEADER, "3302,33.02.01,BPS"], 2, "not of the same level"),
        ([BPS_HEADER, "3302,33.02"], 2, "three columns"),
        ([BPS_HEADER, "3302,33.02, "], 2, "source"),
        ([BPS_HEADER, "3302,33.02,B\x00PS"], 2, "source"),
        ([BPS_HEADER, "3302,33.02,BPS", "3302,33.01,BPS"], 3, "already denotes 33.02"),
        ([BPS_HEADER, '3302,33.02,"BPS'], 2, "no valid CSV"),
    ],
)
async def test_a_bad_line_is_named_and_nothing_of_its_bridge_is_taken(
    loader: Loader, lines: list[str], line: int, reason: str
) -> None:
    before = await loader.fetchval("select count(*) from region_alias")

    with pytest.raises(BridgeRefused, match=reason) as refused:
        await add_aliases(loader, CodeNamespace.BPS, lines)

    assert refused.value.line == line
    assert refused.value.indonesian.startswith(f"Baris {line}: ")
    assert await loader.fetchval("select count(*) from region_alias") == before


async def test_the_code_of_a_region_cannot_become_the_alias_of_another(loader: Loader) -> None:
    bridge = ["withdrawn_code,kemendagri_code,source", "33.01,33.02,salah"]

    with pytest.raises(BridgeRefused, match=r"Line 2: 33\.01 is the own code of a region"):
        await add_aliases(loader, CodeNamespace.KEMENDAGRI, bridge)
