"""Appending to the audit trail: with what is told of, or together with what other requests did."""

import asyncio
from collections.abc import Iterable, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg
import orjson
import sqlalchemy as sa
import uuid_utils
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils import compat

from app.domain.audit.models import Action, Purpose
from app.domain.audit.streams import AUDIT
from app.tenants.session import Database

_MOST_CALLERS: Final = 256
_MEMBERS: Final = {
    "action": "text",
    "principal_id": "uuid",
    "roles": "text[]",
    "permission": "text",
    "operation": "text",
    "document_hash": "text",
    "subject_type": "text",
    "subject_ids": "uuid[]",
    "row_count": "int",
    "purpose": "text",
    "request_id": "text",
    "village_low": "bigint",
    "village_high": "bigint",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that a principal did, or was refused.

    ``operation`` names the operation or the field; ``document_hash`` is the SHA-256 of the document's text. ``subject_ids`` are the
    families or persons that were shown or changed, as UUIDs or as their text; ``row_count`` counts all rows, those without an id too.
    ``village_low`` to ``village_high`` is the smallest range of villages that holds everything concerned, and whoever holds
    all of it may read the event.
    """

    action: Action
    principal_id: UUID
    roles: tuple[str, ...]
    permission: str | None
    operation: str
    document_hash: bytes | None
    subject_type: str
    subject_ids: tuple[UUID | str, ...]
    row_count: int
    purpose: Purpose | None
    request_id: str
    village_low: int
    village_high: int


class NotRecorded(Exception):
    """The events could not be kept, so what they tell of must not be answered."""


def _append(events: str, ids: str) -> str:
    names = ", ".join(_MEMBERS)
    columns = ", ".join("decode(document_hash, 'hex')" if name == "document_hash" else name for name in _MEMBERS)
    definitions = ", ".join(f"{name} {sql_type}" for name, sql_type in _MEMBERS.items())
    # S608: the text is made of names of this module.
    return f"""
with given as materialized (
  select (g.village_low / 1000000)::int as regency_id, g.* from rows from (
    json_to_recordset(cast(cast({events} as text) as json)) as ({definitions}), unnest(cast({ids} as uuid[]))
  ) as g ({names}, id)
), queued as (
  insert into seal_queue (stream, regency_id, record_id) select '{AUDIT.name}', regency_id, id from given
)
insert into audit_event (regency_id, id, {names}) select regency_id, id, {columns} from given"""  # noqa: S608


# One argument for all columns: encoding the dataclasses as they are costs 3 us an event, arrays by column cost 15.
_APPEND: Final = _append("$1", "$2")
_APPEND_IN_SESSION: Final = sa.text(_append(":events", ":ids")).bindparams(
    sa.bindparam("ids", type_=pg.ARRAY(pg.UUID(as_uuid=True)))
)


def _encoded(events: Sequence[Event]) -> bytes:
    return orjson.dumps(events, default=bytes.hex)


async def append_events(session: AsyncSession, events: Sequence[Event]) -> None:
    """Append ``events`` in the transaction of ``session``: they are kept exactly when what they tell of is."""
    await session.execute(
        _APPEND_IN_SESSION, {"events": _encoded(events).decode(), "ids": [compat.uuid7() for _ in events]}
    )


async def append_events_of_job(connection: "asyncpg.Connection[asyncpg.Record]", events: Sequence[Event]) -> None:
    """Append ``events`` of a job of the command line in the transaction of its ``connection``."""
    await connection.execute(_APPEND, _encoded(events).decode(), [uuid_utils.uuid7() for _ in events])


class _Entry(NamedTuple):
    """What one caller of ``AuditLog.append`` waits for."""

    events: bytes
    number: int
    kept: "asyncio.Future[None]"


class AuditLog:
    """Appends what requests did, many requests in one statement.

    Whoever comes while a batch is being written shares the next one; nobody waits for others to come.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[_Entry] = []
        self._writer: asyncio.Task[None] | None = None

    @property
    def backlog(self) -> int:
        """How many callers wait for their events to be kept."""
        return len(self._waiting)

    async def append(self, events: Sequence[Event]) -> None:
        """Return when ``events`` are committed. They are kept even where the caller is cancelled meanwhile.

        Raises:
            NotRecorded: they are not.
        """
        if not events:
            return
        # Encoded here, so that an event which cannot be encoded harms nobody but its caller.
        try:
            encoded = _encoded(events)[1:-1]
        except TypeError as error:
            raise NotRecorded("the audit trail cannot hold the event") from error
        entry = _Entry(encoded, len(events), asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        if self._writer is None:
            # In a context of its own: the trace and the log of the caller who happens to come first are not the others'.
            self._writer = asyncio.create_task(self._write(), context=Context())
        await entry.kept

    async def _write(self) -> None:
        batch: list[_Entry] = []
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_MOST_CALLERS], self._waiting[_MOST_CALLERS:]
                await self._keep(batch)
        finally:
            # Where all went well nobody is left. Otherwise the loop is being stopped.
            for entry in (*batch, *self._waiting):
                entry.kept.cancel()
            self._waiting = []
            self._writer = None

    async def _keep(self, batch: Sequence[_Entry]) -> None:
        try:
            await self._append(batch)
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            if len(batch) == 1:
                _tell(batch, error)
            else:
                # One event of the batch is at fault: the others shall not suffer for it.
                for entry in batch:
                    await self._keep([entry])
        except Exception as error:  # noqa: BLE001  (whatever it is, those who wait must hear of it)
            _tell(batch, error)
        else:
            _tell(batch)

    async def _append(self, batch: Iterable[_Entry]) -> None:
        events = b",".join([entry.events for entry in batch])
        ids = [uuid_utils.uuid7() for entry in batch for _ in range(entry.number)]
        await self._database.append(_APPEND, f"[{events.decode()}]", ids)


def _tell(batch: Iterable[_Entry], error: Exception | None = None) -> None:
    for entry in batch:
        if entry.kept.done():
            continue  # its caller was cancelled
        if error is None:
            entry.kept.set_result(None)
        else:
            failure = NotRecorded("the audit trail could not be written")
            failure.__cause__ = error
            entry.kept.set_exception(failure)
