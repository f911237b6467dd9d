"""Where programmes, their terms and quotas are read from, and what their lists may be narrowed to."""

from enum import Enum
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.authz.permissions import Permission
from app.domain.bansos.models.programmes import (
    Relation,
    TermsState,
    benefit_component,
    benefit_index,
    eligibility_rule,
    legal_basis,
    programme,
    programme_quota,
    programme_relation,
    programme_terms,
)
from app.domain.regions.rules import parse_region
from app.schema.ids import code_node, reference_node, tenant_node
from app.schema.plan.printing import constant
from app.schema.plan.source import Key, Order, Reading, Source
from app.schema.regions import in_region_span, known_region
from app.schema.text import storable
from app.tenants.rls import Tenancy

_READ: Final = Permission.BANSOS_PROGRAMME_READ
_TODAY: Final[sa.ColumnElement[Any]] = sa.literal_column("(now() at time zone 'Asia/Jakarta')::date", sa.Date())
DAY_HELP: Final = "`YYYY-MM-DD`; today in Jakarta where it is left out."


class _ByCode(Enum):
    CODE = "CODE"


class _Newest(Enum):
    NEWEST = "NEWEST"


PROGRAMMES: Final = Source(
    table=programme,
    permission=_READ,
    tenancy=None,
    orders={_ByCode.CODE: Order((Key(lambda rows: rows.c.code, sa.Text(), str),))},
    node=code_node("Programme"),
)
TERMS: Final = Source(
    table=programme_terms,
    permission=_READ,
    tenancy=None,
    # Versions count up within their programme, which is all that is ever listed.
    orders={
        _Newest.NEWEST: Order(
            (
                Key(lambda rows: rows.c.version, sa.Integer(), int),
                Key(lambda rows: rows.c.id, pg.UUID(), UUID),
            ),
            descending=True,
        )
    },
    node=reference_node("ProgrammeTerms"),
)
QUOTAS: Final = Source(
    table=programme_quota,
    permission=_READ,
    tenancy=Tenancy.SPAN,
    orders={
        _Newest.NEWEST: Order(
            (
                Key(lambda rows: rows.c.year, sa.Integer(), int),
                Key(lambda rows: rows.c.regency_id, sa.Integer(), int),
                Key(lambda rows: rows.c.id, pg.UUID(), UUID),
            ),
            descending=True,
        )
    },
    node=tenant_node("ProgrammeQuota"),
)
BASES: Final = Source(legal_basis, _READ, None)
RULES: Final = Source(eligibility_rule, _READ, None)
COMPONENTS: Final = Source(benefit_component, _READ, None)
AMOUNTS: Final = Source(benefit_index, _READ, None)


def _day(reading: Reading) -> sa.ColumnElement[Any]:
    given = reading.arguments.get("on")
    return _TODAY if given is None else given.bind(sa.Date())


def _holds_on(rows: Any, day: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    return sa.and_(rows.c.valid_from <= day, sa.func.coalesce(rows.c.valid_to >= day, sa.true()))


def _of_state(rows: Any, state: TermsState) -> sa.ColumnElement[bool]:
    is_so: sa.ColumnElement[bool] = rows.c.state == constant(state.value)
    return is_so


def basis_of(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """The regulation that a row names."""
    return [rows.c.id == reading.parent.c.legal_basis_id]


def _of_programme(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return [rows.c.programme_code == reading.parent.c.code]


def in_force(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """The terms by which a period that begins on the day ``on`` is paid."""
    parent, day, others = reading.parent, _day(reading), programme_terms.alias()
    newest = (
        sa.select(sa.func.max(others.c.valid_from))
        .where(
            others.c.programme_code == parent.c.code, _of_state(others, TermsState.ACTIVE), others.c.valid_from <= day
        )
        .correlate(parent.from_)
        .scalar_subquery()
    )
    return [
        *_of_programme(reading, rows),
        _of_state(rows, TermsState.ACTIVE),
        rows.c.valid_from == newest,
        _holds_on(parent, day),
    ]


def listed_versions(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """All terms of a programme, by the arguments of the field."""
    conditions = _of_programme(reading, rows)
    if (state := reading.arguments.get("state")) is not None:
        conditions.append(_of_state(rows, state.known))
    return conditions


def listed_quotas(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """The quotas of a programme, by the arguments of the field."""
    conditions = _of_programme(reading, rows) + in_region_span(reading, rows)
    if (year := reading.arguments.get("year")) is not None:
        conditions.append(rows.c.year == year.bind(sa.Integer()))
    return conditions


def of_terms(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """What belongs to a version of terms."""
    own = reading.parent.c
    return [rows.c.programme_code == own.programme_code, rows.c.version == own.version]


def relations_both_ways(_reading: Reading) -> sa.FromClause:
    """Relations as each of the two programmes has them: exclusive and stackable are so from either side."""
    row = programme_relation.c
    said = [row.relation, row.valid_from, row.valid_to, row.legal_basis_id]
    mutual = row.relation.in_([constant(each.value) for each in (Relation.EXCLUSIVE, Relation.STACKABLE)])
    own = sa.select(row.programme_code, row.other_code, *said)
    others = sa.select(row.other_code.label("programme_code"), row.programme_code.label("other_code"), *said)
    return sa.union_all(own, others.where(mutual)).subquery()


def listed_relations(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """The relations of a programme, by the arguments of the field."""
    conditions = _of_programme(reading, rows)
    return [*conditions, _holds_on(rows, _day(reading))] if "on" in reading.arguments else conditions


def listed_programmes(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """Programmes, by the arguments of the field."""
    conditions: list[sa.ColumnElement[bool]] = []
    if "on" in reading.arguments:
        conditions.append(_holds_on(rows, _day(reading)))
    if "region" in reading.arguments:
        given = known_region(reading, "region")
        conditions += [
            rows.c.village_low <= given.bind(sa.BigInteger(), lambda code: parse_region(code).villages.high),
            rows.c.village_high >= given.bind(sa.BigInteger(), lambda code: parse_region(code).villages.low),
        ]
    return conditions


def by_code(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """The programme of a code."""
    return [rows.c.code == reading.arguments["code"].bind(sa.Text(), storable)]
