import base64
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import httpx2
import pytest
import pytest_asyncio
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from app.authz.authentication import Authenticator, Unauthenticated
from app.authz.enforcer import load_role_matrix
from app.authz.keys import issuer_keys
from app.settings import Settings
from app.tenants.server import DatabaseServer
from app.tenants.session import Database
from app.web.headers import AnswerHeaders
from app.web.login import Login, LoginAttempt
from app.web.sessions import CrossSiteRequest, Sessions
from tests.authz.people import People
from tests.web.login.oidc_provider import AS_USUAL, PUBLIC_URL, WEB_CLIENT, WEB_SECRET, Provider, running_provider

SESSION_KEY = base64.b64encode(bytes(range(32))).decode()
OWN_PAGE = {"x-kesos-csrf": "1", "sec-fetch-site": "same-origin"}


@dataclass
class Site:
    """Kesos with browser login, and what it told the audit."""

    app: Starlette
    sessions: Sessions
    attempts: list[LoginAttempt] = field(default_factory=list)
    audit_fails: bool = False
    browsers: list["Browser"] = field(default_factory=list)

    def browser(self, language: str = "id") -> "Browser":
        """Another browser, with no cookie yet, whose user prefers ``language``."""
        self.browsers.append(Browser(self.app, language))
        return self.browsers[-1]

    async def close(self) -> None:
        for browser in self.browsers:
            await browser.http.aclose()


class Browser:
    """Somebody at a browser, which keeps cookies and follows redirects between Kesos and the provider."""

    def __init__(self, app: Starlette, language: str = "id") -> None:
        self.http = httpx2.AsyncClient(
            mounts={PUBLIC_URL: httpx2.ASGITransport(app=app)},
            headers={"accept-language": language},
            trust_env=False,
        )

    async def get(self, url: str, **headers: str) -> httpx2.Response:
        """Fetch a page, by its path where it is one of Kesos."""
        return await self.http.get(url if "://" in url else PUBLIC_URL + url, headers=headers)

    async def post(self, path: str, **headers: str) -> httpx2.Response:
        """Send an empty form."""
        return await self.http.post(PUBLIC_URL + path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    async def until(self, wanted: str, response: httpx2.Response) -> str:
        """Follow redirects from ``response`` up to the one that leads to ``wanted``; where that leads exactly."""
        while response.is_redirect:
            url = str(response.next_request.url) if response.next_request else ""
            if url.startswith(wanted):
                return url
            response = await self.http.get(url)
        raise AssertionError(f"{response.status_code} {response.text}")

    async def to_callback(self, path: str = "/login") -> str:
        """Begin to log in, up to the address by which the provider sends the browser back."""
        return await self.until(f"{PUBLIC_URL}/login/callback", await self.get(path))

    async def log_in(self, path: str = "/login") -> httpx2.Response:
        """Log in; the answer to what the provider sends back."""
        return await self.get(await self.to_callback(path))

    async def who(self, headers: dict[str, str] = OWN_PAGE) -> httpx2.Response:
        """Ask Kesos, as its pages do, who is logged in."""
        return await self.http.post(f"{PUBLIC_URL}/who", headers=headers)

    async def subject(self) -> str | None:
        """Who is logged in."""
        found: str | None = (await self.who()).json().get("subject")
        return found

    def cookie(self, name: str) -> str | None:
        """The value of a cookie of Kesos."""
        return self.http.cookies.get(f"__Host-{name}")

    def keep(self, name: str, value: str) -> None:
        """Put a cookie of Kesos in the place of what the browser keeps."""
        self.http.cookies.set(f"__Host-{name}", value, domain="kesos.test", path="/")

    def forget(self, name: str) -> None:
        """Lose a cookie of Kesos."""
        self.http.cookies.delete(f"__Host-{name}")


def site_of(settings: Settings, database: Database) -> Site:
    """Kesos with browser login, and one page that tells its own scripts who is logged in."""
    authenticator = Authenticator.of_settings(settings, database, load_role_matrix())
    sessions = Sessions.of_settings(settings)

    async def on_login(attempt: LoginAttempt) -> None:
        if kesos.audit_fails:
            raise ConnectionError
        kesos.attempts.append(attempt)

    login = Login(
        settings, keys=issuer_keys(settings), authenticator=authenticator, sessions=sessions, on_login=on_login
    )

    async def who(request: Request) -> JSONResponse:
        try:
            token = sessions.session_token(request)
            access = await authenticator.authenticate(token or "")
        except CrossSiteRequest as refusal:
            return JSONResponse({"code": refusal.code}, refusal.status)
        except Unauthenticated as refusal:
            return JSONResponse({"code": refusal.code}, 401)
        return JSONResponse({"subject": access.principal.subject})

    routes = [*login.routes(), Route("/who", who, methods=["POST"])]
    kesos = Site(Starlette(routes=routes, middleware=[Middleware(AnswerHeaders)]), sessions)
    return kesos


def login_settings(settings: Settings, issuer: str) -> Settings:
    """``settings`` with browser login at ``issuer``."""
    return settings.model_copy(
        update={
            "issuer": issuer,
            "client_id": WEB_CLIENT,
            "client_secret": SecretStr(WEB_SECRET),
            "public_url": PUBLIC_URL,
            "session_key": SecretStr(SESSION_KEY),
        }
    )


@pytest.fixture(scope="session")
def running() -> Iterator[Provider]:
    with running_provider() as provider:
        yield provider


@pytest_asyncio.fixture
async def people(server: DatabaseServer) -> AsyncIterator[People]:
    connection = await server.admin.connect()
    yield People(connection)
    await connection.close()


@pytest_asyncio.fixture
async def provider(running: Provider, people: People) -> Provider:
    """The provider, behaving as usual, with somebody at the browser whom Kesos knows."""
    running.state(**AS_USUAL, subject=await people.add(running.issuer, ("REGENCY_ADMIN", 3302)))
    return running


@pytest_asyncio.fixture
async def database(server: DatabaseServer) -> AsyncIterator[Database]:
    """A connection of each test's own: who asks for principals listens for changes until it is closed."""
    database = Database(server.app, read_pool_size=1, write_pool_size=1)
    await database.open()
    yield database
    await database.close()


@pytest_asyncio.fixture
async def site(provider: Provider, settings: Settings, database: Database) -> AsyncIterator[Site]:
    site = site_of(login_settings(settings, provider.issuer), database)
    yield site
    await site.close()


@pytest.fixture
def browser(site: Site) -> Browser:
    return site.browser()
