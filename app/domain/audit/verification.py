"""Proof that nothing sealed was changed, taken away or put in between.

PostgreSQL hashed the rows when they were sealed; here Python hashes them again from what the table says now.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg
import orjson

from app.domain.audit.canonical import Leaf, digest_of, moment_text, seal_of
from app.domain.audit.merkle import root_of
from app.domain.audit.retention import Retention, load_retention
from app.domain.audit.streams import AUDIT, Stream

UNSEALED_AFTER: Final = timedelta(days=1)
_MOST_UNSEALED: Final = 1_000
_ROWS_AHEAD: Final = 512
_SIZE: Final = "select coalesce(sum(leaf_count), 0)::bigint from seal_batch where stream = $1"
_NOTED: Final = "select exists (select from seal_batch where stream = $1 and seal = $2)"
_NEXT_BATCH: Final = """
select number, previous, root, leaf_count, sealed_at, seal from seal_batch where stream = $1 and number > $2
order by number limit 1
"""
_BATCHES_WITHOUT_SEAL: Final = """
select distinct batch_number from sealed_leaf l where stream = $1 and batch_number > $2 order by 1
"""

Loader: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
"""A connection of kesos_loader, as ``app.tenants.session.open_loader`` gives it: what row-level security hides cannot be checked."""


class Wrong(StrEnum):
    """What can be wrong with a sealed stream."""

    EVENT_CHANGED = "EVENT_CHANGED"
    EVENT_MISSING = "EVENT_MISSING"
    LEAF_CHANGED = "LEAF_CHANGED"
    LEAF_MISSING = "LEAF_MISSING"
    ROOT_CHANGED = "ROOT_CHANGED"
    CHAIN_BROKEN = "CHAIN_BROKEN"
    UNSEALED_OLD = "UNSEALED_OLD"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was sealed. What concerns no single record has no id; what is in no batch has no number.

    LEAF_CHANGED: the leaf is not the one that was sealed, while its record is. ROOT_CHANGED: the leaves do not add up to the root,
    and the records do not tell which of them was changed. CHAIN_BROKEN: the batch does not follow from the one before, or is gone;
    without a number, a seal that somebody noted is not in the chain. UNSEALED_OLD: a record of more than a day ago that no batch holds.
    """

    wrong: Wrong
    batch_number: int | None = None
    regency_id: int | None = None
    record_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification came to: all findings, and what it looked at."""

    findings: Sequence[Finding]
    records: int
    deleted_in_due_time: int
    head_number: int
    head_seal: bytes | None


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A leaf as the table has it, and the hash that its record as it is now would have as a leaf; None where it is gone."""

    leaf: Leaf
    hash: bytes
    hash_by_record: bytes | None
    may_be_gone: bool


async def verify_seals(
    loader: Loader,
    stream: Stream = AUDIT,
    *,
    noted: Sequence[bytes] = (),
    on_progress: Callable[[int], None] = lambda _: None,
) -> Verified:
    """Check the chain of ``stream``, the tree of every batch and every record that is still there.

    ``noted`` are seals that somebody wrote down: batches that were cut off at the end of the chain show in nothing else.
    """
    verification = _Verification(loader, stream, await load_retention(loader), datetime.now(UTC))
    for seal in noted:
        if not await loader.fetchval(_NOTED, stream.name, seal):
            verification.found(Wrong.CHAIN_BROKEN)
    while (batch := await verification.next_batch()) is not None:
        await verification.check_tree(batch)
        on_progress(verification.records)
    await verification.check_beyond()
    return Verified(
        verification.findings, verification.records, verification.gone, verification.number, verification.seal
    )


async def chain_of(loader: Loader, seal: bytes) -> str | None:
    """The name of the stream whose chain holds ``seal``; None where none does."""
    name: str | None = await loader.fetchval("select stream from seal_batch where seal = $1", seal)
    return name


async def count_sealed(loader: Loader, stream: Stream = AUDIT) -> int:
    """How many records the batches of ``stream`` hold."""
    count: int = await loader.fetchval(_SIZE, stream.name)
    return count


class _Verification:
    """One walk along the chain of a stream."""

    def __init__(self, loader: Loader, stream: Stream, retention: Retention, now: datetime) -> None:
        self._loader, self._stream, self._retention, self._now = loader, stream, retention, now
        self.findings: list[Finding] = []
        self.records = self.gone = self.number = 0
        self.seal: bytes | None = None

    def found(self, wrong: Wrong, number: int | None = None, leaf: Leaf | None = None) -> None:
        if leaf is None:
            self.findings.append(Finding(wrong, number))
        else:
            self.findings.append(Finding(wrong, number, leaf.regency_id, UUID(leaf.id)))

    async def next_batch(self) -> asyncpg.Record | None:
        batch = await self._loader.fetchrow(_NEXT_BATCH, self._stream.name, self.number)
        if batch is None:
            return None
        for missing in range(self.number + 1, batch["number"]):
            self.found(Wrong.CHAIN_BROKEN, missing)
        seal = seal_of(
            stream=self._stream.name,
            number=batch["number"],
            previous=self.seal,
            root=batch["root"],
            leaf_count=batch["leaf_count"],
            sealed_at=moment_text(batch["sealed_at"]),
        )
        if batch["number"] == self.number + 1 and (seal, self.seal) != (batch["seal"], batch["previous"]):
            self.found(Wrong.CHAIN_BROKEN, batch["number"])
        self.number, self.seal = batch["number"], batch["seal"]
        return batch

    async def check_tree(self, batch: asyncpg.Record) -> None:
        count: int = batch["leaf_count"]
        sealed: dict[int, _Sealed] = {}
        # One snapshot for a batch: retention may delete while this runs.
        async with self._loader.transaction(isolation="repeatable_read", readonly=True):
            rows = self._loader.cursor(
                _leaves_sql(self._stream), self._stream.name, batch["number"], prefetch=_ROWS_AHEAD
            )
            async for row in rows:
                leaf = self._sealed(row)
                if not 0 <= row["position"] < count or row["position"] in sealed:
                    self.found(Wrong.LEAF_CHANGED, batch["number"], leaf.leaf)
                else:
                    sealed[row["position"]] = leaf
        for _ in range(count - len(sealed)):
            self.found(Wrong.LEAF_MISSING, batch["number"])
        self._compare([sealed[position] for position in sorted(sealed)], batch, complete=len(sealed) == count)
        self.records += count

    def _sealed(self, row: asyncpg.Record) -> _Sealed:
        _, regency_id, id_, kind, happened_at, digest, kind_now, text = row
        leaf = Leaf(self._stream.name, regency_id, id_, kind, moment_text(happened_at), digest)
        if kind_now is None:
            may_be_gone = self._retention.may_be_gone(kind, happened_at, self._now)
            return _Sealed(leaf, leaf.hash, None, may_be_gone)
        record = orjson.loads(text)
        by_record = Leaf(
            self._stream.name, record["regency_id"], record["id"], kind_now, record["happened_at"], digest_of(record)
        )
        return _Sealed(leaf, leaf.hash, by_record.hash, may_be_gone=False)

    def _compare(self, sealed: Sequence[_Sealed], batch: asyncpg.Record, *, complete: bool) -> None:
        number = batch["number"]
        differs = Wrong.EVENT_CHANGED
        if complete and root_of([each.hash for each in sealed]) != batch["root"]:
            # Where the records still add up to the root, it is the leaves that were changed.
            if root_of([each.hash_by_record or each.hash for each in sealed]) == batch["root"]:
                differs = Wrong.LEAF_CHANGED
            else:
                self.found(Wrong.ROOT_CHANGED, number)
        for each in sealed:
            if each.hash_by_record is None:
                self.gone += each.may_be_gone
                if not each.may_be_gone:
                    self.found(Wrong.EVENT_MISSING, number, each.leaf)
            elif each.hash_by_record != each.hash:
                self.found(differs, number, each.leaf)

    async def check_beyond(self) -> None:
        """Look for leaves whose batch is gone, and for records that were never sealed."""
        for row in await self._loader.fetch(_BATCHES_WITHOUT_SEAL, self._stream.name, self.number):
            self.found(Wrong.CHAIN_BROKEN, row["batch_number"])
        unsealed = await self._loader.fetch(_unsealed_sql(self._stream), self._stream.name, self._now - UNSEALED_AFTER)
        self.findings += [
            Finding(Wrong.UNSEALED_OLD, None, regency_id=row["regency_id"], record_id=row["id"]) for row in unsealed
        ]


def _leaves_sql(stream: Stream) -> str:
    # S608: the text is made of the names and expressions of a stream, which are our own.
    return f"""
select l.position, l.regency_id as leaf_regency_id, l.record_id::text as leaf_id, l.kind as leaf_kind,
  l.happened_at as leaf_happened_at, l.digest as leaf_digest, found.*
from sealed_leaf l left join lateral (
  select e.{stream.kind} as kind_now, row_to_json(r)::text from {stream.table} e cross join lateral {stream.record_sql} r
  where e.regency_id = l.regency_id and e.id = l.record_id offset 0
) found on true
where l.stream = $1 and l.batch_number = $2 order by l.position"""  # noqa: S608


def _unsealed_sql(stream: Stream) -> str:
    return f"""
select e.regency_id, e.id from {stream.table} e where e.happened_at < $2 and not exists (
  select from sealed_leaf l where l.stream = $1 and l.regency_id = e.regency_id and l.record_id = e.id
) limit {_MOST_UNSEALED}"""  # noqa: S608  (the names of a stream are our own)
