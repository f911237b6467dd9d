"""Making cycles and deciding on them."""

from datetime import date
from typing import Annotated, Final, TypeAlias
from uuid import UUID

import strawberry

from app.authz.permissions import Permission
from app.domain.bansos.cycles import service
from app.domain.bansos.cycles.queries import Cycle
from app.domain.bansos.cycles.service import Actor
from app.domain.regions.rules import parse_region
from app.schema.bansos.cycles import GENERATION, AidCycle, CycleGeneration
from app.schema.bansos.entitlement_filters import PERIOD_HELP, PROGRAMME_HELP
from app.schema.bansos.payment_terms import CYCLE, cycle_key
from app.schema.context import Info
from app.schema.mutations import Acting, Key, Refusal, answered, change, read
from app.schema.regions import CODE_ARGUMENT_HELP
from app.schema.scalars import Date
from app.tenants.region_path import RegionPath

_COUNTRY: Final = "0"
_ID_HELP: Final = "The `id` of the cycle."
_VERSION_HELP: Final = "Its `version` as you saw it: where the cycle was changed since, nothing happens."
_AFTERWARDS: Final = "The cycle as it stands now. Null where the caller may do this and not read cycles."


@strawberry.input(description="Lists to generate.")
class CycleGenerateInput:
    """Input of ``cycleGenerate``."""

    programme: str = strawberry.field(description=PROGRAMME_HELP)
    period: Date = strawberry.field(description=PERIOD_HELP)
    region: str = strawberry.field(
        description=f"A regency or a province; `0` is the whole country. {CODE_ARGUMENT_HELP} A list is made for each regency of it "
        "that holds families."
    )
    idempotency_key: UUID = strawberry.field(
        description="A UUID that you make for each generation; the same again answers the one that it has started."
    )


@strawberry.input(description="A generated list to verify.")
class CycleVerifyInput:
    """Input of ``cycleVerify``."""

    id: strawberry.ID = strawberry.field(description=_ID_HELP)
    version: int = strawberry.field(description=_VERSION_HELP)


@strawberry.input(description="A verified list to approve.")
class CycleApproveInput:
    """Input of ``cycleApprove``."""

    id: strawberry.ID = strawberry.field(description=_ID_HELP)
    version: int = strawberry.field(description=_VERSION_HELP)


@strawberry.input(description="An approved list to give to payment.")
class CycleReleaseInput:
    """Input of ``cycleRelease``."""

    id: strawberry.ID = strawberry.field(description=_ID_HELP)
    version: int = strawberry.field(description=_VERSION_HELP)


@strawberry.input(description="A list that was not released, to be made anew.")
class CycleReviseInput:
    """Input of ``cycleRevise``."""

    id: strawberry.ID = strawberry.field(description=_ID_HELP)
    version: int = strawberry.field(description=_VERSION_HELP)
    reason: str = strawberry.field(description="Why, 1 to 1000 characters.")
    idempotency_key: UUID = strawberry.field(
        description="A UUID that you make for each revision; the same again answers the one that it has made."
    )


@strawberry.type(
    description="A job will generate the lists: listen to `jobProgress` of its `job`. With a key that was used before: what that started."
)
class CycleGenerated:
    """What ``cycleGenerate`` did."""

    generation_key: strawberry.Private[Key]
    generation: CycleGeneration | None = answered("generation_key", description="The generation as it is now.")


@strawberry.type(description="The list is verified.")
class CycleVerified:
    """What ``cycleVerify`` did."""

    cycle_key: strawberry.Private[Key]
    cycle: AidCycle | None = answered("cycle_key", description=_AFTERWARDS)


@strawberry.type(description="The list is approved, or waits for a second approval where its amount asks for one.")
class CycleApproved:
    """What ``cycleApprove`` did."""

    cycle_key: strawberry.Private[Key]
    cycle: AidCycle | None = answered("cycle_key", description=_AFTERWARDS)


@strawberry.type(description="The list is released: it is not changed any more, and orders of payment can be made.")
class CycleReleased:
    """What ``cycleRelease`` did."""

    cycle_key: strawberry.Private[Key]
    cycle: AidCycle | None = answered("cycle_key", description=_AFTERWARDS)


@strawberry.type(
    description="A new revision took the place of the cycle, whose entitlements are `CANCELLED`. A job will generate its list."
)
class CycleRevised:
    """What ``cycleRevise`` did."""

    cycle_key: strawberry.Private[Key]
    cycle: AidCycle | None = answered(
        "cycle_key", description="The new revision. Null where the caller may do this and not read cycles."
    )


def _region(code: str) -> RegionPath:
    return RegionPath.country() if code == _COUNTRY else parse_region(code)


def _actor(acting: Acting) -> Actor:
    principal = acting.access.principal
    return Actor(principal.id, principal.name)


def _changed(acting: Acting, cycle: Cycle) -> Key:
    acting.concerns(CYCLE, [cycle.id], cycle.villages)
    return cycle.key


async def _generate(
    info: Info, given: Annotated[CycleGenerateInput, strawberry.argument(name="input", description="Which lists.")]
) -> CycleGenerated:
    async with change(info, Permission.BANSOS_CYCLE_MAKE) as acting:
        period: date = given.period
        made = await service.make(
            acting.session,
            _actor(acting),
            programme=given.programme,
            period=period,
            region=read("region", _region, given.region),
            idempotency_key=given.idempotency_key,
        )
        acting.concerns(GENERATION, [made.id], made.villages)
    return CycleGenerated(generation_key=made.key)


async def _verify(
    info: Info, given: Annotated[CycleVerifyInput, strawberry.argument(name="input", description="The cycle.")]
) -> CycleVerified:
    async with change(info, Permission.BANSOS_CYCLE_VERIFY) as acting:
        key = read("id", cycle_key, given.id)
        cycle = await service.verify(acting.session, _actor(acting), key, version=given.version)
        changed = _changed(acting, cycle)
    return CycleVerified(cycle_key=changed)


async def _approve(
    info: Info, given: Annotated[CycleApproveInput, strawberry.argument(name="input", description="The cycle.")]
) -> CycleApproved:
    async with change(info, Permission.BANSOS_CYCLE_APPROVE) as acting:
        key = read("id", cycle_key, given.id)
        cycle = await service.approve(acting.session, _actor(acting), key, version=given.version)
        changed = _changed(acting, cycle)
    return CycleApproved(cycle_key=changed)


async def _release(
    info: Info, given: Annotated[CycleReleaseInput, strawberry.argument(name="input", description="The cycle.")]
) -> CycleReleased:
    async with change(info, Permission.BANSOS_CYCLE_RELEASE) as acting:
        key = read("id", cycle_key, given.id)
        cycle = await service.release(acting.session, _actor(acting), key, version=given.version)
        changed = _changed(acting, cycle)
    return CycleReleased(cycle_key=changed)


async def _revise(
    info: Info,
    given: Annotated[CycleReviseInput, strawberry.argument(name="input", description="The cycle, and why.")],
) -> CycleRevised:
    async with change(info, Permission.BANSOS_CYCLE_MAKE) as acting:
        cycle = await service.revise(
            acting.session,
            _actor(acting),
            read("id", cycle_key, given.id),
            version=given.version,
            reason=given.reason,
            idempotency_key=given.idempotency_key,
        )
        changed = _changed(acting, cycle)
    return CycleRevised(cycle_key=changed)


CycleGenerateResult: TypeAlias = Annotated[
    CycleGenerated | Refusal,
    strawberry.union("CycleGenerateResult", description="What `cycleGenerate` did, or why it did nothing."),
]
CycleVerifyResult: TypeAlias = Annotated[
    CycleVerified | Refusal,
    strawberry.union("CycleVerifyResult", description="What `cycleVerify` did, or why it did nothing."),
]
CycleApproveResult: TypeAlias = Annotated[
    CycleApproved | Refusal,
    strawberry.union("CycleApproveResult", description="What `cycleApprove` did, or why it did nothing."),
]
CycleReleaseResult: TypeAlias = Annotated[
    CycleReleased | Refusal,
    strawberry.union("CycleReleaseResult", description="What `cycleRelease` did, or why it did nothing."),
]
CycleReviseResult: TypeAlias = Annotated[
    CycleRevised | Refusal,
    strawberry.union("CycleReviseResult", description="What `cycleRevise` did, or why it did nothing."),
]


@strawberry.type
class CyclesMutation:
    """Mutations of cycles."""

    cycle_generate: CycleGenerateResult | None = strawberry.mutation(
        resolver=_generate,
        description="Generate the list of who receives a programme in a period, by a job, regency by regency. Lists that nobody has "
        "verified are generated again; where one is verified or further, nothing happens. A programme whose benefit is "
        "`HEALTH_INSURANCE` has no lists: it has memberships. To pause, cancel the job; generating again gives the same rows. "
        "Needs `bansos:cycle:make`.",
    )
    cycle_verify: CycleVerifyResult | None = strawberry.mutation(
        resolver=_verify,
        description="Say that a generated list was looked at and is right. Not for whoever made it. Needs `bansos:cycle:verify`.",
    )
    cycle_approve: CycleApproveResult | None = strawberry.mutation(
        resolver=_approve,
        description="Approve a verified list. Not for whoever made or verified it; above the amount of the terms a second person approves "
        "it too. Needs `bansos:cycle:approve`.",
    )
    cycle_release: CycleReleaseResult | None = strawberry.mutation(
        resolver=_release,
        description="Give an approved list to payment. From then on it is not changed any more. Needs `bansos:cycle:release`.",
    )
    cycle_revise: CycleReviseResult | None = strawberry.mutation(
        resolver=_revise,
        description="Put a new revision in the place of a cycle that was not released, by the terms that hold now, and generate its list. "
        "Needs `bansos:cycle:make`.",
    )
