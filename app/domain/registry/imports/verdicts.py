"""Which staged rows are accepted, once an import is checked: the condition for whoever reads the preview.

A row is accepted unless something of severity ERROR is said of it; whoever has no issue has no verdict stored either.
A family is rejected with its head (its own issue KK_HEAD_REJECTED says so), a person with the family.

The same rule stands in ``matching`` (``ACCEPTED_FAMILY``, ``ACCEPTED_PERSON``), for a million rows with the refused lines beside them in a
temporary table, and in ``applying.accepted``, which lists all rows of an import at once.
"""

import sqlalchemy as sa

from app.domain.registry.imports.models import RowSubject, Severity, import_issue, staged_family


def accepted_family(row: sa.FromClause = staged_family) -> sa.ColumnElement[bool]:
    """Whether the staged family ``row`` is accepted; ``row`` is the table or an alias of it."""
    issue = import_issue.alias()
    refused: sa.Select[tuple[int]] = sa.select(sa.literal_column("1")).where(
        issue.c.regency_id == row.c.regency_id,
        issue.c.import_id == row.c.import_id,
        issue.c.subject == sa.literal_column(f"'{RowSubject.FAMILY.value}'"),
        issue.c.line == row.c.line,
        issue.c.severity == sa.literal_column(f"'{Severity.ERROR.value}'"),
    )
    return ~sa.exists(refused.select_from(issue).correlate(row))
