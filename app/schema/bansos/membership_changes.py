"""Mutations of memberships: proposing, verifying, deciding, ending, asking back, and starting a review."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, Final, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

import strawberry

from app.authz.permissions import Permission
from app.domain.bansos.insurance import service
from app.domain.bansos.insurance.at_risk import deactivate_at_risk
from app.domain.bansos.insurance.queries import Membership
from app.domain.bansos.insurance.service import Actor, Letters
from app.domain.bansos.insurance.starting import start_review
from app.domain.regions.rules import parse_region
from app.schema.bansos.membership_inputs import (
    MembershipDeactivateInput,
    MembershipDecideInput,
    MembershipDecision,
    MembershipProposeInput,
    MembershipReactivateInput,
    MembershipReactivationDecideInput,
    MembershipReviewInput,
    MembershipsDeactivateInput,
    MembershipVerifyInput,
    ReactivationDecision,
)
from app.schema.bansos.memberships import MEMBERSHIP, REVIEW, HealthMembership, MembershipReview
from app.schema.context import Info
from app.schema.ids import parse_node_id
from app.schema.mutations import Acting, Key, Refusal, answered, change, read
from app.tenants.region_path import RegionLevel, RegionPath, Span

_CHANGE: Final = Permission.BANSOS_MEMBERSHIP_CHANGE
_DECIDE: Final = Permission.BANSOS_MEMBERSHIP_DECIDE
_JAKARTA: Final = ZoneInfo("Asia/Jakarta")
"""Regulations count days, and those of the ministry begin here."""


_AFTERWARDS: Final = "The membership as it stands now. Null where the caller may change memberships and not read them."


def _answer() -> Any:
    return answered("membership_key", description=_AFTERWARDS)


@strawberry.type(description="Somebody was proposed; somebody else verifies it.")
class MembershipProposed:
    """What ``membershipPropose`` did."""

    membership_key: strawberry.Private[Key]
    membership: HealthMembership | None = _answer()


@strawberry.type(description="A proposal was verified; somebody else decides.")
class MembershipVerified:
    """What ``membershipVerify`` did."""

    membership_key: strawberry.Private[Key]
    membership: HealthMembership | None = _answer()


@strawberry.type(description="A proposal was decided on.")
class MembershipDecided:
    """What ``membershipDecide`` did."""

    membership_key: strawberry.Private[Key]
    membership: HealthMembership | None = _answer()


@strawberry.type(description="A membership was ended.")
class MembershipDeactivated:
    """What ``membershipDeactivate`` did."""

    membership_key: strawberry.Private[Key]
    membership: HealthMembership | None = _answer()


@strawberry.type(description="Memberships at risk were ended.")
class MembershipsDeactivated:
    """What ``membershipsDeactivate`` did."""

    deactivated: int = strawberry.field(description="How many were ended.")
    left: int = strawberry.field(description="How many are left; send the same again until there are none.")


@strawberry.type(description="A membership was asked back; somebody else decides.")
class MembershipReactivationRequested:
    """What ``membershipReactivate`` did."""

    membership_key: strawberry.Private[Key]
    membership: HealthMembership | None = answered(
        "membership_key",
        description="The new membership that asks, beside the one that ended. Null where the caller may not read memberships.",
    )


@strawberry.type(description="A membership that was asked back was decided on.")
class MembershipReactivationDecided:
    """What ``membershipReactivationDecide`` did."""

    membership_key: strawberry.Private[Key]
    membership: HealthMembership | None = _answer()


@strawberry.type(
    description="A job will look through them. With a key that was used before: the review that it has started."
)
class MembershipReviewStarted:
    """What ``membershipReview`` did."""

    review_key: strawberry.Private[Key]
    review: MembershipReview | None = answered(
        "review_key", description="The review as it is now; listen to `jobProgress` of its `job` for its end."
    )


def _today() -> date:
    return datetime.now(tz=_JAKARTA).date()


def _key_of(prefix: str) -> Callable[[str], tuple[int, UUID]]:
    def key(text: str) -> tuple[int, UUID]:
        regency_id, identifier = parse_node_id(text, prefix).key
        return regency_id, identifier

    return key


_MEMBERSHIP: Final = _key_of(MEMBERSHIP)
_PERSON: Final = _key_of("Person")


def _actor(acting: Acting) -> Actor:
    return Actor(acting.access.principal.id, acting.access.principal.name)


def _concerning(acting: Acting, done: Membership) -> Key:
    # The trail names the person: whoever asks what was done with their data finds it there.
    acting.concerns("Person", [done.person_id], done.villages)
    return done.key


async def _propose(
    info: Info,
    given: Annotated[MembershipProposeInput, strawberry.argument(name="input", description="Whom to propose.")],
) -> MembershipProposed:
    async with change(info, _CHANGE) as acting:
        done = await service.propose(
            acting.session,
            _actor(acting),
            person=read("person", _PERSON, given.person),
            segment=given.segment,
            mother=None if given.mother is None else read("mother", _PERSON, given.mother),
            today=_today(),
        )
        key = _concerning(acting, done)
    return MembershipProposed(membership_key=key)


async def _verify(
    info: Info,
    given: Annotated[MembershipVerifyInput, strawberry.argument(name="input", description="What to verify.")],
) -> MembershipVerified:
    async with change(info, _CHANGE) as acting:
        identifier = read("id", _MEMBERSHIP, given.id)
        done = await service.verify(acting.session, _actor(acting), identifier, given.version)
        key = _concerning(acting, done)
    return MembershipVerified(membership_key=key)


async def _decide(
    info: Info,
    given: Annotated[MembershipDecideInput, strawberry.argument(name="input", description="The decision.")],
) -> MembershipDecided:
    async with change(info, _DECIDE) as acting:
        row = (acting.session, _actor(acting), read("id", _MEMBERSHIP, given.id), given.version)
        if given.decision is MembershipDecision.APPROVE:
            done = await service.accept(*row, asked_back=False, valid_from=given.valid_from, today=_today())
        else:
            done = await service.refuse(*row, asked_back=False, reason=given.reason or "")
        key = _concerning(acting, done)
    return MembershipDecided(membership_key=key)


async def _deactivate(
    info: Info,
    given: Annotated[MembershipDeactivateInput, strawberry.argument(name="input", description="What to end.")],
) -> MembershipDeactivated:
    async with change(info, _CHANGE) as acting:
        done = await service.deactivate(
            acting.session,
            _actor(acting),
            read("id", _MEMBERSHIP, given.id),
            given.version,
            reason=given.reason,
            decree=given.decree,
            on=given.on,
            today=_today(),
        )
        key = _concerning(acting, done)
    return MembershipDeactivated(membership_key=key)


async def _deactivate_all(
    info: Info,
    given: Annotated[MembershipsDeactivateInput, strawberry.argument(name="input", description="What to end.")],
) -> MembershipsDeactivated:
    async with change(info, _CHANGE) as acting:
        region = read("region", parse_region, given.region)
        done = await deactivate_at_risk(
            acting.session,
            _actor(acting),
            region,
            acting.access.scope(_CHANGE),
            reason=given.reason,
            decree=given.decree,
            today=_today(),
        )
        for regency_id, persons in done.persons.items():
            acting.concerns("Person", persons, _part(region, regency_id))
        if not done.persons:
            acting.concerns("Person", [], region.villages)
    return MembershipsDeactivated(deactivated=done.number, left=done.left)


def _part(region: RegionPath, regency_id: int) -> Span:
    """What of ``region`` lies in a regency."""
    inside = region if region.level.depth > RegionLevel.PROVINCE.depth else RegionPath(RegionLevel.REGENCY, regency_id)
    return inside.villages


async def _reactivate(
    info: Info,
    given: Annotated[MembershipReactivateInput, strawberry.argument(name="input", description="What to ask back.")],
) -> MembershipReactivationRequested:
    async with change(info, _CHANGE) as acting:
        done = await service.reactivate(
            acting.session,
            _actor(acting),
            read("id", _MEMBERSHIP, given.id),
            Letters(given.facility_name, given.facility_letter, given.office_statement),
            today=_today(),
        )
        key = _concerning(acting, done)
    return MembershipReactivationRequested(membership_key=key)


async def _decide_reactivation(
    info: Info,
    given: Annotated[MembershipReactivationDecideInput, strawberry.argument(name="input", description="The decision.")],
) -> MembershipReactivationDecided:
    async with change(info, _DECIDE) as acting:
        row = (acting.session, _actor(acting), read("id", _MEMBERSHIP, given.id), given.version)
        if given.decision is ReactivationDecision.APPROVE:
            done = await service.accept(*row, asked_back=True, valid_from=None, today=_today())
        else:
            moved = given.decision is ReactivationDecision.MOVE
            done = await service.refuse(*row, asked_back=True, reason=given.reason or "", moved=moved)
        key = _concerning(acting, done)
    return MembershipReactivationDecided(membership_key=key)


async def _review(
    info: Info,
    given: Annotated[
        MembershipReviewInput, strawberry.argument(name="input", description="Whose memberships to look through.")
    ],
) -> MembershipReviewStarted:
    async with change(info, _CHANGE) as acting:
        started = await start_review(
            acting.session,
            _actor(acting),
            region=read("region", parse_region, given.region),
            on=given.on,
            idempotency_key=given.idempotency_key,
            today=_today(),
        )
        acting.concerns(REVIEW, [started.id], started.region.villages)
    return MembershipReviewStarted(review_key=(started.regency_id, started.id))


MembershipProposeResult: TypeAlias = Annotated[
    MembershipProposed | Refusal,
    strawberry.union("MembershipProposeResult", description="What `membershipPropose` did, or why it did nothing."),
]
MembershipVerifyResult: TypeAlias = Annotated[
    MembershipVerified | Refusal,
    strawberry.union("MembershipVerifyResult", description="What `membershipVerify` did, or why it did nothing."),
]
MembershipDecideResult: TypeAlias = Annotated[
    MembershipDecided | Refusal,
    strawberry.union("MembershipDecideResult", description="What `membershipDecide` did, or why it did nothing."),
]
MembershipDeactivateResult: TypeAlias = Annotated[
    MembershipDeactivated | Refusal,
    strawberry.union(
        "MembershipDeactivateResult", description="What `membershipDeactivate` did, or why it did nothing."
    ),
]
MembershipsDeactivateResult: TypeAlias = Annotated[
    MembershipsDeactivated | Refusal,
    strawberry.union(
        "MembershipsDeactivateResult", description="What `membershipsDeactivate` did, or why it did nothing."
    ),
]
MembershipReactivateResult: TypeAlias = Annotated[
    MembershipReactivationRequested | Refusal,
    strawberry.union(
        "MembershipReactivateResult", description="What `membershipReactivate` did, or why it did nothing."
    ),
]
MembershipReactivationDecideResult: TypeAlias = Annotated[
    MembershipReactivationDecided | Refusal,
    strawberry.union(
        "MembershipReactivationDecideResult",
        description="What `membershipReactivationDecide` did, or why it did nothing.",
    ),
]
MembershipReviewResult: TypeAlias = Annotated[
    MembershipReviewStarted | Refusal,
    strawberry.union("MembershipReviewResult", description="What `membershipReview` did, or why it did nothing."),
]


@strawberry.type
class MembershipsMutation:
    """Mutations of memberships."""

    membership_propose: MembershipProposeResult | None = strawberry.mutation(
        resolver=_propose,
        description="Propose a person for health insurance that the state or the region pays. Needs `bansos:membership:change`.",
    )
    membership_verify: MembershipVerifyResult | None = strawberry.mutation(
        resolver=_verify,
        description="Verify what somebody else has proposed. Needs `bansos:membership:change`.",
    )
    membership_decide: MembershipDecideResult | None = strawberry.mutation(
        resolver=_decide,
        description="Approve what others have proposed and verified, or refuse it. Needs `bansos:membership:decide`.",
    )
    membership_deactivate: MembershipDeactivateResult | None = strawberry.mutation(
        resolver=_deactivate,
        description="End an active membership by a decree. Needs `bansos:membership:change`.",
    )
    memberships_deactivate: MembershipsDeactivateResult | None = strawberry.mutation(
        resolver=_deactivate_all,
        description="End the memberships of a region that the last review found at risk for one reason, by one decree: 10,000 at a time. "
        "Their last day is today. Needs `bansos:membership:change`.",
    )
    membership_reactivate: MembershipReactivateResult | None = strawberry.mutation(
        resolver=_reactivate,
        description="Ask back a membership that ended, until its `reactivationUntil`. Needs `bansos:membership:change`.",
    )
    membership_reactivation_decide: MembershipReactivationDecideResult | None = strawberry.mutation(
        resolver=_decide_reactivation,
        description="Give back a membership that somebody else has asked back, or do not. Needs `bansos:membership:decide`.",
    )
    membership_review: MembershipReviewResult | None = strawberry.mutation(
        resolver=_review,
        description="Have the memberships of a region looked through by a job: whom the registry names as a member is taken over, and "
        "who may have to be ended is marked (`membershipsAtRisk`). Nobody is ended by it. Needs `bansos:membership:change`.",
    )
