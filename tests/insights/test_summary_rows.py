"""The triggers keep the summary rows equal to a count, whatever is written and in whatever order."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
import pytest_asyncio

from app.domain.registry.enums import FamilyStatus, IdentityStatus, Presence, RegistryScheme, Sex
from app.domain.registry.seed.rows import seeded
from app.domain.registry.service import Edition, ensure_edition
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader
from tests.insights.counted import counted_totals, stored_totals

if TYPE_CHECKING:
    import asyncpg

REGENCIES = (6201, 6271)
EDITION = Edition(901, RegistryScheme.LOCAL, "2026", "Data daerah", None, date(2026, 1, 1))
STEPS = 60


class Writer:
    """Writes what chance says, one statement a step, each of which may touch many rows of both regencies."""

    def __init__(self, loader: "asyncpg.Connection[asyncpg.Record]", villages: list[int], random: Random) -> None:
        self.loader = loader
        self.villages = villages
        self.random = random
        self.families: dict[UUID, int] = {}
        self.persons: dict[UUID, int] = {}

    async def step(self) -> None:
        steps = (
            self.register_families,
            self.register_persons,
            self.rank,
            self.close_families,
            self.identify,
            self.find,
            self.correct,
            self.move,
            self.forget,
        )
        await self.random.choice(steps)()

    async def register_families(self) -> None:
        made = {self._id(): self.random.choice(self.villages) for _ in range(self.random.randint(1, 6))}
        await self.loader.execute(
            "insert into family (regency_id, id, village_id, edition_id, head_name, status, decile) "
            "select village / 1000000, id, village, $1, 'Kepala', status::family_status, nullif(decile, 0) "
            "from unnest($2::uuid[], $3::bigint[], $4::text[], $5::int[]) as t(id, village, status, decile)",
            EDITION.id,
            list(made),
            list(made.values()),
            [self.random.choice(list(FamilyStatus)).value for _ in made],
            [self.random.randint(0, 10) for _ in made],
        )
        self.families |= made

    async def register_persons(self) -> None:
        made = {self._id(): self.random.choice(self.villages) for _ in range(self.random.randint(1, 9))}
        await self.loader.execute(
            "insert into person (regency_id, id, village_id, name, identity_status, presence, sex, birth_date) "
            "select village / 1000000, id, village, 'Warga', status::identity_status, presence::presence, sex::sex, born "
            "from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::date[]) "
            "as t(id, village, status, presence, sex, born)",
            list(made),
            list(made.values()),
            [self.random.choice(list(IdentityStatus)).value for _ in made],
            [self.random.choice(list(Presence)).value for _ in made],
            [self.random.choice(list(Sex)).value for _ in made],
            [self._birth_date() for _ in made],
        )
        self.persons |= made

    async def rank(self) -> None:
        decile = self.random.choice([None, *range(1, 11)])
        await self.loader.execute("update family set decile = $1 where id = any($2)", decile, self._some(self.families))

    async def close_families(self) -> None:
        status = self.random.choice(list(FamilyStatus)).value
        some = self._some(self.families)
        await self.loader.execute("update family set status = $1::text::family_status where id = any($2)", status, some)

    async def identify(self) -> None:
        status = self.random.choice(list(IdentityStatus)).value
        await self.loader.execute(
            "update person set identity_status = $1::text::identity_status where id = any($2)",
            status,
            self._some(self.persons),
        )

    async def find(self) -> None:
        presence = self.random.choice(list(Presence)).value
        some = self._some(self.persons)
        await self.loader.execute("update person set presence = $1::text::presence where id = any($2)", presence, some)

    async def correct(self) -> None:
        sex = self.random.choice(list(Sex)).value
        await self.loader.execute(
            "update person set sex = $1::text::sex, birth_date = $2 where id = any($3)",
            sex,
            self._birth_date(),
            self._some(self.persons),
        )

    async def move(self) -> None:
        village = self.random.choice(self.villages)
        for table, rows in (("family", self.families), ("person", self.persons)):
            await self.loader.execute(
                f"update {table} set village_id = $1 where regency_id = $2 and id = any($3)",  # noqa: S608
                village,
                village // 1_000_000,
                self._some(rows),
            )

    async def forget(self) -> None:
        for table, rows in (("family", self.families), ("person", self.persons)):
            some = self._some(rows)
            await self.loader.execute(f"delete from {table} where id = any($1)", some)  # noqa: S608
            for row in some:
                del rows[row]

    def _id(self) -> UUID:
        return UUID(int=self.random.getrandbits(128), version=4)

    def _some(self, rows: dict[UUID, int]) -> list[UUID]:
        return self.random.sample(list(rows), self.random.randint(0, len(rows)))

    def _birth_date(self) -> date | None:
        born = date(1930, 1, 1) + timedelta(days=self.random.randrange(35_000))
        return None if self.random.random() < 0.1 else born


@pytest_asyncio.fixture
async def loader(server: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """A loader whose writes are rolled back."""
    async with open_loader(server) as loader:
        transaction = loader.transaction()
        await transaction.start()
        await ensure_edition(loader, EDITION)
        yield loader
        await transaction.rollback()


@pytest.mark.parametrize("chance", range(8))
async def test_summary_rows_equal_a_count_after_any_writes(
    loader: "asyncpg.Connection[asyncpg.Record]", chance: int
) -> None:
    random = seeded(chance)
    known = [
        row["id"]
        for row in await loader.fetch(
            "select id from region where level = 'VILLAGE' and id / 1000000 = any($1) order by id", REGENCIES
        )
    ]
    writer = Writer(loader, random.sample(known, 7), random)
    await writer.register_families()
    await writer.register_persons()
    for _ in range(STEPS):
        await writer.step()
        assert await stored_totals(loader, *REGENCIES) == await counted_totals(loader, *REGENCIES)


async def test_deleting_everything_leaves_nothing_counted(loader: "asyncpg.Connection[asyncpg.Record]") -> None:
    villages = [6201011011, 6271011001]
    writer = Writer(loader, villages, seeded(1))
    for _ in range(5):
        await writer.register_families()
        await writer.register_persons()
    assert await stored_totals(loader, *REGENCIES)
    await loader.execute("delete from person where regency_id = any($1)", REGENCIES)
    await loader.execute("delete from family where regency_id = any($1)", REGENCIES)
    assert not await stored_totals(loader, *REGENCIES)


async def test_a_write_that_changes_no_total_touches_no_summary_row(
    loader: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    writer = Writer(loader, [6201011011], seeded(2))
    await writer.register_families()
    await writer.register_persons()
    rows = "select array_agg((tableoid, ctid)::text order by tableoid, ctid) from {table} where regency_id = 6201"
    before = [await loader.fetchval(rows.format(table=table)) for table in ("registry_summary", "registry_cohort")]
    await loader.execute("update family set head_name = 'Lain' where regency_id = 6201")
    await loader.execute("update person set name = 'Lain' where regency_id = 6201")
    after = [await loader.fetchval(rows.format(table=table)) for table in ("registry_summary", "registry_cohort")]
    assert all(before)
    assert after == before
