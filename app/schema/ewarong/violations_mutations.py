"""What is done about violations: the office records, warns, recommends and closes, the bank decides, the outlet answers."""

from typing import Annotated, Any, Final, TypeAlias

import strawberry

from app.authz.permissions import Permission
from app.domain.ewarong.models.oversight import BankDecision, ViolationAct
from app.domain.ewarong.oversight.cases import Violation
from app.domain.ewarong.oversight.errors import SignalUnknown
from app.domain.ewarong.oversight.statements import answer_appeal, answer_office
from app.domain.ewarong.oversight.violations import record_violation, take_step
from app.schema.context import Info
from app.schema.ewarong.agents_mutations import key_of
from app.schema.ewarong.inspections import AGENT_KEY, INSPECTION, actor_of
from app.schema.ewarong.violations import VIOLATION, EwarongViolation
from app.schema.ewarong.violations_inputs import (
    EwarongAppealAnswerInput,
    EwarongViolationAppealInput,
    EwarongViolationDecideInput,
    EwarongViolationDismissInput,
    EwarongViolationRecommendInput,
    EwarongViolationRecordInput,
    EwarongViolationRemediedInput,
    EwarongViolationReplyInput,
    EwarongViolationWarnInput,
)
from app.schema.ids import tenant_node
from app.schema.mutations import Acting, Key, Refusal, answered, change, read

_RECORD: Final = Permission.EWARONG_VIOLATION_RECORD
_WARN: Final = Permission.EWARONG_VIOLATION_WARN
_RECOMMEND: Final = Permission.EWARONG_VIOLATION_RECOMMEND
_REPLY: Final = Permission.EWARONG_VIOLATION_REPLY
_DECIDE: Final = Permission.EWARONG_AGENT_DECIDE
_VIOLATION_KEY: Final = key_of(VIOLATION)
_INSPECTION_KEY: Final = key_of(INSPECTION)
_SIGNAL_KEY: Final = key_of(tenant_node("EwarongSignal").prefix)
_AFTERWARDS: Final = "The violation as it stands now. Null where the caller may change violations and not read them."
_ACTS: Final = {
    BankDecision.REVOKED_BY_BANK: ViolationAct.REVOKE,
    BankDecision.KEPT_BY_BANK: ViolationAct.KEEP,
}


def _answer() -> Any:
    return answered("violation_key", description=_AFTERWARDS)


@strawberry.type(description="The violation is recorded. With a key that was used before: what was recorded with it.")
class EwarongViolationRecorded:
    """What ``ewarongViolationRecord`` did."""

    violation_key: strawberry.Private[Key]
    violation: EwarongViolation | None = _answer()


@strawberry.type(description="The outlet is warned: the first time, or the second.")
class EwarongViolationWarned:
    """What ``ewarongViolationWarn`` did."""

    violation_key: strawberry.Private[Key]
    violation: EwarongViolation | None = _answer()


@strawberry.type(description="The bank is asked to revoke the outlet.")
class EwarongViolationRecommended:
    """What ``ewarongViolationRecommend`` did."""

    violation_key: strawberry.Private[Key]
    violation: EwarongViolation | None = _answer()


@strawberry.type(description="The violation is dismissed.")
class EwarongViolationDismissed:
    """What ``ewarongViolationDismiss`` did."""

    violation_key: strawberry.Private[Key]
    violation: EwarongViolation | None = _answer()


@strawberry.type(description="The violation is closed; the outlet is watched.")
class EwarongViolationClosed:
    """What ``ewarongViolationRemedied`` did."""

    violation_key: strawberry.Private[Key]
    violation: EwarongViolation | None = _answer()


@strawberry.type(description="The bank has decided, and the outlet stands accordingly.")
class EwarongViolationDecided:
    """What ``ewarongViolationDecide`` did."""

    violation_key: strawberry.Private[Key]
    violation: EwarongViolation | None = _answer()


@strawberry.type(description="The reply is kept.")
class EwarongViolationReplied:
    """What ``ewarongViolationReply`` did."""

    violation_key: strawberry.Private[Key]
    violation: EwarongViolation | None = _answer()


@strawberry.type(description="The appeal is kept; nothing goes on before it is answered.")
class EwarongViolationAppealed:
    """What ``ewarongViolationAppeal`` did."""

    violation_key: strawberry.Private[Key]
    violation: EwarongViolation | None = _answer()


@strawberry.type(
    description="The appeal is answered. Where it was accepted, violation and outlet stand where they stood before."
)
class EwarongAppealAnswered:
    """What ``ewarongAppealAnswer`` did."""

    violation_key: strawberry.Private[Key]
    violation: EwarongViolation | None = _answer()


def _keep(acting: Acting, violation: Violation) -> Key:
    acting.concerns(VIOLATION, [violation.id], violation.villages)
    return violation.regency_id, violation.id


def _may_read_signals(acting: Acting) -> bool:
    return Permission.EWARONG_SIGNAL_READ in acting.access.permissions


async def _record(
    info: Info,
    given: Annotated[EwarongViolationRecordInput, strawberry.argument(name="input", description="The violation.")],
) -> EwarongViolationRecorded:
    async with change(info, _RECORD) as acting:
        signal = None if given.signal is None else read("signal", _SIGNAL_KEY, given.signal)
        # Whoever sees no signals is not told either whether one is there.
        if signal is not None and not _may_read_signals(acting):
            raise SignalUnknown
        recorded = await record_violation(
            acting.session,
            actor_of(acting),
            agent=read("agent", AGENT_KEY, given.agent),
            code=given.code,
            description=given.description,
            inspection=None if given.inspection is None else read("inspection", _INSPECTION_KEY, given.inspection),
            signal=signal,
            idempotency_key=given.idempotency_key,
        )
        key = _keep(acting, recorded)
    return EwarongViolationRecorded(violation_key=key)


_Step: TypeAlias = (
    EwarongViolationWarnInput
    | EwarongViolationRecommendInput
    | EwarongViolationDismissInput
    | EwarongViolationRemediedInput
    | EwarongViolationDecideInput
)
_Speech: TypeAlias = EwarongViolationReplyInput | EwarongViolationAppealInput


async def _take(info: Info, permission: Permission, act: ViolationAct, given: _Step) -> Key:
    async with change(info, permission) as acting:
        taken = await take_step(
            acting.session,
            actor_of(acting),
            read("id", _VIOLATION_KEY, given.id),
            version=given.version,
            act=act,
            reason=given.reason,
        )
        return _keep(acting, taken)


async def _say(info: Info, act: ViolationAct, given: _Speech) -> Key:
    async with change(info, _REPLY) as acting:
        said = await answer_office(
            acting.session,
            actor_of(acting),
            read("id", _VIOLATION_KEY, given.id),
            version=given.version,
            act=act,
            text=given.text,
            idempotency_key=given.idempotency_key,
        )
        return _keep(acting, said)


async def _warn(
    info: Info,
    given: Annotated[EwarongViolationWarnInput, strawberry.argument(name="input", description="A warning to give.")],
) -> EwarongViolationWarned:
    return EwarongViolationWarned(violation_key=await _take(info, _WARN, ViolationAct.WARN, given))


async def _recommend(
    info: Info,
    given: Annotated[
        EwarongViolationRecommendInput, strawberry.argument(name="input", description="A revocation to recommend.")
    ],
) -> EwarongViolationRecommended:
    return EwarongViolationRecommended(violation_key=await _take(info, _RECOMMEND, ViolationAct.RECOMMEND, given))


async def _dismiss(
    info: Info,
    given: Annotated[
        EwarongViolationDismissInput, strawberry.argument(name="input", description="A violation to dismiss.")
    ],
) -> EwarongViolationDismissed:
    return EwarongViolationDismissed(violation_key=await _take(info, _WARN, ViolationAct.DISMISS, given))


async def _remedied(
    info: Info,
    given: Annotated[
        EwarongViolationRemediedInput, strawberry.argument(name="input", description="A violation to close.")
    ],
) -> EwarongViolationClosed:
    return EwarongViolationClosed(violation_key=await _take(info, _WARN, ViolationAct.REMEDY, given))


async def _decide(
    info: Info,
    given: Annotated[EwarongViolationDecideInput, strawberry.argument(name="input", description="The decision.")],
) -> EwarongViolationDecided:
    return EwarongViolationDecided(violation_key=await _take(info, _DECIDE, _ACTS[given.decision], given))


async def _reply(
    info: Info,
    given: Annotated[EwarongViolationReplyInput, strawberry.argument(name="input", description="The reply.")],
) -> EwarongViolationReplied:
    return EwarongViolationReplied(violation_key=await _say(info, ViolationAct.REPLY, given))


async def _appeal(
    info: Info,
    given: Annotated[EwarongViolationAppealInput, strawberry.argument(name="input", description="The appeal.")],
) -> EwarongViolationAppealed:
    return EwarongViolationAppealed(violation_key=await _say(info, ViolationAct.APPEAL, given))


async def _answer_appeal(
    info: Info,
    given: Annotated[EwarongAppealAnswerInput, strawberry.argument(name="input", description="The answer.")],
) -> EwarongAppealAnswered:
    async with change(info, _RECOMMEND) as acting:
        answer = await answer_appeal(
            acting.session,
            actor_of(acting),
            read("id", _VIOLATION_KEY, given.id),
            version=given.version,
            accepted=given.accepted,
            text=given.text,
        )
        key = _keep(acting, answer)
    return EwarongAppealAnswered(violation_key=key)


EwarongViolationRecordResult: TypeAlias = Annotated[
    EwarongViolationRecorded | Refusal,
    strawberry.union(
        "EwarongViolationRecordResult", description="What `ewarongViolationRecord` did, or why it did nothing."
    ),
]
EwarongViolationWarnResult: TypeAlias = Annotated[
    EwarongViolationWarned | Refusal,
    strawberry.union(
        "EwarongViolationWarnResult", description="What `ewarongViolationWarn` did, or why it did nothing."
    ),
]
EwarongViolationRecommendResult: TypeAlias = Annotated[
    EwarongViolationRecommended | Refusal,
    strawberry.union(
        "EwarongViolationRecommendResult", description="What `ewarongViolationRecommend` did, or why it did nothing."
    ),
]
EwarongViolationDismissResult: TypeAlias = Annotated[
    EwarongViolationDismissed | Refusal,
    strawberry.union(
        "EwarongViolationDismissResult", description="What `ewarongViolationDismiss` did, or why it did nothing."
    ),
]
EwarongViolationRemediedResult: TypeAlias = Annotated[
    EwarongViolationClosed | Refusal,
    strawberry.union(
        "EwarongViolationRemediedResult", description="What `ewarongViolationRemedied` did, or why it did nothing."
    ),
]
EwarongViolationDecideResult: TypeAlias = Annotated[
    EwarongViolationDecided | Refusal,
    strawberry.union(
        "EwarongViolationDecideResult", description="What `ewarongViolationDecide` did, or why it did nothing."
    ),
]
EwarongViolationReplyResult: TypeAlias = Annotated[
    EwarongViolationReplied | Refusal,
    strawberry.union(
        "EwarongViolationReplyResult", description="What `ewarongViolationReply` did, or why it did nothing."
    ),
]
EwarongViolationAppealResult: TypeAlias = Annotated[
    EwarongViolationAppealed | Refusal,
    strawberry.union(
        "EwarongViolationAppealResult", description="What `ewarongViolationAppeal` did, or why it did nothing."
    ),
]
EwarongAppealAnswerResult: TypeAlias = Annotated[
    EwarongAppealAnswered | Refusal,
    strawberry.union("EwarongAppealAnswerResult", description="What `ewarongAppealAnswer` did, or why it did nothing."),
]


@strawberry.type
class EwarongViolationsMutation:
    """Mutations of violations."""

    ewarong_violation_record: EwarongViolationRecordResult | None = strawberry.mutation(
        resolver=_record,
        description="Record what an outlet did wrong, from an inspection, from a signal that somebody has confirmed, or by itself. Nothing "
        "happens to the outlet yet. "
        f"Needs `{_RECORD.value}`.",
    )
    ewarong_violation_warn: EwarongViolationWarnResult | None = strawberry.mutation(
        resolver=_warn,
        description="Warn an outlet for a violation: first, then a second time once the outlet has answered or its day has passed. The "
        "outlet itself is moved to that warning, too. Not by whoever has recorded the violation. "
        f"Needs `{_WARN.value}`.",
    )
    ewarong_violation_recommend: EwarongViolationRecommendResult | None = strawberry.mutation(
        resolver=_recommend,
        description="Recommend to the bank that it revoke the outlet: after two warnings that were answered or whose days have passed, or "
        "at once for a grave violation. Not by whoever has recorded it or warned. "
        f"Needs `{_RECOMMEND.value}`.",
    )
    ewarong_violation_dismiss: EwarongViolationDismissResult | None = strawberry.mutation(
        resolver=_dismiss,
        description="Say that a violation is not proven, before anybody was warned for it. Not by whoever has recorded it. "
        f"Needs `{_WARN.value}`.",
    )
    ewarong_violation_remedied: EwarongViolationRemediedResult | None = strawberry.mutation(
        resolver=_remedied,
        description="Close a violation that the outlet has put right. Not by whoever has recorded it. "
        f"Needs `{_WARN.value}`.",
    )
    ewarong_violation_decide: EwarongViolationDecideResult | None = strawberry.mutation(
        resolver=_decide,
        description="Say what the bank has decided on a recommendation. It revokes once the outlet has had its time to appeal; a violation "
        "that it keeps an outlet for leaves that outlet watched. Not by whoever has recorded, warned or recommended. "
        f"Needs `{_DECIDE.value}`.",
    )
    ewarong_violation_reply: EwarongViolationReplyResult | None = strawberry.mutation(
        resolver=_reply,
        description="Reply to a warning, by whoever runs the outlet: once for each warning, until `replyDue`. "
        f"Needs `{_REPLY.value}`.",
    )
    ewarong_violation_appeal: EwarongViolationAppealResult | None = strawberry.mutation(
        resolver=_appeal,
        description="Appeal against a warning or a recommendation, by whoever runs the outlet: once for each of them, until `replyDue`. "
        f"Needs `{_REPLY.value}`.",
    )
    ewarong_appeal_answer: EwarongAppealAnswerResult | None = strawberry.mutation(
        resolver=_answer_appeal,
        description="Answer an appeal. An accepted one takes the last step back, and the outlet with it. Not by whoever has recorded, "
        "warned or recommended. "
        f"Needs `{_RECOMMEND.value}`.",
    )
