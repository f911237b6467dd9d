"""Supply over HTTP: an outlet names whom it buys from, sees its own rows alone, and the office sees who supplies whom."""

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest_asyncio

from app.authz.roles import Role
from tests.support.client import ApiClient, Caller
from tests.support.outlets import Outlet, agent_principal, plant_agent
from tests.support.world import BANYUMAS, CILACAP

if TYPE_CHECKING:
    import asyncpg

REFUSED = (
    "... on InvalidInput { code fields } ... on NotFound { code } ... on Conflict { code } ... on Refused { code }"
)
REGISTER = f"""mutation($input: EwarongSupplierRegisterInput!) {{
  ewarongSupplierRegister(input: $input) {{
    ... on EwarongSupplierRegistered {{ supplier {{ id name number region {{ code }} }} }} {REFUSED}
  }}
}}"""
DELIVER = f"""mutation($input: EwarongDeliveryReportInput!) {{
  ewarongDeliveryReport(input: $input) {{ ... on EwarongDeliveryReported {{ ids }} {REFUSED} }}
}}"""
SELL = f"""mutation($input: EwarongOtherSalesReportInput!) {{
  ewarongOtherSalesReport(input: $input) {{
    ... on EwarongOtherSalesReported {{ otherSales {{ id month amount agent {{ id }} }} }} {REFUSED}
  }}
}}"""
SUPPLIERS = "query($region: String, $search: String) { ewarongSuppliers(region: $region, search: $search) { nodes { id name } } }"
DELIVERIES = """query($region: String, $agent: ID) {
  ewarongDeliveries(region: $region, agent: $agent, from: "2026-06-01", to: "2026-06-30") {
    nodes { id agent { id } supplier { name } commodity { code } quantity unitPrice amount deliveredOn village { code } }
  }
}"""
SALES = "query($agent: ID) { ewarongOtherSales(agent: $agent) { nodes { id amount } } }"
CONCENTRATION = """query($region: String!, $from: Date!, $to: Date!) {
  supplierConcentration(region: $region, from: $from, to: $to) {
    region { code } first last amount
    districts {
      region { code } amount suppliers index concentrated largestShare largest { name }
      shares { amount share outlets supplier { name } }
    }
  }
}"""
JUNE = {"from": "2026-06-01", "to": "2026-06-30"}
PLACE = CILACAP.district(3)


@pytest_asyncio.fixture
async def outlets(market_owner: "asyncpg.Connection[asyncpg.Record]") -> list[Outlet]:
    await market_owner.execute("delete from ewarong_delivery where regency_id = $1", CILACAP.id)
    return [await plant_agent(market_owner, CILACAP.village(3, 1)) for _ in range(2)]


async def registered(api: ApiClient, name: str, number: str | None = None) -> str:
    tksk = await api.as_(Role.TKSK, PLACE)
    said = {"region": CILACAP.code, "name": name, "number": number or f"{uuid4().int % 10**13:013}"}
    answer = (await tksk.query(REGISTER, input=said))["ewarongSupplierRegister"]
    assert answer["supplier"]["region"] == {"code": CILACAP.code}
    identifier: str = answer["supplier"]["id"]
    return identifier


def delivery(outlet: Outlet, supplier: str, *lines: tuple[str, str, int], **others: Any) -> dict[str, Any]:
    return {
        "agent": outlet.node,
        "supplier": supplier,
        "deliveredOn": "2026-06-10",
        "idempotencyKey": str(uuid4()),
        "lines": [{"commodity": code, "quantity": text, "unitPrice": price} for code, text, price in lines],
    } | others


async def delivered(caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = (await caller.query(DELIVER, input=given))["ewarongDeliveryReport"]
    return answer


async def test_an_outlet_finds_a_supplier_and_reports_what_it_brought(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]", outlets: list[Outlet]
) -> None:
    mark = uuid4().hex[:8]
    supplier = await registered(market_api, f"CV Panen {mark}")
    own, other = [await agent_principal(market_api, market_owner, outlet) for outlet in outlets]
    found = (await own.query(SUPPLIERS, region=CILACAP.code, search=f"panen {mark}"))["ewarongSuppliers"]["nodes"]
    assert found == [{"id": supplier, "name": f"CV Panen {mark}"}]
    given = delivery(outlets[0], supplier, ("RICE", "100.50", 12_001), ("EGGS", "10", 27_000))
    ids = (await delivered(own, given))["ids"]
    assert (await delivered(own, given))["ids"] == ids
    changed = given | {"lines": given["lines"][:1]}
    assert await delivered(own, changed) == {"code": "IDEMPOTENCY_KEY_REUSED"}
    rows = (await own.query(DELIVERIES, agent=outlets[0].node))["ewarongDeliveries"]["nodes"]
    assert sorted(row["id"] for row in rows) == sorted(ids)
    rice = next(row for row in rows if row["commodity"]["code"] == "RICE")
    assert (rice["quantity"], rice["amount"], rice["agent"]) == ("100.5", 1_206_101, {"id": outlets[0].node})
    assert (await other.query(DELIVERIES))["ewarongDeliveries"]["nodes"] == []
    assert (await other.query(DELIVERIES, agent=outlets[0].node))["ewarongDeliveries"]["nodes"] == []
    assert (await other.query("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids))["nodes"] == [None, None]


async def test_whoever_runs_an_outlet_gets_for_another_what_a_missing_one_gets(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]", outlets: list[Outlet]
) -> None:
    supplier = await registered(market_api, "CV Tetangga")
    agent = await agent_principal(market_api, market_owner, outlets[0])
    missing = Outlet(outlets[1].village, uuid4())
    for outlet in (outlets[1], missing):
        assert await delivered(agent, delivery(outlet, supplier, ("RICE", "1", 1_000))) == {
            "code": "EWARONG_AGENT_NOT_FOUND"
        }
        said = {"agent": outlet.node, "month": "2026-06-30", "amount": 1}
        assert (await agent.query(SELL, input=said))["ewarongOtherSalesReport"] == {"code": "EWARONG_AGENT_NOT_FOUND"}


async def test_input_that_cannot_be_is_told_by_its_field(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]", outlets: list[Outlet]
) -> None:
    supplier = await registered(market_api, "CV Uji", "1234567890123")
    agent = await agent_principal(market_api, market_owner, outlets[0])
    rice = ("RICE", "1", 1_000)
    for given, refusal in (
        (delivery(outlets[0], outlets[0].node, rice), {"code": "ID_INVALID", "fields": ["supplier"]}),
        (
            delivery(outlets[0], f"EwarongSupplier:{CILACAP.id}:{uuid4()}", rice),
            {"code": "EWARONG_SUPPLIER_NOT_FOUND", "fields": ["supplier"]},
        ),
        (delivery(outlets[0], supplier, ("RICE", "0", 1)), {"code": "EWARONG_DELIVERY_INVALID", "fields": ["lines"]}),
        (delivery(outlets[0], supplier), {"code": "EWARONG_DELIVERY_INVALID", "fields": ["lines"]}),
        (
            delivery(outlets[0], supplier, rice, deliveredOn="2100-01-01"),
            {"code": "EWARONG_DELIVERY_INVALID", "fields": ["deliveredOn"]},
        ),
        (delivery(outlets[0], supplier, ("BATU", "1", 1)), {"code": "COMMODITY_UNKNOWN", "fields": ["lines"]}),
    ):
        assert await delivered(agent, given) == refusal
    tksk = await market_api.as_(Role.TKSK, PLACE)
    for said, refused in (
        ({"region": BANYUMAS.code}, {"code": "REGION_UNKNOWN", "fields": ["region"]}),
        ({"number": "12"}, {"code": "EWARONG_SUPPLIER_INVALID", "fields": ["number"]}),
        ({"name": "Lain"}, {"code": "EWARONG_SUPPLIER_NUMBER_TAKEN"}),
    ):
        full = {"region": CILACAP.code, "name": "CV Uji", "number": "1234567890123"} | said
        assert (await tksk.query(REGISTER, input=full))["ewarongSupplierRegister"] == refused


async def test_other_sales_are_said_again(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]", outlets: list[Outlet]
) -> None:
    agent = await agent_principal(market_api, market_owner, outlets[0])
    answers = [
        (await agent.query(SELL, input={"agent": outlets[0].node, "month": f"2026-06-{day}", "amount": amount}))[
            "ewarongOtherSalesReport"
        ]["otherSales"]
        for day, amount in (("15", 3_000_000), ("30", 4_000_000))
    ]
    assert [each["amount"] for each in answers] == [3_000_000, 4_000_000]
    assert answers[0]["id"] == answers[1]["id"]
    assert answers[1]["month"] == "2026-06-01"
    assert (await agent.query(SALES))["ewarongOtherSales"]["nodes"] == [{"id": answers[1]["id"], "amount": 4_000_000}]
    other = await agent_principal(market_api, market_owner, outlets[1])
    assert (await other.query(SALES))["ewarongOtherSales"]["nodes"] == []
    office = await market_api.as_(Role.REGENCY_VERIFIER, CILACAP.code)
    assert (await office.query(SALES, agent=outlets[0].node))["ewarongOtherSales"]["nodes"][0]["amount"] == 4_000_000


async def test_the_office_sees_who_supplies_a_district(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]", outlets: list[Outlet]
) -> None:
    first, second = [await registered(market_api, name) for name in ("CV Besar", "CV Kecil")]
    agents = [await agent_principal(market_api, market_owner, outlet) for outlet in outlets]
    for agent, outlet, supplier, price in (
        (agents[0], outlets[0], first, 3_000),
        (agents[1], outlets[1], first, 6_000),
        (agents[1], outlets[1], second, 1_000),
    ):
        assert "ids" in await delivered(agent, delivery(outlet, supplier, ("RICE", "1000", price)))
    office = await market_api.as_(Role.REGENCY_VERIFIER, CILACAP.code)
    told = (await office.query(CONCENTRATION, region=CILACAP.code, **JUNE))["supplierConcentration"]
    assert (told["region"], told["first"], told["last"]) == ({"code": CILACAP.code}, *JUNE.values())
    assert told["amount"] == 10_000_000
    assert told["districts"] == [
        {
            "region": {"code": PLACE},
            "amount": 10_000_000,
            "suppliers": 2,
            "index": 8_200,
            "concentrated": True,
            "largestShare": 0.9,
            "largest": {"name": "CV Besar"},
            "shares": [
                {"amount": 9_000_000, "share": 0.9, "outlets": 2, "supplier": {"name": "CV Besar"}},
                {"amount": 1_000_000, "share": 0.1, "outlets": 1, "supplier": {"name": "CV Kecil"}},
            ],
        }
    ]
    # Whoever runs an outlet is told of that one alone, and another regency of nothing.
    own = (await agents[0].query(CONCENTRATION, region=CILACAP.code, **JUNE))["supplierConcentration"]
    assert (own["amount"], own["districts"][0]["suppliers"]) == (3_000_000, 1)
    neighbour = await market_api.as_(Role.REGENCY_VERIFIER, BANYUMAS.code)
    none = (await neighbour.query(CONCENTRATION, region=CILACAP.code, **JUNE))["supplierConcentration"]
    assert (none["amount"], none["districts"]) == (0, [])
    backwards = {"from": "2026-06-30", "to": "2026-06-01"}
    assert await office.codes(CONCENTRATION, region=CILACAP.code, **backwards) == ["SUPPLY_SPAN_INVALID"]


async def test_suppliers_are_those_of_the_regencies_where_one_works(market_api: ApiClient) -> None:
    mark = uuid4().hex[:8]
    supplier = await registered(market_api, f"CV {mark}")
    for code, seen in ((CILACAP.village(1, 1), True), (CILACAP.code, True), ("33", True), (BANYUMAS.code, False)):
        role = Role.PROVINCE_OFFICER if code == "33" else Role.REGENCY_VERIFIER
        caller = await market_api.as_(role, code)
        found = (await caller.query(SUPPLIERS, search=mark))["ewarongSuppliers"]["nodes"]
        assert [each["id"] for each in found] == ([supplier] if seen else [])
        node = (await caller.query("query($id: ID!) { node(id: $id) { id } }", id=supplier))["node"]
        assert (node is not None) is seen


async def test_whoever_may_not_report_or_register_is_refused(market_api: ApiClient, outlets: list[Outlet]) -> None:
    supplier = await registered(market_api, "CV Lain")
    office = await market_api.as_(Role.REGENCY_VERIFIER, CILACAP.code)
    given = delivery(outlets[0], supplier, ("RICE", "1", 1_000))
    assert await office.codes(DELIVER, input=given) == ["NOT_PERMITTED"]
    assert await office.codes(SELL, input={"agent": outlets[0].node, "month": "2026-06-01", "amount": 1}) == [
        "NOT_PERMITTED"
    ]
    said = {"region": CILACAP.code, "name": "x", "number": "1234567890123"}
    assert await office.codes(REGISTER, input=said) == ["NOT_PERMITTED"]
    psm = await market_api.as_(Role.PSM, CILACAP.village(1, 1))
    assert await psm.codes(SUPPLIERS) == ["NOT_PERMITTED"]
    assert await psm.codes(CONCENTRATION, region=CILACAP.code, **JUNE) == ["NOT_PERMITTED"]
