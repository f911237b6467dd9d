"""Queries are answered by a streaming replica where it is fresh enough, and by the primary where it is not; nothing else ever is.

While replay is paused the replica shows what was, so that what an answer shows tells who gave it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING

import httpx2
import pytest
import pytest_asyncio

from app.authz.roles import Role
from app.main import create_app
from app.settings import Settings
from app.tenants.server import DatabaseServer
from app.web.messages import Code
from app.web.metrics import Tally, Vital
from app.web.refusals import BadRequest
from app.web.staleness import accepted_staleness
from tests.principals.office import BANYUMAS as BANYUMAS_CODE
from tests.principals.office import Office
from tests.support.client import ApiClient, Caller, Json, api_of
from tests.support.replica import StandBy, standing_by
from tests.support.road import end_connections, slow_to_close
from tests.support.sockets import live_on
from tests.support.world import BANYUMAS, clone, connected, drop, named

if TYPE_CHECKING:
    import asyncpg

PATIENCE_SECONDS = 30.0
ANY_AGE = 3_600.0
BOUND = 1.0
HAMLETS = """query($region: String!) { families(region: $region, first: 1) { nodes { hamlet } } }"""
GRANTS = "query($region: String!) { grants(region: $region, first: 100) { nodes { id principal { subject } } } }"
HAMLETS_AND_ME = (
    """query($region: String!) { me { permissions } families(region: $region, first: 1) { nodes { hamlet } } }"""
)


@pytest_asyncio.fixture(scope="module")
async def primary(server: DatabaseServer, alone: DatabaseServer) -> AsyncIterator[DatabaseServer]:
    assert alone
    ours = named(server, "replicated")
    await clone(named(server, "alone"), ours)
    yield ours
    await drop(ours)


@pytest.fixture(scope="module")
def stand_by(primary: DatabaseServer) -> Iterator[StandBy]:
    with standing_by(primary) as stand_by:
        yield stand_by


@pytest_asyncio.fixture(scope="module")
async def writer(primary: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    async with connected(primary) as owner:
        yield owner


@dataclass
class Reader:
    """Somebody who reads families of Banyumas, and the numbers of the process that answers."""

    api: ApiClient
    caller: Caller
    owner: "asyncpg.Connection[asyncpg.Record]"

    async def writes(self, hamlet: str) -> None:
        await self.owner.execute("update family set hamlet = $1 where regency_id = $2", hamlet, BANYUMAS.id)

    async def reads(self, document: str = HAMLETS, **headers: str) -> str:
        response = await self.caller.post(document, {"region": BANYUMAS.code}, **headers)
        body: Json = response.json()
        assert "errors" not in body, body["errors"]
        hamlet: str = body["data"]["families"]["nodes"][0]["hamlet"]
        return hamlet

    async def until(self, hamlet: str) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self.reads() != hamlet:  # noqa: ASYNC110  (replay tells nobody how far it is)
                await asyncio.sleep(0.05)

    async def number(self, name: str) -> float:
        text = (await self.api.http.get("/metrics")).text
        return next(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(f"{name} "))

    async def of_replica(self) -> float:
        return await self.number(f"{Tally.READS_OF_REPLICA.value[0]}_total")

    async def in_its_place(self) -> float:
        return await self.number(f"{Tally.READS_IN_ITS_PLACE.value[0]}_total")

    async def until_followed(self) -> None:
        """Wait until the replica answers."""
        before = await self.of_replica()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self.of_replica() == before:
                await self.reads()
                await asyncio.sleep(0.05)


@asynccontextmanager
async def reader_of(
    settings: Settings, server: DatabaseServer, owner: "asyncpg.Connection[asyncpg.Record]", bound: float
) -> AsyncIterator[Reader]:
    bounded = settings.model_copy(update={"read_staleness_seconds": bound})
    async with api_of(bounded, server) as api:
        yield Reader(api, await api.as_(Role.REGENCY_ADMIN, BANYUMAS.code), owner)


@pytest_asyncio.fixture
async def patient(
    api_settings: Settings, stand_by: StandBy, writer: "asyncpg.Connection[asyncpg.Record]"
) -> AsyncIterator[Reader]:
    """Where answers may be of any age."""
    async with reader_of(api_settings, stand_by.server, writer, ANY_AGE) as reader:
        await reader.writes("Dukuh Lama")
        await reader.until_followed()
        await reader.until("Dukuh Lama")
        yield reader


@pytest_asyncio.fixture
async def strict(
    api_settings: Settings, stand_by: StandBy, writer: "asyncpg.Connection[asyncpg.Record]"
) -> AsyncIterator[Reader]:
    """Where answers may be a second old."""
    async with reader_of(api_settings, stand_by.server, writer, BOUND) as reader:
        await reader.writes("Dukuh Lama")
        await reader.until_followed()
        await reader.until("Dukuh Lama")
        yield reader


@pytest.mark.parametrize("document", [HAMLETS, HAMLETS_AND_ME], ids=["as planned", "by the stock executor"])
async def test_a_query_shows_what_the_replica_has_replayed(patient: Reader, stand_by: StandBy, document: str) -> None:
    async with stand_by.paused():
        await patient.writes("Dukuh Baru")
        assert await patient.reads(document) == "Dukuh Lama"
    await patient.until("Dukuh Baru")


@pytest.mark.parametrize("document", [HAMLETS, HAMLETS_AND_ME], ids=["as planned", "by the stock executor"])
async def test_whoever_asks_for_the_latest_gets_it(patient: Reader, stand_by: StandBy, document: str) -> None:
    async with stand_by.paused():
        await patient.writes("Dukuh Baru")
        assert await patient.reads(document, x_kesos_max_staleness="0") == "Dukuh Baru"
        assert await patient.reads(document) == "Dukuh Lama"


async def test_a_caller_gets_what_is_as_fresh_as_it_asks_for(patient: Reader, stand_by: StandBy) -> None:
    async with stand_by.paused():
        await patient.writes("Dukuh Baru")
        written_at = time.monotonic()
        assert await patient.reads(x_kesos_max_staleness="600") == "Dukuh Lama"
        while time.monotonic() < written_at + 1.5:
            asked_at = time.monotonic()
            shown = await patient.reads(x_kesos_max_staleness="0.5")
            assert shown == "Dukuh Baru" or asked_at < written_at + 0.5
        assert shown == "Dukuh Baru"


async def test_no_caller_gets_what_is_older_than_the_deployment_allows(strict: Reader, stand_by: StandBy) -> None:
    async with stand_by.paused():
        await strict.writes("Dukuh Baru")
        written_at = time.monotonic()
        while time.monotonic() < written_at + 3 * BOUND:
            asked_at = time.monotonic()
            shown = await strict.reads(x_kesos_max_staleness="600")
            assert shown == "Dukuh Baru" or asked_at < written_at + BOUND
        assert shown == "Dukuh Baru"


async def test_the_primary_answers_while_replay_is_paused_and_the_replica_afterwards(
    strict: Reader, stand_by: StandBy
) -> None:
    before = await strict.in_its_place()
    async with stand_by.paused():
        await strict.writes("Dukuh Tengah")
        await strict.until("Dukuh Tengah")
        assert await strict.in_its_place() > before
        assert await strict.number(Vital.REPLICA_STALENESS.value[0]) > 0
    await strict.until_followed()


async def test_an_idle_primary_does_not_make_the_replica_look_old(strict: Reader) -> None:
    await asyncio.sleep(2 * BOUND)
    before = await strict.in_its_place()
    for _ in range(20):
        await strict.reads()
        await asyncio.sleep(BOUND / 20)
    assert await strict.in_its_place() == before


async def test_what_a_mutation_answers_is_of_the_primary(patient: Reader, stand_by: StandBy) -> None:
    office = Office(patient.api, patient.owner)

    async def ids(**headers: str) -> list[str]:
        answer = (await giver.post(GRANTS, {"region": BANYUMAS_CODE}, **headers)).json()
        return [grant["id"] for grant in answer["data"]["grants"]["nodes"]]

    async with stand_by.paused():
        giver = await office.admin()
        given = await office.give(giver)
        assert given["__typename"] == "GrantGiven"
        assert given["grant"]["status"]
        assert given["grant"]["id"] not in await ids()
        assert given["grant"]["id"] in await ids(x_kesos_max_staleness="0")


async def test_a_revoked_grant_is_of_no_use_at_once(patient: Reader, stand_by: StandBy) -> None:
    office = Office(patient.api, patient.owner)
    subject = await office.newcomer((Role.REGENCY_ADMIN, BANYUMAS.code))
    dismissed = replace(patient, caller=patient.api.named(subject))
    async with stand_by.paused():
        assert await dismissed.reads() == "Dukuh Lama"
        giver = await office.admin()
        listed = (await giver.post(GRANTS, {"region": BANYUMAS_CODE}, x_kesos_max_staleness="0")).json()
        of_subject = (
            grant["id"] for grant in listed["data"]["grants"]["nodes"] if grant["principal"]["subject"] == subject
        )
        revoked = await office.revoke(giver, next(of_subject))
        assert revoked["__typename"] == "GrantRevoked", revoked
        assert "NOT_PERMITTED" in await dismissed.caller.codes(HAMLETS, region=BANYUMAS.code)


async def test_what_the_replica_answers_is_in_the_audit_trail(patient: Reader, stand_by: StandBy) -> None:
    read = "select count(*) from audit_event where action = 'READ'"
    before = await patient.owner.fetchval(read)
    answered = await patient.of_replica()
    async with stand_by.paused():
        assert await patient.reads(
            "query($region: String!) { families(region: $region, first: 1) { nodes { headName hamlet } } }"
        )
    assert await patient.of_replica() == answered + 1
    assert await patient.owner.fetchval(read) == before + 1


async def test_a_read_that_the_replica_breaks_off_is_answered_by_the_primary(
    patient: Reader, stand_by: StandBy
) -> None:
    before = await patient.in_its_place()
    async with stand_by.connected() as admin, asyncio.TaskGroup() as tasks:
        asking = [tasks.create_task(patient.reads()) for _ in range(50)]
        await admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'kesos_app'")
    assert {task.result() for task in asking} == {"Dukuh Lama"}
    await patient.until_followed()
    assert await patient.in_its_place() > before


async def test_a_read_that_finds_its_connection_ended_is_answered_by_the_primary(
    api_settings: Settings, stand_by: StandBy, writer: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """The replica has said that it ends the connection, and the end itself is still on its way."""
    address = stand_by.server.replica
    assert address is not None
    async with slow_to_close(address) as road, stand_by.connected() as admin:
        begun = await admin.fetchval("select now()")
        far = replace(stand_by.server, replica=road)
        async with reader_of(api_settings, far, writer, ANY_AGE) as reader:
            await reader.until_followed()
            before = await reader.in_its_place()
            await end_connections(admin, begun)
            for _ in range(20):
                await reader.reads()
            assert await reader.in_its_place() > before


async def test_a_replica_that_is_gone_is_not_missed_and_comes_back(patient: Reader, stand_by: StandBy) -> None:
    async with asyncio.TaskGroup() as tasks:
        asking = [tasks.create_task(patient.reads()) for _ in range(50)]
        await asyncio.to_thread(stand_by.kill)
        try:
            asking += [tasks.create_task(patient.reads()) for _ in range(50)]
            await patient.writes("Dukuh Baru")
            assert await patient.reads() == "Dukuh Baru"
            async with asyncio.timeout(PATIENCE_SECONDS):
                while await patient.number(Vital.REPLICA_STALENESS.value[0]) != inf:  # noqa: ASYNC110  (as above)
                    await asyncio.sleep(0.05)
        finally:
            await asyncio.to_thread(stand_by.start)
    assert {task.result() for task in asking} <= {"Dukuh Lama", "Dukuh Baru"}
    await patient.until_followed()
    assert await patient.reads() == "Dukuh Baru"


async def test_a_replica_that_is_promoted_is_not_read_any_more(
    api_settings: Settings, primary: DatabaseServer, writer: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    with standing_by(primary) as deserter:
        async with reader_of(api_settings, deserter.server, writer, ANY_AGE) as reader:
            await reader.until_followed()
            async with deserter.connected() as admin:
                await admin.execute("select pg_promote()")
            await reader.writes("Dukuh Setia")
            await reader.until("Dukuh Setia")
            before = await reader.of_replica()
            assert {await reader.reads() for _ in range(10)} == {"Dukuh Setia"}
            assert await reader.of_replica() == before


async def test_a_replica_that_did_not_come_along_at_a_failover_is_not_read(
    api_settings: Settings, primary: DatabaseServer, stand_by: StandBy, writer: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Its log split off from that of the new primary, and is the longer one."""
    with standing_by(primary) as successor:
        async with successor.connected() as admin:
            await admin.execute("select pg_promote()")
            for _ in range(3):
                await writer.execute("select pg_switch_wal()")
                await writer.execute("update family set hamlet = 'Dukuh Usang' where regency_id = $1", BANYUMAS.id)
            after = DatabaseServer(successor.admin, replica=stand_by.server.replica)
            async with reader_of(api_settings, after, admin, ANY_AGE) as reader:
                await reader.writes("Dukuh Baru")
                for _ in range(30):
                    assert await reader.reads() == "Dukuh Baru"
                    await asyncio.sleep(0.1)
                assert await reader.of_replica() == 0


async def test_another_server_is_no_replica(
    api_settings: Settings, primary: DatabaseServer, writer: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """The primary itself, for one."""
    confused = replace(primary, replica=primary.app)
    async with reader_of(api_settings, confused, writer, ANY_AGE) as reader:
        for _ in range(10):
            await reader.reads()
            await asyncio.sleep(0.02)
        assert (await reader.of_replica(), await reader.in_its_place()) == (0, 10)


async def test_another_database_of_the_same_server_is_no_replica(
    api_settings: Settings,
    server: DatabaseServer,
    stand_by: StandBy,
    writer: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    """One that has the same tables."""
    address = stand_by.server.replica
    assert address is not None
    elsewhere = replace(stand_by.server, replica=replace(address, database=named(server, "alone").admin.database))
    async with reader_of(api_settings, elsewhere, writer, ANY_AGE) as reader:
        for _ in range(25):
            await reader.reads()
            await asyncio.sleep(0.1)
        assert await reader.of_replica() == 0


async def test_where_no_answer_may_be_old_the_replica_is_left_alone(
    api_settings: Settings, stand_by: StandBy, writer: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    async with reader_of(api_settings, stand_by.server, writer, 0) as reader, stand_by.paused():
        await reader.writes("Dukuh Terbaru")
        assert await reader.reads() == "Dukuh Terbaru"
        assert Tally.READS_OF_REPLICA.value[0] not in (await reader.api.http.get("/metrics")).text


async def test_a_websocket_says_once_how_old_its_answers_may_be(
    api_settings: Settings, patient: Reader, stand_by: StandBy
) -> None:
    settings = api_settings.model_copy(update={"read_staleness_seconds": ANY_AGE})
    token = patient.caller.token

    async def shown(staleness: Json) -> str:
        async with live.socket() as socket:
            await socket.say("connection_init", payload={"Authorization": f"Bearer {token}", **staleness})
            assert await socket.hear() == {"type": "connection_ack"}
            answer = await socket.listen("1", HAMLETS, variables={"region": BANYUMAS.code})
        hamlet: str = answer["families"]["nodes"][0]["hamlet"]
        return hamlet

    async with (
        live_on(settings, create_app(settings, stand_by.server)) as live,
        httpx2.AsyncClient(base_url=live.address, trust_env=False) as http,
    ):
        await replace(
            patient, api=ApiClient(http, stand_by.server, settings), caller=Caller(http, token)
        ).until_followed()
        async with stand_by.paused():
            await patient.writes("Dukuh Baru")
            assert await shown({}) == "Dukuh Lama"
            assert await shown({"X-Kesos-Max-Staleness": "0"}) == "Dukuh Baru"
            # Whoever writes a number into JSON means it.
            assert await shown({"x-kesos-max-staleness": 0}) == "Dukuh Baru"
        async with live.socket() as socket:
            await socket.say(
                "connection_init", payload={"Authorization": f"Bearer {token}", "x-kesos-max-staleness": "soon"}
            )
            assert (await socket.end())[0] == Code.BAD_REQUEST


@pytest.mark.parametrize(("header", "seconds"), [(None, inf), ("0", 0.0), ("2", 2.0), ("0.25", 0.25), ("600", 600.0)])
def test_a_header_names_seconds(header: str | None, seconds: float) -> None:
    assert accepted_staleness(header) == seconds


@pytest.mark.parametrize("header", ["", "-1", "soon", "1e3", "nan", "inf", "1,5", "1.", ".5", "12345678", "٣", "0\n"])
def test_a_header_that_names_no_seconds_is_refused(header: str) -> None:
    with pytest.raises(BadRequest):
        accepted_staleness(header)


async def test_such_a_request_is_refused_and_not_answered_by_whatever_is_there(api_client: ApiClient) -> None:
    caller = await api_client.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    response = await caller.post("{ me { permissions } }", x_kesos_max_staleness="soon")
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
