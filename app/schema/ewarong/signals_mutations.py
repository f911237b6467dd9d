"""Looking for signals, and saying what one is worth."""

from typing import Annotated, Final, TypeAlias
from uuid import UUID

import strawberry

from app.authz.permissions import Permission
from app.domain.ewarong.models.signals import TriageState
from app.domain.ewarong.signals.screening import MOST_DAYS, SUBJECT, start_screening
from app.domain.ewarong.signals.triage import triage
from app.domain.regions.rules import parse_region
from app.schema.context import Info
from app.schema.ewarong.agents_mutations import key_of
from app.schema.ewarong.inspections import NO_NUMBERS, actor_of
from app.schema.ewarong.signals import SIGNAL, EwarongScreening, EwarongSignal
from app.schema.mutations import Key, Refusal, answered, change, read
from app.schema.regions import CODE_ARGUMENT_HELP
from app.schema.scalars import Date

_SCREEN: Final = Permission.EWARONG_SIGNAL_SCREEN
_TRIAGE: Final = Permission.EWARONG_SIGNAL_TRIAGE
_SIGNAL_KEY: Final = key_of(SIGNAL)


@strawberry.input(description="Where and when to look for signals.")
class EwarongScreeningStartInput:
    """Input of ``ewarongScreeningStart``."""

    region: str = strawberry.field(
        description=f"A province or what lies in one. Suppliers (F8) are looked at in whole districts alone. {CODE_ARGUMENT_HELP}"
    )
    first_day: Date = strawberry.field(description="The first day; its whole month is looked at.")
    last_day: Date = strawberry.field(
        description=f"The last day, at most {MOST_DAYS} days in all; its whole month is looked at."
    )
    idempotency_key: UUID = strawberry.field(
        description="A UUID that you make for each screening; the same again answers the one that it has started."
    )


@strawberry.input(description="What you make of a signal.")
class EwarongSignalTriageInput:
    """Input of ``ewarongSignalTriage``."""

    id: strawberry.ID = strawberry.field(description="The `id` of the signal.")
    state: TriageState = strawberry.field(
        description="Whether it is worth a check on the spot, or has an innocent explanation."
    )
    reason: str = strawberry.field(description=f"Why, in at most 1,000 characters. {NO_NUMBERS}")
    version: int = strawberry.field(description="The `version` of the signal as you have read it.")


@strawberry.type(
    description="A job will look. With a key that was used before: the screening that was started with it."
)
class EwarongScreeningStarted:
    """What ``ewarongScreeningStart`` did."""

    screening_key: strawberry.Private[Key]
    screening: EwarongScreening | None = answered(
        "screening_key", description="The screening as it is now; listen to `jobProgress` of its `job` for its end."
    )


@strawberry.type(description="What you make of the signal is kept, and that it was you.")
class EwarongSignalTriaged:
    """What ``ewarongSignalTriage`` did."""

    signal_key: strawberry.Private[Key]
    signal: EwarongSignal | None = answered("signal_key", description="The signal as it stands now.")


async def _start(
    info: Info,
    given: Annotated[EwarongScreeningStartInput, strawberry.argument(name="input", description="Where and when.")],
) -> EwarongScreeningStarted:
    async with change(info, _SCREEN) as acting:
        started = await start_screening(
            acting.session,
            actor_of(acting),
            region=read("region", parse_region, given.region),
            first_day=given.first_day,
            last_day=given.last_day,
            idempotency_key=given.idempotency_key,
        )
        acting.concerns(SUBJECT, [started.id], started.region.villages)
    return EwarongScreeningStarted(screening_key=(started.regency_id, started.id))


async def _judge(
    info: Info,
    given: Annotated[EwarongSignalTriageInput, strawberry.argument(name="input", description="The signal.")],
) -> EwarongSignalTriaged:
    async with change(info, _TRIAGE) as acting:
        signal = await triage(
            acting.session,
            actor_of(acting),
            read("id", _SIGNAL_KEY, given.id),
            version=given.version,
            state=given.state,
            reason=given.reason,
        )
        acting.concerns(SIGNAL, [signal.id], signal.villages)
    return EwarongSignalTriaged(signal_key=(signal.regency_id, signal.id))


EwarongScreeningStartResult: TypeAlias = Annotated[
    EwarongScreeningStarted | Refusal,
    strawberry.union(
        "EwarongScreeningStartResult", description="What `ewarongScreeningStart` did, or why it did nothing."
    ),
]
EwarongSignalTriageResult: TypeAlias = Annotated[
    EwarongSignalTriaged | Refusal,
    strawberry.union("EwarongSignalTriageResult", description="What `ewarongSignalTriage` did, or why it did nothing."),
]


@strawberry.type
class EwarongSignalsMutation:
    """Mutations of signals."""

    ewarong_screening_start: EwarongScreeningStartResult | None = strawberry.mutation(
        resolver=_start,
        description="Look for signals in a region, by a job. What was told before is not told again, whoever looks. Needs "
        f"`{_SCREEN.value}`.",
    )
    ewarong_signal_triage: EwarongSignalTriageResult | None = strawberry.mutation(
        resolver=_judge,
        description="Say what a signal is worth, once somebody has looked at it. Nothing happens to the e-Warong or the family. Whoever "
        f"looks again may say otherwise. Needs `{_TRIAGE.value}`.",
    )
