"""What is listened to tells of the caller's own and of nothing else, whatever happens next door meanwhile."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

import orjson
import pytest
import pytest_asyncio
from uuid_utils.compat import uuid7

from app.authz.development import ensure_principal, issue_token
from app.authz.roles import Role
from app.domain.ewarong.live import CHANNEL, NewTransaction
from app.main import create_app
from app.schema.root import api
from app.settings import DEVELOPMENT_ISSUER, Settings
from app.tenants.region_path import RegionPath
from app.tenants.server import DatabaseServer
from tests.authz.people import People
from tests.isolation.ewarong_agents import outlet_of, plant_outlets
from tests.isolation.ewarong_sales import plant_sales, sale_of
from tests.support.sockets import Json, Live, live_on
from tests.support.world import BANYUMAS, CILACAP, Regency

if TYPE_CHECKING:
    import asyncpg

SCHEMA: Final = api().planner.blueprint.schema


@dataclass(frozen=True, slots=True)
class Listener:
    """Somebody who works in one regency alone, and can be told about it."""

    subject: str
    regency: Regency
    people: People


@dataclass(frozen=True, slots=True)
class Heard:
    """A subscription: what to ask for, and what must happen to a listener for it to say something."""

    document: str
    happen: Callable[[Listener], Awaitable[None]]
    prepare: Callable[[Listener], Awaitable[Json]]
    """Makes what is listened to; the variables that name it."""
    mark: Callable[[Listener], str] = lambda listener: listener.subject
    """What is in whatever is told of a listener's own, and of nobody else's."""
    begins_empty: Json | None = None
    """What the first message tells where nothing of the past is told; None where it tells of the listener's own."""


async def _nothing(_listener: Listener) -> Json:
    return {}


_JOB: Final = """
insert into job (regency_id, id, village_low, village_high, kind, subject_id, state, principal_id, principal_name)
values ($1, $2, $3, $4, 'EXPORT', $2, 'RUNNING', $2, $5)
"""


async def _a_job_is_started(listener: Listener) -> Json:
    """Started by the listener, whose name it bears."""
    job_id, villages = UUID(int=uuid7().int), listener.regency.path.villages
    row = (listener.regency.id, job_id, villages.low, villages.high, listener.subject)
    await listener.people.connection.execute(_JOB, *row)
    return {"id": f"Job:{listener.regency.id}:{job_id}"}


async def _a_job_goes_on(listener: Listener) -> None:
    await listener.people.connection.execute(
        "update job set done = done + 1 where principal_name = $1", listener.subject
    )


async def _a_grant_is_given(listener: Listener) -> None:
    await ensure_principal(
        listener.people.connection,
        subject=listener.subject,
        name="Petugas",
        role=Role.TKSK,
        region=listener.regency.path,
    )


async def _a_transaction_comes_in(listener: Listener) -> None:
    """As the process tells that it was reported to."""
    outlet, sale = outlet_of(listener.regency), sale_of(listener.regency)
    village = RegionPath.parse(listener.regency.village(1, 2)).id
    new = NewTransaction(listener.regency.id, village, *(UUID(each.rpartition(":")[2]) for each in (outlet, sale)))
    await listener.people.connection.execute("select pg_notify($1, $2)", CHANNEL, new.text)


HEARD: Final[Mapping[str, Heard]] = {
    "accessChanged": Heard(
        "subscription { accessChanged { principal { id subject name } grants { role regionCode } permissions } }",
        _a_grant_is_given,
        _nothing,
    ),
    "jobProgress": Heard(
        "subscription($id: ID!) { jobProgress(id: $id) { job { id state done regionCode startedBy } } }",
        _a_job_goes_on,
        _a_job_is_started,
    ),
    "ewarongTransactionReported": Heard(
        "subscription { ewarongTransactionReported { missed transaction { id amount agent { id name } } } }",
        _a_transaction_comes_in,
        _nothing,
        lambda listener: sale_of(listener.regency),
        begins_empty={"ewarongTransactionReported": {"missed": True, "transaction": None}},
    ),
}
"""How each subscription is made to speak. Whoever adds one says here what it tells of."""


@pytest_asyncio.fixture(scope="module")
async def live(api_settings: Settings, world: DatabaseServer) -> AsyncIterator[Live]:
    for planting in (plant_outlets, plant_sales):
        await planting(world, BANYUMAS, CILACAP)
    async with live_on(api_settings, create_app(api_settings, world)) as live:
        yield live


@pytest_asyncio.fixture(autouse=True)
async def no_jobs_are_left(owner: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[None]:
    """The walk expects no others than it has planted."""
    yield
    await owner.execute("delete from job where state = 'RUNNING'")


async def _listener(owner: "asyncpg.Connection[asyncpg.Record]", regency: Regency) -> Listener:
    people = People(owner)
    return Listener(await people.add(DEVELOPMENT_ISSUER, (Role.REGENCY_ADMIN.value, regency.id)), regency, people)


def test_every_subscription_is_covered() -> None:
    assert SCHEMA.subscription_type is not None
    assert set(SCHEMA.subscription_type.fields) == set(HEARD)


@pytest.mark.parametrize("name", sorted(HEARD))
async def test_a_listener_hears_what_happens_to_its_own_and_not_what_happens_next_door(
    live: Live, owner: "asyncpg.Connection[asyncpg.Record]", settings: Settings, name: str
) -> None:
    own, foreign = await _listener(owner, BANYUMAS), await _listener(owner, CILACAP)
    heard = HEARD[name]
    async with (
        live.begun(issue_token(settings, own.subject)) as socket,
        live.begun(issue_token(settings, foreign.subject)) as neighbour,
    ):
        first = await socket.listen("1", heard.document, variables=await heard.prepare(own))
        theirs = await neighbour.listen("1", heard.document, variables=await heard.prepare(foreign))
        await heard.happen(foreign)
        # That the neighbour has heard of it proves that it could be heard.
        their_next = (await neighbour.hear())["payload"]["data"]
        assert their_next != theirs
        await heard.happen(own)
        second = (await socket.hear())["payload"]["data"]
        assert second != first
        if heard.begins_empty is not None:
            assert first == heard.begins_empty
        for told in (first, second):
            text = orjson.dumps(told).decode()
            assert heard.mark(own) in text or told == heard.begins_empty
            assert heard.mark(foreign) not in text
            assert foreign.subject not in text
            assert CILACAP.code not in text
