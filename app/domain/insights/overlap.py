"""Who receives twice, and who is entitled and receives nothing: SQL expressions, so that they compile into the statement that asks.

What a family receives in a month is what it is entitled to for periods that hold the first day of the month. Families are
gathered by grouping and never by joining: behind row-level security the planner takes a province for a handful of rows, and would
join half a million entitlements with as many families one by one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.bansos.models.cycles import BROUGHT_NOTHING, entitlement
from app.domain.bansos.models.programmes import Relation, programme_relation, programme_terms
from app.domain.base import Term
from app.domain.regions.models import Level
from app.domain.registry.enums import FamilyStatus
from app.domain.registry.models import family

TARGET_DECILE: Final = 4
"""PKH and Sembako are meant for deciles 1 to 4 (domain.md 3)."""
WHOLE: Final = 0
"""The region_id of the row that holds all of the region asked for."""
_DIVISORS: Final = {Level.PROVINCE: 100_000_000, Level.REGENCY: 1_000_000, Level.DISTRICT: 10_000, Level.VILLAGE: 1}
_TOLD: Final = (Relation.EXCLUSIVE, Relation.TOP_UP)
Within = Callable[[sa.FromClause], Sequence[sa.ColumnElement[bool]]]


class OverlapKind(Term):
    """What aid and families have to do with each other."""

    DOUBLE_AID = ("DOUBLE_AID", "menerima program yang tidak boleh diterima bersama")
    SEVERAL_PROGRAMMES = ("SEVERAL_PROGRAMMES", "menerima dua program atau lebih")
    TOPPED_UP = ("TOPPED_UP", "menerima program yang menambah program lain")
    WITHOUT_AID = ("WITHOUT_AID", "dalam desil sasaran, tetapi tidak menerima apa pun")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked at: the villages ``low`` to ``high``, a day of the period, the last target decile, and what the caller may see."""

    low: Any
    high: Any
    period: Any
    decile: Any
    in_villages: Within

    def in_regencies(self, rows: Any) -> sa.ColumnElement[bool]:
        """Rows of the regencies of the villages: a family may have been entitled in another village than it lives in now."""
        million: sa.ColumnElement[int] = sa.literal_column("1000000")
        found: sa.ColumnElement[bool] = rows.c.regency_id.between(self.low.op("/")(million), self.high.op("/")(million))
        return found


def _text(term: Term) -> sa.ColumnElement[str]:
    return sa.literal_column(f"'{term.value}'", sa.Text())


def _aid(asked: Asked) -> sa.Select[Any]:
    """What families are entitled to in the period: regency_id, family_id, village_id, programme_code, amount."""
    # How long the period is the terms say: a cycle would be asked for the entitlements of a whole province once for each regency, and
    # those of a cycle that was superseded are cancelled.
    e, terms = entitlement.alias(), programme_terms.alias()
    length = sa.func.make_interval(sa.literal_column("0"), terms.c.period_months)
    return (
        sa.select(e.c.regency_id, e.c.family_id, e.c.village_id, e.c.programme_code, e.c.amount)
        .join(terms, sa.and_(terms.c.programme_code == e.c.programme_code, terms.c.version == e.c.terms_version))
        .where(
            e.c.period_start <= asked.period,
            e.c.period_start + length > asked.period,
            e.c.step.not_in([_text(step) for step in BROUGHT_NOTHING]),
            asked.in_regencies(e),
            *asked.in_villages(e),
        )
    )


def _in_target(rows: sa.FromClause, asked: Asked) -> list[sa.ColumnElement[bool]]:
    active = sa.literal_column(f"'{FamilyStatus.ACTIVE.value}'", rows.c.status.type)
    return [rows.c.status == active, rows.c.decile <= asked.decile]


def _related(asked: Asked) -> sa.Select[Any]:
    """Programmes that exclude each other, the smaller code first, and those that top up another, in force on the day of the period."""
    r = programme_relation.alias()
    exclusive = r.c.relation == _text(Relation.EXCLUSIVE)
    first = sa.case((exclusive, sa.func.least(r.c.programme_code, r.c.other_code)), else_=r.c.programme_code)
    second = sa.case((exclusive, sa.func.greatest(r.c.programme_code, r.c.other_code)), else_=r.c.other_code)
    return (
        sa.select(r.c.relation, first.label("first"), second.label("second"))
        .where(
            r.c.relation.in_([_text(relation) for relation in _TOLD]),
            r.c.valid_from <= asked.period,
            sa.func.coalesce(r.c.valid_to >= asked.period, sa.true()),
        )
        .distinct()
    )


def _both(codes: sa.ColumnElement[Any], related: Any) -> sa.ColumnElement[bool]:
    """Whether the programmes ``codes`` of a family hold both of a relation."""
    return sa.and_(related.c.first == sa.any_(codes), related.c.second == sa.any_(codes))


def _several(codes: Any) -> sa.ColumnElement[bool]:
    differ: sa.ColumnElement[bool] = codes[sa.literal_column("1")] != sa.any_(codes)
    return differ


def _holding(codes: sa.ColumnElement[Any], related: Any, relation: Relation) -> sa.ColumnElement[bool]:
    held = sa.exists(
        sa.select(sa.literal_column("1")).where(related.c.relation == _text(relation), _both(codes, related))
    )
    return sa.and_(_several(codes), held)


def overlap_cells(asked: Asked, by: Level) -> sa.Select[Any]:
    """One row whose column ``cells`` lists, as JSON, one object for each region of level ``by`` and one for all (``WHOLE``).

    An object holds region_id, entitled, amount, several, doubled, topped_up, in_target, without, and pairs: a list of relation, first,
    second, families, first_amount, second_amount and least (what each family receives by the smaller of the two).
    """
    families, related = _families(asked, by).cte(), _related(asked).cte()
    counted, pairs = _counted(families, related).subquery(), _pairs(families, related).subquery()
    counts = [column for column in counted.c if column.name != "region_id"]
    none = sa.cast(sa.null(), sa.JSON())
    both = sa.union_all(
        sa.select(counted.c.region_id, *counts, none.label("pair")),
        sa.select(
            pairs.c.region_id,
            *[sa.cast(sa.null(), sa.BigInteger()) for _ in counts],
            sa.func.to_json(pairs.table_valued(), type_=sa.JSON()),
        ),
    ).subquery()
    cells = (
        sa.select(
            both.c.region_id,
            *[sa.func.max(both.c[column.name]).label(column.name) for column in counts],
            sa.func.json_agg(both.c.pair).filter(both.c.pair.is_not(None)).label("pairs"),
        )
        .group_by(both.c.region_id)
        .subquery()
    )
    told = sa.select(sa.func.json_agg(cells.table_valued()).label("cells")).select_from(cells)
    return told.add_cte(families, related, nest_here=True)


def families_with(asked: Asked, kind: OverlapKind) -> sa.Select[Any]:
    """The families of a kind: regency_id, family_id."""
    found = _gathered(asked, targets=kind is OverlapKind.WITHOUT_AID).subquery()
    related, codes = _related(asked).subquery(), found.c.codes
    condition = {
        OverlapKind.DOUBLE_AID: lambda: _holding(codes, related, Relation.EXCLUSIVE),
        OverlapKind.SEVERAL_PROGRAMMES: lambda: _several(codes),
        OverlapKind.TOPPED_UP: lambda: _holding(codes, related, Relation.TOP_UP),
        OverlapKind.WITHOUT_AID: lambda: sa.and_(found.c.in_target, codes.is_(None)),
    }[kind]()
    return sa.select(found.c.regency_id, found.c.family_id).where(condition)


def _gathered(asked: Asked, *, targets: bool) -> sa.Select[Any]:
    """Each family once: where it lives, the codes and amounts of what it receives, and with ``targets`` whether it is in target."""
    aid = _aid(asked)
    if targets:
        f = family.alias()
        theirs = sa.select(
            f.c.regency_id,
            f.c.id,
            f.c.village_id,
            sa.cast(sa.null(), sa.Text()),
            sa.cast(sa.null(), sa.BigInteger()),
        ).where(*_in_target(f, asked), f.c.village_id.between(asked.low, asked.high), *asked.in_villages(f))
        rows: Any = sa.union_all(aid, theirs).subquery()
    else:
        rows = aid.subquery()
    aided = rows.c.programme_code.is_not(None)
    # Where the registry has it; of a family that is not in target, where it was when it was entitled.
    home = sa.func.coalesce(sa.func.min(rows.c.village_id).filter(~aided), sa.func.min(rows.c.village_id))
    return sa.select(
        rows.c.regency_id,
        rows.c.family_id,
        home.label("village_id"),
        sa.func.array_agg(rows.c.programme_code, type_=pg.ARRAY(sa.Text())).filter(aided).label("codes"),
        sa.func.array_agg(rows.c.amount, type_=pg.ARRAY(sa.BigInteger())).filter(aided).label("amounts"),
        sa.func.sum(rows.c.amount).label("amount"),
        sa.func.bool_or(~aided).label("in_target"),
    ).group_by(rows.c.regency_id, rows.c.family_id)


def _families(asked: Asked, by: Level) -> sa.Select[Any]:
    gathered = _gathered(asked, targets=True).subquery()
    divisor: sa.ColumnElement[int] = sa.literal_column(f"{_DIVISORS[by]}::bigint")
    return sa.select(gathered, gathered.c.village_id.op("/")(divisor).label("region_id")).where(
        gathered.c.village_id.between(asked.low, asked.high)
    )


def _regions(region_id: sa.ColumnElement[int], *others: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Grouping by region, and all of them together."""
    return sa.func.grouping_sets(sa.tuple_(region_id, *others), sa.tuple_(*others))


def _region(region_id: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(region_id, sa.literal_column(str(WHOLE))).label("region_id")


def _bigint(sum_: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    return sa.cast(sa.func.coalesce(sum_, sa.literal_column("0")), sa.BigInteger())


def _counted(families: Any, related: Any) -> sa.Select[Any]:
    codes, count = families.c.codes, sa.func.count()
    counts: list[sa.ColumnElement[Any]] = [
        _region(families.c.region_id),
        count.filter(codes.is_not(None)).label("entitled"),
        _bigint(sa.func.sum(families.c.amount)).label("amount"),
        count.filter(_several(codes)).label("several"),
        count.filter(_holding(codes, related, Relation.EXCLUSIVE)).label("doubled"),
        count.filter(_holding(codes, related, Relation.TOP_UP)).label("topped_up"),
        count.filter(families.c.in_target).label("in_target"),
        count.filter(families.c.in_target, codes.is_(None)).label("without"),
    ]
    return sa.select(*counts).group_by(_regions(families.c.region_id))


def _pairs(families: Any, related: Any) -> sa.Select[Any]:
    codes, amounts = families.c.codes, families.c.amounts
    first, second = (amounts[sa.func.array_position(codes, code)] for code in (related.c.first, related.c.second))
    of = (related.c.relation, related.c.first, related.c.second)
    return (
        sa.select(
            _region(families.c.region_id),
            *of,
            sa.func.count().label("families"),
            _bigint(sa.func.sum(first)).label("first_amount"),
            _bigint(sa.func.sum(second)).label("second_amount"),
            _bigint(sa.func.sum(sa.func.least(first, second))).label("least"),
        )
        .join_from(families, related, sa.and_(_several(codes), _both(codes, related)))
        .group_by(_regions(families.c.region_id, *of))
    )
