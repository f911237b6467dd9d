"""Families for the differential tests: two districts of Yogyakarta with the oddities that a seed seldom gives.

They live in the database that all tests share, in two regencies that no other test writes to, and are removed at the end.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final
from uuid import UUID

from app.domain.registry.sealing import Seal
from app.domain.registry.seed import seed_registry
from app.domain.registry.service import load_editions
from app.tenants.region_path import RegionPath
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader
from tests.differential.happenings import happen, unhappen
from tests.support.world import connected

if TYPE_CHECKING:
    import asyncpg

CITY: Final = 3471
COUNTRYSIDE: Final = 3402
_DISTRICTS: Final = {"34.71.03": 26, "34.02.01": 12}
_TODAY: Final = date(2026, 7, 31)

_TREE: Final = (
    (
        "insert into region_change (kind, from_id, to_id, changed_on, decree, former_name) values "
        "('RENAME', 3471031001, 3471031001, '2001-02-03', 'Perda 1/2001', 'Lama'), "
        "('SPLIT', 3471031001, 3471031002, '2001-02-03', 'Perda 2/2001', null), "
        "('STATUS', 3402012001, 3471031001, '1999-01-01', 'Perda 3/1999', null)"
    ),
    (
        "insert into region_alias (namespace, code, region_id, source) values ('BPS', '3471030', 347103, 'uji'), "
        "('BPS', '3471030001', 3471031001, 'uji'), ('KEMENDAGRI', '34.71.03.1999', 3471031001, 'uji \"dua\"')"
    ),
    "update region set valid_from = '1990-01-01', valid_to = '2030-12-31', decree = null where id = 3471031002",
)
_TREE_AS_IT_WAS: Final = (
    "delete from region_change where decree like 'Perda %'",
    "delete from region_alias where source like 'uji%'",
    (
        "update region set valid_from = null, valid_to = null, decree = (select decree from region where id = 3471031001) "
        "where id = 3471031002"
    ),
)
_CLEARED: Final = (
    "delete from welfare_rank where regency_id in (3402, 3471)",
    "delete from person where regency_id in (3402, 3471)",
    "delete from family where regency_id in (3402, 3471)",
    "delete from registry_summary where regency_id in (3402, 3471)",
    "delete from registry_cohort where regency_id in (3402, 3471)",
)


@dataclass(frozen=True, slots=True)
class Ids:
    """Families and persons of one regency, by id."""

    families: Sequence[UUID]
    persons: Sequence[UUID]


async def _ids(owner: "asyncpg.Connection[asyncpg.Record]", regency: int) -> Ids:
    families = await owner.fetch("select id from family where regency_id = $1 order by id", regency)
    persons = await owner.fetch("select id from person where regency_id = $1 order by id", regency)
    return Ids([row["id"] for row in families], [row["id"] for row in persons])


def _oddities(city: Ids, countryside: Ids) -> list[tuple[str, object]]:
    """What a seed gives only by luck, as statements with their one argument."""
    return [
        (
            (
                r"""update family set head_name = 'Sri "Ayu" \ O''Brien é', latitude = -7, longitude = 110.5, """
                "updated_at = '2026-01-02 03:04:05.120000+00', last_pkh_on = '2026-02-01', has_boat = null where id = $1"
            ),
            city.families[0],
        ),
        (
            (
                "update family set decile = null, kk_sealed = null, kk_digest = null, kk_masked = null, address = null, "
                "hamlet = null, rw = null, rt = null, latitude = null, longitude = null, house_ownership = null, "
                "floor_area_m2 = null, toilet = null, updated_at = '2026-01-02 03:04:05+00' where id = $1"
            ),
            city.families[1],
        ),
        ("update family set status = 'MOVED' where id = $1", city.families[2]),
        (
            "update family set head_name = 'Slamet Riyadi' where id = any($1)",
            [*city.families[3:5], countryside.families[0]],
        ),
        ("update family set head_name = '', decile = null where id = $1", countryside.families[1]),
        ("update welfare_rank set percentile = null where family_id = $1", city.families[3]),
        ("update welfare_rank set ranked_on = '2026-01-01' where family_id = any($1)", city.families),
        (
            (
                "update person set family_id = null, relationship = null, member_no = null, birth_date = null, "
                "birth_place = null, nik_sealed = null, nik_digest = null, nik_masked = null, no_nik_reason = 'NEGLECTED', "
                "temporary_id = 'TMP-1' where id = $1"
            ),
            city.persons[0],
        ),
        (
            "update person set presence = 'DECEASED' where id = any($1)",
            [city.persons[1], countryside.persons[1]],
        ),
        (
            r"update person set name = '100%_\ Dewi', birth_date = '1948-02-29' where id = any($1)",
            [*city.persons[2:4], countryside.persons[2]],
        ),
        (
            (
                "update person set identity_status = 'NO_IDENTITY', working = null, education_level = null, "
                "birth_date = null where id = any($1)"
            ),
            [city.persons[4], countryside.persons[3]],
        ),
    ]


# The same number in two regencies: uniqueness holds within one.
_TWIN: Final = (
    "update person set (nik_sealed, nik_digest, nik_masked) = (select o.nik_sealed, o.nik_digest, o.nik_masked "
    "from person o where o.id = $1) where id = $2"
)


async def _with_nik(owner: "asyncpg.Connection[asyncpg.Record]", regency: int) -> UUID:
    found: UUID = await owner.fetchval(
        "select id from person where regency_id = $1 and nik_digest is not null and presence = 'PRESENT' order by id limit 1",
        regency,
    )
    return found


@asynccontextmanager
async def populated(server: DatabaseServer, seal: Seal) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """Families in two regencies for as long as the context is open; gives a connection that sees every row."""
    async with open_loader(server) as loader:
        await load_editions(loader)
        for district, families in _DISTRICTS.items():
            await seed_registry(
                loader, region=RegionPath.parse(district), families=families, seed=7, seal=seal, today=_TODAY
            )
    async with connected(server) as owner:
        try:
            for statement, argument in _oddities(await _ids(owner, CITY), await _ids(owner, COUNTRYSIDE)):
                await owner.execute(statement, argument)
            await owner.execute(_TWIN, await _with_nik(owner, CITY), await _with_nik(owner, COUNTRYSIDE))
            for statement in _TREE:
                await owner.execute(statement)
            people = await owner.fetch(
                "select * from person where regency_id in (3402, 3471) order by regency_id desc, id"
            )
            await happen(owner, [dict(person) for person in people])
            await owner.execute("analyze family, person, welfare_rank")
            yield owner
        finally:
            await unhappen(owner)
            for statement in (*_CLEARED, *_TREE_AS_IT_WAS):
                await owner.execute(statement)
