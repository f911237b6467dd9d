"""The end of a cycle: paid, reconciled to the rupiah, closed."""

from collections.abc import Awaitable
from typing import Annotated, Final, Protocol, TypeAlias

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from app.authz.permissions import Permission
from app.domain.bansos.payments.closing import close_cycle, reconcile_cycle, settle_cycle
from app.domain.bansos.payments.rows import Cycle
from app.domain.bansos.payments.rows import Key as CycleKey
from app.schema.bansos.cycles import AidCycle
from app.schema.bansos.payment_terms import CYCLE, cycle_key
from app.schema.context import Info
from app.schema.mutations import Key, Refusal, answered, change, read

_CLOSE: Final = Permission.BANSOS_CYCLE_RELEASE
_ID: Final = "The `id` of the cycle."
_VERSION: Final = "Its `version` as you saw it."
_NEEDS: Final = f"Needs `{_CLOSE.value}`."


@strawberry.input(description="A released cycle that nobody is to be paid for any more.")
class CycleSettleInput:
    """Input of ``cycleSettle``."""

    id: strawberry.ID = strawberry.field(description=_ID)
    version: int = strawberry.field(description=_VERSION)


@strawberry.input(description="A paid cycle whose books are to be compared.")
class CycleReconcileInput:
    """Input of ``cycleReconcile``."""

    id: strawberry.ID = strawberry.field(description=_ID)
    version: int = strawberry.field(description=_VERSION)


@strawberry.input(description="A reconciled cycle that is to be closed.")
class CycleCloseInput:
    """Input of ``cycleClose``."""

    id: strawberry.ID = strawberry.field(description=_ID)
    version: int = strawberry.field(description=_VERSION)


@strawberry.type(description="The cycle went one step on towards its end.")
class CycleEnding:
    """What the last steps of a cycle did."""

    cycle_key: strawberry.Private[Key]
    cycle: AidCycle | None = answered(
        "cycle_key", description="The cycle as it stands now. Null where the caller may close cycles and not read them."
    )


class _Closing(Protocol):
    def __call__(self, session: AsyncSession, key: CycleKey, *, version: int) -> Awaitable[Cycle]: ...


class _Given(Protocol):
    id: strawberry.ID
    version: int


async def _ended(info: Info, given: _Given, close: _Closing) -> CycleEnding:
    async with change(info, _CLOSE) as acting:
        cycle = await close(acting.session, read("id", cycle_key, given.id), version=given.version)
        acting.concerns(CYCLE, [cycle.id], cycle.villages)
    return CycleEnding(cycle_key=(cycle.regency_id, cycle.id))


async def _settle(
    info: Info, given: Annotated[CycleSettleInput, strawberry.argument(name="input", description="The cycle.")]
) -> CycleEnding:
    return await _ended(info, given, settle_cycle)


async def _reconcile(
    info: Info, given: Annotated[CycleReconcileInput, strawberry.argument(name="input", description="The cycle.")]
) -> CycleEnding:
    return await _ended(info, given, reconcile_cycle)


async def _close(
    info: Info, given: Annotated[CycleCloseInput, strawberry.argument(name="input", description="The cycle.")]
) -> CycleEnding:
    return await _ended(info, given, close_cycle)


CycleSettleResult: TypeAlias = Annotated[
    CycleEnding | Refusal,
    strawberry.union("CycleSettleResult", description="What `cycleSettle` did, or why it did nothing."),
]
CycleReconcileResult: TypeAlias = Annotated[
    CycleEnding | Refusal,
    strawberry.union("CycleReconcileResult", description="What `cycleReconcile` did, or why it did nothing."),
]
CycleCloseResult: TypeAlias = Annotated[
    CycleEnding | Refusal,
    strawberry.union("CycleCloseResult", description="What `cycleClose` did, or why it did nothing."),
]


@strawberry.type
class CycleClosingMutation:
    """Mutations that end a cycle."""

    cycle_settle: CycleSettleResult | None = strawberry.mutation(
        resolver=_settle,
        description="Say that the payment of a released cycle is over: all orders have their answers, and what failed was returned. "
        f"Whoever has no account, or no good one, goes without. It is `PAID` then. {_NEEDS}",
    )
    cycle_reconcile: CycleReconcileResult | None = strawberry.mutation(
        resolver=_reconcile,
        description="Compare the orders, the entitlements and the ledger of a paid cycle; refused with the differences in rupiah where "
        f"they do not agree. It is `RECONCILED` then. {_NEEDS}",
    )
    cycle_close: CycleCloseResult | None = strawberry.mutation(
        resolver=_close, description=f"Close a reconciled cycle: nothing of it changes any more. {_NEEDS}"
    )
