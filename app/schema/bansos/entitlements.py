"""Who is entitled to what and why, who is not and why, and what a family was paid."""

from datetime import date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import sqlalchemy as sa
import strawberry
from sqlalchemy.dialects import postgresql as pg

from app.authz.permissions import Permission
from app.domain.bansos.eligibility.sentences import why, why_not
from app.domain.bansos.exclusions import Exclusion, excluded_because
from app.domain.bansos.models.cycles import Outcome, PaymentStep, aid_exclusion, entitlement
from app.domain.bansos.terms import Terms
from app.schema.bansos.cycles import PROGRAMME_OF_ROW, AidCycle
from app.schema.bansos.entitlement_filters import CHOSEN, NEEDS, PERIOD_HELP, PROGRAMME_HELP, chosen, of_cycle
from app.schema.bansos.programmes import Programme
from app.schema.bansos.terms_loading import TermsOf
from app.schema.context import Info
from app.schema.ids import member_node, tenant_node
from app.schema.language import Language
from app.schema.node import Node
from app.schema.paging import Connection, page_arguments
from app.schema.plan.source import (
    SPECIFICATION,
    Computed,
    Connect,
    Expression,
    Key,
    Many,
    One,
    Order,
    Reading,
    Source,
    argument,
    column,
    expression,
    planned,
    planned_field,
)
from app.schema.regions import CODE_ARGUMENT_HELP, in_region
from app.schema.registry.person import Person
from app.schema.scalars import Date, DateTime, Rupiah
from app.schema.text import storable
from app.tenants.rls import Tenancy

if TYPE_CHECKING:
    from app.schema.registry.family import Family


class _ByVillage(Enum):
    VILLAGE = "VILLAGE"


class _ByFamily(Enum):
    FAMILY = "FAMILY"


class _Newest(Enum):
    NEWEST = "NEWEST"


_READ: Final = Permission.BANSOS_ENTITLEMENT_READ
_ID: Final = Key(lambda rows: rows.c.id, pg.UUID(), UUID)
ENTITLEMENTS: Final = Source(
    table=entitlement,
    permission=_READ,
    tenancy=Tenancy.VILLAGE,
    orders={_ByVillage.VILLAGE: Order((Key(lambda rows: rows.c.village_id, sa.BigInteger(), int), _ID))},
    node=tenant_node("Entitlement"),
    personal=True,
    about=("family_id", "recipient_id"),
)
EXCLUSIONS: Final = Source(
    table=aid_exclusion,
    permission=_READ,
    tenancy=Tenancy.VILLAGE,
    orders={_ByFamily.FAMILY: Order((Key(lambda rows: rows.c.family_id, pg.UUID(), UUID),))},
    node=member_node("AidExclusion", "cycle_id", "family_id"),
    personal=True,
    about=("family_id",),
)
PAYMENTS: Final = Source(
    table=entitlement,
    permission=_READ,
    tenancy=Tenancy.VILLAGE,
    orders={
        _Newest.NEWEST: Order(
            (Key(lambda rows: rows.c.step_at, sa.DateTime(timezone=True), datetime), _ID), descending=True
        )
    },
)


def at_family(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """The family of the row that the field stands on."""
    above = reading.parent.c
    return [rows.c.regency_id == above.regency_id, rows.c.id == above.family_id]


def _at(column_: str) -> One:
    def on(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
        above = reading.parent.c
        return [rows.c.regency_id == above.regency_id, rows.c.id == above[column_]]

    return One(on)


def _terms_of(root: Any) -> TermsOf:
    return TermsOf(root["programme_code$"], root["terms_version$"], date.fromisoformat(root["period_start$"]))


def _sentence(resolver: Any, needs: tuple[str, ...], description: str) -> Any:
    """A field whose sentence is made in Python of columns of the row."""

    def of(name: str) -> Expression:
        return lambda row: row.c[name]

    names = ("programme_code", "terms_version", "period_start", *needs)
    return strawberry.field(
        resolver=resolver,
        description=f"{description} In the language of `Accept-Language`. {NEEDS}",
        metadata={SPECIFICATION: Computed({name: of(name) for name in names}, _READ, Tenancy.VILLAGE)},
    )


async def _why(root: Any, info: Info) -> str:
    terms: Terms = await info.context.terms.load(_terms_of(root))
    indonesian = info.context.language is Language.INDONESIAN
    return why(terms, root["facts$"], root["amount$"], root["components$"], indonesian=indonesian)


async def _why_not(root: Any, info: Info) -> str:
    terms: Terms = await info.context.terms.load(_terms_of(root))
    indonesian, code = info.context.language is Language.INDONESIAN, root["reason$"]
    if root["outcome$"] == Outcome.NOT_ELIGIBLE.value:
        return why_not(terms, code, root["facts$"], indonesian=indonesian)
    name = terms.name if indonesian else terms.name_english
    return excluded_because(Exclusion(code), name, root["other_code$"], indonesian=indonesian)


def _components(reading: Reading) -> sa.FromClause:
    listed: Any = sa.func.jsonb_to_recordset(
        sa.func.coalesce(reading.parent.c.components, sa.literal_column("'[]'::jsonb"))
    ).table_valued(
        sa.column("component", sa.Text()), sa.column("person_id", pg.UUID()), sa.column("amount", sa.BigInteger())
    )
    named = listed.render_derived(with_types=True)
    regency: sa.ColumnElement[int] = reading.parent.c.regency_id
    columns = (named.c.component, named.c.person_id, named.c.amount, regency.label("regency_id"))
    rows: sa.FromClause = sa.select(*columns).correlate(reading.parent.from_).lateral()
    return rows


@strawberry.type(description="What one person of a family adds to its entitlement.")
class EntitlementComponent:
    """An element of ``entitlement.components``."""

    code: str = column("component", description="The component of the programme, such as `IBU_HAMIL_NIFAS`.")
    person_id: strawberry.ID = expression(
        lambda row: sa.func.concat(
            sa.literal_column("'Person:'"), row.c.regency_id, sa.literal_column("':'"), row.c.person_id
        ),
        description="`id` of the person, as among the `members` of the family.",
    )
    amount: Rupiah = column("amount", description="Rupiah of the period.")


@planned(ENTITLEMENTS)
@strawberry.type(
    description="What a family is to receive of a programme in a period, by one cycle. It was decided on the facts of the day on which the "
    "list was generated."
)
class Entitlement(Node):
    """A row of ``entitlement``."""

    id: strawberry.ID = expression(ENTITLEMENTS.node_text, description="Id for `node(id:)`.")
    family: "Annotated[Family, strawberry.lazy('app.schema.registry.family')] | None" = planned_field(
        One(at_family), description="The family. Null where it is not the caller's to see."
    )
    recipient: Person | None = planned_field(
        _at("recipient_id"), description="Who receives it for the family. Null where they are not the caller's to see."
    )
    cycle: AidCycle | None = planned_field(
        _at("cycle_id"), description="The cycle. Null for callers who do not hold the whole regency."
    )
    programme_code: str = column("programme_code", description=PROGRAMME_HELP)
    programme: Programme = planned_field(PROGRAMME_OF_ROW, description="The programme.")
    period: Date = column("period_start", description=PERIOD_HELP)
    amount: Rupiah = column("amount", description="Rupiah of the period.")
    components: list[EntitlementComponent] = planned_field(
        Many(lambda _reading, _rows: [], lambda rows: [rows.c.component, rows.c.person_id], _components),
        description="Whom the amount is made of, where the programme pays by components; else empty.",
    )
    step: PaymentStep = column("step", description="Where its money is in the chain of payment.")
    step_reason: str | None = column(
        "step_reason",
        description="Why the account or the top-up has failed, once it is `RETURNED` too: a code of the bank, or `CARD_NOT_ACTIVE` where "
        "it was not asked to pay because the family had no active card of it any more. `PAID_BEFORE` of one that is `CANCELLED` because "
        "another revision pays the family. Else null.",
    )
    step_at: DateTime | None = column("step_at", description="Since when; null while it was not paid out for.")
    why: str = _sentence(
        _why, ("facts", "amount", "components"), "One sentence: why the family receives this, by the rules of then."
    )


@planned(EXCLUSIONS)
@strawberry.type(description="A family that receives nothing by a cycle, and the first reason for it.")
class AidExclusion(Node):
    """A row of ``aid_exclusion``."""

    id: strawberry.ID = expression(EXCLUSIONS.node_text, description="Id for `node(id:)`.")
    family: "Annotated[Family, strawberry.lazy('app.schema.registry.family')] | None" = planned_field(
        One(at_family), description="The family. Null where it is not the caller's to see."
    )
    cycle: AidCycle | None = planned_field(
        _at("cycle_id"), description="The cycle. Null for callers who do not hold the whole regency."
    )
    programme_code: str = column("programme_code", description=PROGRAMME_HELP)
    period: Date = column("period_start", description=PERIOD_HELP)
    outcome: Outcome = column("outcome", description="What was decided.")
    reason: str = column(
        "reason",
        description="Code of the first rule that the family does not meet, or of the exclusion: "
        + ", ".join(f"`{each.value}`" for each in Exclusion if each is not Exclusion.PROGRAMME_ELSEWHERE)
        + ".",
    )
    other_programme_code: str | None = column(
        "other_code", description="The programme that is in the way (`DOUBLE_AID`) or missing."
    )
    why: str = _sentence(
        _why_not, ("outcome", "reason", "other_code", "facts"), "One sentence: why the family receives nothing."
    )


@planned(PAYMENTS)
@strawberry.type(description="An entitlement whose money is in the account of the family.")
class FamilyPayment:
    """A row of ``entitlement`` that was topped up."""

    programme_code: str = column("programme_code", description=PROGRAMME_HELP)
    programme: Programme = planned_field(PROGRAMME_OF_ROW, description="The programme.")
    period: Date = column("period_start", description="The first day of the period that it was paid for.")
    amount: Rupiah = column("amount", description="Rupiah.")
    paid_at: DateTime = column("step_at", description="When the bank had topped up the balance.")
    entitlement_id: strawberry.ID = expression(
        ENTITLEMENTS.node_text, description="`id` of the entitlement that was paid."
    )


def _listed(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return [*in_region(reading, rows), *of_cycle(reading, rows), *chosen(reading, rows)]


def _left_out(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    conditions = of_cycle(reading, rows)
    if (outcomes := reading.arguments.get("outcomes")) is not None:
        listed = outcomes.bind(pg.ARRAY(sa.Text()), lambda terms: [term.value for term in terms])
        conditions.append(rows.c.outcome == sa.any_(listed))
    if (reason := reading.arguments.get("reason")) is not None:
        conditions.append(rows.c.reason == reason.bind(sa.Text(), storable))
    return conditions


@strawberry.type
class EntitlementsQuery:
    """Queries about who receives what."""

    entitlements: Connection[Entitlement] = planned_field(
        Connect(_listed),
        description=f"Entitlements by village. {NEEDS}",
        arguments=page_arguments(
            argument("cycle", strawberry.ID | None, "Only by this cycle: its `id`.", default=None),
            argument("region", str | None, f"Only families of this region. {CODE_ARGUMENT_HELP}", default=None),
            *CHOSEN,
        ),
    )
    aid_exclusions: Connection[AidExclusion] = planned_field(
        Connect(_left_out),
        description=f"Families that receive nothing by a cycle, each with the first reason. {NEEDS}",
        arguments=page_arguments(
            argument("cycle", strawberry.ID, "The `id` of the cycle."),
            argument("outcomes", list[Outcome] | None, "Only with one of these outcomes.", default=None),
            argument("reason", str | None, "Only for this reason, a code such as `DECILE_TOO_HIGH`.", default=None),
        ),
    )
