"""A stream outlives neither the token nor the access that it began with, whoever changes them and wherever."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeAlias

import pytest

from app.authz.development import ensure_principal, issue_token
from app.authz.roles import Role
from app.authz.tokens import LEEWAY_SECONDS
from app.settings import DEVELOPMENT_ISSUER, Settings
from tests.authz.people import People
from tests.support.sockets import Json, Live, Sources, until
from tests.support.world import BANYUMAS, CILACAP, Regency

Give: TypeAlias = Callable[[str, Role, Regency], Awaitable[None]]

CHANGED = "subscription { accessChanged { principal { subject } grants { role regionCode } permissions } }"
SILENCE = "subscription { silence }"
ADMIN = ("REGENCY_ADMIN", BANYUMAS.code)
TKSK = ("TKSK", CILACAP.code)


@pytest.fixture
def give(people: People) -> Give:
    """Gives a grant as the operator does at the command line: in another process, past the API."""

    async def given(subject: str, role: Role, regency: Regency) -> None:
        await ensure_principal(people.connection, subject=subject, name="Petugas", role=role, region=regency.path)

    return given


def grants(data: Json) -> list[tuple[str, str]]:
    return sorted((grant["role"], grant["regionCode"]) for grant in data["accessChanged"]["grants"])


def soon_over(settings: Settings, subject: str) -> str:
    """A token of ``subject`` that may be used for three more seconds."""
    return issue_token(settings, subject, lifetime=timedelta(seconds=3 - LEEWAY_SECONDS))


async def test_callers_are_told_their_access_at_once_and_whenever_it_changes(
    live: Live, token: str, clerk: str, people: People, give: Give
) -> None:
    async with live.begun(token) as socket:
        first = await socket.listen("1", CHANGED)
        assert first["accessChanged"]["principal"]["subject"] == clerk
        assert grants(first) == [ADMIN]
        await give(clerk, Role.TKSK, CILACAP)
        assert grants((await socket.hear())["payload"]["data"]) == [ADMIN, TKSK]
        await people.revoke(clerk, Role.TKSK.value)
        assert grants((await socket.hear())["payload"]["data"]) == [ADMIN]
        await people.revoke(clerk, Role.REGENCY_ADMIN.value)
        nothing = (await socket.hear())["payload"]["data"]["accessChanged"]
        assert (nothing["grants"], nothing["permissions"]) == ([], [])


async def test_a_grant_that_ends_by_its_date_is_a_change_too(
    live: Live, token: str, clerk: str, people: People, give: Give
) -> None:
    await give(clerk, Role.TKSK, CILACAP)
    await people.connection.execute(
        "update principal_grant g set valid_to = now() + interval '2 seconds' from principal p "
        "where p.id = g.principal_id and p.subject = $1 and g.role = 'TKSK'",
        clerk,
    )
    async with live.begun(token) as socket:
        assert grants(await socket.listen("1", CHANGED)) == [ADMIN, TKSK]
        assert grants((await socket.hear())["payload"]["data"]) == [ADMIN]


async def test_a_subscription_ends_when_its_caller_may_do_something_else(
    live: Live, token: str, clerk: str, give: Give
) -> None:
    async with live.begun(token) as socket:
        await socket.listen("following", CHANGED)
        await socket.listen("other", SILENCE)
        await give(clerk, Role.TKSK, CILACAP)
        heard = {message["id"]: message for message in (await socket.hear(), await socket.hear())}
        assert heard["following"]["type"] == "next"
        assert heard["other"]["type"] == "error"
        assert [entry["extensions"]["code"] for entry in heard["other"]["payload"]] == ["ACCESS_CHANGED"]
        assert Sources.open == 0
        # The id is free again, and what it asks for now is asked under the new access.
        await socket.listen("other", SILENCE)
        await socket.subscribe("now", "{ me { grants { role } } }")
        assert len((await socket.hear())["payload"]["data"]["me"]["grants"]) == 2


async def test_a_change_that_changes_nothing_ends_nothing(live: Live, token: str, clerk: str, people: People) -> None:
    async with live.begun(token) as socket:
        await socket.listen("1", CHANGED)
        await people.connection.execute("update principal set name = name where subject = $1", clerk)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.connection.recv(), 0.2)


async def test_the_changes_of_others_end_nothing(live: Live, token: str, people: People, give: Give) -> None:
    other = await people.add(DEVELOPMENT_ISSUER, (Role.TKSK.value, BANYUMAS.id))
    async with live.begun(token) as socket:
        await socket.listen("1", CHANGED)
        await socket.listen("2", SILENCE)
        await give(other, Role.TKSK, CILACAP)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.connection.recv(), 0.2)


async def test_who_is_not_known_any_more_is_shown_out(live: Live, token: str, clerk: str, people: People) -> None:
    async with live.begun(token) as socket:
        await socket.listen("1", SILENCE)
        await people.deactivate(clerk)
        assert await socket.end() == (4403, "Forbidden")
        await until(lambda: Sources.open == 0)


async def test_a_connection_ends_with_its_token(live: Live, settings: Settings, clerk: str) -> None:
    async with live.begun(soon_over(settings, clerk)) as socket:
        await socket.listen("1", SILENCE)
        await socket.listen("2", CHANGED)
        assert await socket.end() == (4403, "Token expired")
        await until(lambda: Sources.open == 0 and not len(live.streams))


async def test_events_tell_callers_their_access(live: Live, token: str, clerk: str, give: Give) -> None:
    async with live.events(token, CHANGED) as events:
        assert grants(await events.data()) == [ADMIN]
        await give(clerk, Role.TKSK, CILACAP)
        assert grants(await events.data()) == [ADMIN, TKSK]


async def test_a_stream_of_events_ends_when_its_caller_may_do_something_else(
    live: Live, token: str, clerk: str, give: Give
) -> None:
    async with live.events(token, SILENCE) as events:
        assert await events.data() == {"silence": 0}
        await give(clerk, Role.TKSK, CILACAP)
        assert await events.codes() == ["ACCESS_CHANGED"]
        assert await events.next() == ("complete", None)
        assert await events.next() is None
    await until(lambda: Sources.open == 0)


async def test_a_stream_of_events_ends_with_its_token(live: Live, settings: Settings, clerk: str) -> None:
    async with live.events(soon_over(settings, clerk), SILENCE) as events:
        assert await events.data() == {"silence": 0}
        assert await events.codes() == ["UNAUTHENTICATED"]
        assert await events.next() == ("complete", None)


async def test_a_stream_of_events_ends_when_nobody_knows_its_caller(
    live: Live, token: str, clerk: str, people: People
) -> None:
    async with live.events(token, CHANGED) as events:
        await events.data()
        await people.deactivate(clerk)
        assert await events.codes() == ["UNAUTHENTICATED"]
