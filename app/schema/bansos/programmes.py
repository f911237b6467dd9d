"""Programmes, their terms and quotas: what families may receive, by which rules, and how much."""

from typing import Final

import strawberry

from app.domain.bansos.models.programmes import Benefit, Channel, Fund, Relation, TermsState
from app.schema.bansos.programme_sources import (
    AMOUNTS,
    BASES,
    COMPONENTS,
    DAY_HELP,
    PROGRAMMES,
    QUOTAS,
    RULES,
    TERMS,
    basis_of,
    by_code,
    in_force,
    listed_programmes,
    listed_quotas,
    listed_relations,
    listed_versions,
    of_terms,
    relations_both_ways,
)
from app.schema.enums import described_by
from app.schema.node import Node
from app.schema.paging import Connection, page_arguments
from app.schema.plan.source import Connect, Many, One, argument, column, expression, planned, planned_field
from app.schema.regions import CODE_ARGUMENT_HELP, Region
from app.schema.scalars import Date, DateTime, Rupiah

_NAMES: Final[dict[type[Benefit | Fund | Channel | TermsState | Relation], str]] = {
    Benefit: "ProgrammeBenefit",
    Fund: "ProgrammeFund",
    Channel: "PaymentChannel",
    TermsState: "ProgrammeTermsState",
    Relation: "ProgrammeRelationKind",
}
for _terms, _name in _NAMES.items():
    described_by({term: f"{term.indonesian[0].upper()}{term.indonesian[1:]}." for term in _terms}, _name)


@planned(BASES)
@strawberry.type(description="A regulation on which something rests.")
class LegalBasis:
    """A row of ``legal_basis``."""

    code: str = column("id", description="Its short name here, such as `PERMENSOS-1-2018`.")
    title: str = column("title", description="Its official title, in Indonesian.")
    valid_from: Date = column("valid_from", description="The first day on which it is in force.")
    valid_to: Date | None = column("valid_to", description="The last day; null: no end is known.")


@planned(RULES)
@strawberry.type(
    description="A condition that a family has to meet. The rule of the lowest number that it does not meet is why it receives nothing."
)
class EligibilityRule:
    """A row of ``eligibility_rule``."""

    number: int = column("number", description="Place among the rules of these terms.")
    code: str = column("code", description="Stable name of the reason, such as `DECILE_TOO_HIGH`.")
    condition: str = column(
        "condition", description="The condition over a family, in CEL; true: the family may receive."
    )
    met: str = column(
        "met", description="Part of a sentence in Indonesian where it holds; `{family.decile}` stands for the value."
    )
    met_english: str = column("met_english", description="The same in English.")
    unmet: str = column("unmet", description="Part of a sentence in Indonesian where it does not hold.")
    unmet_english: str = column("unmet_english", description="The same in English.")


@planned(AMOUNTS)
@strawberry.type(description="What a component pays, from a year on.")
class BenefitAmount:
    """A row of ``benefit_index``."""

    year: int = column("year", description="From this year until the next that is named.")
    amount: Rupiah = column("amount", description="Rupiah a person and year; a period pays its share of it.")


@planned(COMPONENTS)
@strawberry.type(
    description="What a person adds to the amount of a family. A person counts in the one component that pays most."
)
class BenefitComponent:
    """A row of ``benefit_component``."""

    code: str = column("component", description="Stable name, such as `IBU_HAMIL_NIFAS`.")
    name: str = column("name", description="Name in Indonesian.")
    name_english: str = column("name_english", description="Name in English.")
    condition: str = column("condition", description="The condition over a person, in CEL.")
    most_per_family: int | None = column(
        "most_per_family", description="Of how many persons of a family it counts; null: of all."
    )
    amounts: list[BenefitAmount] = planned_field(
        Many(
            lambda reading, rows: [
                *of_terms(reading, rows),
                rows.c.component == reading.parent.c.component,
            ],
            lambda rows: [rows.c.year],
        ),
        description="What it pays, by year.",
    )


@planned(TERMS)
@strawberry.type(
    description="One version of the terms of a programme. It counts in periods that begin on `validFrom` or later, until newer terms do."
)
class ProgrammeTerms(Node):
    """A row of ``programme_terms``."""

    id: strawberry.ID = expression(
        TERMS.node_text, description="Id for `node(id:)`, `programmeTermsConfirm` and `programmeTermsReject`."
    )
    version: int = column("version", description="Number of the version, counted from 1.")
    state: TermsState = column("state", description="Where it stands; only active terms count.")
    valid_from: Date = column("valid_from", description="Periods that begin on this day or later are paid by it.")
    legal_basis: LegalBasis | None = planned_field(One(basis_of), description="The regulation that it follows.")
    period_months: int = column("period_months", description="Length of a period of payment, in months from January.")
    amount: Rupiah | None = column("amount", description="Rupiah a family for a period; null: by components.")
    most_persons: int | None = column(
        "most_persons",
        description="Components count for this many persons of a family at most, those that pay most; null: for all.",
    )
    second_approval_above: Rupiah | None = column(
        "second_approval_above",
        description="Rupiah of a cycle above which two people approve; null: one always suffices.",
    )
    idle_days: int | None = column(
        "idle_days", description="Days after which an untouched balance goes back to the treasury; null: it stays."
    )
    rules: list[EligibilityRule] = planned_field(
        Many(of_terms, lambda rows: [rows.c.number]),
        description="The rules, in the order in which they are looked at.",
    )
    components: list[BenefitComponent] = planned_field(
        Many(of_terms, lambda rows: [rows.c.component]),
        description="Components; none where the amount is the same for all.",
    )
    proposed_by: str = column("proposed_by_name", description="Who proposed it.")
    proposed_at: DateTime = column("proposed_at", description="When.")
    decided_by: str | None = column("confirmed_by_name", description="Who confirmed or rejected it; null: nobody yet.")
    decided_at: DateTime | None = column("confirmed_at", description="When.")
    reason: str | None = column("reason", description="Why it was rejected.")


@planned(QUOTAS)
@strawberry.type(description="How many families of a regency a programme may reach in a year.")
class ProgrammeQuota(Node):
    """A row of ``programme_quota``."""

    id: strawberry.ID = expression(QUOTAS.node_text, description="Id for `node(id:)`.")
    region: Region = planned_field(
        One(lambda reading, rows: [rows.c.id == reading.parent.c.regency_id]), description="The regency or city."
    )
    year: int = column("year", description="The year.")
    families: int = column("families", description="The most families; those of the lowest rank come first.")
    source: str = column("source", description="The decree that says so.")
    updated_at: DateTime = column("updated_at", description="When it was last set.")


@strawberry.type(description="How a programme stands to another.")
class ProgrammeRelation:
    """A row of ``programme_relation``, seen from one of the two."""

    other: "Programme" = planned_field(
        One(lambda reading, rows: [rows.c.code == reading.parent.c.other_code]), description="The other programme."
    )
    relation: Relation = column("relation", description="How it stands to the other.")
    valid_from: Date = column("valid_from", description="The first day on which this is so.")
    valid_to: Date | None = column("valid_to", description="The last day; null: no end is set.")
    legal_basis: LegalBasis | None = planned_field(One(basis_of), description="The regulation that says so.")


@planned(PROGRAMMES)
@strawberry.type(description="A programme of aid to families.")
class Programme(Node):
    """A row of ``programme``."""

    id: strawberry.ID = expression(PROGRAMMES.node_text, description="Id for `node(id:)`.")
    code: str = column("code", description="Stable name, such as `PKH` or `SEMBAKO`.")
    name: str = column("name", description="Official name, in Indonesian.")
    name_english: str = column("name_english", description="Name in English.")
    benefit: Benefit = column("benefit", description="What it gives.")
    fund: Fund = column("fund", description="Who pays.")
    channels: list[Channel] = column("channels", description="By which ways aid reaches families.")
    region: Region | None = planned_field(
        One(
            lambda reading, rows: [
                rows.c.village_low == reading.parent.c.village_low,
                rows.c.village_high == reading.parent.c.village_high,
            ]
        ),
        description="Where it runs, and whose it is to change; null: the whole country.",
    )
    legal_basis: LegalBasis | None = planned_field(One(basis_of), description="The regulation that it rests on.")
    valid_from: Date = column("valid_from", description="The first day on which it runs.")
    valid_to: Date | None = column("valid_to", description="The last day; null: no end is set.")
    terms: ProgrammeTerms | None = planned_field(
        One(in_force),
        description="The terms by which a period that begins on a day is paid. Null where the programme has none then.",
        arguments=[argument("on", Date | None, f"The day. {DAY_HELP}", default=None)],
    )
    versions: Connection[ProgrammeTerms] = planned_field(
        Connect(listed_versions),
        description="All terms: those in force, past ones, proposals and those that were rejected; the newest first.",
        arguments=page_arguments(argument("state", TermsState | None, "Only in this state.", default=None)),
    )
    relations: list[ProgrammeRelation] = planned_field(
        Many(
            listed_relations,
            lambda rows: [rows.c.other_code, rows.c.valid_from, rows.c.relation],
            rows=relations_both_ways,
        ),
        description="How it stands to other programmes.",
        arguments=[argument("on", Date | None, "Only what is so on this day, `YYYY-MM-DD`.", default=None)],
    )
    quotas: Connection[ProgrammeQuota] = planned_field(
        Connect(listed_quotas),
        description="Quotas of regencies that lie wholly in the regions of the caller, the newest year first.",
        arguments=page_arguments(
            argument("year", int | None, "Only of this year.", default=None),
            argument("region", str | None, f"Only in this region. {CODE_ARGUMENT_HELP}", default=None),
        ),
    )


@strawberry.type
class ProgrammesQuery:
    """Queries of programmes."""

    programmes: Connection[Programme] = planned_field(
        Connect(listed_programmes),
        description="Programmes of aid, by code. They are no secret: everybody who works with aid sees all of them.",
        arguments=page_arguments(
            argument("on", Date | None, "Only those that run on this day, `YYYY-MM-DD`.", default=None),
            argument(
                "region",
                str | None,
                f"Only those that run there or in a part of it. {CODE_ARGUMENT_HELP}",
                default=None,
            ),
        ),
    )
    programme: Programme | None = planned_field(
        One(by_code),
        description="One programme. Null where there is none of that code.",
        arguments=[argument("code", str, "Its code, such as `PKH`.")],
    )
