"""Where imports and what is said of their rows are, how those lists are sorted and filtered, and which enums they use."""

from collections.abc import Callable
from enum import Enum
from typing import Final
from uuid import UUID

import sqlalchemy as sa
import strawberry
from sqlalchemy.dialects import postgresql as pg

from app.authz.permissions import Permission
from app.domain.base import Term
from app.domain.registry.imports.models import (
    DepartureReason,
    DuplicateDecision,
    ImportFormat,
    ImportMode,
    ImportStage,
    MatchOutcome,
    RowSubject,
    Severity,
    import_departure,
    import_duplicate,
    import_issue,
    import_match,
    registry_import,
    staged_family,
)
from app.domain.registry.imports.verdicts import accepted_family
from app.schema.enums import described_by
from app.schema.ids import tenant_node
from app.schema.plan.arguments import Argument
from app.schema.plan.printing import constant
from app.schema.plan.source import Key, Order, Reading, Source
from app.schema.regions import in_region_span
from app.schema.text import storable
from app.tenants.rls import Tenancy

_ENUMS: Final[tuple[tuple[type[Term], str], ...]] = (
    (ImportFormat, "ImportFormat"),
    (ImportMode, "ImportMode"),
    (ImportStage, "ImportStage"),
    (RowSubject, "ImportSubject"),
    (Severity, "ImportSeverity"),
    (MatchOutcome, "ImportOutcome"),
    (DepartureReason, "ImportDepartureReason"),
    (DuplicateDecision, "ImportDuplicateDecision"),
)
for _terms, _name in _ENUMS:
    described_by({term: f"{term.indonesian[0].upper()}{term.indonesian[1:]}." for term in _terms}, _name)


class _ImportOrder(Enum):
    NEWEST = "NEWEST"


class _LineOrder(Enum):
    LINE = "LINE"


class _FamilyOrder(Enum):
    FAMILY = "FAMILY"


def _text(name: str) -> Key:
    return Key(lambda rows: rows.c[name], sa.Text(), str)


def _number(name: str) -> Key:
    return Key(lambda rows: rows.c[name], sa.Integer(), int)


def _uuid(name: str) -> Key:
    return Key(lambda rows: rows.c[name], pg.UUID(), UUID)


def _of_import(table: sa.Table, order: Enum, *keys: Key) -> Source:
    """Rows of an import. Where they have no id, they are sorted as their primary key sorts them, so that its index gives the page."""
    return Source(table, Permission.REGISTRY_IMPORT_READ, Tenancy.SPAN, {order: Order(keys)})


IMPORTS: Final = Source(
    table=registry_import,
    permission=Permission.REGISTRY_IMPORT_READ,
    tenancy=Tenancy.SPAN,
    # Ids are UUIDs of version 7: their order is that of time.
    orders={_ImportOrder.NEWEST: Order((_uuid("id"),), descending=True)},
    node=tenant_node("Import"),
)
ISSUES: Final = _of_import(
    import_issue, _LineOrder.LINE, _text("subject"), _number("line"), _text("code"), _text("column_name")
)
CHANGES: Final = _of_import(import_match, _LineOrder.LINE, _text("subject"), _number("line"))
NEW_FAMILIES: Final = _of_import(staged_family, _LineOrder.LINE, _number("line"))
DEPARTURES: Final = _of_import(import_departure, _FamilyOrder.FAMILY, _number("family_regency_id"), _uuid("family_id"))
DUPLICATES: Final = Source(
    table=import_duplicate,
    permission=Permission.REGISTRY_IMPORT_READ,
    tenancy=Tenancy.SPAN,
    orders={_LineOrder.LINE: Order((_number("line"), _uuid("id")))},
    node=tenant_node("ImportDuplicate"),
)


@strawberry.input(description="Which imports to list. Conditions that are given must all hold.")
class ImportFilter:
    """Input of the filters of imports."""

    stages: list[ImportStage] | None = strawberry.field(default=None, description="Only these stages.")
    formats: list[ImportFormat] | None = strawberry.field(default=None, description="Only these formats.")


@strawberry.input(description="A range of lines of the file, both ends included.")
class ImportLineRange:
    """Input of a filter by line."""

    from_: int = strawberry.field(name="from", default=1, description="First line; headers count.")
    to: int = strawberry.field(default=2_147_483_647, description="Last line.")


@strawberry.input(description="Which findings to list. Conditions that are given must all hold.")
class ImportRowFilter:
    """Input of the filters of findings."""

    severities: list[Severity] | None = strawberry.field(default=None, description="Only these severities.")
    codes: list[str] | None = strawberry.field(default=None, description="Only these codes, such as `NIK_SERIAL_ZERO`.")
    subject: RowSubject | None = strawberry.field(default=None, description="Only lines of families, or of persons.")
    lines: ImportLineRange | None = strawberry.field(default=None, description="Only these lines of the file.")


@strawberry.input(description="Which probable duplicates to list.")
class ImportDuplicateFilter:
    """Input of the filters of probable duplicates."""

    decided: bool | None = strawberry.field(
        default=None, description="True: only those that somebody has decided about; false: only those that wait."
    )


@strawberry.input(description="Which rows to list. Conditions that are given must all hold.")
class ImportChangeFilter:
    """Input of the filters of rows that are registered already."""

    outcomes: list[MatchOutcome] | None = strawberry.field(default=None, description="Only these outcomes.")
    subject: RowSubject | None = strawberry.field(default=None, description="Only families, or only persons.")


_Conditions = dict[str, Callable[[Argument], sa.ColumnElement[bool]]]


def _is(column: sa.ColumnElement[str]) -> Callable[[Argument], sa.ColumnElement[bool]]:
    return lambda given: column == constant(given.known.value)


def _is_one_of(column: sa.ColumnElement[str]) -> Callable[[Argument], sa.ColumnElement[bool]]:
    return lambda given: (
        column == sa.any_(given.bind(pg.ARRAY(sa.Text()), lambda chosen: [term.value for term in chosen]))
    )


def _given(reading: Reading, conditions: _Conditions) -> list[sa.ColumnElement[bool]]:
    chosen = reading.arguments.get("filter")
    if chosen is None:
        return []
    return [make(part) for name, make in conditions.items() if (part := chosen.get(name)) is not None]


def _storable(texts: list[str]) -> list[str]:
    return [storable(text) for text in texts]


def _below_import(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return [rows.c.regency_id == reading.parent.c.regency_id, rows.c.import_id == reading.parent.c.id]


def listed_imports(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """The conditions of the arguments of a list of imports."""
    conditions: _Conditions = {"stages": _is_one_of(rows.c.stage), "formats": _is_one_of(rows.c.format)}
    return [*in_region_span(reading, rows), *_given(reading, conditions)]


def _between(lines: Argument, line: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    return line.between(lines.fields["from"].bind(sa.Integer()), lines.fields["to"].bind(sa.Integer()))


def listed_rows(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """The findings of an import that its filter lets through."""
    conditions: _Conditions = {
        "severities": _is_one_of(rows.c.severity),
        "codes": lambda codes: rows.c.code == sa.any_(codes.bind(pg.ARRAY(sa.Text()), _storable)),
        "subject": _is(rows.c.subject),
        "lines": lambda lines: _between(lines, rows.c.line),
    }
    return [*_below_import(reading, rows), *_given(reading, conditions)]


def listed_duplicates(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """The probable duplicates of an import that its filter lets through."""

    def decided(given: Argument) -> sa.ColumnElement[bool]:
        return rows.c.decision.is_not(None) if given.known else rows.c.decision.is_(None)

    return [*_below_import(reading, rows), *_given(reading, {"decided": decided})]


def listed_changes(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """The rows of an import that are registered already and that its filter lets through."""
    conditions: _Conditions = {"outcomes": _is_one_of(rows.c.outcome), "subject": _is(rows.c.subject)}
    return [*_below_import(reading, rows), *_given(reading, conditions)]


def listed_departures(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """The families that leave with an import."""
    return _below_import(reading, rows)


def listed_new_families(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """The families of an import that are neither rejected nor registered already."""
    match = import_match.alias()
    matched = sa.select(match.c.line).where(
        match.c.regency_id == rows.c.regency_id,
        match.c.import_id == rows.c.import_id,
        match.c.subject == constant(RowSubject.FAMILY.value),
        match.c.line == rows.c.line,
    )
    return [*_below_import(reading, rows), ~sa.exists(matched.correlate(rows)), accepted_family(rows)]
