from collections.abc import AsyncIterator

import pytest_asyncio

from app.domain.registry.sealing import Seal
from app.tenants.server import DatabaseServer
from tests.bansos.ledger.books import Books, books_of
from tests.support.world import BANYUMAS, CILACAP, SLEMAN, drop, empty_country, fill


@pytest_asyncio.fixture(scope="session")
async def ledger_server(server: DatabaseServer, seal: Seal) -> AsyncIterator[DatabaseServer]:
    """The small country, in which nothing is posted but by the tests of the ledger: they add all of it up."""
    alone = await empty_country(server, "ledger")
    await fill(alone, seal, BANYUMAS, CILACAP, SLEMAN)
    yield alone
    await drop(alone)


@pytest_asyncio.fixture(scope="session")
async def all_books(ledger_server: DatabaseServer) -> AsyncIterator[Books]:
    async with books_of(ledger_server) as books:
        yield books


@pytest_asyncio.fixture
async def books(all_books: Books) -> Books:
    """An empty ledger, but for the wallets of two programmes, which hold nothing."""
    await all_books.empty()
    return all_books
