"""A small country for the tests of the API: two regencies of one province and one of another, each marked as its own.

It lives in databases of its own, cloned from the migrated one, so that tests elsewhere may write as they like.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from app.domain.registry.sealing import Seal
from app.domain.registry.seed import seed_registry
from app.domain.registry.service import load_editions
from app.tenants.region_path import RegionPath
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader

if TYPE_CHECKING:
    import asyncpg

TODAY = date(2026, 7, 31)
FAMILIES = 48
VILLAGES = 3
"""Villages of each of the first two districts of a regency that hold families."""


@dataclass(frozen=True, slots=True)
class Regency:
    """A regency of the small country."""

    path: RegionPath
    seed: int

    @property
    def code(self) -> str:
        return self.path.code

    @property
    def id(self) -> int:
        return self.path.id

    @property
    def tag(self) -> int:
        """What ids that are made for it end with."""
        return self.path.id

    @property
    def mark(self) -> str:
        """Stands in every name, address and birth place of the regency, and nowhere else."""
        return f"X{self.id}X"

    @property
    def masked(self) -> str:
        """What every masked NIK and KK of the regency begins with, and no other."""
        return f"{self.id}********"

    def district(self, number: int) -> str:
        return f"{self.code}.{number:02}"

    def village(self, district: int, number: int) -> str:
        return f"{self.district(district)}.{2000 + number}"


EMPTY_COUNTRY = "empty_country"
"""Name of the database that others are copied from; nobody connects to it."""
CILACAP = Regency(RegionPath.parse("33.01"), seed=1)
BANYUMAS = Regency(RegionPath.parse("33.02"), seed=2)
SLEMAN = Regency(RegionPath.parse("34.04"), seed=3)

_PLACE = """
with numbered as (
  select id, (row_number() over (order by id) - 1)::int as n from family where regency_id = $1
), placed as (
  update family f set village_id = $1 * 1000000::bigint + (1 + n % 2) * 10000 + 2001 + n / 2 % $2
  from numbered where f.regency_id = $1 and f.id = numbered.id returning f.id, f.village_id
), persons as (
  update person p set village_id = placed.village_id from placed where p.regency_id = $1 and p.family_id = placed.id
)
update welfare_rank r set village_id = placed.village_id from placed where r.regency_id = $1 and r.family_id = placed.id
"""
_MARK_FAMILIES = """
update family set head_name = head_name || $2, address = address || $2, hamlet = hamlet || $2,
  kk_masked = $3::text || right(kk_masked, 4) where regency_id = $1
"""
_MARK_PERSONS = """
update person set name = name || $2, birth_place = birth_place || $2,
  nik_masked = $3::text || right(nik_masked, 4) where regency_id = $1
"""
# What a seed of this size gives only by luck: names that a LIKE could trip over, an unranked family, somebody alone,
# somebody dead, a family that has left, and a date of birth that nobody knows.
_RARITIES = """
with chosen as (select array_agg(id order by id) as ids from family where regency_id = {regency}),
people as (
  select array_agg(p.id order by p.id) as ids from person p, chosen
  where p.regency_id = {regency} and p.family_id = chosen.ids[7]
), renamed as (
  update family set head_name = $$Wayan 50%_off\\ {mark}$$, decile = 3 from chosen where regency_id = {regency} and id = ids[1]
), unranked as (
  update family set decile = null from chosen where regency_id = {regency} and id in (ids[2], ids[3])
), moved as (
  update family set status = 'MOVED' from chosen where regency_id = {regency} and id = ids[4]
), alone as (
  update person set family_id = null, relationship = null, member_no = null, birth_date = null from people
  where regency_id = {regency} and id = people.ids[1]
)
update person set presence = 'DECEASED' from chosen
where regency_id = {regency} and family_id = ids[8] and member_no = 1
"""


async def fill(server: DatabaseServer, seal: Seal, *regencies: Regency) -> None:
    """Give each of ``regencies`` 48 families in six villages of two districts."""
    async with open_loader(server) as loader:
        await load_editions(loader)
        for regency in regencies:
            await seed_registry(
                loader,
                region=RegionPath.parse(regency.district(1)),
                families=FAMILIES,
                seed=regency.seed,
                seal=seal,
                today=TODAY,
            )
    async with connected(server) as owner:
        for regency in regencies:
            await owner.execute(_PLACE, regency.id, VILLAGES)
            for statement in (_MARK_FAMILIES, _MARK_PERSONS):
                await owner.execute(statement, regency.id, f" {regency.mark}", regency.masked)
            await owner.execute(_RARITIES.format(regency=regency.id, mark=regency.mark))
        await owner.execute("analyze")


@asynccontextmanager
async def connected(server: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """A connection of the administrator, who sees every row."""
    connection = await server.admin.connect(server_settings={"TimeZone": "UTC"})
    try:
        yield connection
    finally:
        await connection.close()


def named(server: DatabaseServer, name: str) -> DatabaseServer:
    """Another database of the same server, for the same roles."""
    return replace(server, admin=replace(server.admin, database=f"{server.admin.database}_{name}"))


async def empty_country(server: DatabaseServer, name: str) -> DatabaseServer:
    """Another database of the same server: migrated, with the region tree and nothing else."""
    made = named(server, name)
    await clone(named(server, EMPTY_COUNTRY), made)
    return made


async def clone(source: DatabaseServer, copy: DatabaseServer) -> None:
    """Make ``copy`` a copy of ``source``, which nobody is connected to."""
    async with connected(replace(source, admin=replace(source.admin, database="postgres"))) as maintenance:
        await maintenance.execute(f"drop database if exists {copy.admin.database} with (force)")
        await maintenance.execute(f"create database {copy.admin.database} template {source.admin.database}")


async def drop(server: DatabaseServer) -> None:
    """Remove the database of ``server``."""
    async with connected(replace(server, admin=replace(server.admin, database="postgres"))) as maintenance:
        await maintenance.execute(f"drop database if exists {server.admin.database} with (force)")
