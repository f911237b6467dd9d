"""Reporting transactions, one or many, and taking them back."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final, TypeAlias
from uuid import UUID

import strawberry
from strawberry.utils.str_converters import to_camel_case

from app.authz.authorize import authorize
from app.authz.permissions import Permission
from app.domain.base import DomainError
from app.domain.ewarong.actors import Actor
from app.domain.ewarong.live import COMMITTED, NewTransaction
from app.domain.ewarong.transactions.errors import BalanceTooLow, TransactionInvalid
from app.domain.ewarong.transactions.items import Line, Redemption, item_of
from app.domain.ewarong.transactions.reversing import reverse_transaction
from app.domain.ewarong.transactions.service import REPORTED, Reported, done_of_outcome
from app.domain.ewarong.transactions.syncing import Device, Synced, sync_transactions
from app.schema.calling import called
from app.schema.context import Info, RequestContext
from app.schema.ewarong.agents import AGENT
from app.schema.ewarong.transactions import TRANSACTION, EwarongTransaction
from app.schema.ewarong.transactions_inputs import (
    EwarongSyncStatus,
    EwarongTransactionReportInput,
    EwarongTransactionReverseInput,
    EwarongTransactionsSyncInput,
)
from app.schema.ids import parse_node_id
from app.schema.language import Language
from app.schema.mutations import (
    Acting,
    Key,
    Refusal,
    UserError,
    answered,
    change,
    read,
    refuse_unreadable,
    telling,
)
from app.schema.plan.source import Bulk, Call, Outcome
from app.schema.scalars import Rupiah
from app.tenants.region_path import Span
from app.tenants.turns import in_turn

_REPORT: Final = Permission.EWARONG_TRANSACTION_REPORT
_REVERSE: Final = Permission.EWARONG_TRANSACTION_REVERSE
_NOWHERE: Final = Span(0, 0)
"""The function of the database says itself where what it did lies."""


@telling(BalanceTooLow)
@strawberry.type(description="The family has less than it wants to spend.")
class InsufficientBalance(UserError):
    """A ``BalanceTooLow``."""

    balance: Rupiah = strawberry.field(description="Rupiah that the family has of the programme.")


@strawberry.type(
    description="The transaction is there: from now on, or since it was reported before with the same key."
)
class EwarongTransactionReported:
    """What ``ewarongTransactionReport`` did."""

    transaction_key: strawberry.Private[Key]
    transaction: EwarongTransaction | None = answered(
        "transaction_key", description="The transaction. Null where the caller may report and not read."
    )
    repeated: bool = strawberry.field(
        description="Whether the same was reported before. Then this is that transaction, and nothing has changed."
    )


def _agent_key(text: str) -> tuple[int, UUID]:
    regency_id, identifier = parse_node_id(text, AGENT).key
    return regency_id, identifier


def _transaction_key(text: str) -> tuple[int, UUID]:
    regency_id, identifier = parse_node_id(text, TRANSACTION).key
    return regency_id, identifier


def _quantity(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise TransactionInvalid(
            "lines", "Banyaknya ditulis sebagai desimal, misalnya 2.5.", "A quantity is a decimal such as 2.5."
        ) from error


def _lines(given: Sequence[Mapping[str, Any]]) -> list[Line]:
    return [Line(line["commodity"], _quantity(line["quantity"]), line["unitPrice"]) for line in given]


def _item(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The item of the function, of the input of ``ewarongTransactionReport`` with the names of GraphQL."""
    regency_id, agent_id = read("agent", _agent_key, given["agent"])
    return item_of(
        Redemption(
            regency_id=regency_id,
            agent_id=agent_id,
            token=given["token"],
            programme=given.get("programme"),
            lines=_lines(given["lines"]),
            total=given.get("total"),
            happened_at=given["happenedAt"],
            device_id=given.get("deviceId"),
            device_sequence=given.get("deviceSequence"),
            latitude=given.get("latitude"),
            longitude=given.get("longitude"),
            idempotency_key=given["idempotencyKey"],
        )
    )


def _done(outcome: Outcome) -> EwarongTransactionReported:
    return EwarongTransactionReported(
        transaction_key=outcome.key, repeated=done_of_outcome(outcome.code, outcome.detail)
    )


def _news(outcome: Outcome) -> tuple[str, str] | None:
    if outcome.code != REPORTED:
        return None
    (regency_id, identifier), (village_id, agent_id) = outcome.key, outcome.further
    return COMMITTED, NewTransaction(regency_id, village_id, agent_id, identifier).text


@strawberry.type(description="What became of one transaction of a batch.")
class EwarongSyncResult:
    """A ``Synced``."""

    idempotency_key: UUID = strawberry.field(description="That of the item.")
    device_sequence: int = strawberry.field(description="That of the item.")
    status: EwarongSyncStatus = strawberry.field(description="What became of it.")
    transaction_id: strawberry.ID | None = strawberry.field(
        description="Id of the transaction, for `node(id:)`; null where it was refused."
    )
    receipt: str | None = strawberry.field(description="Code for the receipt; null where it was refused.")
    amount: Rupiah | None = strawberry.field(description="Rupiah; null where it was refused.")
    balance: Rupiah | None = strawberry.field(
        description="Rupiah left to the family right after it; with `INSUFFICIENT_BALANCE`, what the family has."
    )
    code: str | None = strawberry.field(description="Why it was refused, as `code` of `ewarongTransactionReport`.")
    message: str | None = strawberry.field(description="What to tell people about that.")
    field: str | None = strawberry.field(description="The part of the item that cannot be, where that is why.")


@strawberry.type(
    description="The batch was taken, each item by itself: whatever was refused changed nothing for the others."
)
class EwarongTransactionsSynced:
    """What ``ewarongTransactionsSync`` did."""

    results: list[EwarongSyncResult] = strawberry.field(description="One for each item, by `deviceSequence`.")
    clock_skew: int = strawberry.field(description="Seconds that the device's clock is ahead of the server's: set it.")


@strawberry.type(description="The transaction was taken back, and the family has its money again.")
class EwarongTransactionReversed:
    """What ``ewarongTransactionReverse`` did."""

    transaction_key: strawberry.Private[Key]
    transaction: EwarongTransaction | None = answered(
        "transaction_key", description="The transaction, with its `reversal`."
    )
    repeated: bool = strawberry.field(description="Whether that was done before, with the same key.")


def _result(synced: Synced, language: Language) -> EwarongSyncResult:
    told = synced.result
    if isinstance(told, Reported):
        return EwarongSyncResult(
            idempotency_key=synced.idempotency_key,
            device_sequence=synced.device_sequence or 0,
            status=EwarongSyncStatus.REPEATED if told.repeated else EwarongSyncStatus.REPORTED,
            transaction_id=strawberry.ID(f"{TRANSACTION}:{told.regency_id}:{told.id}"),
            receipt=told.receipt,
            amount=Rupiah(told.amount),
            balance=Rupiah(told.balance),
            code=None,
            message=None,
            field=None,
        )
    return EwarongSyncResult(
        idempotency_key=synced.idempotency_key,
        device_sequence=synced.device_sequence or 0,
        status=EwarongSyncStatus.REFUSED,
        transaction_id=None,
        receipt=None,
        amount=None,
        balance=Rupiah(told.balance) if isinstance(told, BalanceTooLow) else None,
        code=told.code,
        message=told.indonesian if language is Language.INDONESIAN else told.english,
        field=to_camel_case(told.fields[0]) if told.fields else None,
    )


def _kept_lines(given: Sequence[Mapping[str, Any]]) -> list[Line]:
    lines = []
    for line in given:
        try:
            quantity = _quantity(line["quantity"])
        except DomainError:
            # Told of the item alone: NaN is no quantity either.
            quantity = Decimal("NaN")
        lines.append(Line(line["commodity"], quantity, line["unitPrice"]))
    return lines


async def _sync(info: Info, given: Mapping[str, Any]) -> EwarongTransactionsSynced:
    context: RequestContext = info.context
    scope = authorize(context.access, _REPORT)
    refuse_unreadable(context, info.path.key)
    regency_id, agent_id = read("agent", _agent_key, given["agent"])
    now = datetime.now(UTC)
    device = Device(given["deviceId"], regency_id, agent_id, given["deviceNow"])
    redemptions = [
        Redemption(
            regency_id=regency_id,
            agent_id=agent_id,
            token=item["token"],
            programme=item.get("programme"),
            lines=_kept_lines(item["lines"]),
            total=item.get("total"),
            happened_at=item["happenedAt"],
            device_id=device.id,
            device_sequence=item["deviceSequence"],
            latitude=item.get("latitude"),
            longitude=item.get("longitude"),
            idempotency_key=item["idempotencyKey"],
        )
        for item in given["items"]
    ]

    async def synced() -> list[Synced]:
        async with context.database.write(scope) as session:
            acting = Acting(session, context.access)
            acting.concerns(TRANSACTION, (), _NOWHERE)
            (event,) = acting.events(info, _REPORT)
            return await sync_transactions(session, device, redemptions, event, now=now)

    return EwarongTransactionsSynced(
        results=[_result(each, context.language) for each in await in_turn(synced)], clock_skew=device.skew(now)
    )


async def _reverse(
    info: Info,
    given: Annotated[EwarongTransactionReverseInput, strawberry.argument(name="input", description="Which, and why.")],
) -> EwarongTransactionReversed:
    async with change(info, _REVERSE) as acting:
        principal = acting.access.principal
        done = await reverse_transaction(
            acting.session,
            acting.access.scope(_REVERSE),
            read("id", _transaction_key, given.id),
            reason=given.reason,
            idempotency_key=given.idempotency_key,
            actor=Actor(principal.id, principal.name),
        )
        acting.concerns(TRANSACTION, [done.transaction[1]], Span(done.village_id, done.village_id))
    return EwarongTransactionReversed(transaction_key=done.transaction, repeated=done.repeated)


EwarongTransactionReportResult: TypeAlias = Annotated[
    EwarongTransactionReported | InsufficientBalance | Refusal,
    strawberry.union(
        "EwarongTransactionReportResult", description="What `ewarongTransactionReport` did, or why it did nothing."
    ),
]
EwarongTransactionsSyncResult: TypeAlias = Annotated[
    EwarongTransactionsSynced | Refusal,
    strawberry.union(
        "EwarongTransactionsSyncResult", description="What `ewarongTransactionsSync` did, or why it took nothing."
    ),
]
EwarongTransactionReverseResult: TypeAlias = Annotated[
    EwarongTransactionReversed | Refusal,
    strawberry.union(
        "EwarongTransactionReverseResult", description="What `ewarongTransactionReverse` did, or why it did nothing."
    ),
]


@strawberry.type
class EwarongTransactionsMutation:
    """Mutations of transactions."""

    ewarong_transaction_report: EwarongTransactionReportResult | None = called(
        Call(
            function="ewarong_transaction_report",
            permission=_REPORT,
            subject_type=TRANSACTION,
            item=_item,
            done=_done,
            further=("village_id", "agent_id"),
            news=_news,
        ),
        input=EwarongTransactionReportInput,
        description="Report what a family has bought. Sent again with the same `idempotencyKey`, it answers the transaction that is there. "
        f"Refusals by `code`: docs/ewarong-transactions.md. Needs `{_REPORT.value}`.",
    )
    ewarong_transactions_sync: EwarongTransactionsSyncResult | None = called(
        Bulk(_sync),
        input=EwarongTransactionsSyncInput,
        description="Report what a device has kept while it was offline, up to 500 transactions, each with its own result. Send whatever "
        f"you are not sure of again. Needs `{_REPORT.value}`.",
    )
    ewarong_transaction_reverse: EwarongTransactionReverseResult | None = strawberry.mutation(
        resolver=_reverse,
        description="Take a transaction back, all of it and once. An e-Warong may do so with its own for some days, the office at any "
        f"time. Needs `{_REVERSE.value}`.",
    )
