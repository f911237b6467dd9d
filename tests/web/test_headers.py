"""What every answer carries, whose request it is, and to which host it may come."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from app.settings import Settings
from app.web.door import edge
from app.web.gate import Tarpit
from app.web.headers import client_address, folded, known_hosts, request_id
from app.web.rates import Rates

CAREFUL = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


async def _seen(request: Request) -> Response:
    return JSONResponse({"address": client_address(request.scope), "id": request_id(request.scope)})


async def _page(_request: Request) -> Response:
    own = {"content-security-policy": "default-src 'self'", "cache-control": "private", "x-request-id": "own"}
    return PlainTextResponse("a page", headers=own)


@asynccontextmanager
async def edge_of(
    settings: Settings,
    *,
    client: tuple[str, int] = ("192.0.2.1", 1),
    url: str = "http://kesos",
    rates: Rates | None = None,
    tarpit: Tarpit | None = None,
) -> AsyncIterator[httpx2.AsyncClient]:
    """Two routes behind the edge as ``settings`` make it."""
    middleware = edge(settings, rates or Rates.of_settings(settings), tarpit or Tarpit(seconds=0))
    routes = [Route("/", _seen, methods=["GET", "POST"]), Route("/page", _page), Route("/health/ready", _page)]
    transport = httpx2.ASGITransport(app=Starlette(routes=routes, middleware=middleware), client=client)
    async with httpx2.AsyncClient(transport=transport, base_url=url) as http:
        yield http


@pytest.fixture
def plain() -> Settings:
    return Settings()


async def test_every_answer_tells_browsers_to_be_careful_whether_it_is_good_or_not(plain: Settings) -> None:
    async with edge_of(plain) as http:
        for path, method, status in (("/", "GET", 200), ("/nothing", "GET", 404), ("/", "PUT", 405)):
            response = await http.request(method, path)
            assert response.status_code == status
            assert {name: response.headers.get_list(name) for name in CAREFUL} == {
                name: [value] for name, value in CAREFUL.items()
            }


async def test_a_page_may_set_its_own_policy_and_nobody_sends_two(plain: Settings) -> None:
    async with edge_of(plain) as http:
        headers = (await http.get("/page")).headers
    assert headers.get_list("content-security-policy") == ["default-src 'self'"]
    assert headers.get_list("cache-control") == ["private"]
    assert headers["x-frame-options"] == "DENY"


async def test_only_an_answer_by_https_asks_for_https_from_then_on(plain: Settings) -> None:
    async with edge_of(plain) as http:
        assert "strict-transport-security" not in (await http.get("/")).headers
    async with edge_of(plain, url="https://kesos") as http:
        assert (await http.get("/")).headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize("sent", ["0190a1b2-0000-7000-8000-000000000000", "4bf92f3577b34da6a3ce929d0e0e4736"])
async def test_the_id_that_a_caller_gives_a_request_is_kept_and_returned(plain: Settings, sent: str) -> None:
    async with edge_of(plain) as http:
        response = await http.get("/", headers={"x-request-id": sent})
        assert response.headers.get_list("x-request-id") == [sent]
        assert response.json()["id"] == sent
        assert (await http.get("/page", headers={"x-request-id": sent})).headers.get_list("x-request-id") == [sent]


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "0" * 31,
        "0" * 37,
        "Siti-Rahma-3302015708900071-binti-X",
        "a b",
        "a\tb",
        "<script>",
        "a;b",
        "é",
        "a\x0b",
        "3302/1",
    ],
)
async def test_another_id_is_not_kept_and_a_request_without_one_gets_one(plain: Settings, sent: str) -> None:
    async with edge_of(plain) as http:
        ids = {
            (await http.get("/", headers=[(b"x-request-id", sent.encode())] if sent else [])).headers["x-request-id"]
            for _ in range(3)
        }
    assert len(ids) == 3
    assert all(UUID.fullmatch(each) for each in ids)


@pytest.mark.parametrize(
    ("host", "counted_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("2001:0DB8:1:2::1", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("nonsense:", "unknown"),
        ("9" * 46, "unknown"),
    ],
)
def test_an_address_is_counted_once_however_it_is_written_and_of_ipv6_the_network(host: str, counted_as: str) -> None:
    assert folded(host) == counted_as


@pytest.mark.parametrize(
    ("client", "forwarded", "address"),
    [
        ("192.0.2.1", ["198.51.100.9"], "192.0.2.1"),
        ("10.0.0.1", ["198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", ["203.0.113.5, 198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", ["203.0.113.5", "198.51.100.9"], "198.51.100.9"),
        ("10.0.0.1", ["203.0.113.5, 198.51.100.9, 10.0.0.2"], "198.51.100.9"),
        ("10.0.0.1", ["198.51.100.9:4711"], "198.51.100.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.1.1", ["198.51.100.9"], "10.0.1.1"),
    ],
    ids=[
        "not from a proxy",
        "from a proxy",
        "what the caller wrote before it",
        "in a header of its own",
        "through two proxies",
        "with a port",
        "no header",
        "from its neighbour",
    ],
)
async def test_who_sends_a_request_is_believed_of_trusted_proxies_alone(
    client: str, forwarded: list[str], address: str
) -> None:
    settings = Settings(trusted_proxies=frozenset({"10.0.0.1", "10.0.0.2"}))
    async with edge_of(settings, client=(client, 1)) as http:
        seen = await http.get("/", headers=[("x-forwarded-for", value) for value in forwarded])
    assert seen.json()["address"] == address


async def test_without_trusted_proxies_no_forwarding_header_is_believed(plain: Settings) -> None:
    forwarded = {"x-forwarded-for": "198.51.100.9", "x-forwarded-proto": "https", "forwarded": "for=198.51.100.9"}
    async with edge_of(plain, client=("127.0.0.1", 1)) as http:
        seen = await http.get("/", headers=forwarded)
    assert seen.json()["address"] == "127.0.0.1"
    assert "strict-transport-security" not in seen.headers


async def test_a_proxy_of_a_trusted_network_says_that_the_request_came_by_https() -> None:
    settings = Settings(trusted_proxies=frozenset({"10.0.0.0/8"}))
    async with edge_of(settings, client=("10.9.9.9", 1)) as http:
        seen = await http.get("/", headers={"x-forwarded-proto": "https"})
    assert "strict-transport-security" in seen.headers


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("kesos.example.go.id", 200),
        ("KESOS.example.go.id:443", 200),
        ("127.0.0.1:8000", 200),
        ("localhost", 200),
        ("[::1]:8000", 200),
        ("evil.example", 400),
        ("kesos.example.go.id.evil.example", 400),
        ("evil.kesos.example.go.id", 400),
        ("kesos.example.go.id@evil.example", 400),
        ("", 400),
    ],
)
async def test_with_a_public_url_only_its_host_and_this_machine_are_served(host: str, status: int) -> None:
    async with edge_of(Settings(public_url="https://kesos.example.go.id")) as http:
        response = await http.get("/", headers={"host": host})
        assert response.status_code == status
        assert response.headers["x-content-type-options"] == "nosniff"
        assert (await http.get("/health/ready", headers={"host": host})).status_code == 200


async def test_without_a_public_url_every_host_is_served(plain: Settings) -> None:
    async with edge_of(plain) as http:
        assert (await http.get("/", headers={"host": "anything.example"})).status_code == 200


def test_a_public_url_without_a_host_is_refused() -> None:
    with pytest.raises(ValueError, match="KESOS_PUBLIC_URL names no host"):
        known_hosts(Settings(public_url="kesos.example.go.id"))


async def test_what_is_no_request_passes_untouched(plain: Settings) -> None:
    began: list[str] = []

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        began.append("lifespan")
        yield

    middleware: list[Middleware] = edge(plain, Rates.of_settings(plain), Tarpit())
    app = Starlette(middleware=middleware, lifespan=lifespan)
    async with app.router.lifespan_context(app):
        assert began == ["lifespan"]
