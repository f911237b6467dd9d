"""Matching with the civil registry (Dukcapil): starting it, and what came of it."""

from enum import Enum
from typing import Annotated, Final, TypeAlias
from uuid import UUID

import sqlalchemy as sa
import strawberry
from sqlalchemy.dialects import postgresql as pg

from app.authz.permissions import Permission
from app.domain.regions.rules import parse_region
from app.domain.registry.dukcapil.contract import MatchResult
from app.domain.registry.dukcapil.models import RESULT_COLUMNS, SKIPPED, civil_registry_matching
from app.domain.registry.dukcapil.service import start_matching
from app.domain.registry.enums import IdentityStatus
from app.schema.context import Info
from app.schema.ids import parse_node_id, span_node
from app.schema.jobs import Job
from app.schema.mutations import Key, Refusal, answered, change, read
from app.schema.node import Node
from app.schema.paging import Connection, page_arguments
from app.schema.plan.source import (
    Connect,
    One,
    Order,
    Part,
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
from app.schema.regions import CODE_ARGUMENT_HELP, Region, in_region_span
from app.schema.scalars import DateTime
from app.tenants.rls import Tenancy


class _MatchingOrder(Enum):
    NEWEST = "NEWEST"


_NAME: Final = "CivilRegistryMatching"
# Ids are UUIDs of version 7: their order is that of time.
_ID: Final = OrderKey(lambda rows: rows.c.id, pg.UUID(), UUID)
MATCHINGS: Final = Source(
    table=civil_registry_matching,
    permission=Permission.REGISTRY_MATCHING_RUN,
    tenancy=Tenancy.SPAN,
    orders={_MatchingOrder.NEWEST: Order((_ID,), descending=True)},
    node=span_node(_NAME),
)


def _answered(row: Row) -> sa.ColumnElement[int]:
    total: sa.ColumnElement[int] = row.c[SKIPPED]
    for name in RESULT_COLUMNS.values():
        total += row.c[name]
    return total


def _count(result: MatchResult, description: str) -> int:
    found: int = column(RESULT_COLUMNS[result], description=description)
    return found


@strawberry.type(
    description="How many persons stand where. All but `matched` and `skipped` became `UNMATCHED` with that `mismatchReason`."
)
class CivilRegistryMatchingCounts:
    """Columns of ``civil_registry_matching``."""

    found: int | None = column(
        "persons_found", description="Persons to compare, counted when the job began; null before."
    )
    done: int = expression(_answered, description="Persons done so far: the sum of all counts below.")
    matched: int = _count(MatchResult.MATCHED, "Padan: NIK, name and birth date agree. They became `MATCHED`.")
    nik_empty: int = _count(MatchResult.NIK_EMPTY, "NIK kosong: the civil registry takes the number for empty.")
    nik_not_found: int = _count(MatchResult.NIK_NOT_FOUND, "NIK tidak ditemukan: nobody has this NIK.")
    name_differs: int = _count(MatchResult.NAME_DIFFERS, "Nama beda: somebody of another name has this NIK.")
    birth_date_differs: int = _count(
        MatchResult.BIRTH_DATE_DIFFERS, "Tanggal lahir beda: the birth date of whoever has this NIK is another."
    )
    nik_duplicate: int = _count(MatchResult.NIK_DUPLICATE, "NIK ganda: more than one person has this NIK.")
    not_recorded: int = _count(
        MatchResult.NOT_RECORDED, "Belum rekam KTP-el: the person has not been recorded for the identity card."
    )
    deceased: int = _count(
        MatchResult.DECEASED, "Meninggal. `presence` stays as it is: whether it is true is for the office to find out."
    )
    moved_abroad: int = _count(
        MatchResult.MOVED_ABROAD, "Pindah luar negeri. `presence` stays as it is, as with the deceased."
    )
    skipped: int = column(
        SKIPPED,
        description="Persons who stayed as they were: somebody changed them while the answer was on its way, or their NIK is no "
        "number. The next matching takes them up.",
    )


@planned(MATCHINGS)
@strawberry.type(
    description="A comparison of the persons of a region with the civil registry (Dukcapil). Its whole region must be the caller's to "
    "be seen. What was said of a person stands with the person."
)
class CivilRegistryMatching(Node):
    """A row of ``civil_registry_matching``."""

    id: strawberry.ID = expression(
        MATCHINGS.node_text, description="Id for `node(id:)` and `civilRegistryMatching(id:)`."
    )
    region: Region | None = planned_field(
        One(lambda reading, rows: [rows.c.id == reading.parent.c.region_id]), description="Whose persons are compared."
    )
    statuses: list[IdentityStatus] = column("statuses", description="Persons in these states of identity are compared.")
    counts: CivilRegistryMatchingCounts = planned_field(Part(), description="What the civil registry has said so far.")
    job: Job | None = planned_field(
        One(
            lambda reading, rows: [
                rows.c.regency_id == reading.parent.c.regency_id,
                rows.c.id == reading.parent.c.job_id,
            ]
        ),
        description="The job that does it: how far it is, and why it failed where it has.",
    )
    started_by: str = column("created_by_name", description="Who started it.")
    started_at: DateTime = column("created_at", description="When it was started.")
    finished_at: DateTime | None = column(
        "finished_at",
        description="When the last person was done; null before, and where the job failed or was cancelled.",
    )


def _by_id(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    given = reading.arguments["id"]
    return [
        rows.c.regency_id == given.bind(sa.Integer(), lambda text: parse_node_id(text, _NAME).key[0]),
        rows.c.id == given.bind(pg.UUID(), lambda text: parse_node_id(text, _NAME).key[1]),
    ]


@strawberry.type
class MatchingQuery:
    """Queries about matchings."""

    civil_registry_matching: CivilRegistryMatching | None = planned_field(
        One(_by_id),
        description="One matching with the civil registry. Null where there is none, or none that the caller may see.",
        arguments=[argument("id", strawberry.ID, "The `id` of a matching.")],
    )
    civil_registry_matchings: Connection[CivilRegistryMatching] = planned_field(
        Connect(in_region_span),
        description="Matchings with the civil registry, newest first. Needs `registry:matching:run`.",
        arguments=page_arguments(
            argument(
                "region", str | None, f"Only those that lie wholly in this region. {CODE_ARGUMENT_HELP}", default=None
            )
        ),
    )


@strawberry.input(description="Whom to compare with the civil registry.")
class CivilRegistryMatchingStartInput:
    """Input of ``civilRegistryMatchingStart``."""

    region: str = strawberry.field(description=f"Whose persons: a province or what lies in one. {CODE_ARGUMENT_HELP}")
    idempotency_key: UUID = strawberry.field(
        description="A UUID that you make for each matching; the same again answers the matching that it has started."
    )
    statuses: list[IdentityStatus] | None = strawberry.field(
        default=None,
        description="Persons in these states of identity, of `NIK_ISSUED`, `UNMATCHED` and `MATCHED`; the first two where it is left "
        "out. Whoever has no NIK, or is dead, is not sent.",
    )


@strawberry.type(
    description="A job will compare them; this is how far it is. With a key that was used before: what that started."
)
class CivilRegistryMatchingStarted:
    """What ``civilRegistryMatchingStart`` did."""

    matching_key: strawberry.Private[Key]
    matching: CivilRegistryMatching | None = answered(
        "matching_key", description="The matching as it is now; listen to `jobProgress` of its `job` for its end."
    )


async def _start(
    info: Info,
    given: Annotated[
        CivilRegistryMatchingStartInput, strawberry.argument(name="input", description="Whom to compare.")
    ],
) -> CivilRegistryMatchingStarted:
    async with change(info, Permission.REGISTRY_MATCHING_RUN) as acting:
        principal = acting.access.principal
        matching = await start_matching(
            acting.session,
            principal_id=principal.id,
            principal_name=principal.name,
            region=read("region", parse_region, given.region),
            statuses=given.statuses,
            idempotency_key=given.idempotency_key,
            configured=info.context.dukcapil_configured,
        )
        acting.concerns(_NAME, [matching.id], matching.region.villages)
    return CivilRegistryMatchingStarted(matching_key=(matching.regency_id, matching.id))


CivilRegistryMatchingStartResult: TypeAlias = Annotated[
    CivilRegistryMatchingStarted | Refusal,
    strawberry.union(
        "CivilRegistryMatchingStartResult", description="What `civilRegistryMatchingStart` did, or why it did nothing."
    ),
]


@strawberry.type
class MatchingMutation:
    """Mutations of matchings."""

    civil_registry_matching_start: CivilRegistryMatchingStartResult | None = strawberry.mutation(
        resolver=_start,
        description="Send NIK, names and birth dates of the persons of a region to the civil registry (Dukcapil) to be compared, by a job. "
        "Each batch that leaves is an event of the audit trail. Needs `registry:matching:run`.",
    )
