from collections.abc import AsyncIterator

import pytest_asyncio

from app.domain.regions.service import load_region_tree
from app.domain.registry.sealing import Seal
from app.tenants.migrate import migrate
from app.tenants.server import DatabaseServer, prepare
from app.tenants.session import open_loader
from tests.bansos.ledger.books import Books, books_of
from tests.support.world import BANYUMAS, CILACAP, SLEMAN, drop, fill, named


@pytest_asyncio.fixture(scope="session")
async def ledger_server(server: DatabaseServer, seal: Seal) -> AsyncIterator[DatabaseServer]:
    """The small country, in which nothing is posted but by the tests of the ledger: they add all of it up."""
    alone = named(server, "ledger")
    await drop(alone)
    await prepare(alone)
    await migrate(alone)
    async with open_loader(alone) as loader:
        await load_region_tree(loader)
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
