"""What an officer does with orders of payment, and bringing in the answers of banks."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, TypeAlias
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from app.authz.permissions import Permission
from app.domain.bansos.payments import chain
from app.domain.bansos.payments.orders import make_orders, request_file
from app.domain.bansos.payments.reports import read_results
from app.domain.bansos.payments.rows import Actor, Key, Order
from app.domain.base import DomainError
from app.schema.bansos.payment_terms import CYCLE, ORDER, actor_of, cycle_key, order_key
from app.schema.bansos.payments import PaymentOrder
from app.schema.context import Info
from app.schema.jobs import Job
from app.schema.mutations import Key as RowKey
from app.schema.mutations import Refusal, answered, change, read
from app.schema.scalars import Rupiah

_ORDER: Final = Permission.BANSOS_PAYMENT_ORDER
_REPORT: Final = Permission.BANSOS_PAYMENT_REPORT
_ID: Final = "The `id` of the order."
_VERSION: Final = "Its `version` as you saw it."
_AFTERWARDS: Final = "The order as it stands now. Null where the caller may change orders and not read them."
_NEEDS: Final = f"Needs `{_ORDER.value}`."


@strawberry.input(description="A released cycle whose families are to be paid.")
class PaymentOrdersMakeInput:
    """Input of ``paymentOrdersMake``."""

    cycle: strawberry.ID = strawberry.field(description="The `id` of the cycle.")
    version: int = strawberry.field(description="The `version` of the cycle as you saw it.")


@strawberry.type(
    description="Orders were made, one for each bank, and their files are being written. Zero orders: nobody was left to pay."
)
class PaymentOrdersMade:
    """What ``paymentOrdersMake`` did."""

    orders: int = strawberry.field(description="How many orders were made now; see `paymentOrders(cycle:)`.")
    entitlements: int = strawberry.field(description="How many families are in them.")
    amount: Rupiah = strawberry.field(description="Rupiah of all of them.")
    without_account: int = strawberry.field(
        description="How many wait for a card; call again once they have one. See `kksCardsOpen`."
    )
    cancelled: int = strawberry.field(
        description="How many are not paid because another revision has paid the family for this programme and period."
    )


@strawberry.input(description="An order whose SPM was issued.")
class PaymentOrderSpmInput:
    """Input of ``paymentOrderSpm``."""

    id: strawberry.ID = strawberry.field(description=_ID)
    version: int = strawberry.field(description=_VERSION)
    number: str = strawberry.field(description="Number of the SPM: letters, digits, `.`, `/`, `_` and `-`, up to 60.")


@strawberry.input(description="An order whose SPM has entered OMSPAN.")
class PaymentOrderOmspanInput:
    """Input of ``paymentOrderOmspan``."""

    id: strawberry.ID = strawberry.field(description=_ID)
    version: int = strawberry.field(description=_VERSION)


@strawberry.input(description="An order for which the treasury has disbursed (SP2D).")
class PaymentOrderDisburseInput:
    """Input of ``paymentOrderDisburse``."""

    id: strawberry.ID = strawberry.field(description=_ID)
    version: int = strawberry.field(description=_VERSION)
    number: str = strawberry.field(description="Number of the SP2D: letters, digits, `.`, `/`, `_` and `-`, up to 60.")


@strawberry.input(description="An order whose money the bank is to move to the families.")
class PaymentOrderInstructInput:
    """Input of ``paymentOrderInstruct``."""

    id: strawberry.ID = strawberry.field(description=_ID)
    version: int = strawberry.field(description=_VERSION)


@strawberry.input(description="An order whose failed top-ups go back to the treasury.")
class PaymentOrderReturnInput:
    """Input of ``paymentOrderReturn``."""

    id: strawberry.ID = strawberry.field(description=_ID)
    version: int = strawberry.field(description=_VERSION)


@strawberry.input(description="An order whose file is to be sent to its bank once more.")
class PaymentOrderSendInput:
    """Input of ``paymentOrderSend``."""

    id: strawberry.ID = strawberry.field(description=_ID)


@strawberry.type(description="The order and all of its families went one step on.")
class PaymentOrderMoved:
    """What the steps of an order did."""

    order_key: strawberry.Private[RowKey]
    order: PaymentOrder | None = answered("order_key", description=_AFTERWARDS)


@strawberry.type(
    description="A job writes the file, where it is not there yet, and sends it where the bank can be reached."
)
class PaymentOrderSending:
    """What ``paymentOrderSend`` did."""

    order_key: strawberry.Private[RowKey]
    order: PaymentOrder | None = answered("order_key", description=_AFTERWARDS)


@strawberry.input(description="The answer of a bank to the file of an order.")
class BankResultsReadInput:
    """Input of ``bankResultsRead``."""

    order: strawberry.ID = strawberry.field(description=_ID)
    upload_id: strawberry.ID = strawberry.field(description="The `id` that `POST /uploads` has answered.")
    idempotency_key: UUID = strawberry.field(
        description="A UUID of your own for this request: sent again, it answers the first reading and starts no other."
    )


@strawberry.type(
    description="A job reads the file: it is applied whole or refused whole. A file that was read before, and lines that were, have no "
    "effect."
)
class BankResultsReading:
    """What ``bankResultsRead`` did."""

    order_key: strawberry.Private[RowKey]
    job_key: strawberry.Private[RowKey]
    order: PaymentOrder | None = answered("order_key", description=_AFTERWARDS)
    job: Job | None = answered(
        "job_key", description="The job; listen to `jobProgress` for its end. Null where the caller may not read jobs."
    )


class UploadIdInvalid(DomainError):
    """The text is no id of an upload."""

    code = "ID_INVALID"

    def __init__(self) -> None:
        super().__init__(
            "ID unggahan adalah UUID yang dijawab `POST /uploads`.",
            "The id of an upload is the UUID that `POST /uploads` answers.",
        )


def _upload_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise UploadIdInvalid from error


async def _make(
    info: Info,
    given: Annotated[PaymentOrdersMakeInput, strawberry.argument(name="input", description="The cycle.")],
) -> PaymentOrdersMade:
    async with change(info, _ORDER) as acting:
        key = read("cycle", cycle_key, given.cycle)
        made = await make_orders(acting.session, actor_of(acting), key, version=given.version)
        acting.concerns(CYCLE, [key[1]], made.villages)
    return PaymentOrdersMade(
        orders=made.orders,
        entitlements=made.entitlements,
        amount=Rupiah(made.amount),
        without_account=made.without_account,
        cancelled=made.cancelled,
    )


async def _moved(
    info: Info, identifier: str, step: Callable[[AsyncSession, Actor, Key], Awaitable[Order]]
) -> dict[str, Any]:
    async with change(info, _ORDER) as acting:
        order = await step(acting.session, actor_of(acting), read("id", order_key, identifier))
        acting.concerns(ORDER, [order.id], order.villages)
    return {"order_key": order.key}


async def _spm(
    info: Info,
    given: Annotated[PaymentOrderSpmInput, strawberry.argument(name="input", description="The order and its SPM.")],
) -> PaymentOrderMoved:
    return PaymentOrderMoved(
        **await _moved(
            info,
            given.id,
            lambda session, _actor, key: chain.note_spm(session, key, version=given.version, number=given.number),
        )
    )


async def _omspan(
    info: Info, given: Annotated[PaymentOrderOmspanInput, strawberry.argument(name="input", description="The order.")]
) -> PaymentOrderMoved:
    return PaymentOrderMoved(
        **await _moved(
            info, given.id, lambda session, _actor, key: chain.note_omspan(session, key, version=given.version)
        )
    )


async def _disburse(
    info: Info,
    given: Annotated[
        PaymentOrderDisburseInput, strawberry.argument(name="input", description="The order and its SP2D.")
    ],
) -> PaymentOrderMoved:
    return PaymentOrderMoved(
        **await _moved(
            info,
            given.id,
            lambda session, actor, key: chain.note_sp2d(
                session, actor, key, version=given.version, number=given.number
            ),
        )
    )


async def _instruct(
    info: Info, given: Annotated[PaymentOrderInstructInput, strawberry.argument(name="input", description="The order.")]
) -> PaymentOrderMoved:
    return PaymentOrderMoved(
        **await _moved(
            info, given.id, lambda session, actor, key: chain.instruct(session, actor, key, version=given.version)
        )
    )


async def _return(
    info: Info, given: Annotated[PaymentOrderReturnInput, strawberry.argument(name="input", description="The order.")]
) -> PaymentOrderMoved:
    return PaymentOrderMoved(
        **await _moved(
            info, given.id, lambda session, actor, key: chain.return_failed(session, actor, key, version=given.version)
        )
    )


async def _send(
    info: Info, given: Annotated[PaymentOrderSendInput, strawberry.argument(name="input", description="The order.")]
) -> PaymentOrderSending:
    return PaymentOrderSending(**await _moved(info, given.id, request_file))


async def _read(
    info: Info,
    given: Annotated[BankResultsReadInput, strawberry.argument(name="input", description="The order and the upload.")],
) -> BankResultsReading:
    async with change(info, _REPORT) as acting:
        report = await read_results(
            acting.session,
            actor_of(acting),
            read("order", order_key, given.order),
            upload_id=read("upload_id", _upload_id, given.upload_id),
            idempotency_key=given.idempotency_key,
        )
        acting.concerns(ORDER, [report.order_id], report.villages)
    return BankResultsReading(
        order_key=(report.regency_id, report.order_id), job_key=(report.regency_id, report.job_id)
    )


PaymentOrdersMakeResult: TypeAlias = Annotated[
    PaymentOrdersMade | Refusal,
    strawberry.union("PaymentOrdersMakeResult", description="What `paymentOrdersMake` did, or why it did nothing."),
]
PaymentOrderSpmResult: TypeAlias = Annotated[
    PaymentOrderMoved | Refusal,
    strawberry.union("PaymentOrderSpmResult", description="What `paymentOrderSpm` did, or why it did nothing."),
]
PaymentOrderOmspanResult: TypeAlias = Annotated[
    PaymentOrderMoved | Refusal,
    strawberry.union("PaymentOrderOmspanResult", description="What `paymentOrderOmspan` did, or why it did nothing."),
]
PaymentOrderDisburseResult: TypeAlias = Annotated[
    PaymentOrderMoved | Refusal,
    strawberry.union(
        "PaymentOrderDisburseResult", description="What `paymentOrderDisburse` did, or why it did nothing."
    ),
]
PaymentOrderInstructResult: TypeAlias = Annotated[
    PaymentOrderMoved | Refusal,
    strawberry.union(
        "PaymentOrderInstructResult", description="What `paymentOrderInstruct` did, or why it did nothing."
    ),
]
PaymentOrderReturnResult: TypeAlias = Annotated[
    PaymentOrderMoved | Refusal,
    strawberry.union("PaymentOrderReturnResult", description="What `paymentOrderReturn` did, or why it did nothing."),
]
PaymentOrderSendResult: TypeAlias = Annotated[
    PaymentOrderSending | Refusal,
    strawberry.union("PaymentOrderSendResult", description="What `paymentOrderSend` did, or why it did nothing."),
]
BankResultsReadResult: TypeAlias = Annotated[
    BankResultsReading | Refusal,
    strawberry.union("BankResultsReadResult", description="What `bankResultsRead` did, or why it did nothing."),
]


@strawberry.type
class PaymentsMutation:
    """Mutations of orders of payment."""

    payment_orders_make: PaymentOrdersMakeResult | None = strawberry.mutation(
        resolver=_make,
        description="Order the payment of a released cycle: one order for each bank, of the families with an active card there. Whoever "
        f"has none waits, and a later call orders for those who have one by then. {_NEEDS}",
    )
    payment_order_spm: PaymentOrderSpmResult | None = strawberry.mutation(
        resolver=_spm,
        description=f"Note that the order to pay (SPM) is issued for the families whose accounts are good. {_NEEDS}",
    )
    payment_order_omspan: PaymentOrderOmspanResult | None = strawberry.mutation(
        resolver=_omspan, description=f"Note that the SPM has entered OMSPAN. {_NEEDS}"
    )
    payment_order_disburse: PaymentOrderDisburseResult | None = strawberry.mutation(
        resolver=_disburse,
        description="Note that the treasury has disbursed (SP2D): the ledger releases the money to the clearing account of the bank. "
        f"{_NEEDS}",
    )
    payment_order_instruct: PaymentOrderInstructResult | None = strawberry.mutation(
        resolver=_instruct,
        description="Instruct the bank to move the money to the families (standing instruction): its file is written. A family without an "
        f"active card by now is not in it; its top-up has failed. {_NEEDS}",
    )
    payment_order_return: PaymentOrderReturnResult | None = strawberry.mutation(
        resolver=_return,
        description=f"Return what could not be topped up to the treasury (retur); the ledger says so. {_NEEDS}",
    )
    payment_order_send: PaymentOrderSendResult | None = strawberry.mutation(
        resolver=_send,
        description=f"Have the file that an order waits for sent to the bank once more, such as after `BANK_UNAVAILABLE`. {_NEEDS}",
    )
    bank_results_read: BankResultsReadResult | None = strawberry.mutation(
        resolver=_read,
        description="Read an uploaded file as the answer of a bank to an order (docs/bank-files.md). The upload is the caller's own, and "
        f"about a region of theirs. Needs `{_REPORT.value}`.",
    )
