"""Regions: the tree that everything else hangs on. Readable by whoever has a token."""

from enum import Enum
from typing import Any, Final

import sqlalchemy as sa
import strawberry

from app.authz.permissions import Permission
from app.domain.base import Term, enum_column_type
from app.domain.regions.errors import RegionUnknown
from app.domain.regions.models import (
    CodeNamespace,
    Level,
    RegionChangeKind,
    RegionKind,
    region,
    region_alias,
    region_change,
)
from app.domain.regions.rules import parse_bps_code, parse_region
from app.schema.enums import described_by
from app.schema.ids import region_node
from app.schema.node import Node
from app.schema.paging import Connection, page_arguments
from app.schema.plan.arguments import Argument
from app.schema.plan.source import (
    Connect,
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
from app.schema.scalars import Date
from app.schema.text import contains_pattern
from app.tenants.region_path import Span


class RegionOrder(Enum):
    """Orders of a list of regions."""

    CODE = "CODE"
    NAME = "NAME"


described_by({RegionOrder.CODE: "By code.", RegionOrder.NAME: "By name."})

_ID_KEY: Final = Key(lambda rows: rows.c.id, sa.BigInteger(), int)
REGIONS: Final = Source(
    table=region,
    permission=Permission.REGIONS_REGION_READ,
    tenancy=None,
    orders={
        RegionOrder.CODE: Order((Key(lambda rows: rows.c.code, sa.Text(), str),)),
        RegionOrder.NAME: Order((Key(lambda rows: rows.c.name, sa.Text(), str), _ID_KEY)),
    },
    node=region_node("Region"),
)
_ALIASES: Final = Source(region_alias, Permission.REGIONS_REGION_READ, None)
_CHANGES: Final = Source(region_change, Permission.REGIONS_REGION_READ, None)
_PROVINCE_DIVISOR: Final = 100_000_000
_REGENCY_DIVISOR: Final = 1_000_000
_DISTRICT_DIVISOR: Final = 10_000

CODE_ARGUMENT_HELP: Final = "Kemendagri code with dots, at any level: `33`, `33.02`, `33.02.01` or `33.02.01.2001`."


def equals_term(column_: sa.ColumnElement[Any], term: Term) -> sa.ColumnElement[bool]:
    """``column_`` holds ``term``; the value stands in the SQL, so that partial indexes match."""
    return column_ == sa.literal_column(f"'{term.value}'", column_.type)


def any_term(
    column_: sa.ColumnElement[Any], given: Argument, terms: type[Term], type_name: str
) -> sa.ColumnElement[bool]:
    """``column_`` holds one of the terms of the argument ``given``."""
    labels = given.bind(sa.ARRAY(sa.Text()), lambda chosen: [term.value for term in chosen])
    return column_ == sa.any_(sa.cast(labels, sa.ARRAY(enum_column_type(terms, type_name))))


def _span(code: str) -> Span:
    return parse_region(code).villages


def known_region(reading: Reading, name: str) -> Argument:
    """The argument ``name``, whose code must denote a region for the field to be answered."""
    given = reading.arguments[name]
    reading.check(_exists(given), given, _unknown)
    return given


def in_region(reading: Reading, rows: sa.FromClause, *, by_village: bool = True) -> list[sa.ColumnElement[bool]]:
    """Rows whose village lies in the region of the argument ``region``, if it is given; an unknown code is refused.

    Rows that are not sought ``by_village``, because they are listed newest first, are sought by their regency.
    """
    if "region" not in reading.arguments:
        return []
    low, high = _bounds(reading)
    there = rows.c.village_id.between(low, high)
    return [there] if by_village else [there, *_in_regencies(reading, rows)]


def in_region_span(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """Rows whose span of villages lies wholly in the region of the argument ``region``, if it is given."""
    if "region" not in reading.arguments:
        return []
    low, high = _bounds(reading)
    return [rows.c.village_low >= low, rows.c.village_high <= high, *_in_regencies(reading, rows)]


def _in_regencies(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """The same in regencies: most indexes begin with those."""
    if "regency_id" not in rows.c:
        return []
    given = reading.arguments["region"]
    low = given.bind(sa.Integer(), lambda code: _span(code).low // _REGENCY_DIVISOR)
    return [rows.c.regency_id.between(low, given.bind(sa.Integer(), lambda code: _span(code).high // _REGENCY_DIVISOR))]


def _bounds(reading: Reading) -> tuple[sa.BindParameter[int], sa.BindParameter[int]]:
    given = known_region(reading, "region")
    low = given.bind(sa.BigInteger(), lambda code: _span(code).low)
    return low, given.bind(sa.BigInteger(), lambda code: _span(code).high)


def _exists(given: Argument) -> sa.ColumnElement[bool]:
    wanted = given.bind(sa.BigInteger(), lambda code: parse_region(code).id)
    return sa.exists(sa.select(sa.literal_column("1")).select_from(region).where(region.c.id == wanted))


def _unknown(code: str) -> RegionUnknown:
    return RegionUnknown(code)


def region_of_village(divisor: int = 1) -> One:
    """The village of a row, or the district, regency or province above it."""

    def on(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
        village = reading.parent.c.village_id
        return [rows.c.id == (village if divisor == 1 else village.op("/")(sa.literal_column(str(divisor))))]

    return One(on)


VILLAGE: Final = region_of_village()
DISTRICT: Final = region_of_village(_DISTRICT_DIVISOR)
REGENCY: Final = region_of_village(_REGENCY_DIVISOR)


def _ancestors(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    row = reading.parent.c
    above = [
        row.village_low.op("/")(sa.literal_column(str(divisor)))
        for divisor in (_PROVINCE_DIVISOR, _REGENCY_DIVISOR, _DISTRICT_DIVISOR)
    ]
    return [rows.c.id.in_(above), rows.c.id != row.id]


def _within(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    given = reading.arguments
    conditions: list[sa.ColumnElement[bool]] = []
    if (level := given.get("level")) is not None:
        conditions.append(equals_term(rows.c.level, level.known))
    if (search := given.get("search")) is not None:
        conditions.append(sa.func.lower(rows.c.name).like(search.bind(sa.Text(), contains_pattern)))
    if "within" in given:
        within = known_region(reading, "within")
        conditions.append(rows.c.village_low >= within.bind(sa.BigInteger(), lambda code: _span(code).low))
        conditions.append(rows.c.village_high <= within.bind(sa.BigInteger(), lambda code: _span(code).high))
        conditions.append(rows.c.id != within.bind(sa.BigInteger(), lambda code: parse_region(code).id))
    return conditions


def _by_code(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    code = reading.arguments["code"]
    if reading.arguments["namespace"].known is CodeNamespace.KEMENDAGRI:
        known_region(reading, "code")
        return [rows.c.id == code.bind(sa.BigInteger(), lambda text: parse_region(text).id)]
    wanted = code.bind(sa.Text(), lambda text: parse_bps_code(text).code)
    aliased = sa.select(region_alias.c.region_id).where(
        equals_term(region_alias.c.namespace, CodeNamespace.BPS), region_alias.c.code == wanted
    )
    reading.check(sa.exists(aliased), code, _unknown)
    return [rows.c.id == aliased.scalar_subquery()]


@planned(_ALIASES)
@strawberry.type(
    description="A code of a region in another numbering. The same digits may denote another region there."
)
class RegionAlias:
    """A row of ``region_alias``."""

    namespace: CodeNamespace = column("namespace", description="Whose numbering it is.")
    code: str = column("code", description="The code there.")
    source: str = column("source", description="Where the equivalence was taken from.")


@planned(_CHANGES)
@strawberry.type(description="Something that happened to a region: a split, a merge, a new name or a new status.")
class RegionChange:
    """A row of ``region_change``."""

    kind: RegionChangeKind = column("kind", description="What happened.")
    changed_on: Date = column("changed_on", description="The day it took effect.")
    decree: str = column("decree", description="The legal basis.")
    former_name: str | None = column("former_name", description="The name before a rename.")
    from_region: "Region" = planned_field(
        One(lambda reading, rows: [rows.c.id == reading.parent.c.from_id]), description="The region before the change."
    )
    to_region: "Region" = planned_field(
        One(lambda reading, rows: [rows.c.id == reading.parent.c.to_id]), description="The region after the change."
    )


@planned(REGIONS)
@strawberry.type(description="A province, regency or city, district, or village, by Kemendagri code.")
class Region(Node):
    """A row of ``region``."""

    id: strawberry.ID = expression(REGIONS.node_text, description="Id for `node(id:)`.")
    code: str = column("code", description="Kemendagri code with dots, such as `33.02.01.2001`.")
    name: str = column("name", description="Official name.")
    level: Level = column("level", description="How deep in the tree it stands.")
    kind: RegionKind = column("kind", description="What it is called in law.")
    valid_from: Date | None = column("valid_from", description="First day of validity; null: before records began.")
    valid_to: Date | None = column(
        "valid_to", description="First day on which it is no longer valid; null while it is."
    )
    decree: str | None = column("decree", description="The decree that lists it.")
    parent: "Region | None" = planned_field(
        One(lambda reading, rows: [rows.c.id == reading.parent.c.parent_id]),
        description="The region above; null for a province.",
    )
    ancestors: "list[Region]" = planned_field(
        Many(_ancestors, lambda rows: [rows.c.id]), description="The regions above, from the province downwards."
    )
    children: "Connection[Region]" = planned_field(
        Connect(lambda reading, rows: [rows.c.parent_id == reading.parent.c.id, *_within(reading, rows)]),
        description="The regions directly below.",
        arguments=page_arguments(
            argument("search", str | None, "Part of the name.", default=None),
            argument("order", RegionOrder, "How the list is sorted.", default=RegionOrder.CODE),
        ),
    )
    aliases: list[RegionAlias] = planned_field(
        Many(
            lambda reading, rows: [rows.c.region_id == reading.parent.c.id],
            lambda rows: [rows.c.namespace, rows.c.code],
        ),
        description="Its codes in other numberings.",
    )
    changes: list[RegionChange] = planned_field(
        Many(
            lambda reading, rows: [sa.or_(rows.c.from_id == reading.parent.c.id, rows.c.to_id == reading.parent.c.id)],
            lambda rows: [rows.c.changed_on, rows.c.id],
        ),
        description="What happened to it, oldest first.",
    )


def region_by_code() -> Any:
    """The root field ``region``."""
    return planned_field(
        One(_by_code),
        description="One region by its code. An unknown or malformed code is an error.",
        arguments=[
            argument(
                "code",
                str,
                f"{CODE_ARGUMENT_HELP} A BPS code has no dots (`3302`) and needs `namespace: BPS`.",
            ),
            argument(
                "namespace",
                CodeNamespace,
                "Whose code it is: the same digits differ.",
                default=CodeNamespace.KEMENDAGRI,
            ),
        ],
    )


def regions_by_name() -> Any:
    """The root field ``regions``."""
    return planned_field(
        Connect(_within),
        description="Regions, searched by name, level and the region that they lie in.",
        arguments=page_arguments(
            argument("search", str | None, "Part of the name, in any case.", default=None),
            argument("level", Level | None, "Only this level.", default=None),
            argument("within", str | None, f"Only below this region. {CODE_ARGUMENT_HELP}", default=None),
            argument("order", RegionOrder, "How the list is sorted.", default=RegionOrder.CODE),
        ),
    )
