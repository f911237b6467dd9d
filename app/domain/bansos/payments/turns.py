"""What the answers of banks move, kind by kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.domain.bansos.models.cycles import PaymentStep
from app.domain.bansos.models.payments import FileKind, OrderState


@dataclass(frozen=True, slots=True)
class Turn:
    """What an answer of one kind moves: from where, to where, and what it can be about."""

    awaited: PaymentStep
    good: PaymentStep
    bad: PaymentStep
    later: tuple[PaymentStep, ...]
    """Steps of those who have had an answer of this kind."""
    failed: tuple[PaymentStep, ...]
    """Those of them at which the reason is the code of that answer."""
    state: OrderState


TURNS: Final[Mapping[FileKind, Turn]] = {
    FileKind.ACCOUNT_RESULT: Turn(
        awaited=PaymentStep.ACCOUNT_CHECK,
        good=PaymentStep.ACCOUNT_VALID,
        bad=PaymentStep.ACCOUNT_FAILED,
        later=(
            PaymentStep.ACCOUNT_FAILED,
            PaymentStep.ACCOUNT_VALID,
            PaymentStep.SPM,
            PaymentStep.OMSPAN,
            PaymentStep.SP2D,
            PaymentStep.STANDING_INSTRUCTION,
            PaymentStep.TOPPED_UP,
            PaymentStep.TOP_UP_FAILED,
            PaymentStep.RETURNED,
        ),
        failed=(PaymentStep.ACCOUNT_FAILED,),
        state=OrderState.ACCOUNT_CHECK,
    ),
    FileKind.TOP_UP_RESULT: Turn(
        awaited=PaymentStep.STANDING_INSTRUCTION,
        good=PaymentStep.TOPPED_UP,
        bad=PaymentStep.TOP_UP_FAILED,
        later=(PaymentStep.TOPPED_UP, PaymentStep.TOP_UP_FAILED, PaymentStep.RETURNED),
        failed=(PaymentStep.TOP_UP_FAILED, PaymentStep.RETURNED),
        state=OrderState.STANDING_INSTRUCTION,
    ),
}
