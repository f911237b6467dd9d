"""Mutations of outlets: proposing, due diligence, what the bank decides, who may own none, and services elsewhere."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, Final, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

import strawberry

from app.authz.permissions import Permission
from app.domain.ewarong.actors import Actor
from app.domain.ewarong.agents.barring import Barred, list_barred
from app.domain.ewarong.agents.mobile import Schedule, cancel_service, plan_service
from app.domain.ewarong.agents.registering import Amendment, Owner, Owners, Place, Proposal, amend, propose
from app.domain.ewarong.agents.service import Assessment, decide, record_due_diligence
from app.domain.regions.rules import parse_region
from app.schema.context import Info, RequestContext
from app.schema.ewarong.agents import AGENT, EwarongAgent
from app.schema.ewarong.agents_inputs import (
    BarredOwnersListInput,
    EwarongAgentAmendInput,
    EwarongAgentDecideInput,
    EwarongAgentProposeInput,
    EwarongDueDiligenceRecordInput,
    EwarongOwnerInput,
    EwarongPlaceInput,
    EwarongServiceCancelInput,
    EwarongServicePlanInput,
    time_of_day,
)
from app.schema.ewarong.agents_services import SERVICE, EwarongService
from app.schema.ids import parse_node_id
from app.schema.mutations import Acting, Key, Refusal, answered, change, read

_PROPOSE: Final = Permission.EWARONG_AGENT_PROPOSE
_ASSESS: Final = Permission.EWARONG_AGENT_ASSESS
_DECIDE: Final = Permission.EWARONG_AGENT_DECIDE
_BAR: Final = Permission.EWARONG_OWNER_BAR
_JAKARTA: Final = ZoneInfo("Asia/Jakarta")
"""Offices begin and end by the calendar of the ministry."""
_AFTERWARDS: Final = "The e-Warong as it stands now. Null where the caller may change e-Warong and not read them."


def key_of(prefix: str) -> Callable[[str], tuple[int, UUID]]:
    """Reads node ids of the type ``prefix`` as regency and id."""

    def key(text: str) -> tuple[int, UUID]:
        regency_id, identifier = parse_node_id(text, prefix).key
        return regency_id, identifier

    return key


_AGENT_KEY: Final = key_of(AGENT)
_SERVICE_KEY: Final = key_of(SERVICE)


def _answer() -> Any:
    return answered("agent_key", description=_AFTERWARDS)


@strawberry.type(description="An e-Warong was proposed; due diligence and the bank's decision follow.")
class EwarongAgentProposed:
    """What ``ewarongAgentPropose`` did."""

    agent_key: strawberry.Private[Key]
    agent: EwarongAgent | None = _answer()


@strawberry.type(description="What is said of the e-Warong was put right.")
class EwarongAgentAmended:
    """What ``ewarongAgentAmend`` did."""

    agent_key: strawberry.Private[Key]
    agent: EwarongAgent | None = _answer()


@strawberry.type(description="What was found is kept.")
class EwarongDueDiligenceRecorded:
    """What ``ewarongDueDiligenceRecord`` did."""

    agent_key: strawberry.Private[Key]
    agent: EwarongAgent | None = _answer()


@strawberry.type(description="What the bank has decided is done.")
class EwarongAgentDecided:
    """What ``ewarongAgentDecide`` did."""

    agent_key: strawberry.Private[Key]
    agent: EwarongAgent | None = _answer()


@strawberry.type(description="The list is kept. Sent again, it changes nothing.")
class BarredOwnersListed:
    """What ``barredOwnersList`` did."""

    added: int = strawberry.field(description="People and offices that were not listed before.")
    changed: int = strawberry.field(description="Those whose last day or source is another one now.")
    outlets: int = strawberry.field(
        description="E-Warong of the regency that stand, and whose owner is on this list: look into them."
    )


@strawberry.type(description="The service is planned.")
class EwarongServicePlanned:
    """What ``ewarongServicePlan`` did."""

    service_key: strawberry.Private[Key]
    service: EwarongService | None = answered(
        "service_key", description="The service. Null where the caller may plan services and not read them."
    )


@strawberry.type(description="The service will not take place.")
class EwarongServiceCancelled:
    """What ``ewarongServiceCancel`` did."""

    service_key: strawberry.Private[Key]
    service: EwarongService | None = answered(
        "service_key", description="The service. Null where the caller may call services off and not read them."
    )


def _today() -> date:
    return datetime.now(tz=_JAKARTA).date()


def _actor(acting: Acting) -> Actor:
    return Actor(acting.access.principal.id, acting.access.principal.name)


def _owners(info: Info) -> Owners:
    context: RequestContext = info.context
    return Owners(context.seal, context.answer.caller.test_nik_provinces, _today())


def _owner(given: EwarongOwnerInput) -> Owner:
    return Owner(name=given.name, nik=given.nik)


def _place(given: EwarongPlaceInput | None) -> Place | None:
    return None if given is None else Place(latitude=given.latitude, longitude=given.longitude)


async def _propose(
    info: Info,
    given: Annotated[EwarongAgentProposeInput, strawberry.argument(name="input", description="The e-Warong.")],
) -> EwarongAgentProposed:
    async with change(info, _PROPOSE) as acting:
        agent = await propose(
            acting.session,
            _actor(acting),
            _owners(info),
            Proposal(
                village=read("village", parse_region, given.village),
                number=given.number,
                name=given.name,
                kind=given.kind,
                bank=given.bank.value,
                address=given.address,
                owner=_owner(given.owner),
                place=_place(given.place),
            ),
            idempotency_key=given.idempotency_key,
        )
        acting.concerns(AGENT, [agent.id], agent.villages)
    return EwarongAgentProposed(agent_key=agent.key)


async def _amend(
    info: Info,
    given: Annotated[EwarongAgentAmendInput, strawberry.argument(name="input", description="What is otherwise.")],
) -> EwarongAgentAmended:
    async with change(info, _PROPOSE) as acting:
        agent = await amend(
            acting.session,
            _owners(info),
            read("id", _AGENT_KEY, given.id),
            given.version,
            Amendment(
                number=given.number,
                name=given.name,
                kind=given.kind,
                address=given.address,
                owner=None if given.owner is None else _owner(given.owner),
                place=_place(given.place),
            ),
        )
        acting.concerns(AGENT, [agent.id], agent.villages)
    return EwarongAgentAmended(agent_key=agent.key)


async def _record(
    info: Info,
    given: Annotated[EwarongDueDiligenceRecordInput, strawberry.argument(name="input", description="What was found.")],
) -> EwarongDueDiligenceRecorded:
    async with change(info, _ASSESS) as acting:
        agent = await record_due_diligence(
            acting.session,
            _actor(acting),
            read("id", _AGENT_KEY, given.id),
            given.version,
            [Assessment(each.criterion, each.met, each.note) for each in given.assessments],
        )
        acting.concerns(AGENT, [agent.id], agent.villages)
    return EwarongDueDiligenceRecorded(agent_key=agent.key)


async def _decide(
    info: Info,
    given: Annotated[EwarongAgentDecideInput, strawberry.argument(name="input", description="The decision.")],
) -> EwarongAgentDecided:
    async with change(info, _DECIDE) as acting:
        agent = await decide(
            acting.session,
            _actor(acting),
            read("id", _AGENT_KEY, given.id),
            given.version,
            act=given.act,
            reason=given.reason,
            today=_today(),
        )
        acting.concerns(AGENT, [agent.id], agent.villages)
    return EwarongAgentDecided(agent_key=agent.key)


async def _bar(
    info: Info,
    given: Annotated[BarredOwnersListInput, strawberry.argument(name="input", description="The list.")],
) -> BarredOwnersListed:
    context: RequestContext = info.context
    async with change(info, _BAR) as acting:
        region = read("region", parse_region, given.region)
        listed = await list_barred(
            acting.session,
            _actor(acting),
            [
                Barred(nik=each.nik, office=each.office, valid_from=each.valid_from, valid_to=each.valid_to)
                for each in given.owners
            ],
            where=region,
            source=given.source,
            seal=context.seal,
            today=_today(),
            test_provinces=context.answer.caller.test_nik_provinces,
        )
        acting.concerns("BarredOwner", listed.ids, region.villages)
    return BarredOwnersListed(added=listed.added, changed=listed.changed, outlets=listed.outlets)


async def _plan(
    info: Info,
    given: Annotated[EwarongServicePlanInput, strawberry.argument(name="input", description="The service.")],
) -> EwarongServicePlanned:
    async with change(info, _PROPOSE) as acting:
        service = await plan_service(
            acting.session,
            _actor(acting),
            read("agent", _AGENT_KEY, given.agent),
            Schedule(
                village=read("village", parse_region, given.village),
                weekday=given.weekday,
                valid_from=given.valid_from,
                valid_to=given.valid_to,
                opens=read("opens", time_of_day, given.opens),
                closes=read("closes", time_of_day, given.closes),
                place=given.place,
            ),
            idempotency_key=given.idempotency_key,
            today=_today(),
        )
        acting.concerns(SERVICE, [service.id], service.villages)
    return EwarongServicePlanned(service_key=service.key)


async def _cancel(
    info: Info,
    given: Annotated[EwarongServiceCancelInput, strawberry.argument(name="input", description="The service.")],
) -> EwarongServiceCancelled:
    async with change(info, _PROPOSE) as acting:
        identifier = read("id", _SERVICE_KEY, given.id)
        service = await cancel_service(acting.session, _actor(acting), identifier, today=_today())
        acting.concerns(SERVICE, [service.id], service.villages)
    return EwarongServiceCancelled(service_key=service.key)


EwarongAgentProposeResult: TypeAlias = Annotated[
    EwarongAgentProposed | Refusal,
    strawberry.union("EwarongAgentProposeResult", description="What `ewarongAgentPropose` did, or why it did nothing."),
]
EwarongAgentAmendResult: TypeAlias = Annotated[
    EwarongAgentAmended | Refusal,
    strawberry.union("EwarongAgentAmendResult", description="What `ewarongAgentAmend` did, or why it did nothing."),
]
EwarongDueDiligenceRecordResult: TypeAlias = Annotated[
    EwarongDueDiligenceRecorded | Refusal,
    strawberry.union(
        "EwarongDueDiligenceRecordResult",
        description="What `ewarongDueDiligenceRecord` did, or why it did nothing.",
    ),
]
EwarongAgentDecideResult: TypeAlias = Annotated[
    EwarongAgentDecided | Refusal,
    strawberry.union("EwarongAgentDecideResult", description="What `ewarongAgentDecide` did, or why it did nothing."),
]
BarredOwnersListResult: TypeAlias = Annotated[
    BarredOwnersListed | Refusal,
    strawberry.union("BarredOwnersListResult", description="What `barredOwnersList` did, or why it did nothing."),
]
EwarongServicePlanResult: TypeAlias = Annotated[
    EwarongServicePlanned | Refusal,
    strawberry.union("EwarongServicePlanResult", description="What `ewarongServicePlan` did, or why it did nothing."),
]
EwarongServiceCancelResult: TypeAlias = Annotated[
    EwarongServiceCancelled | Refusal,
    strawberry.union(
        "EwarongServiceCancelResult", description="What `ewarongServiceCancel` did, or why it did nothing."
    ),
]


@strawberry.type
class EwarongAgentsMutation:
    """Mutations of outlets."""

    ewarong_agent_propose: EwarongAgentProposeResult | None = strawberry.mutation(
        resolver=_propose,
        description="Propose an outlet to its bank. An owner who is listed as barred is refused with `EWARONG_OWNER_BARRED`, which names "
        f"the office. Needs `{_PROPOSE.value}`.",
    )
    ewarong_agent_amend: EwarongAgentAmendResult | None = strawberry.mutation(
        resolver=_amend, description=f"Put right what is said of an outlet. Needs `{_PROPOSE.value}`."
    )
    ewarong_due_diligence_record: EwarongDueDiligenceRecordResult | None = strawberry.mutation(
        resolver=_record,
        description="Keep what was found of some criteria, by somebody other than who has proposed the outlet. The bank admits it once all "
        f"criteria are met. Needs `{_ASSESS.value}`.",
    )
    ewarong_agent_decide: EwarongAgentDecideResult | None = strawberry.mutation(
        resolver=_decide,
        description="Admit an outlet, reject, freeze or pause it: the bank's acts. It is revoked by `ewarongViolationDecide`, after the "
        f"office has recommended so. `EWARONG_AGENT_STATE_WRONG` says what is possible. Needs `{_DECIDE.value}`.",
    )
    barred_owners_list: BarredOwnersListResult | None = strawberry.mutation(
        resolver=_bar,
        description="List who may own no e-Warong: civil servants, village officials, staff of banks and of the programme. Of the people "
        f"only digests of their numbers are kept. Needs `{_BAR.value}`.",
    )
    ewarong_service_plan: EwarongServicePlanResult | None = strawberry.mutation(
        resolver=_plan,
        description="Plan where and when a mobile or collective outlet serves. Needs "
        f"`{_PROPOSE.value}` for the outlet and for the village.",
    )
    ewarong_service_cancel: EwarongServiceCancelResult | None = strawberry.mutation(
        resolver=_cancel, description=f"Call a service off. Needs `{_PROPOSE.value}`."
    )
