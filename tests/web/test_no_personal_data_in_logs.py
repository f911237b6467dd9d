"""What callers, documents, rows and errors say about persons never reaches what the server writes.

A real server takes persons from everywhere that they can come from, and everything that its process writes is searched for them.
"""

import json
import re
import socket
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import httpx2
import pytest

from app.authz.development import issue_token
from app.authz.roles import Role
from app.settings import Settings
from app.tenants.server import DatabaseServer
from tests.support.client import enrol
from tests.support.process import Served, kesos_serve
from tests.support.sabotage import when_events_are_kept, when_persons_are_read
from tests.support.world import BANYUMAS

if TYPE_CHECKING:
    import asyncpg

NIK = "3302015708900071"
KK = "3302010101150072"
NAME = "Suwarsihrahayu"
MOTHER = "Tukinemsari"
FORGED = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJTdXdhcnNpaHJhaGF5dSJ9.c2lnbmF0dXJl"
PLANTED = (NIK, KK, NAME, MOTHER, FORGED)
PERSON = "query($id: ID!) { person(id: $id) { name nikRevealed(purpose: COMPLAINT) } }"
SENTENCE = f"{NAME} binti {MOTHER}, NIK {NIK}, KK {KK}"


@pytest.fixture(scope="module")
def served(settings: Settings, world: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    environment = {
        # Everything is written that may be: what is silent at DEBUG is silent.
        "KESOS_LOG_LEVEL": "DEBUG",
        # Nothing is refused unread.
        "KESOS_REQUESTS_PER_MINUTE": "1000000",
        "KESOS_REQUESTS_PER_MINUTE_PER_ADDRESS": "100000000",
    }
    with kesos_serve(settings, world, tmp_path_factory.mktemp("served"), **environment) as served:
        yield served


@pytest.fixture(scope="module")
async def token(settings: Settings, world: DatabaseServer) -> str:
    return issue_token(settings, await enrol(world, (Role.REGENCY_ADMIN, BANYUMAS.code)))


@pytest.fixture
async def http(served: Served, token: str) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(base_url=served.address, headers=headers, trust_env=False) as client:
        yield client


def assert_nobody_is_in(written: str, *more: str) -> None:
    found = [planted for planted in (*PLANTED, *more) if planted.lower() in written.lower()]
    assert found == []
    assert re.findall(r"\d{16,}|eyJ[\w-]{6,}", written) == []


def failures_of(served: Served, answer: httpx2.Response) -> list[dict[str, Any]]:
    """The exceptions that were told of the request of ``answer``."""
    of_request = [line for line in served.lines if line.get("request_id") == answer.headers["x-request-id"]]
    return [error for line in of_request for error in line.get("exceptions", ())]


async def test_persons_in_what_callers_send(http: httpx2.AsyncClient, served: Served, token: str) -> None:
    documents = [
        f'query {NAME} {{ person(id: "Person:3302:{NIK}") {{ name }} }} # {SENTENCE}',
        f'{{ {NAME}: person(id: "{SENTENCE}") {{ {MOTHER}: name }} }}',
        f"query q{NIK} {{ {NAME} }}",
        f'{{ person(id: "{NIK}" {{ name',
        f'query($x: {NAME}! = "{NIK}") {{ me {{ principal {{ id }} }} }}',
        PERSON,
    ]
    variables = [{"id": SENTENCE}, {"id": {NAME: NIK}}, {NAME: KK}, {"id": f"Person:3302:{NIK}"}]
    for document in documents:
        for given in variables:
            body = {"query": document, "variables": given, "operationName": None, "extensions": {NAME: NIK}}
            await http.post("/graphql", json=body)
            await http.post("/graphql", json={**body, "operationName": NAME})
            parameters = {"query": document, "variables": json.dumps(given), "operationName": NIK}
            await http.get("/graphql", params=parameters)
    for content in (SENTENCE, f'{{"query": "{NIK}', f'["{SENTENCE}"]', f'{{"query": {NIK}}}', f'{{"{NAME}": 1}}'):
        await http.post("/graphql", content=content, headers={"content-type": "application/json"})
        await http.post("/graphql", content=content, headers={"content-type": f"text/{NAME}"})
    headers = [
        {"authorization": f"Bearer {FORGED}"},
        {"authorization": f"Bearer {NIK}"},
        {"authorization": f"Basic {NAME}"},
        {"authorization": f"Bearer {token[:-4]}AAAA"},
        {"cookie": f"__Host-session={FORGED}; nik={NIK}"},
        {"x-request-id": NIK, "traceparent": f"00-{NIK}{NIK}-{NIK}-01", "tracestate": f"n={NAME}"},
        {"x-request-id": NAME, "user-agent": SENTENCE, "referer": f"https://x.test/{NIK}"},
        {"accept-language": NAME, "accept": f"text/{NIK}", "origin": f"https://{NAME}.test"},
        {"x-forwarded-for": NIK, "x-forwarded-proto": NAME, "forwarded": f"for={NIK}", "host": f"{NAME}.test"},
    ]
    for given in headers:
        await http.post("/graphql", json={"query": "{ me { principal { id } } }"}, headers=given)
    for path in (
        f"/{NIK}",
        f"/{quote(SENTENCE)}?nik={NIK}",
        f"/graphql/{NAME}",
        f"/metrics/{NIK}",
        f"/login?next=/{NAME}",
    ):
        await http.get(path)
        await http.request(f"{NAME.upper()}", path)
    address = urlsplit(served.address)
    for raw in (
        f"{SENTENCE}\r\n\r\n",
        f"GET /{NIK} HTTP/9.9\r\n{NAME}\r\n\r\n",
        f"POST /graphql HTTP/1.1\r\ncontent-length: {NAME}\r\n\r\n",
    ):
        with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
            connection.sendall(raw.encode())
            connection.shutdown(socket.SHUT_WR)
            connection.recv(4096)
    assert len(served.events("request")) > len(documents) * len(variables)
    assert_nobody_is_in(served.written, token)


@pytest.mark.parametrize(
    ("does", "sqlstate"),
    [
        ("perform name::int;", "22P02"),
        (f"perform ('{NIK} ' || name)::date;", "22007"),
        (
            f"raise unique_violation using message = name, detail = 'Key (nik)=({NIK}) exists.', constraint = 'person_nik_uq';",
            "23505",
        ),
        (f"raise exception '{SENTENCE}';", "P0001"),
        (f"raise warning '{SENTENCE}'; raise exception using errcode = 'XX001', message = name;", "XX001"),
    ],
)
async def test_persons_in_what_postgresql_says_of_a_read(
    *,
    http: httpx2.AsyncClient,
    served: Served,
    owner: "asyncpg.Connection[asyncpg.Record]",
    token: str,
    does: str,
    sqlstate: str,
) -> None:
    async with when_persons_are_read(owner, does):
        answer = await http.post("/graphql", json={"query": "{ families(first: 2) { nodes { members { name } } } }"})
    assert "INTERNAL_ERROR" in answer.text
    (told,) = [error for error in failures_of(served, answer) if error.get("sqlstate") == sqlstate]
    assert any(place.startswith("app/tenants/session.py:") for place in told["at"])
    names = [row["name"] for row in await owner.fetch("select name from person where regency_id = $1", BANYUMAS.id)]
    assert_nobody_is_in(served.written, token, *names)


async def test_persons_in_what_postgresql_says_of_a_write(
    http: httpx2.AsyncClient, served: Served, owner: "asyncpg.Connection[asyncpg.Record]", token: str
) -> None:
    person = await owner.fetchrow(
        "select id, name from person where regency_id = $1 and nik_sealed is not null", BANYUMAS.id
    )
    assert person is not None
    async with when_events_are_kept(owner, f"perform ('{NIK} ' || new.request_id)::int;"):
        variables = {"id": f"Person:{BANYUMAS.id}:{person['id']}"}
        answer = await http.post("/graphql", json={"query": PERSON, "variables": variables})
    assert "errors" in answer.json()
    assert "22003" in {error.get("sqlstate") for error in failures_of(served, answer)}
    assert_nobody_is_in(served.written, token, person["name"])


async def test_persons_in_what_no_code_foresaw(
    http: httpx2.AsyncClient, served: Served, owner: "asyncpg.Connection[asyncpg.Record]", token: str
) -> None:
    person = await owner.fetchrow(
        "select id, name, nik_sealed from person where regency_id = $1 and nik_sealed is not null", BANYUMAS.id
    )
    assert person is not None
    spoil = "update person set nik_sealed = $1 where regency_id = $2 and id = $3"
    # As if somebody had written the number where its sealed form belongs.
    await owner.execute(spoil, SENTENCE.encode(), BANYUMAS.id, person["id"])
    try:
        variables = {"id": f"Person:{BANYUMAS.id}:{person['id']}"}
        answer = await http.post("/graphql", json={"query": PERSON, "variables": variables})
    finally:
        await owner.execute(spoil, person["nik_sealed"], BANYUMAS.id, person["id"])
    assert "INTERNAL_ERROR" in answer.text
    assert any("sealing.py" in place for error in failures_of(served, answer) for place in error["at"])
    assert_nobody_is_in(served.written, token, person["name"])


async def test_what_is_left_is_the_request_by_its_field_and_its_principal_by_an_id(
    http: httpx2.AsyncClient, served: Served
) -> None:
    answer = await http.post("/graphql", json={"query": f"query {NAME} {{ {NAME}: me {{ principal {{ id }} }} }}"})
    (line,) = [line for line in served.events("request") if line["request_id"] == answer.headers["x-request-id"]]
    assert line.pop("principal_id") == answer.json()["data"][NAME]["principal"]["id"]
    assert line.pop("milliseconds") > 0
    assert line.pop("process") == served.process.pid
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", line.pop("timestamp"))
    assert line == {
        "event": "request",
        "level": "info",
        "request_id": answer.headers["x-request-id"],
        "operation": "me",
        "type": "query",
        "status": 200,
        "code": None,
    }
