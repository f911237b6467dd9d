"""Villages with families and no outlet, and outlets with more families than they should serve."""

from collections.abc import AsyncIterator
from datetime import date
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

import pytest_asyncio

from app.authz.roles import Role
from app.domain.ewarong.catalogue.loading import load_catalogue
from app.domain.ewarong.models.agents import AgentState
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader
from tests.support.client import ApiClient, Caller, Json
from tests.support.outlets import Outlet, agent_principal, plant_agent, plant_kpm
from tests.support.triggers import past_triggers
from tests.support.world import BANYUMAS, CILACAP, SLEMAN

if TYPE_CHECKING:
    import asyncpg

COUNTS: Final = "villages families outlets services gaps"
COVERAGE: Final = f"""
query ($region: String!, $by: RegionLevel!) {{
  ewarongCoverage(region: $region, by: $by) {{
    region {{ code }} total {{ {COUNTS} }} rows {{ region {{ code }} gap counts {{ {COUNTS} }} }}
  }}
}}
"""
FAMILIES: Final = "query ($id: ID!, $month: Date!) { node(id: $id) { ... on EwarongAgent { families(month: $month) { served most } } } }"
_SOLD: Final = """
insert into ewarong_transaction (regency_id, id, village_id, agent_id, programme_code, amount, balance, happened_at, received_at, day,
  last_four, card_id, family_id, family_regency_id, family_village_id, wallet_id, entry_id, receipt, unbalanced, basket, idempotency_key,
  request, reported_by)
values ($1, $2, $3, $4, 'SEMBAKO', 1000, 0, $5::date, $5::date, $5::date, '0000', gen_random_uuid(), $6, $1, $3, gen_random_uuid(),
  gen_random_uuid(), $2::uuid::text, false, '\\x00', gen_random_uuid(), '\\x00', gen_random_uuid())
"""
_TAKEN_BACK: Final = """
insert into ewarong_reversal (regency_id, id, village_id, agent_id, transaction_id, amount, reason, entry_id, day, idempotency_key,
  reversed_by, reversed_by_name, reversed_at)
values ($1, gen_random_uuid(), $2, $3, $4, 1000, 'salah', gen_random_uuid(), '2026-07-02', gen_random_uuid(), gen_random_uuid(), 'Uji',
  now())
"""
_PLANNED: Final = """
insert into ewarong_service (regency_id, id, village_id, agent_id, weekday, valid_from, valid_to, opens, closes, place, idempotency_key,
  planned_by, planned_by_name, planned_at)
values ($1, gen_random_uuid(), $2, $3, 1, '2026-01-01', '2099-01-01', '08:00', '10:00', 'Balai', gen_random_uuid(), gen_random_uuid(),
  'Uji', now())
"""
_CLOSED: Final = "update ewarong_agent set state = 'INACTIVE', returns_to = 'ACTIVE' where regency_id = $1"


def village_id(code: str) -> int:
    return int(code.replace(".", ""))


async def covered(caller: Caller, region: str, by: str) -> Json:
    data: Json = (await caller.query(COVERAGE, region=region, by=by))["ewarongCoverage"]
    return data


async def test_a_village_with_families_and_nobody_who_sells_is_a_gap(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Sleman, where no other test gives a card to a family; outlets that others have put there sell no more."""
    await market_owner.execute(_CLOSED, SLEMAN.id)
    shop, lorry, gap, frozen, quiet = (SLEMAN.village(*place) for place in ((1, 1), (1, 2), (1, 3), (2, 1), (2, 2)))
    for village in (shop, shop, lorry, gap, frozen):
        await plant_kpm(market_owner, SLEMAN.id, village_id=village_id(village))
    await plant_kpm(market_owner, SLEMAN.id, village_id=village_id(quiet), state="BLOCKED")
    outlet = await plant_agent(market_owner, shop, state=AgentState.SECOND_WARNING)
    await plant_agent(market_owner, frozen, state=AgentState.FROZEN)
    await market_owner.execute(_PLANNED, SLEMAN.id, village_id(lorry), outlet.id)
    admin = await market_api.as_(Role.REGENCY_ADMIN, SLEMAN.code)
    told = await covered(admin, SLEMAN.code, "VILLAGE")
    assert {row["region"]["code"]: (row["gap"], *row["counts"].values()) for row in told["rows"]} == {
        shop: (False, 1, 2, 1, 0, 0),
        lorry: (False, 1, 1, 0, 1, 0),
        gap: (True, 1, 1, 0, 0, 1),
        frozen: (True, 1, 1, 0, 0, 1),
    }
    whole = {"villages": 4, "families": 5, "outlets": 1, "services": 1, "gaps": 2}
    assert told["total"] == whole
    for caller, region, by in (
        (admin, SLEMAN.code, "REGENCY"),
        (await market_api.as_(Role.PROVINCE_OFFICER, "34"), "34", "PROVINCE"),
    ):
        (row,) = (await covered(caller, region, by))["rows"]
        assert row == {"region": {"code": region}, "gap": True, "counts": whole}
    # Each sees what is theirs, and adds up what they see.
    tksk = await market_api.as_(Role.TKSK, SLEMAN.district(2))
    theirs = await covered(tksk, SLEMAN.code, "VILLAGE")
    assert [row["region"]["code"] for row in theirs["rows"]] == [frozen]
    assert theirs["total"]["families"] == 1
    other = await market_api.as_(Role.REGENCY_ADMIN, CILACAP.code)
    assert (await covered(other, SLEMAN.code, "VILLAGE"))["rows"] == []
    # An outlet is told of no village, not even of the families of its own.
    keeper = await agent_principal(market_api, market_owner, outlet)
    assert (await covered(keeper, SLEMAN.code, "VILLAGE"))["rows"] == []


async def test_rows_are_no_larger_than_the_region_and_no_more_than_can_be_read(market_api: ApiClient) -> None:
    admin = await market_api.as_(Role.PROVINCE_OFFICER, "33")
    assert await admin.codes(COVERAGE, region="33", by="VILLAGE") == ["EWARONG_COVERAGE_TOO_FINE"]
    assert await admin.codes(COVERAGE, region=BANYUMAS.code, by="PROVINCE") == ["SUMMARY_LEVEL_INVALID"]
    assert await admin.codes(COVERAGE, region="33.99", by="VILLAGE") == ["REGION_UNKNOWN"]
    verifier = await market_api.as_(Role.VILLAGE_OPERATOR, BANYUMAS.village(1, 1))
    assert await verifier.codes(COVERAGE, region=BANYUMAS.code, by="VILLAGE") == ["NOT_PERMITTED"]


async def sell(
    owner: "asyncpg.Connection[asyncpg.Record]", outlet: Outlet, family: UUID, day: date, *, back: bool = False
) -> None:
    sold = uuid4()
    async with past_triggers(owner):
        await owner.execute(_SOLD, outlet.regency_id, sold, outlet.village_id, outlet.id, day, family)
        if back:
            await owner.execute(_TAKEN_BACK, outlet.regency_id, outlet.village_id, outlet.id, sold)


@pytest_asyncio.fixture
async def outlet(market: DatabaseServer, market_owner: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[Outlet]:
    """An outlet whose sales are gone again afterwards: others add up all that was sold in the market."""
    async with open_loader(market) as loader:
        await load_catalogue(loader)
    outlet = await plant_agent(market_owner, BANYUMAS.village(1, 1))
    yield outlet
    async with past_triggers(market_owner):
        for table in ("ewarong_reversal", "ewarong_transaction"):
            await market_owner.execute(f"delete from {table} where agent_id = $1", outlet.id)  # noqa: S608  (our own words)


async def test_families_of_a_month_are_counted_once_and_beside_the_most(
    market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]", outlet: Outlet
) -> None:
    twice, once, reversed_, earlier = (uuid4() for _ in range(4))
    for family, day in ((twice, date(2026, 7, 1)), (twice, date(2026, 7, 31)), (once, date(2026, 7, 2))):
        await sell(market_owner, outlet, family, day)
    await sell(market_owner, outlet, earlier, date(2026, 6, 30))
    await sell(market_owner, outlet, earlier, date(2026, 8, 1))
    await sell(market_owner, outlet, reversed_, date(2026, 7, 2), back=True)

    async def families(caller: Caller, of: Outlet = outlet) -> Any:
        return (await caller.query(FAMILIES, id=of.node, month="2026-07-01"))["node"]["families"]

    keeper = await agent_principal(market_api, market_owner, outlet)
    verifier = await market_api.as_(Role.REGENCY_VERIFIER, BANYUMAS.code)
    assert await families(keeper) == await families(verifier) == {"served": 2, "most": 250}
    # A PSM sees outlets, and not what they sell.
    psm = await market_api.as_(Role.PSM, BANYUMAS.village(1, 1))
    assert await psm.codes(FAMILIES, id=outlet.node, month="2026-07-01") == ["NOT_PERMITTED"]
    assert await verifier.codes(FAMILIES, id=outlet.node, month="2026-07-02") == ["EWARONG_MONTH_INVALID"]
