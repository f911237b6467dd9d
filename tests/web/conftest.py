from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from starlette.applications import Starlette

import app.main
from app.authz.development import issue_token
from app.authz.roles import Role
from app.main import create_app
from app.schema.root import api_with
from app.settings import DEVELOPMENT_ISSUER, Settings
from app.tenants.server import DatabaseServer
from tests.authz.people import People
from tests.support.sockets import Listening, Live, live_on
from tests.support.world import BANYUMAS

if TYPE_CHECKING:
    import asyncpg

FRIEND = "https://app.kesos.test"
"""The origin of a front end whose pages may call the API."""


@pytest.fixture(scope="session")
def people(owner: "asyncpg.Connection[asyncpg.Record]") -> People:
    """Who is known to the small country."""
    return People(owner)


@pytest_asyncio.fixture
async def clerk(people: People) -> str:
    """The subject of an administrator of Banyumas whom no other test knows."""
    return await people.add(DEVELOPMENT_ISSUER, (Role.REGENCY_ADMIN.value, BANYUMAS.id))


@pytest.fixture
def token(settings: Settings, clerk: str) -> str:
    """A token of the clerk."""
    return issue_token(settings, clerk)


@pytest.fixture(scope="session")
def listening(api_settings: Settings, world: DatabaseServer) -> Callable[[], Starlette]:
    """Makes the application of the small country, with subscriptions that only tests need."""
    api = api_with(Listening)
    settings = api_settings.model_copy(update={"cors_origins": frozenset({FRIEND})})

    def make() -> Starlette:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(app.main, "api", lambda: api)
            return create_app(settings, world)

    return make


@pytest_asyncio.fixture(scope="session")
async def live(api_settings: Settings, listening: Callable[[], Starlette]) -> AsyncIterator[Live]:
    """That application behind a real socket."""
    async with live_on(api_settings, listening()) as live:
        yield live
