"""The job BANK_RESULTS: what a bank has answered becomes steps of entitlements and money in wallets, all of a file or nothing of it.

A file is read and proved before anything is written; then one transaction judges its lines, moves what they say, posts it, and notes the
file by its checksum. So a process may be killed at any point: either the file is noted, and reading it again does nothing, or nothing of it
is there. The order is locked meanwhile: two files about it come one after the other.
"""

import asyncio
import io
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.audit.models import Action
from app.domain.audit.service import Event, append_events
from app.domain.bansos.ledger.ids import wallet_id_sql
from app.domain.bansos.ledger.posting import Side, moved, open_wallets, post_entries
from app.domain.bansos.models.cycles import PaymentStep, entitlement
from app.domain.bansos.models.ledger import Account, EntryKind
from app.domain.bansos.models.payments import (
    FileFormat,
    FileKind,
    OrderState,
    ResultVerdict,
    bank_file,
    bank_report,
    bank_result,
)
from app.domain.bansos.payments.entries import entries_of
from app.domain.bansos.payments.errors import OrderStateWrong, OrderUnknown, PaidBefore
from app.domain.bansos.payments.file_errors import BankFileOfAnotherOrder
from app.domain.bansos.payments.files import OK, BankFileReader, Header, Totals, rows_of
from app.domain.bansos.payments.rows import Order, change_order, join_by_hash, locked_order
from app.domain.bansos.payments.turns import TURNS, Turn
from app.domain.jobs.work import Work
from app.domain.vault import Vault
from app.tenants.scope import REGENCY_WIDTH, TenantScope

if TYPE_CHECKING:
    import asyncpg

_OPERATION: Final = "bankResultsRead"
_BUFFER: Final = 262_144

# Gone when the transaction ends, however it ends: a pooled connection carries nothing on.
_STAGE: Final = """
create temporary table bank_line (
  line int primary key, entitlement_id uuid not null, token text not null, last_four text not null, amount bigint not null,
  code text not null
) on commit drop
"""
_COLUMNS: Final = ("line", "entitlement_id", "token", "last_four", "amount", "code")
_JUDGE: Final = """
create temporary table bank_verdict on commit drop as
with known as (
  select b.line, b.code, b.amount, e.id as entitlement_id, e.step, e.step_reason,
    coalesce(b.amount = e.amount and card.id is not null, false) as fits
  from bank_line b
  left join entitlement e on e.regency_id = {regency} and e.id = b.entitlement_id and e.cycle_id = '{cycle}'
    and e.order_id = '{order}' and e.step in ({steps})
  left join kks_card card on card.regency_id = e.regency_id and card.family_id = e.family_id and card.bank = '{bank}'
    and card.token = b.token and card.last_four = b.last_four
), ranked as (
  select *, row_number() over same as nth, first_value(code) over same as first_code
  from known window same as (partition by entitlement_id, fits order by line)
)
select line, code, amount, entitlement_id,
  case
    when entitlement_id is null then 'UNKNOWN'
    when not fits or code <> first_code then 'MISMATCH'
    when nth > 1 then 'REPEATED'
    when step = '{awaited}' then 'APPLIED'
    when code = case when step in ({failed}) then step_reason else 'OK' end then 'REPEATED'
    else 'MISMATCH'
  end as verdict
from ranked
"""
_VERDICTS: Final = sa.table(
    "bank_verdict",
    sa.column("line", sa.Integer),
    sa.column("code", sa.Text),
    sa.column("amount", sa.BigInteger),
    sa.column("entitlement_id", pg.UUID(as_uuid=True)),
    sa.column("verdict", sa.Text),
)


@dataclass(frozen=True, slots=True)
class Reader:
    """On whose behalf a file is read, as the audit trail names them."""

    principal_id: UUID
    name: str
    roles: tuple[str, ...]
    permission: str


@dataclass(frozen=True, slots=True)
class _File:
    """A file that was read to its end and proved."""

    header: Header
    kind: FileKind
    format: FileFormat
    totals: Totals
    sha256: bytes
    rows: list[tuple[int, UUID, str, str, int, str]]


async def apply_results(work: Work, scope: TenantScope, vault: Vault, reader: Reader) -> None:
    """Read the file of results that ``work`` is about and do what it says. A file that was read before has no effect.

    Raises:
        OrderUnknown: there is no such file or order in ``scope``.
        BankFileMalformed, BankFileKindWrong, BankFileTotalsWrong, BankFileChecksumWrong, BankFileOfAnotherOrder: the file cannot be
            believed; nothing of it is applied.
        OrderStateWrong: the order has not come as far as the file says.
        PaidBefore: a family would be paid twice; nothing is applied.
        FileGone, FileDamaged: the file is not there.
    """
    key = (work.villages.low // REGENCY_WIDTH, work.subject_id)
    async with work.database.write(scope) as session:
        report = (
            await session.execute(
                sa.select(bank_report).where(bank_report.c.regency_id == key[0], bank_report.c.id == key[1])
            )
        ).one_or_none()
    if report is None:
        raise OrderUnknown
    file = await asyncio.to_thread(_read, vault, UUID(int=report.vault_id.int))
    await work.progress(0, file.totals.lines)
    async with work.database.write(scope) as session:
        order = await locked_order(session, (key[0], report.order_id))
        if file.header.order_id != order.id or file.header.bank is not order.bank:
            raise BankFileOfAnotherOrder
        if await _is_noted(session, order, file):
            return
        await _apply(session, order, file, report.vault_id, reader)
        await append_events(session, [_event(work, order, file, reader)])
    await work.progress(file.totals.lines)


def _read(vault: Vault, file_id: UUID) -> _File:
    digest = sha256()
    with vault.open(file_id) as raw:
        while piece := raw.read(_BUFFER):
            digest.update(piece)
        raw.seek(0)
        reading = BankFileReader.of(rows_of(io.BufferedReader(raw, _BUFFER)))
        kind = reading.answer_kind()
        rows = [(number, *line) for number, line in enumerate(reading.lines(), 1)]
    return _File(reading.header, kind, reading.format, reading.totals, digest.digest(), rows)


async def _is_noted(session: AsyncSession, order: Order, file: _File) -> bool:
    c = bank_file.c
    noted = sa.select(
        sa.exists().where(
            c.regency_id == order.regency_id,
            c.order_id == order.id,
            c.kind == file.kind.value,
            c.sha256 == file.sha256,
        )
    )
    return bool((await session.execute(noted)).scalar_one())


async def _apply(session: AsyncSession, order: Order, file: _File, vault_id: UUID, reader: Reader) -> None:
    turn = TURNS[file.kind]
    if file.kind is FileKind.TOP_UP_RESULT and order.state not in {
        OrderState.STANDING_INSTRUCTION,
        OrderState.SETTLED,
    }:
        raise OrderStateWrong(order.state)
    await join_by_hash(session)
    await _stage(session, file)
    await session.execute(sa.text(_judgement(order, turn)))
    await session.execute(sa.text("analyze bank_verdict"))
    if file.kind is FileKind.TOP_UP_RESULT:
        await _post(session, order, reader)
    v = _VERDICTS.c
    applied = v.verdict == ResultVerdict.APPLIED.value
    is_good = v.code == OK
    await session.execute(
        sa.update(entitlement)
        .where(
            entitlement.c.regency_id == order.regency_id,
            entitlement.c.id == v.entitlement_id,
            applied,
        )
        .values(
            step=sa.case((is_good, turn.good.value), else_=turn.bad.value),
            step_reason=sa.case((~is_good, v.code)),
            step_at=sa.func.now(),
        )
    )
    await _note(session, order, file, vault_id, reader)
    await _advance(session, order, turn)


async def _stage(session: AsyncSession, file: _File) -> None:
    await session.execute(sa.text(_STAGE))
    wrapped = await (await session.connection()).get_raw_connection()
    connection: asyncpg.Connection[asyncpg.Record] = wrapped.driver_connection
    await connection.copy_records_to_table("bank_line", records=file.rows, columns=_COLUMNS)
    await session.execute(sa.text("analyze bank_line"))


def _judgement(order: Order, turn: Turn) -> str:
    """The statement that judges the lines. A table is not made with parameters; these are ids and words of ours."""

    def listed(steps: tuple[PaymentStep, ...]) -> str:
        return ", ".join(f"'{step.value}'" for step in steps)

    return _JUDGE.format(
        regency=order.regency_id,
        cycle=order.cycle_id,
        order=order.id,
        bank=order.bank.value,
        awaited=turn.awaited.value,
        steps=listed((turn.awaited, *turn.later)),
        failed=listed(turn.failed),
    )


async def _post(session: AsyncSession, order: Order, reader: Reader) -> None:
    """Post the top-ups that went well. Posting comes before the steps change, from what is judged once and for all."""
    v, e = _VERDICTS.c, entitlement.c
    paid = sa.and_(
        e.regency_id == order.regency_id,
        e.id == v.entitlement_id,
        v.verdict == ResultVerdict.APPLIED.value,
        v.code == OK,
    )
    await open_wallets(session, sa.select(e.regency_id, e.village_id, e.family_id, e.programme_code).where(paid))
    key = sa.func.concat("TOP_UP:", e.programme_code, ":", e.period_start, ":", e.family_id)
    wallet = Side(Account.WALLET, wallet_id_sql(e.regency_id, e.family_id, e.programme_code))
    topped_up = moved(EntryKind.TOP_UP, Side(Account.CLEARING), wallet, by=reader.principal_id)
    posted = await post_entries(session, entries_of(key, topped_up).where(paid))
    expected: int = (
        await session.execute(sa.select(sa.func.count()).where(v.verdict == ResultVerdict.APPLIED.value, v.code == OK))
    ).scalar_one()
    if posted != expected:
        raise PaidBefore(expected - posted)


async def _note(session: AsyncSession, order: Order, file: _File, vault_id: UUID, reader: Reader) -> None:
    """Keep the file, and its lines that an officer has to look at."""
    v = _VERDICTS.c
    counted: Any = await session.execute(sa.select(v.verdict, sa.func.count()).group_by(v.verdict))
    counts = dict(counted.all())
    file_id = uuid7()
    await session.execute(
        sa.insert(bank_file).values(
            regency_id=order.regency_id,
            id=file_id,
            village_low=order.villages.low,
            village_high=order.villages.high,
            order_id=order.id,
            kind=file.kind.value,
            format=file.format.value,
            number=file.header.number,
            rows=file.totals.lines,
            amount=file.totals.amount,
            sha256=file.sha256,
            upload_id=vault_id,
            applied=counts.get(ResultVerdict.APPLIED.value, 0),
            repeated=counts.get(ResultVerdict.REPEATED.value, 0),
            unknown=counts.get(ResultVerdict.UNKNOWN.value, 0),
            mismatched=counts.get(ResultVerdict.MISMATCH.value, 0),
            made_by=reader.principal_id,
            made_by_name=reader.name,
            made_at=sa.func.now(),
        )
    )
    columns = (v.line, v.verdict, v.entitlement_id, v.code, v.amount)
    place = [
        sa.literal(value).label(name)
        for name, value in (
            ("regency_id", order.regency_id),
            ("file_id", file_id),
            ("village_low", order.villages.low),
            ("village_high", order.villages.high),
        )
    ]
    told = sa.or_(v.verdict != ResultVerdict.APPLIED.value, v.code != OK)
    await session.execute(
        sa.insert(bank_result).from_select(
            [
                "regency_id",
                "file_id",
                "village_low",
                "village_high",
                "line",
                "verdict",
                "entitlement_id",
                "code",
                "amount",
            ],
            sa.select(*place, *columns).where(told),
        )
    )


async def _advance(session: AsyncSession, order: Order, turn: Turn) -> None:
    """Take the order on once the last of its lines has an answer."""
    if order.state is not turn.state:
        return
    e = entitlement.c
    waiting, good, amount = (
        await session.execute(
            sa.select(
                sa.func.count().filter(e.step == turn.awaited.value),
                sa.func.count().filter(e.step == turn.good.value),
                sa.func.coalesce(sa.func.sum(e.amount).filter(e.step == turn.good.value), 0),
            ).where(order.entitlements)
        )
    ).one()
    if waiting:
        await change_order(session, order)
    elif turn.state is OrderState.STANDING_INSTRUCTION:
        await change_order(session, order, state=OrderState.SETTLED.value, settled_at=sa.func.now())
    else:
        values = {"checked_at": sa.func.now(), "valid_entitlements": good, "valid_amount": int(amount)}
        # Where no account is good there is nothing to pay, and so nothing to wait for.
        ends = {"state": OrderState.SETTLED.value, "settled_at": sa.func.now()}
        goes_on = {"state": OrderState.ACCOUNTS_CHECKED.value}
        await change_order(session, order, **values, **(goes_on if good else ends))


def _event(work: Work, order: Order, file: _File, reader: Reader) -> Event:
    return Event(
        action=Action.CHANGE,
        principal_id=reader.principal_id,
        roles=reader.roles,
        permission=reader.permission,
        operation=_OPERATION,
        document_hash=None,
        subject_type="PaymentOrder",
        subject_ids=(order.id,),
        row_count=file.totals.lines,
        purpose=None,
        request_id=str(work.job_id),
        village_low=order.villages.low,
        village_high=order.villages.high,
    )
