from typing import TYPE_CHECKING

import pytest_asyncio

from tests.ewarong.oversight.office import Office
from tests.support.client import ApiClient

if TYPE_CHECKING:
    import asyncpg


@pytest_asyncio.fixture
async def office(market_api: ApiClient, market_owner: "asyncpg.Connection[asyncpg.Record]") -> Office:
    """A new outlet, and everybody around it."""
    return await Office.open(market_api, market_owner)
