"""Taking programmes of files over: once, and never over what is in force."""

from collections.abc import AsyncIterator
from datetime import date
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from app.authz import authorize
from app.domain.bansos.programmes.files import ProgrammeFile, read_programme, shipped_programmes
from app.domain.bansos.programmes.loading import FILES_ID, OPERATOR_ID, Loaded, ProgrammeDataDiffers, load_programmes
from app.domain.bansos.programmes.queries import quota, related, terms_for
from app.tenants.region_path import RegionPath
from app.tenants.scope import TenantScope
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader
from tests.bansos.programmes.test_files import GOOD

if TYPE_CHECKING:
    import asyncpg

NOTHING = Loaded(0, 0, ())
COUNTRY = TenantScope.of([RegionPath.country()])


@pytest_asyncio.fixture
async def loader(server: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """A loader whose work is undone after the test."""
    async with open_loader(server) as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield connection
        await transaction.rollback()


def said(text: str = GOOD) -> list[ProgrammeFile]:
    return [read_programme(text, "uji.toml")]


def changed(good: str, new: str) -> list[ProgrammeFile]:
    assert GOOD.count(good) == 1
    return said(GOOD.replace(good, new))


async def test_what_ships_is_loaded_and_loading_it_again_changes_nothing(
    loader: "asyncpg.Connection[asyncpg.Record]", database: Database
) -> None:
    assert await load_programmes(loader) == NOTHING
    async with database.write(COUNTRY) as session:
        pkh = await terms_for(session, "PKH", date(2026, 10, 1))
        assert {each.component: each.amount for each in pkh.components}["SMA"] == 500_000
        assert (await terms_for(session, "SEMBAKO", date(2019, 2, 1))).amount == 110_000
        assert (await terms_for(session, "SEMBAKO", date(2026, 10, 1))).amount == 600_000
        assert ("PKH", "EXCLUSIVE") in [
            (other, each.value) for other, each in await related(session, "JAMSOSRATU", date(2026, 1, 1))
        ]
        assert await quota(session, "JAMSOSRATU", 3602, 2021) == 11_542


async def test_terms_of_files_are_proposed_by_the_file_and_confirmed_by_the_operator(
    loader: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    assert OPERATOR_ID == authorize.OPERATOR_ID
    rows = await loader.fetch(
        "select distinct proposed_by, confirmed_by, state from programme_terms where programme_code = 'PKH'"
    )
    assert [tuple(row.values()) for row in rows] == [(FILES_ID, OPERATOR_ID, "ACTIVE")]


async def test_a_new_programme_and_later_a_new_version_of_it_are_taken_over(
    loader: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    before, after = GOOD.split("[[terms]]\nversion = 2")
    assert await load_programmes(loader, said(before)) == Loaded(1, 1, ())
    assert await load_programmes(loader, said(f"{before}[[terms]]\nversion = 2{after}")) == Loaded(0, 1, ())
    assert await load_programmes(loader, said()) == NOTHING
    assert await loader.fetchval("select families from programme_quota where programme_code = 'UJI'") == 100


async def test_names_and_ends_may_change(loader: "asyncpg.Connection[asyncpg.Record]") -> None:
    await load_programmes(loader, said())
    ended = changed('region = "33.02"\n', 'region = "33.02"\nvalid_to = 2026-12-31\n')
    assert await load_programmes(loader, ended) == Loaded(1, 0, ())
    assert await loader.fetchval("select valid_to from programme where code = 'UJI'") == date(2026, 12, 31)


@pytest.mark.parametrize(
    ("good", "new", "what"),
    [
        ("amount = 100_000", "amount = 110_000", "UJI, terms 2"),
        ("family.decile <= 4", "family.decile <= 5", "UJI, terms 1"),
        ("person.age < 18", "person.age < 17", "UJI, terms 1"),
        ("2024 = 1_200_000", "2024 = 1_300_000", "UJI, terms 1"),
        ("most_per_family = 2\n", "", "UJI, terms 1"),
        ('fund = "REGENCY"', 'fund = "STATE"', "programme UJI"),
        ('title = "Peraturan Bupati', 'title = "Keputusan Bupati', "legal basis PERBUP-1-2024"),
    ],
)
async def test_what_is_in_force_is_never_rewritten(
    loader: "asyncpg.Connection[asyncpg.Record]", good: str, new: str, what: str
) -> None:
    await load_programmes(loader, said())
    with pytest.raises(ProgrammeDataDiffers) as refused:
        await load_programmes(loader, changed(good, new))
    assert str(refused.value).startswith(f"{what} is in the database with other content")
    assert await load_programmes(loader, said()) == NOTHING


async def test_a_relation_becomes_no_other(loader: "asyncpg.Connection[asyncpg.Record]") -> None:
    relation = '\n[[relations]]\nother = "PKH"\nrelation = "EXCLUSIVE"\nvalid_from = 2024-01-01\n'
    await load_programmes(loader, said(GOOD + relation))
    with pytest.raises(ProgrammeDataDiffers, match="the relation of UJI to PKH"):
        await load_programmes(loader, said(GOOD + relation.replace("EXCLUSIVE", "STACKABLE")))
    await load_programmes(loader, said(GOOD + relation + "valid_to = 2024-12-31\n"))
    assert await loader.fetchval("select valid_to from programme_relation where programme_code = 'UJI'") == date(
        2024, 12, 31
    )


async def test_what_people_have_decided_stands_over_the_file(loader: "asyncpg.Connection[asyncpg.Record]") -> None:
    await load_programmes(loader, said())
    await loader.execute(
        "update programme_terms set amount = 5, proposed_by = gen_random_uuid() where programme_code = 'UJI' and version = 2"
    )
    await loader.execute("update programme_quota set families = 7 where programme_code = 'UJI'")
    assert await load_programmes(loader, said()) == Loaded(0, 0, ("UJI 2",))
    assert await loader.fetchval("select amount from programme_terms where programme_code = 'UJI' and version = 2") == 5
    assert await loader.fetchval("select families from programme_quota where programme_code = 'UJI'") == 7


async def test_a_version_before_those_in_force_is_refused(loader: "asyncpg.Connection[asyncpg.Record]") -> None:
    before, after = GOOD.split("[[terms]]\nversion = 1")
    later = f"[[terms]]\nversion = 2{GOOD.split('version = 2')[1]}"
    only_later = before.replace("[components", "[ignored").split("[ignored")[0] + later
    await load_programmes(loader, said(only_later))
    with pytest.raises(ProgrammeDataDiffers, match="new terms are valid from a later day"):
        await load_programmes(loader, said(f"{before}[[terms]]\nversion = 1{after}"))


async def test_shipped_files_have_each_code_once() -> None:
    codes = [programme.code for programme in shipped_programmes()]
    assert sorted(set(codes)) == codes
