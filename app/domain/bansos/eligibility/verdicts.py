"""Whether families may receive a programme by its own rules, asked without writing anything: of a page of families, or of a regency.

Other programmes, cards and quotas are not looked at here; they are when a cycle is generated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.bansos.eligibility.decisions import OWN_EXCLUSIONS, Families, decided, unmet
from app.domain.bansos.exclusions import Exclusion
from app.domain.bansos.terms import Terms
from app.tenants.region_path import Span

SAMPLES: Final = 3
"""Families that are named for each reason."""
GENERAL_REASONS: Final = tuple(each.value for each in (Exclusion.PROGRAMME_ELSEWHERE, *OWN_EXCLUSIONS))
"""Reasons that are no rules of a programme: codes of ``Exclusion``."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one family. ``reason`` is the code of the rule or of one of ``GENERAL_REASONS``; None: it may receive."""

    regency_id: int
    village_id: int
    family_id: UUID
    reason: str | None
    amount: int | None
    components: list[dict[str, Any]] | None
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Group:
    """The families of one reason, with a few of them; None: those that may receive."""

    reason: str | None
    families: int
    amount: int
    """Rupiah of the period for all of them; 0 where they receive nothing."""
    samples: tuple[Verdict, ...]


async def verdicts_of(session: AsyncSession, terms: Terms, families: Sequence[tuple[int, UUID]]) -> dict[UUID, Verdict]:
    """What becomes of ``families`` (regency and id) in the period of ``terms``, by their id: of those that the session may see."""
    regencies = sorted({regency_id for regency_id, _ in families})
    ids = [family_id for _, family_id in families]
    judged = _judged(terms, lambda f: [f.c.regency_id.in_(regencies), f.c.id.in_(ids)])
    rows = await session.execute(sa.select(judged))
    return {row["family_id"]: _verdict(row) for row in rows.mappings()}


async def tried(session: AsyncSession, terms: Terms, villages: Span) -> list[Group]:
    """What would become of all families of ``villages`` among whom the programme runs: by reason, those that may receive first.

    Raises:
        RuleInvalid: a condition of ``terms`` cannot be read.
    """
    low, high = max(villages.low, terms.villages.low), min(villages.high, terms.villages.high)
    judged = _judged(terms, lambda f: [f.c.village_id.between(low, high)])
    place = sa.func.row_number().over(partition_by=judged.c.reason, order_by=judged.c.family_id)
    placed = sa.select(judged, place.label("place")).subquery("placed")
    c = placed.c
    sample = sa.func.jsonb_build_object(
        *[part for column in judged.c for part in (sa.literal(column.name, sa.Text()), c[column.name])]
    )
    rows = await session.execute(
        sa.select(
            c.reason,
            sa.func.count().label("families"),
            sa.func.coalesce(sa.func.sum(c.amount).filter(c.reason.is_(None)), 0).label("amount"),
            sa.func.jsonb_agg(pg.aggregate_order_by(sample, c.place), type_=pg.JSONB())
            .filter(c.place <= SAMPLES)
            .label("samples"),
        )
        .group_by(c.reason)
        .order_by(c.reason.nulls_first())
    )
    return [
        Group(row.reason, row.families, int(row.amount), tuple(_verdict(each) for each in row.samples)) for row in rows
    ]


def _judged(terms: Terms, families: Families) -> sa.Subquery:
    found = decided(terms, on=terms.period_start, families=families).subquery("decided")
    c = found.c
    elsewhere = sa.not_(c.village_id.between(terms.villages.low, terms.villages.high))
    reason = sa.case(
        *[
            (condition, c.failed if exclusion is None else sa.literal(exclusion.value, sa.Text()))
            for condition, exclusion in [(elsewhere, Exclusion.PROGRAMME_ELSEWHERE), *unmet(found)]
        ],
        else_=sa.cast(sa.null(), sa.Text()),
    )
    columns = (c.regency_id, c.village_id, c.family_id, reason.label("reason"), c.amount, c.components, c.facts)
    return sa.select(*columns).subquery("judged")


def _verdict(row: Any) -> Verdict:
    family_id = row["family_id"]
    return Verdict(
        regency_id=row["regency_id"],
        village_id=row["village_id"],
        family_id=family_id if isinstance(family_id, UUID) else UUID(family_id),
        reason=row["reason"],
        amount=row["amount"],
        components=row["components"],
        facts=row["facts"],
    )
