"""The API as a front end meets it: over HTTP, with real tokens of the development issuer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette

from app.authz.development import development_subject, ensure_principal, issue_token
from app.authz.enforcer import load_role_matrix
from app.authz.roles import Role
from app.main import create_app
from app.settings import Settings
from app.tenants.server import DatabaseServer
from tests.authz.people import region
from tests.support.world import connected

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a token."""

    http: httpx2.AsyncClient
    token: str

    async def post(self, document: str, variables: Json | None = None, **headers: str) -> httpx2.Response:
        """Send ``document``; underscores in the names of ``headers`` stand for hyphens."""
        return await self.send(json={"query": document, "variables": variables or {}}, headers=headers)

    async def send(self, *, headers: dict[str, str] | None = None, **request: Any) -> httpx2.Response:
        """Send any body that httpx2 can make."""
        named = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        usual = {"authorization": f"Bearer {self.token}", "accept": "application/graphql-response+json"}
        return await self.http.post("/graphql", headers={**usual, **named}, **request)

    async def answer(self, document: str, **variables: Any) -> Json:
        """The whole answer, errors included."""
        body: Json = (await self.post(document, variables)).json()
        return body

    async def query(self, document: str, **variables: Any) -> Json:
        """The data of an answer without errors."""
        response = await self.post(document, variables)
        body: Json = response.json()
        assert "errors" not in body, body["errors"]
        assert response.status_code == 200
        data: Json = body["data"]
        return data

    async def codes(self, document: str, **variables: Any) -> list[str]:
        """The codes of the errors of an answer."""
        return [error["extensions"]["code"] for error in (await self.answer(document, **variables)).get("errors", [])]


class ApiClient:
    """Knows the application and makes callers."""

    def __init__(self, http: httpx2.AsyncClient, server: DatabaseServer, settings: Settings) -> None:
        self.http = http
        self._server = server
        self._settings = settings
        self._callers: dict[tuple[tuple[Role, str], ...], Caller] = {}

    def with_token(self, token: str) -> Caller:
        """Somebody who sends ``token``, whatever it is."""
        return Caller(self.http, token)

    def named(self, subject: str) -> Caller:
        """Somebody whose token is good and names ``subject``, whether or not anybody knows who that is."""
        return self.with_token(issue_token(self._settings, subject))

    async def as_(self, role: Role, code: str = "") -> Caller:
        """Somebody with ``role`` in the region ``code``; without a code, in the whole country."""
        return await self.granted((role, code))

    async def granted(self, *grants: tuple[Role, str]) -> Caller:
        """Somebody with several grants."""
        if grants not in self._callers:
            self._callers[grants] = self.named(await enrol(self._server, *grants))
        return self._callers[grants]


async def enrol(server: DatabaseServer, *grants: tuple[Role, str]) -> str:
    """Make somebody with ``grants`` known to ``server``; the subject of their tokens."""
    subject = "+".join(development_subject(role, region(code)) for role, code in grants)
    async with connected(server) as owner:
        for role, code in grants:
            await ensure_principal(owner, subject=subject, name=subject, role=role, region=region(code))
    return subject


@asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    """Speak HTTP with ``app``, which runs for as long as the context is open."""
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=True)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://kesos") as http,
    ):
        yield http


@asynccontextmanager
async def api_of(settings: Settings, server: DatabaseServer) -> AsyncIterator[ApiClient]:
    """The application over ``server``."""
    async with served(create_app(settings, server)) as http:
        yield ApiClient(http, server, settings)


@asynccontextmanager
async def api_with_policies(settings: Settings, server: DatabaseServer, folder: Path) -> AsyncIterator[ApiClient]:
    """The application over ``server`` with the policies of ``folder`` instead of those that it is shipped with."""
    async with served(create_app(settings, server, matrix=load_role_matrix(folder))) as http:
        yield ApiClient(http, server, settings)
