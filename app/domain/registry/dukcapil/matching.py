"""The job that compares persons with the civil registry, batch by batch.

A batch is three steps: note in the audit trail who leaves the house, and commit; send; store what was answered. The matching keeps the
id of the batch that is out and the last person that is done, so that wherever a worker dies, the next one goes on with that batch. Its
id is a keyed digest of what is in it: the same id is always the same persons with the same data.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.audit.models import Action, Purpose
from app.domain.audit.service import Event, append_events
from app.domain.jobs.work import Work
from app.domain.registry.dukcapil.client import DukcapilClient
from app.domain.registry.dukcapil.contract import MOST_ITEMS, NAME_CHARACTERS, Batch, Item, MatchResult, StatedSex
from app.domain.registry.dukcapil.errors import MatchingUnknown, NikUnopened
from app.domain.registry.dukcapil.models import RESULT_COLUMNS, SKIPPED, civil_registry_matching
from app.domain.registry.enums import IdentityStatus, MismatchReason, Presence
from app.domain.registry.models import person
from app.domain.registry.sealing import Seal, SealBroken
from app.tenants.scope import REGENCY_WIDTH, TenantScope

_NIK: Final = re.compile(r"[0-9]{16}")
_STORE: Final = sa.text("""
with given as (
  select * from unnest(:regencies, :ids, :versions, :statuses, :reasons) as g (regency_id, id, version, status, reason)
), found as materialized (
  select p.regency_id, p.id from person p join given g on g.regency_id = p.regency_id and g.id = p.id
  where p.version = g.version order by p.regency_id, p.id for update of p
), changed as (
  update person p set identity_status = g.status::identity_status, mismatch_reason = g.reason::mismatch_reason,
    version = p.version + 1, updated_at = now()
  from found f join given g on g.regency_id = f.regency_id and g.id = f.id
  where p.regency_id = f.regency_id and p.id = f.id
    and (p.identity_status::text, p.mismatch_reason::text) is distinct from (g.status, g.reason)
)
select id from found
""").bindparams(
    sa.bindparam("regencies", type_=pg.ARRAY(sa.Integer)),
    sa.bindparam("ids", type_=pg.ARRAY(pg.UUID(as_uuid=True))),
    sa.bindparam("versions", type_=pg.ARRAY(sa.Integer)),
    sa.bindparam("statuses", type_=pg.ARRAY(sa.Text)),
    sa.bindparam("reasons", type_=pg.ARRAY(sa.Text)),
)
"""Stores what was answered in one statement, so that totals are counted once for all persons; answers who was still as sent."""


@dataclass(frozen=True, slots=True)
class Sender:
    """On whose behalf persons are sent: what the audit trail keeps."""

    principal_id: UUID
    roles: tuple[str, ...]
    permission: str


@dataclass(frozen=True, slots=True)
class _Out:
    """A batch that is on its way, and the rows that it is about; ``batch`` is none where nobody of them can be sent."""

    rows: Sequence[Any]
    batch: Batch | None
    batch_id: str
    by_reference: dict[str, Any]
    done: int
    found: int

    @property
    def last(self) -> Any:
        return self.rows[-1]


async def match_persons(
    work: Work, scope: TenantScope, *, seal: Seal, client: DukcapilClient, sender: Sender, most: int = MOST_ITEMS
) -> None:
    """Compare the persons of the matching that ``work`` is about with the civil registry, ``most`` in one request.

    Only persons within ``scope`` are read and sent. Whatever is stored stays: after a crash or a refusal the next run goes on from there.

    Raises:
        MatchingUnknown: the matching lies beyond ``scope`` by now.
        DukcapilUnavailable, DukcapilDenied, DukcapilRejected, DukcapilAnswerInvalid, NikUnopened: it cannot go on.
    """
    while (out := await _next(work, scope, seal, sender, most)) is not None:
        done, found = out.done, out.found

        async def waiting(done: int = done, found: int = found) -> None:
            await work.progress(done, found)

        results = await client.match(out.batch, waiting=waiting) if out.batch is not None else {}
        await _store(work, scope, out, results)
        await work.progress(done + len(out.rows), found)


async def _next(work: Work, scope: TenantScope, seal: Seal, sender: Sender, most: int) -> _Out | None:
    """The batch to send now, noted in the audit trail; none when everybody is done."""
    table = civil_registry_matching
    mine = _matching(work)
    async with work.database.write(scope) as session:
        matching = (await session.execute(sa.select(table).where(*mine).with_for_update())).one_or_none()
        if matching is None:
            raise MatchingUnknown
        if matching.finished_at is not None:
            return None
        found = matching.persons_found
        if found is None:
            found = await session.scalar(sa.select(sa.func.count()).select_from(person).where(*_wanted(matching))) or 0
            await session.execute(sa.update(table).where(*mine).values(persons_found=found))
        rows = await _rows(session, matching, most)
        if not rows:
            await session.execute(sa.update(table).where(*mine).values(finished_at=sa.func.now()))
            return None
        done = sum(getattr(matching, name) for name in (*RESULT_COLUMNS.values(), SKIPPED))
        out = _batch(rows, work, seal, done=done, found=found)
        if matching.batch_id != out.batch_id:
            # What was noted before an earlier attempt died is not noted again: it is the same batch.
            await session.execute(sa.update(table).where(*mine).values(batch_id=out.batch_id))
            if out.by_reference:
                await append_events(session, [_export(work, sender, list(out.by_reference.values()))])
    return out


def _matching(work: Work) -> list[sa.ColumnElement[bool]]:
    table = civil_registry_matching
    return [table.c.regency_id == work.villages.low // REGENCY_WIDTH, table.c.id == work.subject_id]


def _wanted(matching: Any) -> list[sa.ColumnElement[bool]]:
    """Who is compared: whoever has a NIK, is not dead, and stands where the matching asks."""
    statuses = [IdentityStatus(name) for name in matching.statuses]
    return [
        person.c.village_id.between(matching.village_low, matching.village_high),
        person.c.identity_status.in_(statuses),
        person.c.nik_sealed.is_not(None),
        person.c.presence != Presence.DECEASED,
    ]


async def _rows(session: AsyncSession, matching: Any, most: int) -> Sequence[Any]:
    """The next persons, all of one regency: what leaves is for that regency to know."""
    columns = ("regency_id", "id", "village_id", "version", "nik_sealed", "name", "birth_date", "sex")
    after = sa.tuple_(person.c.village_id, person.c.id) > sa.tuple_(
        matching.cursor_village_id, sa.cast(matching.cursor_person_id, pg.UUID(as_uuid=True))
    )
    rows = (
        await session.execute(
            sa.select(*(person.c[name] for name in columns))
            .where(*_wanted(matching), after)
            .order_by(person.c.village_id, person.c.id)
            .limit(most)
        )
    ).all()
    return [row for row in rows if row.regency_id == rows[0].regency_id]


def _batch(rows: Sequence[Any], work: Work, seal: Seal, *, done: int, found: int) -> _Out:
    items: list[Item] = []
    by_reference: dict[str, Any] = {}
    for row in rows:
        try:
            nik = seal.unseal(row.nik_sealed)
        except SealBroken:
            raise NikUnopened from None
        if _NIK.fullmatch(nik) is None:
            continue  # the whole batch would be refused for it
        # Our ids stay at home: a place in the batch is enough to tell whose result is whose.
        reference = str(len(items) + 1)
        by_reference[reference] = row
        items.append(
            Item(
                reference=reference,
                nik=nik,
                name=row.name[:NAME_CHARACTERS],
                birth_date=row.birth_date,
                sex=StatedSex(row.sex.value),
            )
        )
    persons = ",".join(f"{row.regency_id}:{row.id}:{row.version}" for row in rows)
    content = "\n".join(item.model_dump_json() for item in items)
    batch_id = seal.digest(f"{work.subject_id}\n{persons}\n{content}").hex()
    batch = Batch(batch_id=batch_id, items=items) if items else None
    return _Out(rows, batch, batch_id, by_reference, done, found)


def _export(work: Work, sender: Sender, rows: Sequence[Any]) -> Event:
    return Event(
        action=Action.EXPORT,
        principal_id=sender.principal_id,
        roles=sender.roles,
        permission=sender.permission,
        operation="civilRegistryMatchingStart",
        document_hash=None,
        subject_type="Person",
        # asyncpg has a UUID of its own, which the audit trail cannot print.
        subject_ids=tuple(UUID(int=row.id.int) for row in rows),
        row_count=len(rows),
        purpose=Purpose.CIVIL_REGISTRY_MATCHING,
        request_id=str(work.job_id),
        village_low=min(row.village_id for row in rows),
        village_high=max(row.village_id for row in rows),
    )


async def _store(work: Work, scope: TenantScope, out: _Out, results: Mapping[str, MatchResult]) -> None:
    """Store ``results`` and move on past the batch; nothing where another worker has done so."""
    table = civil_registry_matching
    mine = _matching(work)
    async with work.database.write(scope) as session:
        still_out = sa.select(table.c.id).where(*mine, table.c.batch_id == out.batch_id).with_for_update()
        if (await session.execute(still_out)).one_or_none() is None:
            return
        kept = await _update(session, out, results)
        counts = Counter(
            RESULT_COLUMNS[results[reference]] for reference, row in out.by_reference.items() if row.id in kept
        )
        counts[SKIPPED] = len(out.rows) - len(kept)
        await session.execute(
            sa.update(table)
            .where(*mine)
            .values(
                {name: table.c[name] + number for name, number in counts.items()}
                | {
                    "cursor_village_id": out.last.village_id,
                    "cursor_person_id": out.last.id,
                    "batch_id": None,
                }
            )
        )


async def _update(session: AsyncSession, out: _Out, results: Mapping[str, MatchResult]) -> set[UUID]:
    """The persons who were still as they had been sent, and now stand as the civil registry says."""
    given = [(row, *_standing(results[reference])) for reference, row in out.by_reference.items()]
    kept = await session.execute(
        _STORE,
        {
            "regencies": [row.regency_id for row, _, _ in given],
            "ids": [row.id for row, _, _ in given],
            "versions": [row.version for row, _, _ in given],
            "statuses": [status for _, status, _ in given],
            "reasons": [reason for _, _, reason in given],
        },
    )
    return set(kept.scalars())


def _standing(result: MatchResult) -> tuple[str, str | None]:
    if result is MatchResult.MATCHED:
        return IdentityStatus.MATCHED.value, None
    return IdentityStatus.UNMATCHED.value, MismatchReason(result.value).value
