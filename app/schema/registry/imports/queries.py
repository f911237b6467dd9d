"""The root fields of imports."""

from typing import Any

import sqlalchemy as sa
import strawberry
from sqlalchemy.dialects import postgresql as pg

from app.schema.ids import parse_node_id
from app.schema.paging import Connection, page_arguments
from app.schema.plan.source import Connect, One, Reading, argument, planned_field
from app.schema.regions import CODE_ARGUMENT_HELP
from app.schema.registry.imports.sources import ImportFilter, listed_imports
from app.schema.registry.imports.types import Import


def _by_id(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    given = reading.arguments["id"]
    return [
        rows.c.regency_id == given.bind(sa.Integer(), lambda text: parse_node_id(text, "Import").key[0]),
        rows.c.id == given.bind(pg.UUID(), lambda text: parse_node_id(text, "Import").key[1]),
    ]


def _import_by_id() -> Any:
    made = planned_field(
        One(_by_id),
        description="One import. Null where there is none, or none that the caller may see.",
        arguments=[argument("id", strawberry.ID, "The `id` of an import.")],
    )
    made.graphql_name = "import"  # a word of Python
    return made


@strawberry.type
class ImportsQuery:
    """Queries of imports."""

    import_: Import | None = _import_by_id()
    imports: Connection[Import] = planned_field(
        Connect(listed_imports),
        description="Imports that lie wholly in the regions of the caller, newest first.",
        arguments=page_arguments(
            argument(
                "region", str | None, f"Only imports that lie wholly in this region. {CODE_ARGUMENT_HELP}", default=None
            ),
            argument("filter", ImportFilter | None, "Which imports.", default=None),
        ),
    )
