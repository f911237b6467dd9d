"""Proposing, confirming and rejecting terms of programmes, and setting quotas."""

from typing import Annotated, Final, TypeAlias
from uuid import UUID

import strawberry

from app.authz.permissions import Permission
from app.domain.bansos.eligibility.checks import check_terms
from app.domain.bansos.programmes.drafts import MOST_COMPONENTS, MOST_RULES, ComponentDraft, Draft
from app.domain.bansos.programmes.errors import TermsInvalid
from app.domain.bansos.programmes.service import (
    LONGEST_REASON,
    Actor,
    quota_set,
    terms_confirm,
    terms_propose,
    terms_reject,
)
from app.domain.bansos.terms import Rule
from app.domain.regions.rules import parse_region
from app.schema.bansos.programmes import ProgrammeQuota, ProgrammeTerms
from app.schema.context import Info
from app.schema.ids import parse_node_id
from app.schema.mutations import Acting, Key, Refusal, answered, change, read
from app.schema.scalars import Date, Rupiah
from app.schema.text import storable

_CHANGE: Final = Permission.BANSOS_PROGRAMME_CHANGE
_CONFIRM: Final = Permission.BANSOS_PROGRAMME_CONFIRM
_SENTENCE_HELP: Final = "up to 300 characters; `{family.decile}` and other facts of the family stand for their values"
_AFTERWARDS: Final = "As it stands now. Null where the caller may change programmes and not read them."


@strawberry.input(description="A condition that a family has to meet.")
class EligibilityRuleInput:
    """A rule of ``programmeTermsPropose``."""

    number: int = strawberry.field(description="Its place: rules are looked at by number, from the lowest.")
    code: str = strawberry.field(
        description="Stable name of the reason, such as `DECILE_TOO_HIGH`: capital letters, digits and underscores."
    )
    condition: str = strawberry.field(description="The condition over a family, in CEL, such as `family.decile <= 4`.")
    met: str = strawberry.field(description=f"Part of a sentence in Indonesian where it holds; {_SENTENCE_HELP}.")
    met_english: str = strawberry.field(description="The same in English.")
    unmet: str = strawberry.field(description=f"Part of a sentence in Indonesian where it does not; {_SENTENCE_HELP}.")
    unmet_english: str = strawberry.field(description="The same in English.")


@strawberry.input(description="What a component pays, from a year on.")
class BenefitAmountInput:
    """An amount of a component."""

    year: int = strawberry.field(description="From this year until the next that is named.")
    amount: Rupiah = strawberry.field(
        description="Rupiah a person and year; the share of a period in it must be whole rupiah."
    )


@strawberry.input(description="What a person adds to the amount of a family.")
class BenefitComponentInput:
    """A component of ``programmeTermsPropose``."""

    component: str = strawberry.field(description="Stable name, such as `SD`: capital letters, digits and underscores.")
    name: str = strawberry.field(description="Name in Indonesian.")
    name_english: str = strawberry.field(description="Name in English.")
    condition: str = strawberry.field(description="The condition over a person, in CEL, such as `person.age >= 70`.")
    most_per_family: int | None = strawberry.field(
        default=None, description="Of how many persons of a family it counts; null: of all."
    )
    amounts: list[BenefitAmountInput] = strawberry.field(
        description="What it pays; the first year is that of `validFrom` or an earlier one."
    )


@strawberry.input(description="Terms to propose: all of them, not what differs from those before.")
class ProgrammeTermsProposeInput:
    """Input of ``programmeTermsPropose``."""

    programme: str = strawberry.field(description="Code of the programme, which runs in the caller's region alone.")
    valid_from: Date = strawberry.field(
        description="First day of the first period to which they apply. It begins a period of the terms before, too, and follows all "
        "periods that have a cycle."
    )
    period_months: int = strawberry.field(description="Length of a period: 1, 2, 3, 4, 6 or 12 months.")
    legal_basis: str | None = strawberry.field(
        default=None, description="`code` of the regulation that they follow; it is in force on `validFrom`."
    )
    amount: Rupiah | None = strawberry.field(
        default=None, description="Rupiah a family for a period; leave it out where there are components."
    )
    most_persons: int | None = strawberry.field(
        default=None, description="Components count for this many persons of a family at most; null: for all."
    )
    second_approval_above: Rupiah | None = strawberry.field(
        default=None, description="Rupiah of a cycle above which two people approve; null: one always suffices."
    )
    idle_days: int | None = strawberry.field(
        default=None, description="Days after which an untouched balance goes back to the treasury; null: it stays."
    )
    rules: list[EligibilityRuleInput] = strawberry.field(description=f"The rules, at most {MOST_RULES}.")
    components: list[BenefitComponentInput] = strawberry.field(
        default_factory=list, description=f"The components, at most {MOST_COMPONENTS}; none where `amount` is given."
    )


@strawberry.input(description="Proposed terms to confirm.")
class ProgrammeTermsConfirmInput:
    """Input of ``programmeTermsConfirm``."""

    id: strawberry.ID = strawberry.field(description="The `id` of the terms.")


@strawberry.input(description="Proposed terms to turn down.")
class ProgrammeTermsRejectInput:
    """Input of ``programmeTermsReject``."""

    id: strawberry.ID = strawberry.field(description="The `id` of the terms.")
    reason: str = strawberry.field(description=f"Why; up to {LONGEST_REASON} characters.")


@strawberry.input(description="A quota to set.")
class ProgrammeQuotaSetInput:
    """Input of ``programmeQuotaSet``."""

    programme: str = strawberry.field(description="Code of the programme, which runs in the caller's region alone.")
    region: str = strawberry.field(description="Code of the regency or city, such as `33.02`.")
    year: int = strawberry.field(description="The year.")
    families: int = strawberry.field(description="The most families that it reaches there.")
    source: str = strawberry.field(description="The decree that says so, up to 1000 characters.")


@strawberry.type(description="Terms were proposed. They count once another person confirms them.")
class ProgrammeTermsProposed:
    """What ``programmeTermsPropose`` did."""

    terms_key: strawberry.Private[Key]
    terms: ProgrammeTerms | None = answered("terms_key", description=_AFTERWARDS)


@strawberry.type(description="Terms were confirmed: they count from their first period on.")
class ProgrammeTermsConfirmed:
    """What ``programmeTermsConfirm`` did."""

    terms_key: strawberry.Private[Key]
    terms: ProgrammeTerms | None = answered("terms_key", description=_AFTERWARDS)


@strawberry.type(description="Terms were turned down.")
class ProgrammeTermsRejected:
    """What ``programmeTermsReject`` did."""

    terms_key: strawberry.Private[Key]
    terms: ProgrammeTerms | None = answered("terms_key", description=_AFTERWARDS)


@strawberry.type(description="A quota was set.")
class ProgrammeQuotaSet:
    """What ``programmeQuotaSet`` did."""

    quota_key: strawberry.Private[Key]
    quota: ProgrammeQuota | None = answered("quota_key", description=_AFTERWARDS)


ProgrammeTermsProposeResult: TypeAlias = Annotated[
    ProgrammeTermsProposed | Refusal,
    strawberry.union("ProgrammeTermsProposeResult", description="What `programmeTermsPropose` did, or why nothing."),
]
ProgrammeTermsConfirmResult: TypeAlias = Annotated[
    ProgrammeTermsConfirmed | Refusal,
    strawberry.union("ProgrammeTermsConfirmResult", description="What `programmeTermsConfirm` did, or why nothing."),
]
ProgrammeTermsRejectResult: TypeAlias = Annotated[
    ProgrammeTermsRejected | Refusal,
    strawberry.union("ProgrammeTermsRejectResult", description="What `programmeTermsReject` did, or why nothing."),
]
ProgrammeQuotaSetResult: TypeAlias = Annotated[
    ProgrammeQuotaSet | Refusal,
    strawberry.union("ProgrammeQuotaSetResult", description="What `programmeQuotaSet` did, or why nothing."),
]


def _actor(acting: Acting, permission: Permission) -> Actor:
    principal = acting.access.principal
    return Actor(principal.id, principal.name, acting.access.scope(permission))


def _terms_id(text: str) -> UUID:
    identifier: UUID = parse_node_id(text, "ProgrammeTerms").key[0]
    return identifier


def rule_of(given: EligibilityRuleInput) -> Rule:
    """The rule that was written."""
    return Rule(
        number=given.number,
        code=given.code,
        condition=given.condition,
        met=given.met,
        met_english=given.met_english,
        unmet=given.unmet,
        unmet_english=given.unmet_english,
    )


def component_draft(given: BenefitComponentInput, place: int) -> ComponentDraft:
    """The component that was written as number ``place`` of several.

    Raises:
        TermsInvalid: it names a year twice.
    """
    amounts = {each.year: each.amount for each in given.amounts}
    if len(amounts) < len(given.amounts):
        raise TermsInvalid(
            f"components.{place}.amounts", "tahun yang sama ada lebih dari sekali", "a year is there more than once"
        )
    return ComponentDraft(
        component=given.component,
        name=given.name,
        name_english=given.name_english,
        condition=given.condition,
        most_per_family=given.most_per_family,
        amounts=amounts,
    )


def _draft(given: ProgrammeTermsProposeInput) -> Draft:
    return Draft(
        valid_from=given.valid_from,
        period_months=given.period_months,
        legal_basis_id=None if given.legal_basis is None else read("legal_basis", storable, given.legal_basis),
        amount=given.amount,
        most_persons=given.most_persons,
        second_approval_above=given.second_approval_above,
        idle_days=given.idle_days,
        rules=tuple(rule_of(each) for each in given.rules),
        components=tuple(component_draft(each, place) for place, each in enumerate(given.components)),
    )


async def _propose(
    info: Info,
    given: Annotated[
        ProgrammeTermsProposeInput, strawberry.argument(name="input", description="The terms to propose.")
    ],
) -> ProgrammeTermsProposed:
    async with change(info, _CHANGE) as acting:
        code = read("programme", storable, given.programme)
        terms = await terms_propose(acting.session, _actor(acting, _CHANGE), code, _draft(given), check=check_terms)
        acting.concerns("ProgrammeTerms", [terms.id], terms.villages)
    return ProgrammeTermsProposed(terms_key=(terms.id,))


async def _confirm(
    info: Info,
    given: Annotated[
        ProgrammeTermsConfirmInput, strawberry.argument(name="input", description="The terms to confirm.")
    ],
) -> ProgrammeTermsConfirmed:
    async with change(info, _CONFIRM) as acting:
        terms = await terms_confirm(acting.session, _actor(acting, _CONFIRM), read("id", _terms_id, given.id))
        acting.concerns("ProgrammeTerms", [terms.id], terms.villages)
    return ProgrammeTermsConfirmed(terms_key=(terms.id,))


async def _reject(
    info: Info,
    given: Annotated[
        ProgrammeTermsRejectInput, strawberry.argument(name="input", description="The terms to turn down.")
    ],
) -> ProgrammeTermsRejected:
    async with change(info, _CONFIRM) as acting:
        terms_id = read("id", _terms_id, given.id)
        terms = await terms_reject(acting.session, _actor(acting, _CONFIRM), terms_id, reason=given.reason)
        acting.concerns("ProgrammeTerms", [terms.id], terms.villages)
    return ProgrammeTermsRejected(terms_key=(terms.id,))


async def _set_quota(
    info: Info,
    given: Annotated[ProgrammeQuotaSetInput, strawberry.argument(name="input", description="The quota to set.")],
) -> ProgrammeQuotaSet:
    async with change(info, _CHANGE) as acting:
        quota = await quota_set(
            acting.session,
            _actor(acting, _CHANGE),
            read("programme", storable, given.programme),
            regency=read("region", parse_region, given.region),
            year=given.year,
            families=given.families,
            source=given.source,
        )
        acting.concerns("ProgrammeQuota", [quota.id], quota.villages)
    return ProgrammeQuotaSet(quota_key=(quota.regency_id, quota.id))


@strawberry.type
class ProgrammesMutation:
    """Mutations of programmes."""

    programme_terms_propose: ProgrammeTermsProposeResult | None = strawberry.mutation(
        resolver=_propose,
        description="Propose the next terms of a programme. Its conditions are read before they are kept: what cannot be is told with "
        "the place, such as `rules.0.condition`. One proposal of a programme waits at a time. Needs "
        f"`{_CHANGE.value}` in the whole region in which the programme runs.",
    )
    programme_terms_confirm: ProgrammeTermsConfirmResult | None = strawberry.mutation(
        resolver=_confirm,
        description=f"Confirm terms that somebody else has proposed. Needs `{_CONFIRM.value}` in the whole region of the programme.",
    )
    programme_terms_reject: ProgrammeTermsRejectResult | None = strawberry.mutation(
        resolver=_reject,
        description="Turn down terms that somebody else has proposed. Needs "
        f"`{_CONFIRM.value}` in the whole region of the programme.",
    )
    programme_quota_set: ProgrammeQuotaSetResult | None = strawberry.mutation(
        resolver=_set_quota,
        description="Set how many families of a regency a programme may reach in a year; sent again, it changes nothing. Needs "
        f"`{_CHANGE.value}` in the whole region in which the programme runs.",
    )
