"""What mutations of memberships are given."""

from enum import Enum
from typing import Final
from uuid import UUID

import strawberry

from app.domain.bansos.models.insurance import DeactivationReason, Segment
from app.schema.bansos.memberships import ID_HELP
from app.schema.enums import described_by
from app.schema.regions import CODE_ARGUMENT_HELP
from app.schema.scalars import Date


class MembershipDecision(Enum):
    """What is decided about a proposal."""

    APPROVE = "APPROVE"
    REJECT = "REJECT"


class ReactivationDecision(Enum):
    """What is decided about a membership that was asked back."""

    APPROVE = "APPROVE"
    MOVE = "MOVE"
    REJECT = "REJECT"


described_by(
    {MembershipDecision.APPROVE: "It becomes active.", MembershipDecision.REJECT: "It is refused, with a reason."}
)
described_by(
    {
        ReactivationDecision.APPROVE: "It is given back: a new stretch begins.",
        ReactivationDecision.MOVE: "It is not given back, because another segment insures the person.",
        ReactivationDecision.REJECT: "It is refused, with a reason. Within the time that is left it can be asked back once more.",
    }
)

_VERSION_HELP: Final = "Its `version` as you have read it."
_REASON_HELP: Final = "Why, up to 200 characters; needed unless you approve."
_DECREE_HELP: Final = "Number of the decree, up to 200 characters."


@strawberry.input(description="Whom to propose for health insurance that the state or the region pays.")
class MembershipProposeInput:
    """Input of ``membershipPropose``."""

    person: strawberry.ID = strawberry.field(description="The `id` of the person.")
    segment: Segment = strawberry.field(description="Who is to pay.")
    mother: strawberry.ID | None = strawberry.field(
        default=None,
        description="Of a newborn child, the `id` of the mother: a woman of the same family who is an active member of the segment. The "
        "family need not meet the rules of the programme then.",
    )


@strawberry.input(description="A proposal to verify.")
class MembershipVerifyInput:
    """Input of ``membershipVerify``."""

    id: strawberry.ID = strawberry.field(description=ID_HELP)
    version: int = strawberry.field(description=_VERSION_HELP)


@strawberry.input(description="A decision on a proposal.")
class MembershipDecideInput:
    """Input of ``membershipDecide``."""

    id: strawberry.ID = strawberry.field(description=ID_HELP)
    version: int = strawberry.field(description=_VERSION_HELP)
    decision: MembershipDecision = strawberry.field(description="What is decided.")
    valid_from: Date | None = strawberry.field(
        default=None,
        description="Of one that is approved, its first day: not before the birth, after every stretch before it, and not after "
        "today, or the earliest such day where that is later. The latest such day where it is left out.",
    )
    reason: str | None = strawberry.field(default=None, description=_REASON_HELP)


@strawberry.input(description="A membership to end.")
class MembershipDeactivateInput:
    """Input of ``membershipDeactivate``."""

    id: strawberry.ID = strawberry.field(description=ID_HELP)
    version: int = strawberry.field(description=_VERSION_HELP)
    reason: DeactivationReason = strawberry.field(description="Why it ends.")
    decree: str = strawberry.field(description=_DECREE_HELP)
    on: Date | None = strawberry.field(
        default=None,
        description="Its last day: not before its first, and not after today, or its first where that is later. The latest such day "
        "where it is left out.",
    )


@strawberry.input(description="Memberships at risk to end, all of one reason in one region.")
class MembershipsDeactivateInput:
    """Input of ``membershipsDeactivate``."""

    region: str = strawberry.field(description=f"Whose members: a province or what lies in one. {CODE_ARGUMENT_HELP}")
    reason: DeactivationReason = strawberry.field(description="The reason that the last review found.")
    decree: str = strawberry.field(description=_DECREE_HELP)


@strawberry.input(description="A membership that ended, to be asked back.")
class MembershipReactivateInput:
    """Input of ``membershipReactivate``."""

    id: strawberry.ID = strawberry.field(description=ID_HELP)
    facility_name: str = strawberry.field(
        description="The health facility that asks for it, up to 200 characters. Write no diagnosis."
    )
    facility_letter: str = strawberry.field(description="Number of its letter, up to 200 characters.")
    office_statement: str = strawberry.field(
        description="Number of the statement of the social office, up to 200 characters."
    )


@strawberry.input(description="A decision on a membership that was asked back.")
class MembershipReactivationDecideInput:
    """Input of ``membershipReactivationDecide``."""

    id: strawberry.ID = strawberry.field(
        description="The `id` of the membership that asks, in `REACTIVATION_REQUESTED`."
    )
    version: int = strawberry.field(description=_VERSION_HELP)
    decision: ReactivationDecision = strawberry.field(description="What is decided.")
    reason: str | None = strawberry.field(default=None, description=_REASON_HELP)


@strawberry.input(description="Whose memberships to look through.")
class MembershipReviewInput:
    """Input of ``membershipReview``."""

    region: str = strawberry.field(description=f"Whose members: a province or what lies in one. {CODE_ARGUMENT_HELP}")
    on: Date | None = strawberry.field(
        default=None,
        description="The day as of which the rules are looked at, not ahead. Today where it is left out. Who was born after it is taken "
        "over by a later review.",
    )
    idempotency_key: UUID = strawberry.field(
        description="A UUID that you make for each review; the same again answers the review that it has started."
    )
