"""Sealing: rows of a stream become the leaves of Merkle trees, and the roots become a chain.

PostgreSQL hashes the rows where they lie; what comes here is 32 bytes a row. The sealer works as kesos_app in the scope of the
whole country: the server has no other role to log in as, and of the seals that role may only ever add more.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.audit.canonical import LEAF_HASH_SQL, moment_text, seal_of
from app.domain.audit.merkle import parted, root_of
from app.domain.audit.models import seal_batch
from app.domain.audit.streams import AUDIT, Stream
from app.tenants.scope import TenantScope
from app.tenants.session import Database

MOST_LEAVES: Final = 8_192
_log = logging.getLogger(__name__)

_TAKE_TURNS: Final = sa.text(
    "select pg_advisory_xact_lock(hashtextextended('kesos.seal.' || cast(:stream as text), 0))"
)


@dataclass(frozen=True, slots=True)
class Head:
    """The newest batch of a stream."""

    number: int
    seal: bytes


def _seal_rows(stream: Stream) -> str:
    # A row is in the queue from the moment at which it is committed until it is sealed, so none is missed, however late its
    # transaction commits. `offset 0` keeps the planner at looking up one row for each key, whatever it believes the queue to hold.
    # A key without a row stays in the queue, where the verification finds it.
    # S608: the text is made of the names and expressions of a stream, which are our own.
    return f"""
with chosen as materialized (
  select found.* from (select regency_id, record_id from seal_queue where stream = :stream) q
  cross join lateral (
    select e.regency_id, e.id as record_id, e.{stream.kind} as kind, e.happened_at, {stream.digest_sql} as digest
    from {stream.table} e where e.regency_id = q.regency_id and e.id = q.record_id offset 0
  ) found
  limit :most
), placed as materialized (
  select cast(:stream as text) as stream, chosen.*, (row_number() over (order by happened_at, record_id))::int - 1 as position
  from chosen
), taken as (
  delete from seal_queue q using chosen c
  where q.stream = :stream and q.regency_id = c.regency_id and q.record_id = c.record_id
), kept as (
  insert into sealed_leaf (stream, regency_id, record_id, batch_number, position, kind, happened_at, digest)
  select stream, regency_id, record_id, :number, position, kind, happened_at, digest from placed
)
select coalesce(string_agg({LEAF_HASH_SQL}, ''::bytea order by l.position), ''::bytea) from placed l"""  # noqa: S608


async def seal_new(
    database: Database, scope: TenantScope, stream: Stream = AUDIT, *, most_leaves: int = MOST_LEAVES
) -> int:
    """Seal every row of ``stream`` that is committed and not sealed yet, in batches of at most ``most_leaves``; how many there were.

    ``scope`` is that of the whole country. Each batch is one transaction, and of all processes one at a time seals.
    """
    sealed = 0
    while True:
        async with database.write(scope) as session:
            leaves = await _seal_batch(session, stream, most_leaves)
        sealed += leaves
        if leaves < most_leaves:
            break
    if sealed and stream.upkeep is not None:
        async with database.write(scope) as session:
            await session.execute(sa.text(stream.upkeep))
    return sealed


async def _seal_batch(session: AsyncSession, stream: Stream, most_leaves: int) -> int:
    await session.execute(_TAKE_TURNS, {"stream": stream.name})
    head = await _head(session, stream)
    number = head.number + 1 if head else 1
    hashes = await session.execute(
        sa.text(_seal_rows(stream)), {"stream": stream.name, "number": number, "most": most_leaves}
    )
    leaves = parted(hashes.scalar_one())
    if not leaves:
        return 0
    # Not the start of the transaction, which may have waited for its turn.
    sealed_at = (await session.execute(sa.select(sa.func.clock_timestamp()))).scalar_one()
    previous, root = head.seal if head else None, root_of(leaves)
    seal = seal_of(
        stream=stream.name,
        number=number,
        previous=previous,
        root=root,
        leaf_count=len(leaves),
        sealed_at=moment_text(sealed_at),
    )
    await session.execute(
        sa.insert(seal_batch).values(
            stream=stream.name,
            number=number,
            previous=previous,
            root=root,
            leaf_count=len(leaves),
            sealed_at=sealed_at,
            seal=seal,
        )
    )
    return len(leaves)


async def _head(session: AsyncSession, stream: Stream) -> Head | None:
    newest = (
        sa.select(seal_batch.c.number, seal_batch.c.seal)
        .where(seal_batch.c.stream == stream.name)
        .order_by(seal_batch.c.number.desc())
        .limit(1)
    )
    row = (await session.execute(newest)).first()
    return None if row is None else Head(row.number, row.seal)


async def newest_seal(database: Database, stream: Stream = AUDIT) -> Head | None:
    """The newest batch of ``stream``, whose seal is the one to write down; None where nothing was sealed yet."""
    rows = await database.reference(
        "select number, seal from seal_batch where stream = $1 order by number desc limit 1", stream.name
    )
    return Head(rows[0]["number"], rows[0]["seal"]) if rows else None


class Sealer:
    """Seals ``stream`` again and again, for as long as a server runs."""

    def __init__(self, database: Database, scope: TenantScope, stream: Stream = AUDIT) -> None:
        self._database = database
        self._scope = scope
        self._stream = stream

    async def run(self, interval: float) -> None:
        """Seal what is new every ``interval`` seconds until cancelled. What fails is logged and done the next time."""
        while True:
            try:
                await seal_new(self._database, self._scope, self._stream)
            except Exception as error:  # noqa: BLE001  (a database that is away for a while must not end the sealing)
                # Only what kind of error it is: its text may quote a row.
                _log.warning("sealing failed", extra={"stream": self._stream.name, "error": type(error).__name__})
            await asyncio.sleep(interval)
