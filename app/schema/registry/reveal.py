"""Reading a NIK or KK in full: a field that needs Python, because the database holds it sealed."""

import base64
from typing import Annotated, Any

import sqlalchemy as sa
import strawberry

from app.authz.permissions import Permission
from app.domain.audit.models import Purpose
from app.schema.context import Info
from app.schema.opening import SealedSubject
from app.schema.plan.source import SPECIFICATION, Expression, Revealed, Row
from app.tenants.rls import Tenancy


def _base64(column: str) -> Expression:
    def encoded(row: Row) -> sa.ColumnElement[str]:
        return sa.func.encode(row.c[column], sa.literal_column("'base64'"))

    return encoded


def revealed_number(column: str, *, subject: str, description: str) -> Any:
    """A field that opens the sealed ``column`` of a ``subject`` after logging who reads it and why."""

    async def resolve(
        root: Any,
        info: Info,
        purpose: Annotated[Purpose, strawberry.argument(description="Why the number is needed; it is logged.")],
    ) -> str | None:
        sealed = root[f"{column}$"]
        if sealed is None:
            return None
        wanted = SealedSubject(subject, root["id$"], root["village_id$"], base64.b64decode(sealed), purpose)
        return await info.context.reveals.load(wanted)

    needs: dict[str, Expression] = {
        column: _base64(column),
        "id": lambda row: row.c.id,
        "village_id": lambda row: row.c.village_id,
    }
    return strawberry.field(
        resolver=resolve,
        description=description,
        metadata={SPECIFICATION: Revealed(needs, Permission.REGISTRY_NIK_REVEAL, Tenancy.VILLAGE, subject, column)},
    )
