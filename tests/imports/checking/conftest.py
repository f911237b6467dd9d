from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest_asyncio

from app.domain.registry.sealing import Seal
from app.domain.registry.service import load_editions
from app.tenants.region_path import RegionPath
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader
from tests.imports.checking.desk import Desk

if TYPE_CHECKING:
    import asyncpg


@pytest_asyncio.fixture(scope="package")
async def check_loader(server: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    async with open_loader(server) as loader:
        await load_editions(loader)
        yield loader


@pytest_asyncio.fixture(scope="package")
async def regencies(check_loader: "asyncpg.Connection[asyncpg.Record]") -> Iterator[tuple[int, list[int]]]:
    """The regencies of Sumatra without families from Aceh on, one after the other, each with two villages."""
    rows = await check_loader.fetch(
        "select id / 1000000 as regency, (array_agg(id order by id))[:2] as villages from region "
        "where level = 'VILLAGE' and id / 100000000 between 11 and 18 and not exists ("
        "select from family f where f.regency_id = region.id / 1000000) group by 1 order by 1"
    )
    return iter([(row["regency"], row["villages"]) for row in rows])


@pytest_asyncio.fixture
async def desk(
    server: DatabaseServer,
    check_loader: "asyncpg.Connection[asyncpg.Record]",
    regencies: Iterator[tuple[int, list[int]]],
    seal: Seal,
) -> Desk:
    """A desk in a regency without families."""
    regency, villages = next(regencies)
    edition_id = await check_loader.fetchval("select max(id) from registry_edition where scheme = 'DTSEN'")
    return Desk(
        server,
        check_loader,
        seal,
        edition_id,
        RegionPath.of_id(regency),
        *[RegionPath.of_id(village) for village in villages],
    )
