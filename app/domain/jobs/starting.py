"""Starting a job for a region once, however often it is asked for: the row that it is about carries the key of whoever asks."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.base import DomainError
from app.domain.jobs.models import JobKind
from app.domain.jobs.service import enqueue
from app.tenants.region_path import RegionPath
from app.tenants.scope import REGENCY_WIDTH
from app.tenants.sqlstates import FOREIGN_KEY_VIOLATION, INSUFFICIENT_PRIVILEGE, refused_as


@dataclass(frozen=True, slots=True)
class Started:
    """What waits for a worker, or was started before with the same key."""

    regency_id: int
    id: UUID
    region: RegionPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """What is to be started, by whom, and what is said where it cannot be.

    ``table`` has the columns of a span, region_id, idempotency_key, job_id, and who has made a row: ``by`` and ``by``_name. Of
    ``values``, its other columns, those in ``asked`` are what a replay must ask for again.
    """

    kind: JobKind
    table: sa.Table
    region: RegionPath
    principal_id: UUID
    principal_name: str
    idempotency_key: UUID
    values: Mapping[str, Any]
    asked: Collection[str]
    region_unknown: Callable[[RegionPath], DomainError]
    key_used: Callable[[], DomainError]
    by: str = "made_by"


async def start_once(session: AsyncSession, starting: Starting) -> Started:
    """Write the row and queue its job; what was started before where the key was used for the same.

    Raises:
        DomainError: ``region_unknown`` where there is no such region, or it is not in the scope of ``session``; ``key_used`` where the key
            belongs to something else of theirs.
    """
    table, region = starting.table, starting.region
    villages = region.villages
    regency_id, identifier = villages.low // REGENCY_WIDTH, uuid7()
    row = {
        **starting.values,
        "regency_id": regency_id,
        "id": identifier,
        "village_low": villages.low,
        "village_high": villages.high,
        "region_id": region.id,
        "idempotency_key": starting.idempotency_key,
        starting.by: starting.principal_id,
        f"{starting.by}_name": starting.principal_name,
    }
    # A second request with the same key waits here for the first one, and then finds its row.
    insertion = pg.insert(table).values(row).on_conflict_do_nothing().returning(table.c.id)
    with refused_as(lambda: starting.region_unknown(region), INSUFFICIENT_PRIVILEGE, FOREIGN_KEY_VIOLATION):
        made = (await session.execute(insertion)).scalar_one_or_none()
    if made is None:
        mine = (table.c[name] == row[name] for name in ("regency_id", starting.by, "idempotency_key"))
        before = (await session.execute(sa.select(table).where(*mine))).mappings().one_or_none()
        if before is None or any(before[name] != row[name] for name in ("region_id", *starting.asked)):
            raise starting.key_used()
        return Started(regency_id, before["id"], region)
    job_id = await enqueue(
        session,
        kind=starting.kind,
        principal_id=starting.principal_id,
        principal_name=starting.principal_name,
        subject_id=identifier,
        villages=villages,
    )
    this = sa.and_(table.c.regency_id == regency_id, table.c.id == identifier)
    await session.execute(sa.update(table).where(this).values(job_id=job_id))
    return Started(regency_id, identifier, region)
