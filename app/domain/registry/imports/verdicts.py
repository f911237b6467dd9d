"""Which staged rows are accepted, once an import is checked: SQL conditions for applying and for reading.

A row is accepted unless something of severity ERROR is said of it; whoever has no issue has no verdict stored either.
A family is rejected with its head (its own issue KK_HEAD_REJECTED says so), a person with the family.
"""

from typing import Any

import sqlalchemy as sa

from app.domain.registry.imports.models import RowSubject, Severity, import_issue, staged_family, staged_person


def has_error(row: sa.FromClause, subject: RowSubject) -> sa.ColumnElement[bool]:
    """Whether something that rejects it is said of ``row``: a staged table of that kind of row, or an alias of it."""
    issue = import_issue.alias()
    return sa.exists(
        sa.select(sa.literal_column("1"))
        .select_from(issue)
        .where(
            issue.c.regency_id == row.c.regency_id,
            issue.c.import_id == row.c.import_id,
            issue.c.subject == sa.literal_column(f"'{subject.value}'"),
            issue.c.line == row.c.line,
            issue.c.severity == sa.literal_column(f"'{Severity.ERROR.value}'"),
        )
        .correlate(row)
    )


def accepted_family(row: sa.FromClause = staged_family) -> sa.ColumnElement[bool]:
    """Whether the staged family ``row`` is accepted."""
    return sa.not_(has_error(row, RowSubject.FAMILY))


def family_of(person: sa.FromClause, family: sa.FromClause) -> sa.ColumnElement[bool]:
    """Joins a staged person to its staged family.

    A KK may stand in a file twice. At most one of those families is accepted, so among accepted ones this finds one.
    """
    return sa.and_(
        family.c.regency_id == person.c.regency_id,
        family.c.import_id == person.c.import_id,
        family.c.family_key == person.c.family_key,
    )


def accepted_person(row: sa.FromClause = staged_person) -> sa.ColumnElement[bool]:
    """Whether the staged person ``row`` is accepted: where the accepted family is joined, ``has_error`` is enough."""
    family = staged_family.alias()
    accepted: sa.Select[Any] = (
        sa.select(sa.literal_column("1"))
        .select_from(family)
        .where(family_of(row, family), accepted_family(family))
        .correlate(row)
    )
    return sa.and_(sa.not_(has_error(row, RowSubject.PERSON)), sa.exists(accepted))
