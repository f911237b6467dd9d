from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from hypothesis import strategies as st

from app.authz.enforcer import load_role_matrix
from app.domain.registry.sealing import Seal
from app.schema.root import api
from app.settings import Settings
from app.tenants.server import DatabaseServer
from tests.differential import export_fields
from tests.differential.callers import PEOPLE, Person, person_of
from tests.differential.generation import Generated, documents
from tests.differential.judgement import KnownRegions
from tests.differential.reference import Reference
from tests.differential.registry import populated
from tests.differential.samples import Samples, samples_of
from tests.support.client import ApiClient, api_of

if TYPE_CHECKING:
    import asyncpg


@pytest_asyncio.fixture(scope="package")
async def onlooker(server: DatabaseServer, seal: Seal) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """A connection that sees every row, while the two regencies of these tests hold families."""
    async with populated(server, seal) as connection:
        yield connection


@pytest_asyncio.fixture(scope="package")
async def endpoint(
    api_settings: Settings, server: DatabaseServer, onlooker: "asyncpg.Connection[asyncpg.Record]"
) -> AsyncIterator[ApiClient]:
    """The API over the database that all tests share."""
    assert not onlooker.is_closed()
    async with api_of(api_settings, server) as client:
        yield client


@pytest_asyncio.fixture(scope="package")
async def people(endpoint: ApiClient, onlooker: "asyncpg.Connection[asyncpg.Record]") -> dict[str, Person]:
    """All of ``PEOPLE``."""
    matrix = load_role_matrix()
    found = {name: await person_of(endpoint, matrix, name, onlooker) for name in PEOPLE}
    # An export is of somebody, so these are made once those who ask are known; ``onlooker`` takes them away with the rest.
    await export_fields.start(onlooker, {name: person.access.principal.id for name, person in found.items()})
    return found


@pytest_asyncio.fixture(scope="package")
async def reference(onlooker: "asyncpg.Connection[asyncpg.Record]", seal: Seal) -> Reference:
    """The reference executor."""
    ids = frozenset(row["id"] for row in await onlooker.fetch("select id from region"))
    codes = await onlooker.fetch("select code from region_alias where namespace = 'BPS'")
    return Reference(api().sdl, onlooker, seal, KnownRegions(ids, frozenset(row["code"] for row in codes)))


@pytest_asyncio.fixture(scope="package")
async def samples(onlooker: "asyncpg.Connection[asyncpg.Record]", people: dict[str, Person], seal: Seal) -> Samples:
    """Ids, numbers and cursors that exist."""
    assert people, "exports exist once the people do"
    return await samples_of(onlooker, seal)


@pytest.fixture(scope="package")
def written(samples: Samples) -> "st.SearchStrategy[Generated]":
    """Documents that hypothesis writes."""
    return documents(api().sdl, samples)
