"""Taking the catalogue over: once, and never over what something was judged by."""

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from pydantic import ValidationError

from app.domain.ewarong.catalogue.errors import CatalogueDataDiffers
from app.domain.ewarong.catalogue.loading import (
    CatalogueFile,
    CatalogueLoaded,
    load_catalogue,
    shipped_catalogue,
)
from app.domain.ewarong.catalogue.queries import basket_rules, thresholds
from app.tenants.region_path import RegionPath
from app.tenants.scope import TenantScope
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader

if TYPE_CHECKING:
    import asyncpg

COUNTRY = TenantScope.of([RegionPath.country()])
NOTHING = CatalogueLoaded(0, 0, 0)
SEMBAKO = ("SEMBAKO", "E_WARONG")


@pytest_asyncio.fixture
async def loader(server: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """A loader whose work is undone after the test."""
    async with open_loader(server) as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield connection
        await transaction.rollback()


def changed(kind: str, place: Any, **fields: object) -> CatalogueFile:
    """The shipped catalogue with one entry said otherwise."""
    said = shipped_catalogue().model_dump()
    said[kind][place] |= fields
    return CatalogueFile.model_validate(said)


def place_of(code: str) -> int:
    return [each.code for each in shipped_catalogue().thresholds].index(code)


async def test_what_ships_is_loaded_and_loading_it_again_changes_nothing(
    loader: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    assert await load_catalogue(loader) == NOTHING
    assert await loader.fetchval("select group_code from commodity where code = 'TEMPEH'") == "PROTEIN_NABATI"


async def test_an_empty_database_gets_all_of_it(loader: "asyncpg.Connection[asyncpg.Record]") -> None:
    await loader.execute("delete from basket_rule; delete from ewarong_threshold")
    shipped = shipped_catalogue()
    assert await load_catalogue(loader) == CatalogueLoaded(0, len(shipped.rules), len(shipped.thresholds))


async def test_a_basket_of_sembako_is_of_its_era(database: Database) -> None:
    async with database.write(COUNTRY) as session:
        pilot = (await basket_rules(session, date(2019, 12, 31)))[SEMBAKO]
        basket = (await basket_rules(session, date(2020, 1, 1)))[SEMBAKO]
        today = await basket_rules(session, date(2026, 10, 1))
        before = await basket_rules(session, date(2017, 12, 31))
    assert pilot.groups == ("KARBOHIDRAT", "PROTEIN_HEWANI")
    assert "BEEF" in pilot.prohibited
    assert "PROTEIN_NABATI" in basket.groups
    assert "BEEF" not in basket.prohibited
    assert "CIGARETTES" in basket.prohibited
    assert today[SEMBAKO].open
    assert not today["SEMBAKO", "POS"].open
    assert today["BPNT_DAERAH_BANYUMAS", "E_WARONG"].open
    assert ("PKH", "E_WARONG") not in today
    assert before == {}


async def test_a_rule_ends_with_its_last_day(
    loader: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    await load_catalogue(loader, changed("rules", 2, valid_to=date(2024, 6, 30)))
    said = await loader.fetchval(
        "select valid_to from basket_rule where programme_code = 'SEMBAKO' and valid_from = $1 and channel = 'E_WARONG'",
        date(2022, 1, 1),
    )
    assert said == date(2024, 6, 30)


async def test_a_threshold_counts_from_its_day(
    loader: "asyncpg.Connection[asyncpg.Record]", database: Database
) -> None:
    async with database.write(COUNTRY) as session:
        numbers = await thresholds(session, date(2026, 10, 1))
        assert numbers["MOST_FAMILIES"] == 250
        assert numbers["F3_SHARE"] == Decimal("0.7")
        assert await thresholds(session, date(2017, 12, 31)) == {}
    said = shipped_catalogue()
    later = said.thresholds[place_of("F1_CARDS")].model_copy(
        update={"valid_from": date(2025, 1, 1), "value": Decimal(15)}
    )
    loaded = await load_catalogue(loader, said.model_copy(update={"thresholds": [*said.thresholds, later]}))
    assert loaded == CatalogueLoaded(0, 0, 1)


@pytest.mark.parametrize(
    ("kind", "place", "fields"),
    [
        ("commodities", "RICE", {"unit": "LITRE"}),
        ("commodities", "RICE", {"group": None}),
        ("rules", 1, {"prohibited": ["BEEF"]}),
        ("rules", 1, {"groups": ["KARBOHIDRAT"], "balanced": []}),
        ("thresholds", place_of("F1_CARDS"), {"value": Decimal(11)}),
    ],
)
async def test_what_something_was_judged_by_is_never_rewritten(
    loader: "asyncpg.Connection[asyncpg.Record]", kind: str, place: object, fields: dict[str, object]
) -> None:
    with pytest.raises(CatalogueDataDiffers):
        await load_catalogue(loader, changed(kind, place, **fields))
    assert await load_catalogue(loader) == NOTHING


async def test_a_name_may_become_another(loader: "asyncpg.Connection[asyncpg.Record]") -> None:
    assert await load_catalogue(loader, changed("commodities", "RICE", name="Beras medium")) == CatalogueLoaded(1, 0, 0)


@pytest.mark.parametrize(
    ("kind", "place", "fields", "told"),
    [
        ("rules", 1, {"groups": ["KARBO"]}, "KARBO"),
        ("rules", 1, {"prohibited": ["STONES"]}, "STONES"),
        ("rules", 0, {"balanced": ["VITAMIN_MINERAL"]}, "may hold"),
        ("rules", 0, {"open": False}, "open"),
    ],
)
def test_a_catalogue_that_does_not_hold_together_is_refused(
    kind: str, place: int, fields: dict[str, object], told: str
) -> None:
    with pytest.raises(ValidationError, match=told):
        changed(kind, place, **fields)
