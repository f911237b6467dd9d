"""Exports in the schema: starting one, following it, fetching its file, taking it back."""

import asyncio
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, Final, TypeAlias
from uuid import UUID

import sqlalchemy as sa
import strawberry
from sqlalchemy.dialects import postgresql as pg
from strawberry.scalars import JSON

from app.authz.authorize import authorize
from app.authz.permissions import Permission
from app.domain.audit.models import Purpose
from app.domain.exports.models import ExportFormat, export
from app.domain.exports.service import remove_export, start_export, villages_of
from app.schema.context import Info
from app.schema.enums import described_by
from app.schema.exports.desk import Asked
from app.schema.ids import parse_node_id, span_node
from app.schema.jobs import Job
from app.schema.mutations import Key, Refusal, answered, change, read
from app.schema.node import Node
from app.schema.paging import Connection, page_arguments
from app.schema.plan.source import (
    SPECIFICATION,
    Computed,
    Connect,
    One,
    Order,
    Reading,
    Row,
    Source,
    argument,
    column,
    expression,
    planned,
    planned_field,
)
from app.schema.plan.source import Key as OrderKey
from app.schema.scalars import DateTime
from app.tenants.rls import Tenancy

described_by({each: f"{each.indonesian[0].upper()}{each.indonesian[1:]}." for each in ExportFormat})


class _ExportOrder(Enum):
    NEWEST = "NEWEST"


# Ids are UUIDs of version 7: their order is that of time.
_ID: Final = OrderKey(lambda rows: rows.c.id, pg.UUID(), UUID)
EXPORTS: Final = Source(
    table=export,
    permission=Permission.EXPORTS_EXPORT_RUN,
    tenancy=Tenancy.SPAN,
    orders={_ExportOrder.NEWEST: Order((_ID,), descending=True)},
    node=span_node("Export"),
    own="principal_id",
)


def _hexadecimal(name: str) -> Any:
    def printed(row: Row) -> sa.ColumnElement[str]:
        return sa.func.encode(row.c[name], sa.literal_column("'hex'"))

    return printed


def _epoch(row: Row) -> sa.ColumnElement[float]:
    return sa.cast(sa.extract("epoch", row.c.expires_at), sa.Double())


def _rights(row: Row) -> sa.ColumnElement[str]:
    """The rights by which the file was made; null where there is no file."""
    return sa.case((row.c.removed_at.is_(None), _hexadecimal("rights")(row)))


async def _link(root: Any, info: Info) -> str | None:
    access = info.context.access
    is_over = root["expires$"] is None or root["expires$"] <= datetime.now(tz=UTC).timestamp()
    if is_over or root["rights$"] != access.fingerprint.hex():
        return None
    return info.context.exports.link(UUID(root["id$"]), access.principal.id)


@planned(EXPORTS)
@strawberry.type(
    description="Rows that the caller has carried off in a file. Nobody else sees it; the audit trail does."
)
class Export(Node):
    """A row of ``export``."""

    id: strawberry.ID = expression(EXPORTS.node_text, description="Id for `node(id:)` and `exportDelete`.")
    format: ExportFormat = column("format", description="What the file looks like.")
    root_field: str = column("root_field", description="The connection whose rows it holds, such as `families`.")
    operation: str = column("operation", description="Name of the operation in its document; empty where it has none.")
    document_hash: str = expression(
        _hexadecimal("document_hash"), description="SHA-256 of the document, in hexadecimal digits."
    )
    purpose: Purpose | None = column("purpose", description="What for, where a purpose was stated.")
    row_count: int | None = column("row_count", description="How many rows the file holds; null until it is written.")
    size: float | None = column("size", description="Size of the file in bytes; null until it is written.")
    sha256: str | None = expression(
        _hexadecimal("sha256"), description="SHA-256 of the file, in hexadecimal digits; null until it is written."
    )
    created_at: DateTime = column("created_at", description="When it was asked for.")
    finished_at: DateTime | None = column("finished_at", description="When the file was written.")
    expires_at: DateTime = column("expires_at", description="Until when the file is kept.")
    removed_at: DateTime | None = column(
        "removed_at", description="When the file was removed, by `exportDelete` or because its time was over."
    )
    job: Job | None = planned_field(
        One(
            lambda reading, rows: [
                rows.c.regency_id == reading.parent.c.regency_id,
                rows.c.id == reading.parent.c.job_id,
            ]
        ),
        description="The job that writes it: how far it is, or why it failed. Needs `jobs:job:read`.",
    )
    download_url: str | None = strawberry.field(
        resolver=_link,
        description="Where to fetch the file with GET and without a token: whoever has the link gets the file, for a few minutes. "
        "Ask again for a fresh one. Null until the file is written, once it is removed, and where the caller's rights have changed "
        "since: then start the export again. Needs `exports:export:run`.",
        metadata={
            SPECIFICATION: Computed(
                {"id": lambda row: row.c.id, "expires": _epoch, "rights": _rights},
                Permission.EXPORTS_EXPORT_RUN,
                Tenancy.SPAN,
            )
        },
    )


def _by_id(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    given = reading.arguments["id"]
    return [
        rows.c.regency_id == given.bind(sa.Integer(), lambda text: parse_node_id(text, "Export").key[0]),
        rows.c.id == given.bind(pg.UUID(), lambda text: parse_node_id(text, "Export").key[1]),
    ]


@strawberry.type
class ExportsQuery:
    """Queries about exports."""

    export: Export | None = planned_field(
        One(_by_id),
        description="One export of the caller's own. Null where there is none.",
        arguments=[argument("id", strawberry.ID, "The `id` of an export.")],
    )
    exports: Connection[Export] = planned_field(
        Connect(lambda _reading, _rows: []),
        description="The caller's own exports, newest first. Needs `exports:export:run`.",
        arguments=page_arguments(),
    )


@strawberry.input(description="What to export: all rows of one connection, with its filters and its order.")
class ExportStartInput:
    """Input of ``exportStart``."""

    document: str | None = strawberry.field(
        default=None,
        description="A query whose one root field is a connection that selects `nodes { ... }`; what it selects there becomes columns. A "
        "query of a screen will do: `first`, `after`, `pageInfo` and `totalCount` are passed over. Only for whoever may compose "
        "documents, unless it is a registered one.",
    )
    document_hash: str | None = strawberry.field(
        default=None, description="Instead of the text: SHA-256 of a registered document, in hexadecimal digits."
    )
    operation_name: str | None = strawberry.field(
        default=None, description="Which operation of the document, where it has several."
    )
    variables: JSON | None = strawberry.field(default=None, description="The variables of the operation, as an object.")
    format: ExportFormat = strawberry.field(description="What the file is to look like.")
    purpose: Purpose | None = strawberry.field(
        default=None,
        description="What for. Needed where `nikRevealed` or `kkRevealed` is selected, and then the same as theirs; it is logged.",
    )
    idempotency_key: UUID = strawberry.field(
        description="A UUID of your own for this request: sent again, it answers the first export and starts no other."
    )


@strawberry.input(description="Which export to take back.")
class ExportDeleteInput:
    """Input of ``exportDelete``."""

    id: strawberry.ID = strawberry.field(description="The `id` of the export.")


@strawberry.type(description="The export is queued; follow its `job`, then ask for its `downloadUrl`.")
class ExportStarted:
    """What ``exportStart`` did."""

    export_key: strawberry.Private[Key]
    export: Export | None = answered("export_key", description="The export as it stands now.")


@strawberry.type(
    description="The file is gone and its links lead nowhere; where it was not written yet, it will not be."
)
class ExportDeleted:
    """What ``exportDelete`` did."""

    export_key: strawberry.Private[Key]
    export: Export | None = answered("export_key", description="The export as it stands now: that it was made stays.")


async def _start(
    info: Info, given: Annotated[ExportStartInput, strawberry.argument(name="input", description="What to export.")]
) -> ExportStarted:
    context = info.context
    scope = authorize(context.access, Permission.EXPORTS_EXPORT_RUN)
    asked = Asked(
        document=given.document,
        document_hash=given.document_hash,
        operation_name=given.operation_name,
        variables=given.variables,
        format=given.format,
        purpose=given.purpose,
        idempotency_key=given.idempotency_key,
    )
    wanted = await context.exports.take(asked, context.access, context.database, context.effort)
    async with change(info, Permission.EXPORTS_EXPORT_RUN) as acting:
        principal = context.access.principal
        started = await start_export(
            acting.session,
            wanted,
            principal_id=principal.id,
            principal_name=principal.name,
            villages=villages_of(scope),
            keep=context.exports.keep,
        )
        acting.concerns("Export", [started.id], started.villages)
    return ExportStarted(export_key=started.key)


async def _delete(
    info: Info,
    given: Annotated[ExportDeleteInput, strawberry.argument(name="input", description="The export to take back.")],
) -> ExportDeleted:
    context = info.context
    async with change(info, Permission.EXPORTS_EXPORT_RUN) as acting:
        removed = await remove_export(acting.session, read("id", _export_key, given.id), context.access.principal.id)
        acting.concerns("Export", [removed.id], removed.villages)
    await asyncio.to_thread(context.exports.vault.delete, removed.id)
    return ExportDeleted(export_key=removed.key)


def _export_key(text: str) -> tuple[int, UUID]:
    regency_id, export_id = parse_node_id(text, "Export").key
    return regency_id, export_id


ExportStartResult: TypeAlias = Annotated[
    ExportStarted | Refusal,
    strawberry.union("ExportStartResult", description="What `exportStart` did, or why it did nothing."),
]
ExportDeleteResult: TypeAlias = Annotated[
    ExportDeleted | Refusal,
    strawberry.union("ExportDeleteResult", description="What `exportDelete` did, or why it did nothing."),
]


@strawberry.type
class ExportsMutation:
    """Mutations of exports."""

    export_start: ExportStartResult | None = strawberry.mutation(
        resolver=_start,
        description="Carry off all rows of a connection in a file, as a background job. The file holds what the caller may read when the "
        "job runs, where the caller may export; each export is in the audit trail. Needs `exports:export:run`.",
    )
    export_delete: ExportDeleteResult | None = strawberry.mutation(
        resolver=_delete,
        description="Take an export of one's own back: the file is removed, a job that still writes it is cancelled. Needs "
        "`exports:export:run`.",
    )
