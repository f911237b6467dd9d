"""The first middleware: what an address may send, and how refused callers are slowed down."""

import asyncio
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message

from app.settings import Settings
from app.web.door import Door, edge
from app.web.gate import Tarpit
from app.web.rates import Rates
from tests.web.test_headers import edge_of

UNLIMITED = 10**9


def of_address(requests: int) -> Rates:
    return Rates(requests=UNLIMITED, requests_of_address=requests, cost=UNLIMITED)


class CountingTarpit(Tarpit):
    """A tarpit that holds for no time and remembers whom it held."""

    def __init__(self, **bounds: Any) -> None:
        super().__init__(seconds=0, **bounds)
        self.held: list[str] = []

    async def hold(self, address: str) -> bool:
        self.held.append(address)
        return await super().hold(address)


async def test_an_address_that_sends_too_much_is_refused_in_its_language_and_told_when_to_come_again() -> None:
    tarpit = CountingTarpit()
    async with edge_of(Settings(), rates=of_address(12), tarpit=tarpit) as http:
        assert (await http.get("/")).status_code == 200
        assert tarpit.held == []
        indonesian = await http.get("/nothing")
        english = await http.post("/", headers={"accept-language": "en", "origin": "https://app.example"})
    assert [response.status_code for response in (indonesian, english)] == [429, 429]
    assert indonesian.headers["retry-after"] == "5"
    assert indonesian.headers["content-type"] == "application/graphql-response+json"
    assert indonesian.headers["x-request-id"]
    assert indonesian.json() == {
        "errors": [
            {
                "message": "Terlalu banyak permintaan. Coba lagi setelah 5 detik.",
                "extensions": {"code": "RATE_LIMITED"},
            }
        ]
    }
    assert english.json()["errors"][0]["message"] == "Too many requests. Try again in 5 seconds."
    assert tarpit.held == ["192.0.2.1", "192.0.2.1"]


async def test_what_comes_at_once_from_an_address_waits_for_its_pace() -> None:
    async with edge_of(Settings(), rates=of_address(1_200), tarpit=CountingTarpit()) as http:
        answers = [asyncio.create_task(http.get("/")) for _ in range(23)]
        done, waiting = await asyncio.wait(answers, timeout=0.02)
        assert len(done) <= 21  # 20 a second, and one more may have come back meanwhile
        assert {answer.result().status_code for answer in done} == {200}
        assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {200}


async def test_addresses_of_one_ipv6_network_share_a_limit_and_others_do_not() -> None:
    rates = of_address(6)
    statuses = []
    for host in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "192.0.2.1"):
        async with edge_of(Settings(), client=(host, 1), rates=rates, tarpit=Tarpit(seconds=0)) as http:
            statuses.append((await http.get("/")).status_code)
    assert statuses == [200, 429, 200, 200]


async def test_behind_a_proxy_it_is_the_caller_who_is_counted() -> None:
    settings = Settings(trusted_proxies=frozenset({"10.0.0.1"}))
    async with edge_of(settings, client=("10.0.0.1", 1), rates=of_address(6), tarpit=Tarpit(seconds=0)) as http:
        statuses = [
            (await http.get("/", headers={"x-forwarded-for": f"203.0.113.9, {caller}"})).status_code
            for caller in ("198.51.100.1", "198.51.100.2", "198.51.100.1")
        ]
    assert statuses == [200, 200, 429]


async def answering(status: int, rates: Rates, tarpit: Tarpit, count: int) -> list[httpx2.Response]:
    """The answers of a route that always answers with ``status``."""

    async def endpoint(_request: Request) -> Response:
        return PlainTextResponse("refused", status)

    app = Starlette(routes=[Route("/", endpoint)], middleware=edge(Settings(), rates, tarpit))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://kesos") as http:
        return await asyncio.gather(*(http.get("/") for _ in range(count)))


@pytest.mark.parametrize(
    ("status", "held"), [(429, 3), (503, 3), (200, 0), (400, 0), (401, 0), (403, 0), (404, 0), (500, 0)]
)
async def test_only_who_asks_for_too_much_is_answered_late(status: int, held: int) -> None:
    tarpit = CountingTarpit()
    await answering(status, of_address(UNLIMITED), tarpit, 3)
    assert len(tarpit.held) == held


async def test_who_proves_nothing_again_and_again_is_answered_late_too() -> None:
    tarpit = CountingTarpit()
    await answering(401, of_address(7_200), tarpit, 20)
    assert len(tarpit.held) == 8  # a hundredth of 7,200 a minute, ten seconds' worth of it at once: 12 are free


async def test_where_too_many_are_held_the_connection_is_closed_instead() -> None:
    tarpit = Tarpit(seconds=0.05, most_of_address=2)
    answers = await answering(429, of_address(UNLIMITED), tarpit, 5)
    assert [answer.headers.get("connection") for answer in answers].count("close") == 3
    assert [answer.status_code for answer in answers] == [429] * 5


async def test_a_websocket_of_an_address_that_sends_too_much_is_not_opened() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def accept(_scope: object, _receive: object, send: Any) -> None:
        await send({"type": "websocket.accept"})

    door = Door(accept, rates=of_address(6), tarpit=Tarpit(seconds=0))
    for _ in range(2):
        await door({"type": "websocket", "client": ("192.0.2.1", 1), "headers": []}, receive, send)
    assert sent == [{"type": "websocket.accept"}, {"type": "websocket.close", "code": 1013}]
