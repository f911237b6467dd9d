"""What works through Debian's pgbouncer in transaction mode, with the lines of docs/scaling.md. Skipped where it is not installed."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import pytest
import pytest_asyncio

from app.authz.roles import Role
from app.cli.console import Refusal
from app.cli.serving import refuse_too_many, require_pooler
from app.main import create_app
from app.settings import Settings
from app.tenants.region_path import RegionPath
from app.tenants.scope import TenantScope
from app.tenants.server import DatabaseServer, DatabaseUnavailable
from app.tenants.session import SCOPE_CALL, Database
from tests.ewarong.live.test_listening import LISTEN
from tests.ewarong.transactions.selling import VILLAGE
from tests.ewarong.transactions.test_over_http import SYNC, report, sale
from tests.principals.office import Office
from tests.support.client import ApiClient, api_of
from tests.support.outlets import agent_principal, plant_agent, plant_kpm
from tests.support.pooler import DOCUMENTED, PGBOUNCER, pooled
from tests.support.sockets import live_on
from tests.support.world import BANYUMAS, CILACAP, FAMILIES, clone, connected, drop, named

if TYPE_CHECKING:
    import asyncpg

pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not installed (apt-get install pgbouncer)")

# One connection of PostgreSQL for all who read and one for all who write, so that whatever one leaves there the next one finds.
NARROW: Final = re.sub(r"default_pool_size = \d+", "default_pool_size = 1", DOCUMENTED)
ONCE: Final = f"with scope as materialized (select {SCOPE_CALL}) select current_setting($8) as it from scope"  # noqa: S608  (our own words)
COUNT: Final = "query($region: String) { families(region: $region, first: 50) { totalCount nodes { id headName members { name } } } }"
COUNT_AND_ME: Final = f"{COUNT[:-1]} me {{ permissions }} }}"


@pytest_asyncio.fixture(scope="module")
async def plain(server: DatabaseServer, alone: DatabaseServer) -> AsyncIterator[DatabaseServer]:
    assert alone
    ours = named(server, "pooled")
    await clone(named(server, "alone"), ours)
    yield ours
    await drop(ours)


@pytest.fixture(scope="module")
def behind(plain: DatabaseServer) -> Iterator[DatabaseServer]:
    with pooled(plain, NARROW) as server:
        yield server


@pytest_asyncio.fixture(scope="module")
async def owner_of_pooled(plain: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    async with connected(plain) as owner:
        yield owner


@pytest_asyncio.fixture(scope="module")
async def api(api_settings: Settings, behind: DatabaseServer) -> AsyncIterator[ApiClient]:
    settings = api_settings.model_copy(update={"read_pool_size": 16, "write_pool_size": 8})
    async with api_of(settings, behind) as api:
        yield api


def database_of(server: DatabaseServer) -> Database:
    return Database(server.app, read_pool_size=1, write_pool_size=1, statement_seconds=20, pooler=server.pooler)


async def test_what_sessions_need_is_there(behind: DatabaseServer) -> None:
    database = database_of(behind)
    await database.open()
    scope = TenantScope.of([RegionPath.parse(BANYUMAS.code)])
    names = (
        "transaction_isolation",
        "transaction_read_only",
        "statement_timeout",
        "jit",
        "synchronous_commit",
        "TimeZone",
    )
    reads = [(await database.read_once(scope, ONCE, [name]))["it"] for name in names]
    writes = [(await database.write_once(scope, ONCE, [name]))["it"] for name in names]
    async with database.read(scope) as session:
        several = [(await session.rows("select current_setting($1) as it", [name]))[0]["it"] for name in names]
    await database.close()
    assert reads == several == ["repeatable read", "on", "20s", "off", "on", "UTC"]
    assert writes == ["read committed", "off", "20s", "off", "on", "UTC"]


@pytest.mark.parametrize(
    "setting",
    [
        "set default_transaction_read_only = on; ",
        "set default_transaction_isolation = ''repeatable read''; ",
        "set synchronous_commit = on; ",
        "set statement_timeout = 20000",
        "set jit = off; ",
    ],
)
async def test_a_pooler_that_does_not_set_them_is_refused_at_the_start(plain: DatabaseServer, setting: str) -> None:
    assert setting in DOCUMENTED
    async with connected(plain) as owner:
        await owner.execute(f"alter role kesos_app in database {plain.admin.database} set synchronous_commit = off")
        try:
            with pooled(plain, DOCUMENTED.replace(setting, "")) as careless:
                database = database_of(careless)
                with pytest.raises(DatabaseUnavailable, match=setting.split()[1]):
                    await database.open()
                await database.close()
        finally:
            await owner.execute(f"alter role kesos_app in database {plain.admin.database} reset synchronous_commit")


async def test_requests_share_few_connections(
    api: ApiClient, owner_of_pooled: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    caller = await api.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    await asyncio.gather(*(caller.query(COUNT, region=BANYUMAS.code) for _ in range(40)))
    there = await owner_of_pooled.fetchval(
        "select count(*) from pg_stat_activity where datname = current_database() and usename = 'kesos_app'"
    )
    # One that reads, one that writes, and of the process itself what appends and what hears.
    assert there <= 5


@pytest.mark.parametrize("document", [COUNT, COUNT_AND_ME], ids=["as planned", "by the stock executor"])
async def test_whoever_comes_next_on_a_connection_sees_their_own(api: ApiClient, document: str) -> None:
    here = await api.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    there = await api.as_(Role.REGENCY_ADMIN, CILACAP.code)
    answers = await asyncio.gather(*(caller.query(document) for _ in range(20) for caller in (here, there)))
    assert {answer["families"]["totalCount"] for answer in answers[::2]} == {FAMILIES}
    assert {answer["families"]["totalCount"] for answer in answers[1::2]} == {0}


async def test_a_mutation_of_several_statements(
    api: ApiClient, owner_of_pooled: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    office = Office(api, owner_of_pooled)
    givers = [await office.admin() for _ in range(8)]
    given = await asyncio.gather(*(office.give(giver) for giver in givers))
    assert {answer["__typename"] for answer in given} == {"GrantGiven"}
    assert len({answer["grant"]["id"] for answer in given}) == 8


async def test_transactions_and_a_sync_and_whoever_listens(
    api_settings: Settings,
    api: ApiClient,
    behind: DatabaseServer,
    owner_of_pooled: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    outlet, kpm = await plant_agent(owner_of_pooled, VILLAGE), await plant_kpm(owner_of_pooled, BANYUMAS.id)
    agent = await agent_principal(api, owner_of_pooled, outlet)
    lines = [{"commodity": "RICE", "quantity": "1", "unitPrice": 12_000}]
    # Another process than the one that is reported to: it hears by PostgreSQL alone.
    async with live_on(api_settings, create_app(api_settings, behind)) as live, live.begun(agent.token) as socket:
        await socket.listen("1", LISTEN)
        reported = await report(agent, sale(outlet, kpm, lines=lines))
        told = (await socket.hear())["payload"]["data"]["ewarongTransactionReported"]["transaction"]
    assert reported["__typename"] == "EwarongTransactionReported", reported
    assert (told["id"], told["amount"]) == (reported["transaction"]["id"], 12_000)
    sales = [{**sale(outlet, kpm, lines=lines), "deviceSequence": number} for number in (1, 2)]
    for each in sales:
        del each["agent"]
    given = {"agent": outlet.node, "deviceId": str(uuid4()), "deviceNow": sales[-1]["happenedAt"], "items": sales}
    synced = (await agent.query(SYNC, input=given))["ewarongTransactionsSync"]
    assert [result["status"] for result in synced["results"]] == ["REPORTED", "REPORTED"]


async def test_a_revoked_grant_is_heard_of(
    api: ApiClient, owner_of_pooled: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    office = Office(api, owner_of_pooled)
    caller = api.named(await office.newcomer((Role.REGENCY_ADMIN, BANYUMAS.code)))
    await caller.query(COUNT)
    await owner_of_pooled.execute(
        "delete from principal_grant where principal_id = (select id from principal where subject = $1)",
        (await caller.query("{ me { principal { subject } } }"))["me"]["principal"]["subject"],
    )
    async with asyncio.timeout(20):
        while not await caller.codes(COUNT):  # noqa: ASYNC110  (a change that is heard of tells no test)
            await asyncio.sleep(0.05)


async def test_a_pooler_that_is_not_there_is_told_in_a_sentence(api_settings: Settings, plain: DatabaseServer) -> None:
    nowhere = replace(plain, pooler=replace(plain.app, host="127.0.0.1", port=1))
    with pytest.raises(DatabaseUnavailable, match=r"127\.0\.0\.1:1 .* check KESOS_POOLER_URL"):
        await require_pooler(api_settings, nowhere)


async def test_a_server_asks_only_for_the_connections_that_no_pooler_keeps(
    api_settings: Settings, behind: DatabaseServer
) -> None:
    many = api_settings.model_copy(update={"read_pool_size": 200, "write_pool_size": 100})
    await require_pooler(many, behind)
    await refuse_too_many(many, behind, 4)
    with pytest.raises(Refusal):
        await refuse_too_many(many, replace(behind, pooler=None), 4)
