"""Taking up a file of results: it is noted together with the job that reads it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.bansos.models.payments import bank_file, bank_report
from app.domain.bansos.payments.errors import ReportKeyUsed
from app.domain.bansos.payments.rows import Actor, Key, Order, at, locked_order
from app.domain.jobs.models import JobKind
from app.domain.jobs.service import enqueue
from app.domain.uploads.service import keep_upload
from app.tenants.region_path import Span

_KEPT_FOR: Final = timedelta(days=1)
"""A file that waits for its reading is kept so long, whenever it was uploaded."""


@dataclass(frozen=True, slots=True)
class Report:
    """A file of results that a job reads."""

    regency_id: int
    id: UUID
    order_id: UUID
    job_id: UUID
    villages: Span


async def read_results(
    session: AsyncSession, actor: Actor, order_key: Key, *, upload_id: UUID, idempotency_key: UUID
) -> Report:
    """Queue the reading of an upload as the answer of a bank to an order. A replay answers the first reading.

    Raises:
        OrderUnknown: the order is not there.
        UploadUnknown: there is no such upload of the caller's, or no longer.
        ReportKeyUsed: the key belongs to another reading.
    """
    order = await locked_order(session, order_key)
    before = await _before(session, order, idempotency_key)
    if before is None:
        await keep_upload(session, upload_id, actor.id, _KEPT_FOR)
        before = await take_report(session, actor, order, vault_id=upload_id, idempotency_key=idempotency_key)
    row = (await session.execute(sa.select(bank_report).where(at(bank_report, (before.regency_id, before.id))))).one()
    if (row.order_id, row.vault_id, row.made_by) != (order.id, upload_id, actor.id):
        raise ReportKeyUsed
    return before


async def take_report(
    session: AsyncSession, actor: Actor, order: Order, *, vault_id: UUID, idempotency_key: UUID
) -> Report:
    """Note a file of results that lies in the vault, and queue its reading; nothing where its key was noted before.

    The order is locked: whoever comes second with a key waits for the first, and then finds its row.

    Raises:
        ReportKeyUsed: the key belongs to a reading for another order.
    """
    before = await _before(session, order, idempotency_key)
    if before is not None:
        return before
    report_id = uuid7()
    job_id = await enqueue(
        session,
        kind=JobKind.BANK_RESULTS,
        principal_id=actor.id,
        principal_name=actor.name,
        subject_id=report_id,
        villages=order.villages,
    )
    await session.execute(
        sa.insert(bank_report).values(
            regency_id=order.regency_id,
            id=report_id,
            village_low=order.villages.low,
            village_high=order.villages.high,
            order_id=order.id,
            vault_id=vault_id,
            idempotency_key=idempotency_key,
            job_id=job_id,
            made_by=actor.id,
            made_by_name=actor.name,
            made_at=sa.func.now(),
        )
    )
    return Report(order.regency_id, report_id, order.id, job_id, order.villages)


async def _before(session: AsyncSession, order: Order, idempotency_key: UUID) -> Report | None:
    c = bank_report.c
    row = (
        await session.execute(
            sa.select(bank_report).where(c.regency_id == order.regency_id, c.idempotency_key == idempotency_key)
        )
    ).one_or_none()
    if row is None:
        return None
    if row.order_id != order.id:
        raise ReportKeyUsed
    return Report(row.regency_id, UUID(int=row.id.int), order.id, UUID(int=row.job_id.int), order.villages)


async def outgoing_file(session: AsyncSession, vault_id: UUID) -> "sa.Row[Any] | None":
    """The row of a file that goes to a bank, by its place in the vault; None where there is none in the scope of ``session``."""
    return (await session.execute(sa.select(bank_file).where(bank_file.c.vault_id == vault_id))).one_or_none()
