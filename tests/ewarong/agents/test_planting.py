"""What is planted is what it is taken for."""

from typing import TYPE_CHECKING

from app.authz.enforcer import load_role_matrix
from app.authz.permissions import Permission
from app.tenants.session import Database
from tests.support.client import ApiClient
from tests.support.outlets import agent_principal, balance_of, plant_agent, plant_kpm, top_up
from tests.support.world import BANYUMAS

if TYPE_CHECKING:
    import asyncpg


async def test_a_family_has_an_active_card_and_what_was_paid(
    market_owner: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    kpm = await plant_kpm(market_owner, BANYUMAS.id, balance=150_000)
    await top_up(market_owner, kpm, 50_000)
    assert await balance_of(market_owner, kpm) == 200_000


async def test_whoever_runs_an_outlet_sees_that_one_alone(
    market_owner: "asyncpg.Connection[asyncpg.Record]", market_database: Database, market_api: ApiClient
) -> None:
    village = BANYUMAS.village(1, 1)
    mine, other = await plant_agent(market_owner, village), await plant_agent(market_owner, village)
    scope = mine.access(load_role_matrix()).scope(Permission.EWARONG_AGENT_READ)
    async with market_database.read(scope) as reading:
        rows = await reading.rows("select id from ewarong_agent where id = any($1)", [[mine.id, other.id]])
    assert [str(row["id"]) for row in rows] == [str(mine.id)]
    keeper = await agent_principal(market_api, market_owner, mine)
    answer = await keeper.query("{ me { grants { role } } }")
    assert answer["me"]["grants"] == [{"role": "EWARONG_AGENT"}]
