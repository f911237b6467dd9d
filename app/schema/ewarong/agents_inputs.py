"""Inputs of the mutations of outlets."""

from datetime import time
from typing import Final
from uuid import UUID

import strawberry

from app.domain.bansos.models.payments import Bank
from app.domain.ewarong.agents.barring import LONGEST_SOURCE, MOST_BARRED
from app.domain.ewarong.agents.errors import DaysWrong
from app.domain.ewarong.agents.mobile import LONGEST_PLACE, MOST_DAYS
from app.domain.ewarong.agents.registering import LONGEST
from app.domain.ewarong.agents.rules import ACTS, AgentAct
from app.domain.ewarong.agents.service import LONGEST_NOTE, LONGEST_REASON
from app.domain.ewarong.models.agents import AgentKind, Criterion, Office
from app.schema.enums import described_by
from app.schema.ewarong.agents import ID_HELP
from app.schema.scalars import Date

described_by({act: f"{act.indonesian[0].upper()}{act.indonesian[1:]}." for act in AgentAct}, "EwarongAgentAct")
described_by({office: f"{office.indonesian[0].upper()}{office.indonesian[1:]}." for office in Office}, "BarringOffice")

VERSION_HELP: Final = "Its `version` as you saw it."
_KEY_HELP: Final = "A UUID that you make for each {what}; the same again answers the {what} that was made with it."
_NIK_HELP: Final = "16 digits. It is kept sealed and never given out."


@strawberry.input(description="Who owns an e-Warong.")
class EwarongOwnerInput:
    """Input of an owner."""

    name: str = strawberry.field(description=f"Name, up to {LONGEST['owner_name']} characters.")
    nik: str = strawberry.field(description=_NIK_HELP)


@strawberry.input(description="A point in Indonesia.")
class EwarongPlaceInput:
    """Input of a place."""

    latitude: float = strawberry.field(description="Degrees north, -11.5 to 6.5.")
    longitude: float = strawberry.field(description="Degrees east, 94.5 to 141.5.")


@strawberry.input(description="An e-Warong to propose to its bank.")
class EwarongAgentProposeInput:
    """Input of ``ewarongAgentPropose``."""

    village: str = strawberry.field(description="Code of the village in which it stands, such as `33.02.01.2001`.")
    number: str = strawberry.field(
        description=f"By which the bank knows it, up to {LONGEST['number']} characters; one of each number and bank in a regency."
    )
    name: str = strawberry.field(description=f"What it is called, up to {LONGEST['name']} characters.")
    kind: AgentKind = strawberry.field(description="What kind of outlet it is.")
    bank: Bank = strawberry.field(description="Its bank.")
    address: str = strawberry.field(description=f"Where it is, up to {LONGEST['address']} characters.")
    owner: EwarongOwnerInput = strawberry.field(description="Who owns it: nobody who is listed as barred.")
    place: EwarongPlaceInput | None = strawberry.field(default=None, description="Where it is on the map.")
    idempotency_key: UUID = strawberry.field(description=_KEY_HELP.format(what="proposal"))


@strawberry.input(description="What is to be said otherwise of an e-Warong; what is left out stays as it is.")
class EwarongAgentAmendInput:
    """Input of ``ewarongAgentAmend``."""

    id: strawberry.ID = strawberry.field(description=ID_HELP)
    version: int = strawberry.field(description=VERSION_HELP)
    number: str | None = strawberry.field(default=None, description="By which the bank knows it.")
    name: str | None = strawberry.field(default=None, description="What it is called.")
    kind: AgentKind | None = strawberry.field(default=None, description="What kind of outlet it is.")
    address: str | None = strawberry.field(default=None, description="Where it is.")
    owner: EwarongOwnerInput | None = strawberry.field(
        default=None, description="Who owns it. Once it is admitted, another owner is another e-Warong."
    )
    place: EwarongPlaceInput | None = strawberry.field(default=None, description="Where it is on the map.")


@strawberry.input(description="What was found of one criterion.")
class EwarongAssessmentInput:
    """Input of one assessment."""

    criterion: Criterion = strawberry.field(description="The criterion.")
    met: bool = strawberry.field(description="Whether it is met.")
    note: str = strawberry.field(default="", description=f"What was seen, up to {LONGEST_NOTE} characters.")


@strawberry.input(description="What due diligence has found of an e-Warong.")
class EwarongDueDiligenceRecordInput:
    """Input of ``ewarongDueDiligenceRecord``."""

    id: strawberry.ID = strawberry.field(description=ID_HELP)
    version: int = strawberry.field(description=VERSION_HELP)
    assessments: list[EwarongAssessmentInput] = strawberry.field(
        description="Each criterion at most once. What was found before is kept beside it; the last counts."
    )


@strawberry.input(description="What the bank has decided about an e-Warong.")
class EwarongAgentDecideInput:
    """Input of ``ewarongAgentDecide``."""

    id: strawberry.ID = strawberry.field(description=ID_HELP)
    version: int = strawberry.field(description=VERSION_HELP)
    act: AgentAct = strawberry.field(
        description="What is done. "
        + "; ".join(
            f"`{act.value}`: from " + ", ".join(f"`{state.value}`" for state in ACTS[act])
            for act in AgentAct
            if act is not AgentAct.REVOKE
        )
        + ". `REVOKE` is refused here: an outlet is revoked for a violation, by `ewarongViolationDecide`."
    )
    reason: str = strawberry.field(description=f"Why, 1 to {LONGEST_REASON} characters; the outlet reads it.")


@strawberry.input(description="Somebody who may own no e-Warong.")
class BarredOwnerInput:
    """Input of one barred owner."""

    nik: str = strawberry.field(description="16 digits. Only a digest is kept, which tells nobody the number.")
    office: Office = strawberry.field(description="The office that bars them.")
    valid_from: Date = strawberry.field(description="Their first day in office.")
    valid_to: Date | None = strawberry.field(
        default=None, description="Their last day in office; left out: no end is known."
    )


@strawberry.input(description="A list of people who may own no e-Warong.")
class BarredOwnersListInput:
    """Input of ``barredOwnersList``."""

    region: str = strawberry.field(
        description="The regency whose list it is, such as `33.02`. It bars in all regencies."
    )
    source: str = strawberry.field(description=f"The list or decree that says so, up to {LONGEST_SOURCE} characters.")
    owners: list[BarredOwnerInput] = strawberry.field(
        description=f"1 to {MOST_BARRED:,} people. Who is listed for an office from a day and sent again gets the last day sent."
    )


@strawberry.input(description="Where and when an e-Warong is to serve.")
class EwarongServicePlanInput:
    """Input of ``ewarongServicePlan``."""

    agent: strawberry.ID = strawberry.field(description=f"{ID_HELP} It is mobile or collective.")
    village: str = strawberry.field(description="Code of the village to serve, in the regency of the e-Warong.")
    weekday: int | None = strawberry.field(
        default=None, description="1 Monday to 7 Sunday, every week; left out: once, on `validFrom`."
    )
    valid_from: Date = strawberry.field(description="The first day, not past.")
    valid_to: Date = strawberry.field(description=f"The last day, at most {MOST_DAYS} days after the first.")
    opens: str = strawberry.field(description="From this local time, such as `08:00`.")
    closes: str = strawberry.field(description="Until this local time, later on the same day.")
    place: str = strawberry.field(description=f"Where in the village, up to {LONGEST_PLACE} characters.")
    idempotency_key: UUID = strawberry.field(description=_KEY_HELP.format(what="service"))


@strawberry.input(description="A service to call off.")
class EwarongServiceCancelInput:
    """Input of ``ewarongServiceCancel``."""

    id: strawberry.ID = strawberry.field(description="The `id` of the service.")


def time_of_day(text: str) -> time:
    """The time of the day that ``text`` says as HH:MM.

    Raises:
        DaysWrong: it says none.
    """
    try:
        given = time.fromisoformat(text)
    except ValueError:
        given = None
    if given is None or f"{given:%H:%M}" != text:
        raise DaysWrong("opens", "Jam ditulis seperti 08:00.", "A time of the day is written like 08:00.")
    return given
