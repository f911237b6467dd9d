"""Listing who may own no outlet. Of the people only the digests of their numbers are kept."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.ewarong.actors import Actor
from app.domain.ewarong.agents.errors import DaysWrong, NikWrong, RegencyUnknown, TooManyBarred
from app.domain.ewarong.agents.rules import FINAL
from app.domain.ewarong.agents.texts import checked_nik, checked_text
from app.domain.ewarong.models.agents import Office, barred_owner, ewarong_agent
from app.domain.regions.models import region
from app.domain.registry.sealing import Seal
from app.tenants.region_path import RegionLevel, RegionPath
from app.tenants.sqlstates import INSUFFICIENT_PRIVILEGE, refused_as

MOST_BARRED: Final = 1_000
LONGEST_SOURCE: Final = 300
_FIELD: Final = "owners"


@dataclass(frozen=True, slots=True, kw_only=True)
class Barred:
    """Somebody who holds an office, with the days on which they do; ``valid_to`` is the last."""

    nik: str = field(repr=False)
    office: Office
    valid_from: date
    valid_to: date | None = None


class Listed(NamedTuple):
    """What a list has changed."""

    ids: tuple[UUID, ...]
    added: int
    changed: int
    outlets: int
    """Outlets of the region that stand, and whose owner is on the list."""


async def list_barred(
    session: AsyncSession,
    actor: Actor,
    owners: Sequence[Barred],
    *,
    where: RegionPath,
    source: str,
    seal: Seal,
    today: date,
    test_provinces: frozenset[str],
) -> Listed:
    """Keep who holds an office in the regency ``where``, by the list or decree ``source``. The same again changes nothing.

    Somebody who is listed for the same office from the same day has the last day and the source that were given last.

    Raises:
        RegencyUnknown: the region is no regency of the caller's.
        TooManyBarred: there are none, or more than 1,000.
        NikWrong, DaysWrong, TextWrong: something cannot be as it was given.
    """
    if where.level is not RegionLevel.REGENCY:
        raise RegencyUnknown(where)
    if not 0 < len(owners) <= MOST_BARRED:
        raise TooManyBarred(MOST_BARRED)
    decree = checked_text("source", source, LONGEST_SOURCE)
    villages = where.villages
    rows: dict[tuple[bytes, str, date], dict[str, Any]] = {}
    for number, owner in enumerate(owners, start=1):
        digest = seal.digest(_nik(number, owner, today, test_provinces))
        rows[digest, owner.office.value, owner.valid_from] = {
            "regency_id": where.id,
            "id": uuid7(),
            "village_low": villages.low,
            "village_high": villages.high,
            "nik_digest": digest,
            "office": owner.office.value,
            "valid_from": owner.valid_from,
            "valid_to": owner.valid_to,
            "source": decree,
            **actor.did("listed"),
        }
    if not await session.scalar(sa.select(sa.exists().where(region.c.id == where.id))):
        raise RegencyUnknown(where)
    with refused_as(lambda: RegencyUnknown(where), INSUFFICIENT_PRIVILEGE):
        written = (await session.execute(_upsert(list(rows.values())))).all()
    added = sum(row.added for row in written)
    outlets = await _outlets(session, where, list({digest for digest, _, _ in rows}), today)
    return Listed(tuple(row.id for row in written), added, len(written) - added, outlets)


def _nik(number: int, owner: Barred, today: date, test_provinces: frozenset[str]) -> str:
    """The NIK of the how many-th of the list.

    Raises:
        NikWrong, DaysWrong: it cannot be one, or the last day comes before the first.
    """
    try:
        nik = checked_nik(_FIELD, owner.nik, today=today, test_provinces=test_provinces)
    except NikWrong as error:
        raise NikWrong(_FIELD, f"Orang ke-{number}: {error.indonesian}", f"Person {number}: {error.english}") from None
    if owner.valid_to is not None and owner.valid_to < owner.valid_from:
        raise DaysWrong(
            _FIELD,
            f"Orang ke-{number}: hari terakhir mendahului hari pertama.",
            f"Person {number}: the last day comes before the first.",
        )
    return nik


def _upsert(rows: list[dict[str, Any]]) -> sa.Executable:
    table = barred_owner
    insertion = pg.insert(table).values(rows)
    given = insertion.excluded
    return insertion.on_conflict_do_update(
        index_elements=[table.c.regency_id, table.c.nik_digest, table.c.office, table.c.valid_from],
        set_={name: given[name] for name in ("valid_to", "source", "listed_by", "listed_by_name", "listed_at")},
        where=sa.or_(table.c.valid_to.is_distinct_from(given.valid_to), table.c.source.is_distinct_from(given.source)),
        # A row that was not there before has no earlier version.
    ).returning(table.c.id, sa.literal_column("xmax = 0", sa.Boolean()).label("added"))


async def _outlets(session: AsyncSession, where: RegionPath, digests: list[bytes], today: date) -> int:
    agent, barred = ewarong_agent.c, barred_owner.c
    standing = sa.and_(barred.valid_from <= today, sa.func.coalesce(barred.valid_to >= today, sa.true()))
    found: int | None = await session.scalar(
        sa.select(sa.func.count())
        .select_from(ewarong_agent)
        .where(
            agent.regency_id == where.id,
            agent.state.not_in([state.value for state in FINAL]),
            agent.owner_nik_digest == sa.any_(sa.literal(digests, pg.ARRAY(sa.LargeBinary))),
            sa.exists().where(
                barred.regency_id == agent.regency_id, barred.nik_digest == agent.owner_nik_digest, standing
            ),
        )
    )
    return found or 0
