"""The list of a cycle in one statement: who is entitled to what, who is not and why, and how it adds up.

What becomes of a family is decided in a fixed order: does it still live there; the rules of the programme by number; can somebody
receive; does a component apply; other programmes of the period; its card; and last the quota, which goes to those in greatest need.
"""

from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.bansos.cycles.queries import GIVEN_UP, PAID_OUT, Cycle
from app.domain.bansos.eligibility.decisions import decided, unmet
from app.domain.bansos.exclusions import Exclusion
from app.domain.bansos.models.cycles import (
    BROUGHT_NOTHING,
    Outcome,
    PaymentStep,
    aid_cycle,
    aid_exclusion,
    cycle_outcome,
    entitlement,
)
from app.domain.bansos.models.payments import CardState, kks_card
from app.domain.bansos.models.programmes import Relation
from app.domain.bansos.programmes.queries import quota, related
from app.domain.bansos.terms import Terms
from app.tenants.region_path import Span

_INACTIVE: Final = [CardState.BLOCKED.value, CardState.WITHDRAWN.value]
_NOTHING: Final = [step.value for step in BROUGHT_NOTHING]
_NO_ACCOUNT: Final = [PaymentStep.NO_ACCOUNT.value, PaymentStep.ACCOUNT_FAILED.value]
_EXCLUSIVE: Final = "exclusive_code"


class Others(NamedTuple):
    """What other programmes pay in the period, as far as it matters: ``cycles`` hold their entitlements, ``paid_out`` are those of them
    in which nobody is paid any more.
    """

    exclusive: tuple[str, ...]
    required: tuple[str, ...]
    cycles: tuple[Any, ...]
    paid_out: tuple[Any, ...]


class Counted(NamedTuple):
    """How a list adds up."""

    families: int
    entitled: int
    amount: int


async def others_of(session: AsyncSession, cycle: Cycle) -> Others:
    """The programmes that exclude, or are required for, that of ``cycle``, and their lists of periods that overlap with its own."""
    relations = await related(session, cycle.programme_code, cycle.period_start)
    exclusive, required = (
        tuple(sorted(each.other_code for each in relations if each.relation is relation))
        for relation in (Relation.EXCLUSIVE, Relation.REQUIRES)
    )
    c = aid_cycle.c
    found = await session.execute(
        sa.select(c.id, c.state).where(
            c.regency_id == cycle.regency_id,
            c.programme_code.in_(exclusive + required),
            c.state.not_in(GIVEN_UP),
            c.period_start <= cycle.period_end,
            c.period_end >= cycle.period_start,
        )
    )
    rows = found.all()
    return Others(
        exclusive, required, tuple(row.id for row in rows), tuple(row.id for row in rows if row.state in PAID_OUT)
    )


def villages_of(cycle: Cycle, terms: Terms) -> Span:
    """Whose families a cycle looks at: those of its regency, or of the part of it in which the programme runs."""
    return Span(max(cycle.villages.low, terms.villages.low), min(cycle.villages.high, terms.villages.high))


async def write_list(session: AsyncSession, cycle: Cycle, terms: Terms) -> Counted:
    """Write the list of ``cycle``, which has none; how it adds up."""
    most = await quota(session, cycle.programme_code, cycle.regency_id, cycle.period_start.year)
    judged = _judged(cycle, terms, await others_of(session, cycle), most)
    counted = await session.execute(_written(cycle, judged))
    rows = counted.all()
    entitled = [row for row in rows if row.outcome == Outcome.ENTITLED.value]
    return Counted(
        families=sum(row.families for row in rows),
        entitled=sum(row.families for row in entitled),
        amount=sum(row.amount for row in entitled),
    )


async def clear_list(session: AsyncSession, cycle: Cycle) -> None:
    """Take away what an earlier generation has left."""
    for table in (entitlement, aid_exclusion, cycle_outcome):
        await session.execute(
            sa.delete(table).where(table.c.regency_id == cycle.regency_id, table.c.cycle_id == cycle.id)
        )


def _judged(cycle: Cycle, terms: Terms, others: Others, most: int | None) -> sa.CTE:
    """A row for every family, with its outcome, reason and the other programme that matters for that."""
    villages = villages_of(cycle, terms)

    def living_there(family: sa.FromClause) -> list[sa.ColumnElement[bool]]:
        return [family.c.regency_id == cycle.regency_id, family.c.village_id.between(villages.low, villages.high)]

    found = decided(terms, on=terms.period_start, families=living_there).cte("decided")
    paid, cards = _paid_elsewhere(cycle, others), _newest_cards(cycle)
    reasons = _reasons(found, paid, cards, others)
    reason = sa.case(*[(condition, code) for condition, code, _, _ in reasons])
    outcome = sa.case(
        *[(condition, sa.literal(outcome.value)) for condition, _, outcome, _ in reasons],
        else_=Outcome.ENTITLED.value,
    )
    other = sa.case(*[(condition, sa.null() if other is None else other) for condition, _, _, other in reasons])
    joined = found.outerjoin(paid, paid.c.family_id == found.c.family_id).outerjoin(
        cards, cards.c.family_id == found.c.family_id
    )
    judged = (
        sa.select(
            *found.c,
            outcome.label("outcome"),
            reason.label("reason"),
            sa.cast(other, sa.Text()).label("other_code"),
        )
        .select_from(joined)
        .cte("judged")
    )
    return judged if most is None else _within_quota(judged, most)


def _reasons(
    found: sa.FromClause, paid: sa.FromClause, cards: sa.FromClause, others: Others
) -> list[tuple[sa.ColumnElement[bool], Any, Outcome, Any]]:
    """Condition, code, outcome and other programme of each reason, in the order in which they are told."""

    def excluded(
        condition: sa.ColumnElement[bool], exclusion: Exclusion, other: Any = None
    ) -> tuple[sa.ColumnElement[bool], Any, Outcome, Any]:
        return condition, sa.literal(exclusion.value), exclusion.outcome, other

    own = [
        (condition, found.c.failed, Outcome.NOT_ELIGIBLE, None) if exclusion is None else excluded(condition, exclusion)
        for condition, exclusion in unmet(found)
    ]
    missing = [
        excluded(
            sa.not_(sa.func.coalesce(paid.c[_required(number)], sa.false())),
            Exclusion.REQUIRED_PROGRAMME_MISSING,
            sa.literal(code),
        )
        for number, code in enumerate(others.required)
    ]
    return [
        *own,
        *missing,
        excluded(paid.c[_EXCLUSIVE].is_not(None), Exclusion.DOUBLE_AID, paid.c[_EXCLUSIVE]),
        excluded(cards.c.state.in_(_INACTIVE), Exclusion.INACTIVE_ACCOUNT),
    ]


def _required(number: int) -> str:
    return f"has_required_{number}"


def _paid_elsewhere(cycle: Cycle, others: Others) -> sa.FromClause:
    """A row for each family that other programmes pay: which excludes this one, and which of the required ones there are."""
    c = entitlement.c
    exclusive = sa.func.min(c.programme_code).filter(c.programme_code.in_(others.exclusive))
    return (
        sa.select(
            c.family_id,
            exclusive.label(_EXCLUSIVE),
            *[
                sa.func.bool_or(c.programme_code == code).label(_required(number))
                for number, code in enumerate(others.required)
            ],
        )
        .where(
            c.regency_id == cycle.regency_id,
            c.cycle_id.in_(others.cycles),
            c.step.not_in(_NOTHING),
            sa.not_(sa.and_(c.cycle_id.in_(others.paid_out), c.step.in_(_NO_ACCOUNT))),
        )
        .group_by(c.family_id)
        .subquery("paid")
    )


def _newest_cards(cycle: Cycle) -> sa.FromClause:
    c = kks_card.c
    return (
        sa.select(c.family_id, c.state)
        .where(c.regency_id == cycle.regency_id)
        .ext(pg.distinct_on(c.family_id))
        .order_by(c.family_id, c.created_at.desc(), c.id.desc())
        .subquery("card")
    )


def _within_quota(judged: sa.CTE, most: int) -> sa.CTE:
    """``judged``, with those beyond the quota put out: the poorest come first, and of equals those with the lower id."""
    entitled = judged.c.outcome == Outcome.ENTITLED.value
    c = judged.c
    place = sa.func.row_number().over(
        partition_by=entitled, order_by=(c.decile.nulls_last(), c.percentile.nulls_last(), c.family_id)
    )
    beyond = sa.and_(entitled, place > most)
    over = Exclusion.OVER_QUOTA
    replaced = {
        "outcome": sa.case((beyond, over.outcome.value), else_=c.outcome).label("outcome"),
        "reason": sa.case((beyond, over.value), else_=c.reason).label("reason"),
    }
    return sa.select(*[replaced.get(column.name, column) for column in c]).cte("within_quota")


def _written(cycle: Cycle, judged: sa.CTE) -> sa.Insert:
    """The statement that writes all three tables, and returns the rows of ``cycle_outcome``."""
    c = judged.c
    cycle_id = sa.literal(cycle.id, pg.UUID(as_uuid=True))
    is_entitled = c.outcome == Outcome.ENTITLED.value
    copied: dict[str, Any] = {
        "programme_code": sa.literal(cycle.programme_code),
        "terms_version": sa.literal(cycle.terms_version),
        "period_start": sa.literal(cycle.period_start, sa.Date()),
    }
    entitled: dict[str, Any] = {
        "regency_id": c.regency_id,
        "id": _entitlement_id(cycle_id, c.family_id),
        "village_id": c.village_id,
        "cycle_id": cycle_id,
        **copied,
        "family_id": c.family_id,
        "recipient_id": c.recipient_id,
        "amount": c.amount,
        "components": c.components,
        "facts": c.facts,
    }
    left_out: dict[str, Any] = {
        "regency_id": c.regency_id,
        "cycle_id": cycle_id,
        "family_id": c.family_id,
        "village_id": c.village_id,
        **copied,
        "outcome": c.outcome,
        "reason": c.reason,
        "facts": c.facts,
        "other_code": c.other_code,
    }
    outcomes: dict[str, Any] = {
        "regency_id": sa.literal(cycle.regency_id),
        "cycle_id": cycle_id,
        "outcome": c.outcome,
        "reason": sa.func.coalesce(c.reason, "").label("reason"),
        "village_low": sa.literal(cycle.villages.low, sa.BigInteger()),
        "village_high": sa.literal(cycle.villages.high, sa.BigInteger()),
        "families": sa.func.count(),
        "amount": sa.func.coalesce(sa.func.sum(c.amount).filter(is_entitled), 0),
    }
    counted = sa.select(*outcomes.values()).group_by(c.outcome, c.reason)
    return (
        sa.insert(cycle_outcome)
        .from_select(list(outcomes), counted)
        .returning(cycle_outcome.c.outcome, cycle_outcome.c.families, cycle_outcome.c.amount)
        .add_cte(
            sa.insert(entitlement)
            .from_select(list(entitled), sa.select(*entitled.values()).where(is_entitled))
            .cte("entitled"),
            sa.insert(aid_exclusion)
            .from_select(list(left_out), sa.select(*left_out.values()).where(sa.not_(is_entitled)))
            .cte("left_out"),
        )
    )


def _entitlement_id(cycle_id: sa.ColumnElement[Any], family_id: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """The id that a family's entitlement of a cycle has however often it is generated."""
    both = sa.func.uuid_send(cycle_id).op("||")(sa.func.uuid_send(family_id))
    return sa.cast(sa.func.encode(sa.func.substr(sa.func.sha256(both), 1, 16), "hex"), pg.UUID(as_uuid=True))
