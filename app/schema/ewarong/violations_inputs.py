"""Inputs of the mutations of violations."""

from typing import Any, Final
from uuid import UUID

import strawberry

from app.domain.ewarong.models.oversight import BankDecision, ViolationCode
from app.domain.ewarong.oversight.texts import MOST_DESCRIPTION, MOST_REASON
from app.schema.enums import described_by
from app.schema.ewarong.agents import ID_HELP
from app.schema.ewarong.inspections import NO_NUMBERS

_ID_HELP: Final = "The `id` of the violation."
_VERSION_HELP: Final = "Its `version` as you saw it."
_KEY_HELP: Final = "A UUID that you make for each {what}; the same again changes nothing."
described_by(
    {each: f"{each.indonesian[0].upper()}{each.indonesian[1:]}." for each in BankDecision}, "EwarongBankDecision"
)


def _reason(what: str, most: int = MOST_REASON) -> Any:
    return strawberry.field(description=f"{what}, up to {most} characters. {NO_NUMBERS}")


@strawberry.input(description="A violation to record.")
class EwarongViolationRecordInput:
    """Input of ``ewarongViolationRecord``."""

    agent: strawberry.ID = strawberry.field(description=ID_HELP)
    code: ViolationCode = strawberry.field(description="What it did.")
    description: str = _reason("What was seen, as the outlet will read it", MOST_DESCRIPTION)
    inspection: strawberry.ID | None = strawberry.field(
        default=None, description="The `id` of the inspection of this outlet that shows it."
    )
    signal: strawberry.ID | None = strawberry.field(
        default=None, description="The `id` of the signal about this outlet that led to it; somebody has confirmed it."
    )
    idempotency_key: UUID = strawberry.field(description=_KEY_HELP.format(what="violation"))


@strawberry.input(description="A warning to give.")
class EwarongViolationWarnInput:
    """Input of ``ewarongViolationWarn``."""

    id: strawberry.ID = strawberry.field(description=_ID_HELP)
    version: int = strawberry.field(description=_VERSION_HELP)
    reason: str = _reason("What the warning says")


@strawberry.input(description="A revocation to recommend.")
class EwarongViolationRecommendInput:
    """Input of ``ewarongViolationRecommend``."""

    id: strawberry.ID = strawberry.field(description=_ID_HELP)
    version: int = strawberry.field(description=_VERSION_HELP)
    reason: str = _reason("Why the bank should revoke")


@strawberry.input(description="A violation to dismiss.")
class EwarongViolationDismissInput:
    """Input of ``ewarongViolationDismiss``."""

    id: strawberry.ID = strawberry.field(description=_ID_HELP)
    version: int = strawberry.field(description=_VERSION_HELP)
    reason: str = _reason("Why it is not proven")


@strawberry.input(description="A violation to close.")
class EwarongViolationRemediedInput:
    """Input of ``ewarongViolationRemedied``."""

    id: strawberry.ID = strawberry.field(description=_ID_HELP)
    version: int = strawberry.field(description=_VERSION_HELP)
    reason: str = _reason("How it was put right")


@strawberry.input(description="What the bank has decided.")
class EwarongViolationDecideInput:
    """Input of ``ewarongViolationDecide``."""

    id: strawberry.ID = strawberry.field(description=_ID_HELP)
    version: int = strawberry.field(description=_VERSION_HELP)
    decision: BankDecision = strawberry.field(description="The decision.")
    reason: str = _reason("Why")


@strawberry.input(description="What the outlet says of the last step.")
class EwarongViolationReplyInput:
    """Input of ``ewarongViolationReply``."""

    id: strawberry.ID = strawberry.field(description=_ID_HELP)
    version: int = strawberry.field(description=_VERSION_HELP)
    text: str = _reason("What the outlet says", MOST_DESCRIPTION)
    idempotency_key: UUID = strawberry.field(description=_KEY_HELP.format(what="reply"))


@strawberry.input(description="What the outlet says of the last step.")
class EwarongViolationAppealInput:
    """Input of ``ewarongViolationAppeal``."""

    id: strawberry.ID = strawberry.field(description=_ID_HELP)
    version: int = strawberry.field(description=_VERSION_HELP)
    text: str = _reason("What the outlet says", MOST_DESCRIPTION)
    idempotency_key: UUID = strawberry.field(description=_KEY_HELP.format(what="appeal"))


@strawberry.input(description="The answer to an appeal.")
class EwarongAppealAnswerInput:
    """Input of ``ewarongAppealAnswer``."""

    id: strawberry.ID = strawberry.field(description=_ID_HELP)
    version: int = strawberry.field(description=_VERSION_HELP)
    accepted: bool = strawberry.field(description="Whether the last step is taken back.")
    text: str = _reason("Why, as the outlet will read it")
