"""Trying rules on the families of a regency, and why a family may receive a programme or may not."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Final
from uuid import UUID

import sqlalchemy as sa
import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from app.authz.authorize import authorize
from app.authz.permissions import Permission
from app.domain.bansos.eligibility.checks import check_terms
from app.domain.bansos.eligibility.verdicts import GENERAL_REASONS, SAMPLES, Group, Verdict, tried
from app.domain.bansos.programmes.drafts import Draft, check_draft
from app.domain.bansos.programmes.queries import terms_for
from app.domain.bansos.terms import Component, Terms
from app.domain.base import DomainError
from app.domain.regions.errors import RegionUnknown
from app.domain.regions.models import region as region_table
from app.domain.regions.rules import parse_region
from app.schema.bansos.programme_mutations import (
    BenefitComponentInput,
    EligibilityRuleInput,
    component_draft,
    rule_of,
)
from app.schema.bansos.verdicts import AskedVerdict, sentence
from app.schema.context import Info
from app.schema.language import Language
from app.schema.plan.source import SPECIFICATION, Computed
from app.schema.plan.subjects import SubjectGroup
from app.schema.regions import CODE_ARGUMENT_HELP
from app.schema.scalars import Date, Rupiah
from app.schema.text import storable
from app.tenants.region_path import RegionLevel, RegionPath
from app.tenants.rls import Tenancy

_TRY: Final = Permission.BANSOS_ELIGIBILITY_TRY
_READ: Final = Permission.BANSOS_ENTITLEMENT_READ
_MONTHS: Final = 12
_PROGRAMME_HELP: Final = "Code of the programme, such as `SEMBAKO`."
_PERIOD_HELP: Final = "The first day of the period; ages are counted on that day."
_REASON_HELP: Final = (
    "Code of the first rule of the programme that is not met, or "
    + ", ".join(f"`{code}`" for code in GENERAL_REASONS)
    + "; null: the family may receive."
)
_ONLY_RULES: Final = "Other programmes, cards and quotas are not looked at: they are when a cycle is generated."
# Each goes through all families of a regency. They wait for one another here, and not with the connections that mutations need.
_TURN: Final = asyncio.Semaphore(1)


class EligibilityRegionTooLarge(DomainError):
    """Rules are tried on a regency at most."""

    code = "ELIGIBILITY_REGION_TOO_LARGE"

    def __init__(self) -> None:
        super().__init__(
            "Aturan dicoba paling luas pada satu kabupaten/kota; pakai kode seperti 33.02.",
            "Rules are tried on one regency or city at most; use a code such as 33.02.",
        )


@strawberry.input(description="Rules and amounts to try in place of those in force.")
class EligibilityTermsInput:
    """Argument ``terms`` of ``eligibilityTry``."""

    rules: list[EligibilityRuleInput] = strawberry.field(description="The rules.")
    amount: Rupiah | None = strawberry.field(
        default=None, description="Rupiah a family for the period; leave it out where there are components."
    )
    most_persons: int | None = strawberry.field(
        default=None, description="Components count for this many persons of a family at most; null: for all."
    )
    components: list[BenefitComponentInput] = strawberry.field(
        default_factory=list, description="The components; none where `amount` is given."
    )


@strawberry.type(description="A family that stands for others of the same reason.")
class EligibilitySample:
    """A ``Verdict``."""

    family_id: strawberry.ID = strawberry.field(description="Id of the family, for `node(id:)` or `family(id:)`.")
    amount: Rupiah | None = strawberry.field(description="Rupiah of the period; null where it receives nothing.")
    why: str = strawberry.field(
        description="One sentence: why it may receive, or may not. In the language of `Accept-Language`."
    )


@strawberry.type(description="The families of one reason.")
class EligibilityGroup:
    """A ``Group``."""

    reason: str | None = strawberry.field(description=_REASON_HELP)
    condition: str | None = strawberry.field(
        description="The condition that they do not meet, in CEL; null where the reason is no rule of the programme."
    )
    families: int = strawberry.field(description="How many.")
    amount: Rupiah = strawberry.field(description="Rupiah of the period for all of them; 0 where they receive nothing.")
    samples: list[EligibilitySample] = strawberry.field(description=f"Up to {SAMPLES} of them.")


@strawberry.type(description="What rules would decide about all families of a region. Nothing is written.")
class EligibilityTrial:
    """What ``eligibilityTry`` answers."""

    programme_code: str = strawberry.field(description=_PROGRAMME_HELP)
    period: Date = strawberry.field(description="The first day of the period.")
    terms_version: int | None = strawberry.field(
        description="Version of the terms in force; null: those of the argument."
    )
    families: int = strawberry.field(description="All families looked at; the sum of the groups.")
    eligible: int = strawberry.field(description="Those that may receive.")
    amount: Rupiah = strawberry.field(description="Rupiah of the period for those that may receive.")
    groups: list[EligibilityGroup] = strawberry.field(
        description="By reason, those that may receive first; a reason that nobody has is left out."
    )


@strawberry.type(description="Whether a family may receive a programme by the rules in force, and why.")
class FamilyEligibility:
    """What ``Family.whyNot`` answers."""

    programme_code: str = strawberry.field(description=_PROGRAMME_HELP)
    period: Date = strawberry.field(description="The first day of the period.")
    eligible: bool = strawberry.field(description="Whether it may receive.")
    reason: str | None = strawberry.field(description=_REASON_HELP)
    condition: str | None = strawberry.field(
        description="The condition that it does not meet, in CEL; null where the reason is no rule of the programme."
    )
    amount: Rupiah | None = strawberry.field(description="Rupiah of the period; null where it may not receive.")
    why: str = strawberry.field(description="One sentence that says so. In the language of `Accept-Language`.")


async def _try(
    info: Info,
    programme: Annotated[str, strawberry.argument(description=_PROGRAMME_HELP)],
    period: Annotated[Date, strawberry.argument(description=_PERIOD_HELP)],
    region: Annotated[str, strawberry.argument(description=f"A regency, or a region in one. {CODE_ARGUMENT_HELP}")],
    terms: Annotated[
        EligibilityTermsInput | None,
        strawberry.argument(description="Rules and amounts to try; left out: those in force."),
    ] = None,
) -> EligibilityTrial:
    context = info.context
    scope = authorize(context.access, _TRY)
    path = parse_region(region)
    if path.level.depth < RegionLevel.REGENCY.depth:
        raise EligibilityRegionTooLarge
    async with _TURN, context.database.write(scope) as session:
        in_force = await terms_for(session, storable(programme), period)
        chosen = in_force if terms is None else _proposed(in_force, terms)
        await _make_sure_of(session, path)
        found = await tried(session, chosen, path.villages)
    context.answer.subjects += _subjects(found)
    entitled = [group for group in found if group.reason is None]
    return EligibilityTrial(
        programme_code=chosen.programme_code,
        period=Date(chosen.period_start),
        terms_version=in_force.version if terms is None else None,
        families=sum(group.families for group in found),
        eligible=sum(group.families for group in entitled),
        amount=Rupiah(sum(group.amount for group in entitled)),
        groups=[_group(chosen, group, context.language) for group in found],
    )


def _proposed(in_force: Terms, given: EligibilityTermsInput) -> Terms:
    """``in_force`` with what was ``given`` in its place.

    Raises:
        TermsInvalid: these can be no terms.
    """
    draft = Draft(
        valid_from=in_force.period_start,
        period_months=in_force.months,
        amount=given.amount,
        most_persons=given.most_persons,
        rules=tuple(rule_of(each) for each in given.rules),
        components=tuple(component_draft(each, place) for place, each in enumerate(given.components)),
    )
    check_draft(draft, check_terms)
    year = in_force.period_start.year
    components = tuple(
        Component(
            component=each.component,
            name=each.name,
            name_english=each.name_english,
            condition=each.condition,
            most_per_family=each.most_per_family,
            amount=each.amounts[max(since for since in each.amounts if since <= year)] * in_force.months // _MONTHS,
        )
        for each in draft.components
    )
    return replace(
        in_force,
        amount=draft.amount,
        most_persons=draft.most_persons,
        rules=tuple(sorted(draft.rules)),
        components=components,
    )


async def _make_sure_of(session: AsyncSession, path: RegionPath) -> None:
    if not await session.scalar(sa.select(sa.exists().where(region_table.c.id == path.id))):
        raise RegionUnknown(path.code)


def _subjects(found: Sequence[Group]) -> list[SubjectGroup]:
    """The families that an answer names, for the audit trail: their regency is one."""
    named = [sample for group in found for sample in group.samples]
    if not named:
        return []
    villages = [each.village_id for each in named]
    return [
        SubjectGroup("Family", min(villages), max(villages), len(named), tuple(str(each.family_id) for each in named))
    ]


def _condition(terms: Terms, reason: str | None) -> str | None:
    return next((rule.condition for rule in terms.rules if rule.code == reason), None)


def _group(terms: Terms, group: Group, language: Language) -> EligibilityGroup:
    return EligibilityGroup(
        reason=group.reason,
        condition=_condition(terms, group.reason),
        families=group.families,
        amount=Rupiah(group.amount),
        samples=[_sample(terms, each, language) for each in group.samples],
    )


def _received(verdict: Verdict) -> Rupiah | None:
    return None if verdict.reason is not None or verdict.amount is None else Rupiah(verdict.amount)


def _sample(terms: Terms, verdict: Verdict, language: Language) -> EligibilitySample:
    return EligibilitySample(
        family_id=strawberry.ID(f"Family:{verdict.regency_id}:{verdict.family_id}"),
        amount=_received(verdict),
        why=sentence(terms, verdict, language),
    )


async def _why_not(
    root: Any,
    info: Info,
    programme: Annotated[str, strawberry.argument(description=_PROGRAMME_HELP)],
    period: Annotated[Date, strawberry.argument(description=_PERIOD_HELP)],
) -> FamilyEligibility | None:
    if root["id$"] is None:
        return None
    asked = AskedVerdict(storable(programme), period, root["regency_id$"], UUID(root["id$"]))
    given = await info.context.verdicts.load(asked)
    if given is None:
        return None
    terms, verdict = given
    return FamilyEligibility(
        programme_code=terms.programme_code,
        period=Date(terms.period_start),
        eligible=verdict.reason is None,
        reason=verdict.reason,
        condition=_condition(terms, verdict.reason),
        amount=_received(verdict),
        why=sentence(terms, verdict, info.context.language),
    )


def why_not_of_family() -> Any:
    """The field ``Family.whyNot``: all families of a selection are decided about in one statement for each programme and period."""
    return strawberry.field(
        resolver=_why_not,
        description="Whether the family may receive a programme by the rules that are in force for a period, and the rule that decides. "
        f"{_ONLY_RULES} Null where the caller may not read entitlements of the village. Needs `{_READ.value}`.",
        metadata={
            SPECIFICATION: Computed(
                {"id": lambda row: row.c.id, "regency_id": lambda row: row.c.regency_id}, _READ, Tenancy.VILLAGE
            )
        },
    )


@strawberry.type
class EligibilityQuery:
    """Queries about who may receive what."""

    eligibility_try: EligibilityTrial = strawberry.field(
        resolver=_try,
        description="Try the rules of a programme, or others in their place, on all families of a regency, as far as the caller may see "
        f"them: who may receive, who may not, and why. {_ONLY_RULES} Needs `{_TRY.value}`.",
    )
