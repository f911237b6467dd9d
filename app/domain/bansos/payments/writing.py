"""The job BANK_FILE: writes the file that an order waits for, in both formats, into the vault, and where a bank can be reached, sends it.

What is written is noted in one transaction. A process may be killed at any point: a file that was not noted is nobody's and goes (see
``app.domain.leftovers``), one that was noted is not written again, and sending it again brings the same answer, which is taken up once
(another one, where the first came damaged, is taken up by itself).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, ParamSpec, TypeVar
from uuid import UUID, uuid5

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from uuid_utils.compat import uuid7

from app.domain.audit.models import Action
from app.domain.audit.service import Event, append_events
from app.domain.bansos.models.cycles import PaymentStep
from app.domain.bansos.models.payments import FileFormat, FileKind, OrderState, bank_file, payment_order
from app.domain.bansos.payments.bank import BankClient, Taking
from app.domain.bansos.payments.files import BankFileWriter, Header, Line, Totals
from app.domain.bansos.payments.reports import take_report
from app.domain.bansos.payments.rows import Actor, Order, at, locked_order
from app.domain.jobs.work import Work
from app.domain.vault import SealedReader, SealedWriter, Vault
from app.tenants.scope import REGENCY_WIDTH, TenantScope
from app.tenants.session import Database, ReadSession

_Given = ParamSpec("_Given")
_Made = TypeVar("_Made")
_PAGE: Final = 5_000
_PIECE: Final = 262_144
_OPERATION: Final = "paymentOrderFile"
_FIRST: Final = 1
"""An order has one file of each kind."""
_WANTED: Final = {
    OrderState.ACCOUNT_CHECK: (FileKind.ACCOUNT_CHECK, PaymentStep.ACCOUNT_CHECK),
    OrderState.STANDING_INSTRUCTION: (FileKind.TOP_UP, PaymentStep.STANDING_INSTRUCTION),
}
"""What an order waits for, and at which step those are who stand in it."""

# A card may have been replaced since the order was made: the newest with a token tells the bank the account, the active one first.
_LINES: Final = """
select e.village_id, e.id, card.token, card.last_four, e.amount
from entitlement e
cross join lateral (
  select c.token, c.last_four from kks_card c
  where c.regency_id = e.regency_id and c.family_id = e.family_id and c.bank = $4 and c.token is not null
  order by c.state = 'ACTIVE' desc, c.created_at desc, c.id desc limit 1
) card
where e.regency_id = $1 and e.cycle_id = $2 and e.order_id = $3 and e.step = $5 and (e.village_id, e.id) > ($6, $7)
order by e.village_id, e.id limit $8
"""
_BEFORE_ALL: Final = (0, UUID(int=0))


@dataclass(frozen=True, slots=True)
class Writer:
    """On whose behalf a file is written, as the audit trail names them."""

    principal_id: UUID
    name: str
    roles: tuple[str, ...]
    permission: str

    @property
    def actor(self) -> Actor:
        """Who it is."""
        return Actor(self.principal_id, self.name)


async def write_file(  # noqa: PLR0917  (all that writing needs)
    work: Work, scope: TenantScope, vault: Vault, writer: Writer, client: BankClient | None, today: date
) -> bool:
    """Write the file that the order of ``work`` waits for, unless that was done; send it where there is a bank. False: it is no order.

    ``today`` is the day on which the file says that it was made.

    Raises:
        BankUnavailable, BankDenied, BankRejected, BankAnswerInvalid: the file is there, and the bank does not take it.
    """
    key = (work.villages.low // REGENCY_WIDTH, work.subject_id)
    async with work.database.write(scope) as session:
        row = (await session.execute(sa.select(payment_order).where(at(payment_order, key)))).one_or_none()
    if row is None:
        return False
    order = Order.of(row)
    wanted = _WANTED.get(order.state)
    if wanted is None:
        return True  # the answer was faster
    kind, step = wanted
    file_id = await _noted(work.database, scope, order, kind)
    if file_id is None:
        written = await _Writing(work, scope, vault, order, kind, step, today).write()
        file_id = await _note(work, scope, order, written, writer)
    if client is not None and file_id is not None:
        await _send(work, scope, vault, order, file_id, writer, client)
    return True


async def kept_bank_files(database: Database, scope: TenantScope, file_ids: Collection[UUID]) -> set[UUID]:
    """Those of ``file_ids`` in the vault that went to a bank, or came from one."""
    async with database.read(scope) as session:
        rows = await session.rows(
            "select vault_id as id from bank_file where vault_id = any($1::uuid[]) "
            "union all select vault_id from bank_report where vault_id = any($1::uuid[])",
            (list(file_ids),),
        )
    return {UUID(int=row["id"].int) for row in rows}


async def _noted(database: Database, scope: TenantScope, order: Order, kind: FileKind) -> UUID | None:
    """The file of ``kind`` in the format that banks are sent, where it was written before."""
    async with database.read(scope) as session:
        row = await session.row(
            "select vault_id from bank_file where regency_id = $1 and order_id = $2 and kind = $3 and format = $4 "
            "and vault_id is not null",
            (order.regency_id, order.id, kind.value, FileFormat.FIXED.value),
        )
    return None if row is None else UUID(int=row["vault_id"].int)


@dataclass(frozen=True, slots=True)
class _Written:
    """A file that lies in the vault in two formats."""

    kind: FileKind
    totals: Totals
    files: dict[FileFormat, tuple[UUID, bytes]]
    """Where, and its SHA-256."""


@dataclass(frozen=True, slots=True)
class _Writing:
    """One attempt at writing."""

    work: Work
    scope: TenantScope
    vault: Vault
    order: Order
    kind: FileKind
    step: PaymentStep
    today: date

    async def write(self) -> _Written:
        """Write both formats in one go, from one snapshot."""
        header = Header(self.kind, self.order.bank, self.order.id, _FIRST, self.today)
        ids = {format_: uuid7() for format_ in FileFormat}
        sealed: dict[FileFormat, SealedWriter] = {}
        try:
            for format_, file_id in ids.items():
                sealed[format_] = await _in_thread(self.vault.create, file_id)
            targets = [BankFileWriter(_Buffered(sealed[format_]), format_, header) for format_ in FileFormat]
            async with self.work.database.read(self.scope) as session:
                async for lines in self._pages(session):
                    for target in targets:
                        await _in_thread(target.write, lines)
            # They are the same in both.
            (totals,) = {await _in_thread(target.end) for target in targets}
            for each in sealed.values():
                await _in_thread(each.finish)
        finally:
            for each in sealed.values():
                await _in_thread(each.discard)
        return _Written(self.kind, totals, {each: (ids[each], sealed[each].sha256) for each in FileFormat})

    async def _pages(self, session: ReadSession) -> AsyncIterator[list[Line]]:
        order, after, done = self.order, _BEFORE_ALL, 0
        while True:
            rows = await session.rows(
                _LINES,
                (order.regency_id, order.cycle_id, order.id, order.bank.value, self.step.value, *after, _PAGE),
            )
            if not rows:
                return
            after, done = (rows[-1]["village_id"], rows[-1]["id"]), done + len(rows)
            yield [Line(row["id"], row["token"], row["last_four"], row["amount"]) for row in rows]
            await self.work.progress(done)


async def _note(work: Work, scope: TenantScope, order: Order, written: _Written, writer: Writer) -> UUID | None:
    """Keep what was written. The file that counts: another one where somebody was faster, none where the order has gone on."""
    async with work.database.write(scope) as session:
        locked = await locked_order(session, order.key)
        made = None
        if _WANTED.get(locked.state, (None,))[0] is written.kind:
            rows = [_row(order, written, format_, writer) for format_ in written.files]
            insertion = pg.insert(bank_file).values(rows).on_conflict_do_nothing().returning(bank_file.c.id)
            made = (await session.execute(insertion)).scalars().all()
        if made:
            await append_events(session, [_event(work, order, written, writer)])
            return written.files[FileFormat.FIXED][0]
    return await _noted(work.database, scope, order, written.kind)


def _row(order: Order, written: _Written, format_: FileFormat, writer: Writer) -> dict[str, Any]:
    vault_id, sha256 = written.files[format_]
    return {
        "regency_id": order.regency_id,
        "id": vault_id,
        "village_low": order.villages.low,
        "village_high": order.villages.high,
        "order_id": order.id,
        "kind": written.kind.value,
        "format": format_.value,
        "number": _FIRST,
        "rows": written.totals.lines,
        "amount": written.totals.amount,
        "sha256": sha256,
        "vault_id": vault_id,
        "made_by": writer.principal_id,
        "made_by_name": writer.name,
        "made_at": sa.func.now(),
    }


def _event(work: Work, order: Order, written: _Written, writer: Writer) -> Event:
    return Event(
        action=Action.EXPORT,
        principal_id=writer.principal_id,
        roles=writer.roles,
        permission=writer.permission,
        operation=_OPERATION,
        document_hash=None,
        subject_type="PaymentOrder",
        subject_ids=(order.id,),
        row_count=written.totals.lines,
        purpose=None,
        request_id=str(work.job_id),
        village_low=order.villages.low,
        village_high=order.villages.high,
    )


async def _send(  # noqa: PLR0917  (all that sending needs)
    work: Work, scope: TenantScope, vault: Vault, order: Order, file_id: UUID, writer: Writer, client: BankClient
) -> None:
    """Send the file and take up the answer, which another job reads."""
    answer_id = uuid7()
    answer: SealedWriter | None = None

    async def pieces() -> AsyncIterator[bytes]:
        file: SealedReader = await _in_thread(vault.open, file_id)
        try:
            while piece := await _in_thread(file.read, _PIECE):
                yield piece
        finally:
            file.close()

    async def begin() -> Taking:
        nonlocal answer
        if answer is not None:
            await _in_thread(answer.discard)
        made = answer = await _in_thread(vault.create, answer_id)

        async def take(piece: bytes) -> None:
            await _in_thread(made.write, piece)

        return take

    try:
        await client.send(pieces, begin, waiting=lambda: work.progress(0))
        if answer is not None:
            await _in_thread(answer.finish)
            # However often the file is sent, the same answer is read once; one that came damaged does not stand in the way of a good one.
            key = uuid5(file_id, answer.sha256.hex())
            async with work.database.write(scope) as session:
                locked = await locked_order(session, order.key)
                await take_report(session, writer.actor, locked, vault_id=answer_id, idempotency_key=key)
    finally:
        if answer is not None:
            await _in_thread(answer.discard)


class _Buffered:
    """Hands a sealed file pieces of a good size: its lines are short."""

    def __init__(self, target: SealedWriter) -> None:
        self._target = target
        self._held = bytearray()

    def write(self, data: bytes, /) -> None:
        self._held += data
        # The trailer is the last that comes.
        if len(self._held) >= _PIECE or data[:1] == b"T":
            self._target.write(self._held)
            self._held = bytearray()


async def _in_thread(work: Callable[_Given, _Made], *given: _Given.args, **named: _Given.kwargs) -> _Made:
    """What ``work`` returns, done in a thread. Whoever is cancelled waits for it: the thread goes on using the file."""
    doing = asyncio.ensure_future(asyncio.to_thread(work, *given, **named))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        while not doing.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([doing])
        raise
