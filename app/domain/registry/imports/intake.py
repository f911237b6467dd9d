"""From a file to staged rows: a thread reads the next parcels while PostgreSQL takes the last one.

Each parcel is a transaction, so that memory and undo stay small; what an attempt leaves half done is cleared away by the next.
"""

import asyncio
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import aclosing
from typing import Final

import asyncpg

from app.domain.jobs.work import Work
from app.domain.regions.models import CodeNamespace
from app.domain.registry.imports.parcels import FAMILY_COPY, ISSUE_COPY, PERSON_COPY, Parcel
from app.domain.registry.imports.running import Check

READING: Final = "READING"
"""Stage of the job; its progress counts persons, of as many as the share of the file read so far lets expect."""
_CHUNK_BYTES: Final = 1 << 18
_PARCELS_AHEAD: Final = 2
"""How many wait for PostgreSQL at most: a few megabytes."""
_SWITCH_SECONDS: Final = 0.0005
_LEFT_OVERS: Final = ("staged_family", "staged_person", "import_match", "import_departure", "import_batch")

_VILLAGES: Final = "select code, id from region where level = 'VILLAGE' and valid_to is null"
_ALIASES: Final = """
select a.code, a.region_id as id from region_alias a join region r on r.id = a.region_id
where a.namespace = $1::code_namespace and r.level = 'VILLAGE' and r.valid_to is null"""


async def village_codes(loader: "asyncpg.Connection[asyncpg.Record]", namespace: CodeNamespace) -> dict[str, int]:
    """All villages in force by the codes of ``namespace``, those of the Kemendagri dotted and, as aliases, former ones too.

    All of the country, so that a village beyond the region of the import is told from one that does not exist. The same digits
    denote another place in the namespace of the BPS, so the two are never looked up together.
    """
    codes = {row["code"]: row["id"] for row in await loader.fetch(_ALIASES, namespace.value)}
    if namespace is CodeNamespace.KEMENDAGRI:
        codes |= {row["code"]: row["id"] for row in await loader.fetch(_VILLAGES)}
    return codes


async def clear(check: Check, *, keep_issues: bool = False) -> None:
    """Remove what an earlier attempt has staged and said; what somebody has decided about probable duplicates stays."""
    for table in _LEFT_OVERS if keep_issues else (*_LEFT_OVERS, "import_issue"):
        # S608: names of tables of ours.
        await check.execute(f"delete from {table} where regency_id = :regency_id and import_id = :import_id")  # noqa: S608  (our own words)
    await check.execute(
        "delete from import_duplicate where regency_id = :regency_id and import_id = :import_id and decision is null"
    )


async def take_in(work: Work, check: Check, parcels: Iterator[Parcel]) -> None:
    """Stage all rows of ``parcels``; what reading raises comes out."""
    persons = 0
    await work.progress(0, stage=READING)
    # A thread that reads lets others have the interpreter only when this long is over, and sending a parcel asks for it dozens of
    # times: at Python's 5 ms, PostgreSQL waited for bytes most of the time. It stays so, for all reading in this process.
    sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_SECONDS))
    async with aclosing(_read_ahead(parcels)) as ready:
        async for parcel in ready:
            await _copy(check.loader, parcel)
            persons += parcel.person_count
            await work.progress(persons, round(persons / parcel.read) if parcel.read else None)


async def _read_ahead(parcels: Iterator[Parcel]) -> AsyncGenerator[Parcel, None]:
    """``parcels``, made in a thread; what that raises comes out."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Queue[Parcel | None] = asyncio.Queue()
    room, over = threading.Semaphore(_PARCELS_AHEAD - 1), threading.Event()

    def read() -> None:
        try:
            for parcel in parcels:
                loop.call_soon_threadsafe(ready.put_nowait, parcel)
                room.acquire()
                if over.is_set():
                    return
        finally:
            if isinstance(parcels, Generator):
                parcels.close()

    reading = asyncio.create_task(asyncio.to_thread(read))
    reading.add_done_callback(lambda _: ready.put_nowait(None))
    try:
        while (parcel := await ready.get()) is not None:
            room.release()
            yield parcel
        await reading
    finally:
        # A thread cannot be stopped: the file is open until it has made the parcel that it is at.
        over.set()
        room.release()
        await asyncio.gather(reading, return_exceptions=True)


async def look_again(check: Check) -> None:
    """Have PostgreSQL look at what was just written: it plans for tables as they were when it last did so."""
    await check.execute("select analyze_imports()")


async def _copy(loader: "asyncpg.Connection[asyncpg.Record]", parcel: Parcel) -> None:
    async with loader.transaction():
        for table, rows, columns in (
            ("staged_family", parcel.families, FAMILY_COPY),
            ("staged_person", parcel.persons, PERSON_COPY),
            ("import_issue", parcel.issues, ISSUE_COPY),
        ):
            if rows:
                await loader.copy_to_table(table, source=_chunks(rows), columns=columns)


async def _chunks(rows: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(rows), _CHUNK_BYTES):
        yield rows[start : start + _CHUNK_BYTES]
