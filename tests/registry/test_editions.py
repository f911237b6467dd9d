from datetime import date

import pytest

from app.domain.registry.enums import RegistryScheme
from app.domain.registry.errors import EditionUnknown
from app.domain.registry.service import (
    STANDARD_EDITIONS,
    Edition,
    current_edition,
    ensure_edition,
    load_editions,
)
from app.tenants.scope import TenantScope
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader

NOBODY = TenantScope.of([])


async def test_standard_editions_are_loaded_once(server: DatabaseServer) -> None:
    async with open_loader(server) as loader:
        await load_editions(loader)
        assert await load_editions(loader) == 0
        rows = await loader.fetch("select scheme, period from registry_edition order by id")
    assert [(row["scheme"], row["period"]) for row in rows] == [
        (edition.scheme.value, edition.period) for edition in STANDARD_EDITIONS
    ]


async def test_an_edition_that_says_something_else_is_brought_up_to_date(server: DatabaseServer) -> None:
    edition = Edition(900, RegistryScheme.LOCAL, "2026", "Data daerah", None, date(2026, 1, 1))
    async with open_loader(server) as loader:
        transaction = loader.transaction()
        await transaction.start()
        assert await ensure_edition(loader, edition)
        assert not await ensure_edition(loader, edition)
        assert await ensure_edition(loader, edition._replace(legal_basis="Perbup 1/2026"))
        assert await loader.fetchval("select legal_basis from registry_edition where id = 900") == "Perbup 1/2026"
        await transaction.rollback()


@pytest.mark.parametrize(
    ("today", "period"),
    [(date(2025, 2, 5), "2025-Q1"), (date(2025, 9, 30), "2025-Q3"), (date(2026, 11, 21), "2026-Q3")],
)
@pytest.mark.usefixtures("edition_id")
async def test_the_current_edition_is_the_newest_that_is_out(database: Database, today: date, period: str) -> None:
    async with database.write(NOBODY) as session:
        assert (await current_edition(session, today=today)).period == period


@pytest.mark.usefixtures("edition_id")
async def test_before_the_first_edition_there_is_none(database: Database) -> None:
    async with database.write(NOBODY) as session:
        assert (await current_edition(session, today=date(2025, 2, 4), scheme=RegistryScheme.DTKS)).period == "2024"
        with pytest.raises(EditionUnknown, match="DTSEN"):
            await current_edition(session, today=date(2025, 2, 4))
