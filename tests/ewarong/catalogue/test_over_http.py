"""The catalogue over HTTP: to those who work with it, as it was on a day."""

from datetime import date
from typing import TYPE_CHECKING

import pytest

from app.authz.roles import Role
from tests.support.client import ApiClient
from tests.support.world import BANYUMAS

if TYPE_CHECKING:
    import asyncpg

_RULE = """query($programme: String!, $channel: PaymentChannel!, $on: Date) {
  basketRule(programme: $programme, channel: $channel, on: $on) {
    open validFrom validTo source programmeCode
    groups { code } prohibited { code } balanced { code }
  }
}"""
EVERYTHING = """{
  commodityGroups { code name commodities { code unit } }
  commodities(group: "PROTEIN_NABATI") { nodes { code nameEnglish group { code } } totalCount }
  ewarongThresholds { code value unit source }
}"""


def codes(listed: list[dict[str, str]]) -> list[str]:
    return [each["code"] for each in listed]


async def rule(api: ApiClient, programme: str, channel: str, on: str | None = None) -> dict[str, object] | None:
    caller = await api.as_(Role.FOOD_TASK_FORCE, BANYUMAS.code)
    found: dict[str, object] | None = (await caller.query(_RULE, programme=programme, channel=channel, on=on))[
        "basketRule"
    ]
    return found


async def test_groups_commodities_and_numbers_are_listed(market_api: ApiClient) -> None:
    found = await (await market_api.as_(Role.PSM, BANYUMAS.village(1, 1))).query(EVERYTHING)
    assert codes(found["commodityGroups"]) == ["KARBOHIDRAT", "PROTEIN_HEWANI", "PROTEIN_NABATI", "VITAMIN_MINERAL"]
    assert codes(found["commodityGroups"][0]["commodities"]) == ["CASSAVA", "CORN", "POTATOES", "RICE", "SAGO"]
    assert codes(found["commodities"]["nodes"]) == ["BEANS", "TEMPEH", "TOFU"]
    assert found["commodities"]["totalCount"] == 3
    numbers = {each["code"]: each for each in found["ewarongThresholds"]}
    assert (numbers["F3_SHARE"]["value"], numbers["F3_SHARE"]["unit"]) == (0.7, "share")
    assert "Konfigurasi" in numbers["F3_SHARE"]["source"]


@pytest.mark.parametrize(
    ("on", "groups"),
    [("2019-06-01", 2), ("2021-12-31", 4), ("2026-10-01", 4), (None, 4)],
)
async def test_a_basket_is_that_of_its_day(market_api: ApiClient, on: str | None, groups: int) -> None:
    found = await rule(market_api, "SEMBAKO", "E_WARONG", on)
    assert found is not None
    assert (found["open"], found["programmeCode"]) == (True, "SEMBAKO")
    assert len(found["groups"]) == groups  # type: ignore[arg-type]  # a list of JSON
    assert "CIGARETTES" in codes(found["prohibited"])  # type: ignore[arg-type]  # a list of JSON


@pytest.mark.parametrize(("on", "basis"), [("2021-12-31", {"code": "PERPRES-63-2017"}), ("2026-10-01", None)])
async def test_a_rule_names_its_regulation_or_that_it_is_a_setting(
    market_api: ApiClient, on: str, basis: dict[str, str] | None
) -> None:
    admin = await market_api.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    found = await admin.query(
        'query($on: Date) { basketRule(programme: "SEMBAKO", on: $on) { source programme { code } legalBasis { code } } }',
        on=on,
    )
    assert (found["basketRule"]["programme"], found["basketRule"]["legalBasis"]) == ({"code": "SEMBAKO"}, basis)
    assert found["basketRule"]["source"].startswith("Konfigurasi") is (basis is None)


async def test_cash_has_no_basket_and_other_programmes_no_rule(market_api: ApiClient) -> None:
    cash = await rule(market_api, "SEMBAKO", "POS", "2024-03-01")
    assert cash is not None
    assert (cash["open"], cash["groups"]) == (False, [])
    assert await rule(market_api, "SEMBAKO", "POS", "2021-03-01") is None
    assert await rule(market_api, "PKH", "E_WARONG") is None
    assert await rule(market_api, "BUKAN", "E_WARONG") is None


async def test_after_the_last_day_of_a_rule_nothing_is_redeemed(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    ended = "update basket_rule set valid_to = $1 where programme_code = 'BPNT_DAERAH_BANYUMAS'"
    await market_owner.execute(ended, date(2024, 6, 30))
    try:
        assert await rule(market_api, "BPNT_DAERAH_BANYUMAS", "E_WARONG", "2024-06-30") is not None
        assert await rule(market_api, "BPNT_DAERAH_BANYUMAS", "E_WARONG", "2024-07-01") is None
    finally:
        await market_owner.execute(ended, None)


async def test_whoever_does_not_work_with_outlets_is_refused(market_api: ApiClient) -> None:
    stranger = await market_api.as_(Role.LKS_MANAGER, BANYUMAS.code)
    for document in (
        "{ commodityGroups { code } }",
        "{ ewarongThresholds { code } }",
        "{ commodities { nodes { code } } }",
    ):
        assert await stranger.codes(document) == ["NOT_PERMITTED"]
    assert await stranger.codes(_RULE, programme="SEMBAKO", channel="E_WARONG", on=None) == ["NOT_PERMITTED"]
