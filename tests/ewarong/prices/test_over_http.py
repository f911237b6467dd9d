"""Prices over HTTP: reported and published by those who may, and read with what they are worth."""

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from app.authz.roles import Role
from tests.support.client import ApiClient, Caller
from tests.support.outlets import agent_principal, plant_agent
from tests.support.world import BANYUMAS, CILACAP, SLEMAN

if TYPE_CHECKING:
    import asyncpg

REFUSED = (
    "... on InvalidInput { code fields } ... on NotFound { code } ... on Conflict { code } ... on Refused { code }"
)
REPORT = f"""mutation($input: PriceObservationReportInput!) {{
  priceObservationReport(input: $input) {{ ... on PriceObservationReported {{ ids }} {REFUSED} }}
}}"""
PUBLISH = f"""mutation($input: ReferencePricePublishInput!) {{
  referencePricePublish(input: $input) {{
    ... on ReferencePricePublished {{
      referencePrice {{ id region {{ code }} commodity {{ code unit }} week price ceiling observations source version }}
    }}
    {REFUSED}
  }}
}}"""
OBSERVED = """query($ids: [ID!]!) { nodes(ids: $ids) { ... on PriceObservation {
  place placeName agent { id } commodity { code } price quality note deviation verdict reference { price } village { code }
} } }"""
LISTED = """query($region: String!, $commodity: String, $week: Date) {
  referencePrices(region: $region, commodity: $commodity, week: $week) { nodes { price week } totalCount }
}"""
SEEN = """query($region: String!, $place: PricePlace) {
  priceObservations(region: $region, place: $place, commodity: "FRUIT", from: "2026-05-01", to: "2026-05-31") { nodes { id } totalCount }
}"""
DAY = "2026-05-06"


def visit(*lines: dict[str, Any], **others: Any) -> dict[str, Any]:
    market = {"village": SLEMAN.village(1, 1), "placeName": "Pasar Sleman"}
    return {"observedOn": DAY, "idempotencyKey": str(uuid4()), "lines": list(lines)} | (
        others if "agent" in others else market | others
    )


def fruit(price: int) -> dict[str, Any]:
    return {"commodity": "FRUIT", "price": price, "quality": "GOOD"}


async def reported(caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = (await caller.query(REPORT, input=given))["priceObservationReport"]
    return answer


async def published(caller: Caller, **given: Any) -> dict[str, Any]:
    said = {"region": SLEMAN.code, "commodity": "FRUIT", "week": DAY} | given
    answer: dict[str, Any] = (await caller.query(PUBLISH, input=said))["referencePricePublish"]
    return answer


async def test_from_the_market_to_the_verdict(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    force = await market_api.as_(Role.FOOD_TASK_FORCE, SLEMAN.code)
    outlet = await plant_agent(market_owner, SLEMAN.village(1, 1))
    first = visit(fruit(20_000), {"commodity": "EGGS", "price": 28_000, "quality": "POOR", "note": "retak"})
    ids = (await reported(force, first))["ids"]
    assert (await reported(force, first))["ids"] == ids
    assert await reported(force, first | {"lines": [fruit(1)]}) == {"code": "IDEMPOTENCY_KEY_REUSED"}
    dear = (await reported(force, visit(fruit(23_000), agent=outlet.node)))["ids"]
    before = (await force.query(OBSERVED, ids=dear))["nodes"][0]
    assert (before["deviation"], before["verdict"], before["reference"]) == (None, None, None)
    price = (await published(force, ceiling=25_000))["referencePrice"]
    assert price | {"id": ""} == {
        "id": "",
        "region": {"code": SLEMAN.code},
        "commodity": {"code": "FRUIT", "unit": "KILOGRAM"},
        "week": "2026-05-04",
        "price": 20_000,
        "ceiling": 25_000,
        "observations": 1,
        "source": "Median pengamatan harga pasar",
        "version": 1,
    }
    seen = (await force.query(OBSERVED, ids=[*ids, *dear]))["nodes"]
    assert [each["verdict"] for each in seen] == ["FAIR", None, "UNFAIR"]
    assert seen[2] == {
        "place": "OUTLET",
        "placeName": None,
        "agent": {"id": outlet.node},
        "commodity": {"code": "FRUIT"},
        "price": 23_000,
        "quality": "GOOD",
        "note": "",
        "deviation": 0.15,
        "verdict": "UNFAIR",
        "reference": {"price": 20_000},
        "village": {"code": SLEMAN.village(1, 1)},
    }
    assert (await force.query(SEEN, region=SLEMAN.code, place="OUTLET"))["priceObservations"]["totalCount"] == 1
    assert (await force.query(SEEN, region=SLEMAN.district(2), place=None))["priceObservations"]["totalCount"] == 0
    assert await published(force, price=21_000, source="Survei") == {"code": "REFERENCE_PRICE_CHANGED"}
    again = await published(force, price=21_000, source="Survei", version=1)
    assert (again["referencePrice"]["version"], again["referencePrice"]["observations"]) == (2, 0)


async def test_everybody_who_works_with_outlets_reads_a_price(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    force = await market_api.as_(Role.FOOD_TASK_FORCE, CILACAP.code)
    assert "referencePrice" in await published(
        force, region=CILACAP.code, commodity="CHICKEN", price=35_000, source="Survei"
    )
    outlet = await plant_agent(market_owner, CILACAP.village(2, 1))
    agent = await agent_principal(market_api, market_owner, outlet)
    for caller in (agent, await market_api.as_(Role.PSM, BANYUMAS.village(1, 1))):
        page = (await caller.query(LISTED, region=CILACAP.code, commodity="CHICKEN", week="2026-05-10"))[
            "referencePrices"
        ]
        assert page == {"nodes": [{"price": 35_000, "week": "2026-05-04"}], "totalCount": 1}
        for other in ("2026-05-03", "2026-05-11"):
            page = (await caller.query(LISTED, region=CILACAP.code, commodity="CHICKEN", week=other))["referencePrices"]
            assert page["totalCount"] == 0
    # How outlets are looked at is none of an outlet's business.
    assert await agent.codes(SEEN, region=CILACAP.code, place=None) == ["NOT_PERMITTED"]


async def test_what_is_seen_lies_in_the_region_of_who_reads(market_api: ApiClient) -> None:
    force = await market_api.as_(Role.FOOD_TASK_FORCE, SLEMAN.code)
    ids = (await reported(force, visit({"commodity": "BEANS", "price": 20_000, "quality": "FAIR"})))["ids"]
    neighbour = await market_api.as_(Role.FOOD_TASK_FORCE, BANYUMAS.code)
    assert (await neighbour.query(OBSERVED, ids=ids))["nodes"] == [None]
    assert (await force.query(OBSERVED, ids=ids))["nodes"][0]["price"] == 20_000


async def test_input_that_cannot_be_is_told_by_its_field(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    force = await market_api.as_(Role.FOOD_TASK_FORCE, SLEMAN.code)
    far = await plant_agent(market_owner, BANYUMAS.village(1, 1))
    for given, refusal in (
        (visit(fruit(1), agent=far.node), {"code": "EWARONG_AGENT_NOT_FOUND"}),
        (visit(fruit(1), agent=far.node.replace(far.id.hex[:8], "00000000")), {"code": "EWARONG_AGENT_NOT_FOUND"}),
        (visit(fruit(1), agent="Region:33"), {"code": "ID_INVALID", "fields": ["agent"]}),
        (visit(fruit(1), village=BANYUMAS.village(1, 1)), {"code": "REGION_UNKNOWN", "fields": ["village"]}),
        (visit(fruit(1), village="3404"), {"code": "REGION_CODE_MALFORMED", "fields": ["village"]}),
        (
            visit(fruit(1), agent=far.node, placeName="Pasar"),
            {"code": "PRICE_PLACE_INVALID", "fields": ["agent", "village", "placeName"]},
        ),
        (visit(fruit(1) | {"commodity": "BATU"}), {"code": "COMMODITY_UNKNOWN", "fields": ["lines"]}),
        (visit(fruit(1) | {"note": "a\0"}), {"code": "TEXT_INVALID", "fields": ["lines"]}),
        (visit(fruit(1) | {"note": "Ibu 9902010101900001"}), {"code": "PERSONAL_NUMBER", "fields": ["lines"]}),
        (visit(), {"code": "PRICE_OBSERVATION_INVALID", "fields": ["lines"]}),
    ):
        assert await reported(force, given) == refusal
    for said, refusal in (
        ({"region": BANYUMAS.code, "price": 1, "source": "x"}, {"code": "REGION_UNKNOWN", "fields": ["region"]}),
        ({"commodity": "BATU"}, {"code": "COMMODITY_UNKNOWN", "fields": ["commodity"]}),
        ({"commodity": "CORN"}, {"code": "PRICE_NOT_OBSERVED", "fields": ["price", "source"]}),
        ({"commodity": "CORN", "price": 1}, {"code": "REFERENCE_PRICE_INVALID", "fields": ["source"]}),
        ({"commodity": "CORN", "source": "x"}, {"code": "REFERENCE_PRICE_INVALID", "fields": ["price"]}),
    ):
        assert await published(force, **said) == refusal


async def test_whoever_may_not_report_or_publish_is_refused(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outlet = await plant_agent(market_owner, SLEMAN.village(1, 1))
    agent = await agent_principal(market_api, market_owner, outlet)
    analyst = await market_api.as_(Role.MINISTRY_ANALYST)
    for caller in (agent, analyst):
        assert await caller.codes(REPORT, input=visit(fruit(1))) == ["NOT_PERMITTED"]
        said = {"region": SLEMAN.code, "commodity": "FRUIT", "week": DAY, "price": 1, "source": "x"}
        assert await caller.codes(PUBLISH, input=said) == ["NOT_PERMITTED"]
    # Who sees a part of the regency does not say what things cost in all of it.
    psm = await market_api.as_(Role.PSM, SLEMAN.village(1, 1))
    assert await psm.codes(PUBLISH, input=said) == ["NOT_PERMITTED"]
