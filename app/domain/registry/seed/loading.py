"""Copies a synthetic population into the registry.

A thread makes the next batch while PostgreSQL takes the last one, so a seed keeps two cores busy. Measured there, a
person with a share of its family takes Python 18 us and PostgreSQL 35: COPY itself 7, the summary rows 11, the foreign
keys 8, the indexes beside the primary keys 9. COPY reads text, because an enum travels as its name in binary form too.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import date
from time import perf_counter
from typing import Final, NamedTuple

import asyncpg

from app.domain.regions.errors import RegionUnknown
from app.domain.regions.models import RegionKind
from app.domain.registry.enums import RegistryScheme
from app.domain.registry.errors import EditionUnknown
from app.domain.registry.sealing import Seal
from app.domain.registry.seed.errors import RegistryNotEmpty
from app.domain.registry.seed.places import Village
from app.domain.registry.seed.population import (
    FAMILY_COLUMNS,
    PERSON_COLUMNS,
    RANK_COLUMNS,
    Batch,
    Population,
    SeedRun,
    sealed_numbers,
)
from app.domain.registry.service import Edition
from app.tenants.region_path import RegionLevel, RegionPath

MOST_FAMILIES: Final = 13_000_000
BATCH_FAMILIES: Final = 4_000
_CHUNK_BYTES: Final = 1 << 18

_VILLAGES: Final = """
select v.id, v.kind::text, r.name
from region v join region r on r.id = v.id / 1000000
where v.level = 'VILLAGE' and v.id between $1 and $2 and v.valid_to is null
order by v.id
"""
_EDITIONS: Final = """
select id, scheme::text, period, label, legal_basis, published_on
from registry_edition where scheme = 'DTSEN' and published_on <= $1
order by published_on desc, id desc limit 2
"""
_ANY_FAMILY: Final = "select exists (select from family where regency_id between $1 and $2)"


class SeedProgress(NamedTuple):
    """How far a seed is; all counts are of committed rows."""

    families: int
    of_families: int
    persons: int
    seconds: float


class SeedResult(NamedTuple):
    """What a seed wrote; ``seconds`` from the first check to the last commit."""

    families: int
    persons: int
    seconds: float


async def seed_registry(
    loader: "asyncpg.Connection[asyncpg.Record]",
    *,
    region: RegionPath,
    families: int,
    seed: int,
    seal: Seal,
    today: date,
    on_progress: Callable[[SeedProgress], None] | None = None,
) -> SeedResult:
    """Fill ``region`` with exactly ``families`` synthetic families (1 to 13 million) as kesos_loader.

    The same region, number, seed, day and editions give the same rows, ids included, but for the nonces of sealing.
    The newest edition of DTSEN on ``today`` ranks the families; the one before it, if there is one, ranks a share of
    them. Each batch of whole families is one transaction, so what an interrupted seed leaves is consistent;
    ``on_progress`` is called after each.

    Raises:
        RegistryNotEmpty: the region, or the regency that it lies in, holds families.
        RegionUnknown: the region is not in the tree or has no village in force.
        EditionUnknown: no edition of DTSEN had been published by ``today``.
        ValueError: ``families`` is out of range.
    """
    if not 1 <= families <= MOST_FAMILIES:
        raise ValueError(f"families must be 1 to {MOST_FAMILIES}, not {families}")
    started = perf_counter()
    run = SeedRun(region, families, seed, today, await _editions(loader, today))
    await _refuse_families(loader, region)
    villages = await villages_of(loader, region)
    done = SeedProgress(0, families, 0, 0.0)
    batches = Population(run, sealed_numbers(seal)).batches(villages, BATCH_FAMILIES)
    upcoming = asyncio.create_task(asyncio.to_thread(next, batches, None))
    try:
        while (batch := await upcoming) is not None:
            upcoming = asyncio.create_task(asyncio.to_thread(next, batches, None))
            await _copy(loader, batch)
            done = SeedProgress(
                done.families + batch.families, families, done.persons + batch.persons, perf_counter() - started
            )
            if on_progress is not None:
                on_progress(done)
    finally:
        await asyncio.gather(upcoming, return_exceptions=True)
    return SeedResult(done.families, done.persons, perf_counter() - started)


async def _editions(loader: "asyncpg.Connection[asyncpg.Record]", today: date) -> tuple[Edition, ...]:
    rows = await loader.fetch(_EDITIONS, today)
    if not rows:
        raise EditionUnknown(RegistryScheme.DTSEN.value)
    return tuple(Edition(*row)._replace(scheme=RegistryScheme[row["scheme"]]) for row in rows)


async def _refuse_families(loader: "asyncpg.Connection[asyncpg.Record]", region: RegionPath) -> None:
    # Serials of synthetic numbers are counted by regency, so a regency is seeded in one run or not at all.
    whole = region.ancestor(RegionLevel.REGENCY) if region.level.depth > RegionLevel.REGENCY.depth else region
    span = whole.villages
    if await loader.fetchval(_ANY_FAMILY, span.low // 1_000_000, span.high // 1_000_000):
        raise RegistryNotEmpty(region.code)


async def villages_of(loader: "asyncpg.Connection[asyncpg.Record]", region: RegionPath) -> list[Village]:
    """The villages of ``region`` that are in force, ordered by id.

    Raises:
        RegionUnknown: the region is not in the tree or has no village in force.
    """
    span = region.villages
    rows = await loader.fetch(_VILLAGES, span.low, span.high)
    if not rows:
        raise RegionUnknown(region.code)
    return [Village(row["id"], RegionKind[row["kind"]], row["name"]) for row in rows]


async def _copy(loader: "asyncpg.Connection[asyncpg.Record]", batch: Batch) -> None:
    async with loader.transaction():
        await loader.copy_to_table("family", source=_chunks(batch.family_rows), columns=FAMILY_COLUMNS)
        await loader.copy_to_table("person", source=_chunks(batch.person_rows), columns=PERSON_COLUMNS)
        await loader.copy_to_table("welfare_rank", source=_chunks(batch.rank_rows), columns=RANK_COLUMNS)


async def _chunks(rows: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(rows), _CHUNK_BYTES):
        yield rows[start : start + _CHUNK_BYTES]
