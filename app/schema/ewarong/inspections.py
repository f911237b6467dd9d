"""Inspections of outlets: the checklist, what inspectors have found, and reporting it."""

from enum import Enum
from typing import Annotated, Any, Final, TypeAlias
from uuid import UUID

import sqlalchemy as sa
import strawberry
from sqlalchemy.dialects import postgresql as pg

from app.authz.permissions import Permission
from app.domain.ewarong.actors import Actor
from app.domain.ewarong.models.oversight import (
    CheckResult,
    ViolationCode,
    ewarong_checklist_item,
    ewarong_finding,
    ewarong_inspection,
)
from app.domain.ewarong.oversight.inspections import MOST_PHOTOS, Item, Report, report_inspection
from app.domain.ewarong.oversight.texts import MOST_DESCRIPTION, MOST_NOTE
from app.schema.context import Info
from app.schema.enums import described_by
from app.schema.ewarong.agents import AGENT, ID_HELP, EwarongAgent, outlet_of_row
from app.schema.ewarong.agents_mutations import key_of
from app.schema.ids import tenant_node
from app.schema.mutations import Acting, Key, Refusal, answered, change, read
from app.schema.node import Node
from app.schema.paging import Connection, page_arguments
from app.schema.plan.source import (
    Connect,
    Many,
    One,
    Order,
    Reading,
    Row,
    Source,
    argument,
    column,
    expression,
    planned,
    planned_field,
)
from app.schema.plan.source import Key as OrderKey
from app.schema.regions import CODE_ARGUMENT_HELP, VILLAGE, Region, in_region
from app.schema.scalars import Date, DateTime
from app.tenants.rls import Tenancy

INSPECTION: Final = "EwarongInspection"
READ: Final = Permission.EWARONG_INSPECTION_READ
NO_NUMBERS: Final = "No NIK, number of a KK or a card, and no name of a family: a text with 16 digits is refused with `PERSONAL_NUMBER`."
_REPORT: Final = Permission.EWARONG_INSPECTION_REPORT
_CHECKLIST: Final = Permission.EWARONG_CATALOGUE_READ
for _terms, _name in ((ViolationCode, "EwarongViolationCode"), (CheckResult, "EwarongCheckResult")):
    described_by({term: f"{term.indonesian[0].upper()}{term.indonesian[1:]}." for term in _terms}, _name)


class Newest(Enum):
    """The one order of what oversight lists."""

    NEWEST = "NEWEST"


# Ids are UUIDs of version 7: their order is that of time.
NEWEST_FIRST: Final = {Newest.NEWEST: Order((OrderKey(lambda rows: rows.c.id, pg.UUID(), UUID),), descending=True)}
INSPECTIONS: Final = Source(
    table=ewarong_inspection,
    permission=READ,
    tenancy=Tenancy.VILLAGE,
    orders=NEWEST_FIRST,
    node=tenant_node(INSPECTION),
    bound="agent_id",
)
_FINDINGS: Final = Source(ewarong_finding, READ, Tenancy.VILLAGE, bound="agent_id")
_ITEMS: Final = Source(ewarong_checklist_item, _CHECKLIST, None)


def _hashes(row: Row) -> sa.ColumnElement[Any]:
    photo = sa.func.unnest(row.c.photos).table_valued("sha256", with_ordinality="place").render_derived()
    in_hexadecimal = sa.func.encode(photo.c.sha256, sa.literal_column("'hex'"))
    listed = sa.select(sa.func.array_agg(pg.aggregate_order_by(in_hexadecimal, photo.c.place))).scalar_subquery()
    return sa.func.coalesce(listed, sa.cast(pg.array([]), pg.ARRAY(sa.Text())))


@planned(_ITEMS)
@strawberry.type(description="A question of the checklist of inspections.")
class EwarongChecklistItem:
    """A row of ``ewarong_checklist_item``."""

    code: str = column("code", description="Stable name of the question; give it back with what was found.")
    question: str = column("question", description="The question in Indonesian.")
    question_english: str = column("question_english", description="The question in English.")
    violation: ViolationCode | None = column(
        "violation_code", description="Which violation it points at where it is not met; null: at none by itself."
    )
    valid_from: Date = column("valid_from", description="The first day on which it is asked.")
    valid_to: Date | None = column("valid_to", description="The last day on which it is asked; null: no end is set.")
    source: str = column("source", description="Where it comes from.")


@planned(_FINDINGS)
@strawberry.type(description="What an inspector found of one question.")
class EwarongFinding:
    """A row of ``ewarong_finding``."""

    item: EwarongChecklistItem = planned_field(
        One(lambda reading, rows: [rows.c.code == reading.parent.c.item_code]), description="The question."
    )
    result: CheckResult = column("result", description="What was found.")
    note: str = column("note", description="What was seen; may be empty.")


@planned(INSPECTIONS)
@strawberry.type(
    description="A visit to an outlet, by the checklist. The outlet itself never sees it: it is told of violations. Needs "
    f"`{READ.value}`."
)
class EwarongInspection(Node):
    """A row of ``ewarong_inspection``."""

    id: strawberry.ID = expression(
        INSPECTIONS.node_text, description="Id for `node(id:)` and `ewarongViolationRecord`."
    )
    agent: EwarongAgent | None = planned_field(
        One(outlet_of_row), description="The outlet. Needs `ewarong:agent:read`."
    )
    village: Region = planned_field(VILLAGE, description="Where the outlet is.")
    inspected_at: DateTime = column("inspected_at", description="When it was visited, by the inspector's device.")
    latitude: float | None = column(
        "latitude", description="Degrees north of where the inspector stood; null: not told."
    )
    longitude: float | None = column(
        "longitude", description="Degrees east of where the inspector stood; null: not told."
    )
    photos: list[str] = expression(
        _hashes,
        description="SHA-256 of each photo, in 64 hexadecimal digits. The photos lie elsewhere; this proves that they are the same.",
    )
    note: str = column("note", description="What the inspector says of the whole; may be empty.")
    met: int = column("met", description="How many questions are met.")
    not_met: int = column("not_met", description="How many questions are not met.")
    findings: list[EwarongFinding] = planned_field(
        Many(
            lambda reading, rows: [
                rows.c.regency_id == reading.parent.c.regency_id,
                rows.c.inspection_id == reading.parent.c.id,
            ],
            lambda rows: [rows.c.item_code],
        ),
        description="What was found of each question that was on the checklist that day, by code.",
    )
    reported_by: str = column("reported_by_name", description="Who reported it.")
    reported_at: DateTime = column("created_at", description="When it arrived here.")


def of_agent(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """Rows of the outlet that the argument ``agent`` names, where it is given."""
    given = reading.arguments.get("agent")
    if given is None:
        return []
    return [
        rows.c.regency_id == given.bind(sa.Integer(), lambda text: AGENT_KEY(text)[0]),
        rows.c.agent_id == given.bind(pg.UUID(), lambda text: AGENT_KEY(text)[1]),
    ]


def _listed(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return [*in_region(reading, rows, by_village=False), *of_agent(reading, rows)]


def _asked(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    day = reading.arguments["on"].bind(sa.Date())
    return [rows.c.valid_from <= day, sa.func.coalesce(rows.c.valid_to >= day, sa.true())]


REGION_ARGUMENT: Final = argument(
    "region", str | None, f"Only of outlets in this region. {CODE_ARGUMENT_HELP}", default=None
)
AGENT_ARGUMENT: Final = argument("agent", strawberry.ID | None, f"Only of this outlet. {ID_HELP}", default=None)


@strawberry.type
class EwarongInspectionsQuery:
    """Queries about inspections."""

    ewarong_checklist: list[EwarongChecklistItem] = planned_field(
        Many(_asked, lambda rows: [rows.c.code]),
        description=f"What inspectors look at on a day, by code. Needs `{_CHECKLIST.value}`.",
        arguments=[argument("on", Date, "The day of the inspection, `YYYY-MM-DD`.")],
    )
    ewarong_inspections: Connection[EwarongInspection] = planned_field(
        Connect(_listed),
        description=f"Inspections, the newest first. Needs `{READ.value}`.",
        arguments=page_arguments(REGION_ARGUMENT, AGENT_ARGUMENT),
    )


@strawberry.input(description="What was found of one question of the checklist.")
class EwarongFindingInput:
    """One item of ``ewarongInspectionReport``."""

    code: str = strawberry.field(
        description="The `code` of the question, of `ewarongChecklist` on the day of the inspection."
    )
    result: CheckResult = strawberry.field(description="What was found.")
    note: str = strawberry.field(default="", description=f"What was seen, up to {MOST_NOTE} characters. {NO_NUMBERS}")


@strawberry.input(description="An inspection on the spot.")
class EwarongInspectionReportInput:
    """Input of ``ewarongInspectionReport``."""

    agent: strawberry.ID = strawberry.field(description=ID_HELP)
    inspected_at: DateTime = strawberry.field(
        description="When you were there. Up to five minutes ahead of the server's clock; later is refused."
    )
    latitude: float | None = strawberry.field(
        default=None, description="Degrees north, -11.5 to 6.5; with `longitude` or not at all."
    )
    longitude: float | None = strawberry.field(
        default=None, description="Degrees east, 94.5 to 141.5; with `latitude` or not at all."
    )
    photos: list[str] = strawberry.field(
        default_factory=list,
        description=f"SHA-256 of up to {MOST_PHOTOS} photos, each in 64 small hexadecimal digits. Never send the photos.",
    )
    note: str = strawberry.field(
        default="", description=f"What you say of the whole, up to {MOST_DESCRIPTION} characters. {NO_NUMBERS}"
    )
    items: list[EwarongFindingInput] = strawberry.field(
        description="What was found, each question once and at least one of them checked. Questions left out are kept as `NOT_CHECKED`."
    )
    idempotency_key: UUID = strawberry.field(
        description="A UUID that you make for each inspection; the same again answers the inspection that was reported with it."
    )


@strawberry.type(description="The inspection is kept. With a key that was used before: what was reported with it.")
class EwarongInspectionReported:
    """What ``ewarongInspectionReport`` did."""

    inspection_key: strawberry.Private[Key]
    inspection: EwarongInspection | None = answered(
        "inspection_key",
        description="The inspection as it is kept. Null where the caller may report inspections and not read them.",
    )


AGENT_KEY: Final = key_of(AGENT)


def actor_of(acting: Acting) -> Actor:
    """Who acts."""
    return Actor(acting.access.principal.id, acting.access.principal.name)


async def _report(
    info: Info,
    given: Annotated[EwarongInspectionReportInput, strawberry.argument(name="input", description="The inspection.")],
) -> EwarongInspectionReported:
    async with change(info, _REPORT) as acting:
        report = Report(
            agent=read("agent", AGENT_KEY, given.agent),
            inspected_at=given.inspected_at,
            items=[Item(each.code, each.result, each.note) for each in given.items],
            photos=given.photos,
            note=given.note,
            latitude=given.latitude,
            longitude=given.longitude,
        )
        kept = await report_inspection(acting.session, actor_of(acting), report, idempotency_key=given.idempotency_key)
        acting.concerns(INSPECTION, [kept.id], kept.villages)
    return EwarongInspectionReported(inspection_key=(kept.regency_id, kept.id))


EwarongInspectionReportResult: TypeAlias = Annotated[
    EwarongInspectionReported | Refusal,
    strawberry.union(
        "EwarongInspectionReportResult", description="What `ewarongInspectionReport` did, or why it did nothing."
    ),
]


@strawberry.type
class EwarongInspectionsMutation:
    """Mutations of inspections."""

    ewarong_inspection_report: EwarongInspectionReportResult | None = strawberry.mutation(
        resolver=_report,
        description="Report a visit to an outlet by the checklist. It accuses nobody: a violation is recorded from it by "
        f"`ewarongViolationRecord`. Needs `{_REPORT.value}`.",
    )
