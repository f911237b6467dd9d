"""Quotas are set by whoever may change the programme, and seen within their own region."""

from typing import Any

import pytest

from app.authz.roles import Role
from tests.bansos.programmes.bureau import BANYUMAS, CILACAP, Bureau
from tests.support.aid import plant_quotas
from tests.support.client import Caller

QUOTAS = """query($code: String!, $year: Int, $region: String) { programme(code: $code) { quotas(year: $year, region: $region) {
  totalCount nodes { year families region { code } } } } }"""


async def quotas(caller: Caller, code: str, **filters: Any) -> list[tuple[int, str, int]]:
    page = (await caller.query(QUOTAS, code=code, **filters))["programme"]["quotas"]
    assert page["totalCount"] == len(page["nodes"])
    return [(node["year"], node["region"]["code"], node["families"]) for node in page["nodes"]]


async def test_a_quota_is_set_and_set_again(bureau: Bureau) -> None:
    caller = await bureau.maker()
    first = await bureau.set_quota(caller)
    assert first["__typename"] == "ProgrammeQuotaSet"
    assert first["quota"]["families"] == 120
    again = await bureau.set_quota(caller, families=90)
    assert (again["quota"]["id"], again["quota"]["families"]) == (first["quota"]["id"], 90)
    assert await quotas(caller, bureau.programme) == [(2026, BANYUMAS, 90)]


async def test_quotas_of_other_regencies_are_not_seen(bureau: Bureau) -> None:
    await plant_quotas(bureau.owner, "PKH", 2031, {3302: 10, 3301: 20, 3404: 30})
    regency, ministry = await bureau.maker(), await bureau.officer(Role.MINISTRY_ADMIN)
    assert await quotas(regency, "PKH", year=2031) == [(2031, BANYUMAS, 10)]
    assert await quotas(regency, "PKH", year=2031, region=CILACAP) == []
    province = await bureau.officer(Role.PROVINCE_OFFICER, "33")
    assert await quotas(province, "PKH", year=2031) == [(2031, BANYUMAS, 10), (2031, CILACAP, 20)]
    assert len(await quotas(ministry, "PKH", year=2031)) == 3


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"region": CILACAP}, "region"),
        ({"region": "33"}, "region"),
        ({"region": "33.02.01"}, "region"),
        ({"region": "banyumas"}, "region"),
        ({"families": -1}, "families"),
        ({"year": 1999}, "year"),
        ({"source": "  "}, "source"),
        ({"source": "a\u0000b"}, "source"),
    ],
)
async def test_a_quota_that_cannot_be_is_told_with_its_field(
    bureau: Bureau, changes: dict[str, Any], field: str
) -> None:
    refused = await bureau.set_quota(await bureau.maker(), **changes)
    assert (refused["__typename"], refused["fields"]) == ("InvalidInput", [field])


async def test_another_regency_sets_none(bureau: Bureau) -> None:
    refused = await bureau.set_quota(await bureau.maker(CILACAP))
    assert (refused["__typename"], refused["code"]) == ("NotFound", "PROGRAMME_NOT_FOUND")
