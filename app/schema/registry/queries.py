"""The root fields of the registry."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
import strawberry
from sqlalchemy.dialects import postgresql as pg

from app.authz.permissions import Permission
from app.domain.base import DomainError
from app.domain.registry.nik import Finding, check_nik
from app.schema.ids import parse_node_id
from app.schema.paging import Connection, page_arguments
from app.schema.plan.arguments import Caller
from app.schema.plan.source import Connect, Join, One, Reading, argument, planned_field
from app.schema.regions import CODE_ARGUMENT_HELP
from app.schema.registry.family import Family
from app.schema.registry.names import ways_to_families
from app.schema.registry.person import Person
from app.schema.registry.ranks import EDITIONS_NEWEST_FIRST, RegistryEdition
from app.schema.registry.sources import (
    FamilyFilter,
    FamilyOrder,
    PersonFilter,
    PersonOrder,
    listed_families,
    listed_persons,
)
from app.tenants.rls import Tenancy


def _by_id(prefix: str) -> Join:
    def on(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
        given = reading.arguments["id"]
        return [
            rows.c.regency_id == given.bind(sa.Integer(), lambda text: parse_node_id(text, prefix).key[0]),
            rows.c.id == given.bind(pg.UUID(), lambda text: parse_node_id(text, prefix).key[1]),
        ]

    return on


class NikInvalid(DomainError):
    """The number cannot be a NIK; ``code`` is that of what was found."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.indonesian, finding.english)
        self.code = finding.code


def digest_of_nik(nik: str, caller: Caller) -> bytes:
    """The digest by which the person with ``nik`` is found.

    Raises:
        NikInvalid: it cannot be a NIK.
    """
    today = datetime.now(tz=UTC).date()
    verdict = check_nik(nik, today=today, test_provinces=caller.test_nik_provinces)
    if verdict.errors:
        raise NikInvalid(verdict.errors[0])
    return caller.seal.digest(verdict.number)


def _by_nik(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    reading.require(Permission.REGISTRY_PERSON_LOOKUP)
    return [
        rows.c.nik_digest == reading.arguments["nik"].bind_for(sa.LargeBinary(), digest_of_nik),
        rows.c.presence != sa.literal_column("'DECEASED'", rows.c.presence.type),
        *reading.within(Permission.REGISTRY_PERSON_LOOKUP, Tenancy.VILLAGE, rows),
    ]


def _id_argument(of: str) -> list[Any]:
    return [argument("id", strawberry.ID, f"The `id` of a {of}.")]


_REGION = argument("region", str | None, f"Only in this region. {CODE_ARGUMENT_HELP}", default=None)


@strawberry.type
class RegistryQuery:
    """Queries of the social registry."""

    families: Connection[Family] = planned_field(
        Connect(listed_families, ways=ways_to_families),
        description="Families that the caller may see.",
        arguments=page_arguments(
            _REGION,
            argument("filter", FamilyFilter | None, "Which families.", default=None),
            argument("order", FamilyOrder, "How the list is sorted.", default=FamilyOrder.VILLAGE),
        ),
    )
    persons: Connection[Person] = planned_field(
        Connect(listed_persons),
        description="Persons that the caller may see.",
        arguments=page_arguments(
            _REGION,
            argument("filter", PersonFilter | None, "Which persons.", default=None),
            argument("order", PersonOrder, "How the list is sorted.", default=PersonOrder.VILLAGE),
        ),
    )
    family: Family | None = planned_field(
        One(_by_id("Family")),
        description="One family. Null where there is none, or none that the caller may see.",
        arguments=_id_argument("family"),
    )
    person: Person | None = planned_field(
        One(_by_id("Person")),
        description="One person. Null where there is none, or none that the caller may see.",
        arguments=_id_argument("person"),
    )
    person_by_nik: Person | None = planned_field(
        One(_by_nik),
        description="The living person with exactly this NIK, among those that the caller may look up; needs "
        "`registry:person:lookup`.",
        arguments=[argument("nik", str, "NIK, 16 digits.")],
    )
    registry_editions: list[RegistryEdition] = EDITIONS_NEWEST_FIRST
