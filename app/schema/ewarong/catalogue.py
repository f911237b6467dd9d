"""What outlets sell, what a basket may hold on a day, and the numbers that oversight compares with."""

from collections.abc import Callable
from enum import Enum
from typing import Any, Final

import sqlalchemy as sa
import strawberry

from app.authz.permissions import Permission
from app.domain.bansos.models.programmes import Channel
from app.domain.ewarong.models.catalogue import Unit, basket_rule, commodity, commodity_group, ewarong_threshold
from app.schema.bansos.programme_sources import DAY_HELP, basis_of
from app.schema.bansos.programmes import LegalBasis, Programme
from app.schema.enums import described_by
from app.schema.ids import code_node
from app.schema.node import Node
from app.schema.paging import Connection, page_arguments
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
from app.schema.text import storable

CATALOGUE: Final = Permission.EWARONG_CATALOGUE_READ
_TODAY: Final[sa.ColumnElement[Any]] = sa.literal_column("(now() at time zone 'Asia/Jakarta')::date", sa.Date())
described_by({unit: f"{unit.indonesian[0].upper()}{unit.indonesian[1:]}." for unit in Unit}, "CommodityUnit")


class _ByCode(Enum):
    CODE = "CODE"


COMMODITIES: Final = Source(
    table=commodity,
    permission=CATALOGUE,
    tenancy=None,
    orders={_ByCode.CODE: Order((Key(lambda rows: rows.c.code, sa.Text(), str),))},
    node=code_node("Commodity"),
)
_GROUPS: Final = Source(commodity_group, CATALOGUE, None)
_RULES: Final = Source(basket_rule, CATALOGUE, None)
_THRESHOLDS: Final = Source(ewarong_threshold, CATALOGUE, None)


def _day(reading: Reading) -> sa.ColumnElement[Any]:
    given = reading.arguments.get("on")
    return _TODAY if given is None else given.bind(sa.Date())


def _in_group(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return [rows.c.group_code == reading.parent.c.code]


def _listed(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    given = reading.arguments.get("group")
    return [] if given is None else [rows.c.group_code == given.bind(sa.Text(), storable)]


def _every(_reading: Reading, _rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return []


def _named(array: str) -> Callable[[Reading, sa.FromClause], list[sa.ColumnElement[bool]]]:
    """The rows whose codes an array of the rule holds."""
    return lambda reading, rows: [rows.c.code == sa.any_(reading.parent.c[array])]


def _rule_in_force(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    given, day, others = reading.arguments, _day(reading), basket_rule.alias()
    code = given["programme"].bind(sa.Text(), storable)
    channel = sa.literal_column(f"'{given['channel'].known.value}'", sa.Text())
    newest = (
        sa.select(sa.func.max(others.c.valid_from))
        .where(others.c.programme_code == code, others.c.channel == channel, others.c.valid_from <= day)
        .scalar_subquery()
    )
    return [
        rows.c.programme_code == code,
        rows.c.channel == channel,
        rows.c.valid_from == newest,
        sa.func.coalesce(rows.c.valid_to >= day, sa.true()),
    ]


def _thresholds_in_force(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    day, others = _day(reading), ewarong_threshold.alias()
    newest = (
        sa.select(sa.func.max(others.c.valid_from))
        .where(others.c.code == rows.c.code, others.c.valid_from <= day)
        .correlate(rows)
        .scalar_subquery()
    )
    return [rows.c.valid_from == newest]


@planned(_GROUPS)
@strawberry.type(description="A group of food.")
class CommodityGroup:
    """A row of ``commodity_group``."""

    code: str = column("code", description="Stable name, such as `PROTEIN_HEWANI`.")
    name: str = column("name", description="Name in Indonesian.")
    name_english: str = column("name_english", description="Name in English.")
    commodities: "list[Commodity]" = planned_field(
        Many(_in_group, lambda rows: [rows.c.code]), description="What belongs to it, by code."
    )


@planned(COMMODITIES)
@strawberry.type(description="Something that outlets sell, or that no basket may hold.")
class Commodity(Node):
    """A row of ``commodity``."""

    id: strawberry.ID = expression(COMMODITIES.node_text, description="Id for `node(id:)`.")
    code: str = column("code", description="Stable name, such as `RICE`: lines of a transaction give it.")
    name: str = column("name", description="Name in Indonesian.")
    name_english: str = column("name_english", description="Name in English.")
    unit: Unit = column("unit", description="What quantities and prices of it count in.")
    group: CommodityGroup | None = planned_field(
        One(lambda reading, rows: [rows.c.code == reading.parent.c.group_code]),
        description="Its group of food; null: none, such as what is prohibited.",
    )
    source: str = column("source", description="Where this is from.")


@planned(_RULES)
@strawberry.type(description="What a basket of a programme may hold, when it is redeemed in one way.")
class BasketRule:
    """A row of ``basket_rule``."""

    programme_code: str = column("programme_code", description="Code of the programme.")
    programme: Programme = planned_field(
        One(lambda reading, rows: [rows.c.code == reading.parent.c.programme_code]),
        description="The programme. Needs `bansos:programme:read`.",
    )
    channel: Channel = column("channel", description="By which way aid reaches the family.")
    valid_from: Date = column("valid_from", description="The first day on which it counts.")
    valid_to: Date | None = column("valid_to", description="The last day; null: until another begins.")
    open: bool = column("open", description="Whether the programme is redeemed in food this way; false: it is cash.")
    groups: list[CommodityGroup] = planned_field(
        Many(_named("groups"), lambda rows: [rows.c.code]),
        description="Groups that a basket may hold. Commodities of no group, or of another one, are refused.",
    )
    prohibited: list[Commodity] = planned_field(
        Many(_named("prohibited"), lambda rows: [rows.c.code]), description="What a basket may not hold in any case."
    )
    balanced: list[CommodityGroup] = planned_field(
        Many(_named("balanced"), lambda rows: [rows.c.code]),
        description="Groups without which a basket is out of balance: it is flagged, never refused.",
    )
    legal_basis: LegalBasis | None = planned_field(
        One(basis_of),
        description="The regulation that it follows; null: it is a setting of the house, as `source` says. Needs `bansos:programme:read`.",
    )
    source: str = column("source", description="Where it is from, or that it is a setting of the house.")


@planned(_THRESHOLDS)
@strawberry.type(description="A number that oversight compares with. It is a setting, never a verdict.")
class EwarongThreshold:
    """A row of ``ewarong_threshold``."""

    code: str = column("code", description="Stable name, such as `MOST_FAMILIES` or `F1_CARDS`.")
    value: float = column("value", description="The number.")
    unit: str = column(
        "unit", description="What it counts: families, cards, minutes, days, an hour of the day, a share."
    )
    valid_from: Date = column("valid_from", description="The first day on which it counts.")
    source: str = column("source", description="Where it is from.")


@strawberry.type
class CatalogueQuery:
    """Queries of the catalogue."""

    commodity_groups: list[CommodityGroup] = planned_field(
        Many(_every, lambda rows: [rows.c.code]),
        description=f"The groups of food, by code. Needs `{CATALOGUE.value}`.",
    )
    commodities: Connection[Commodity] = planned_field(
        Connect(_listed),
        description=f"What outlets sell and what no basket may hold, by code. Needs `{CATALOGUE.value}`.",
        arguments=page_arguments(
            argument("group", str | None, "Only of this group, such as `PROTEIN_NABATI`.", default=None)
        ),
    )
    basket_rule: BasketRule | None = planned_field(
        One(_rule_in_force),
        description="What a basket may hold on a day. Null: the programme is not redeemed that way then. Needs "
        f"`{CATALOGUE.value}`.",
        arguments=[
            argument("programme", str, "Code of the programme, such as `SEMBAKO`."),
            argument("channel", Channel, "The way.", default=Channel.E_WARONG),
            argument("on", Date | None, f"The day. {DAY_HELP}", default=None),
        ],
    )
    ewarong_thresholds: list[EwarongThreshold] = planned_field(
        Many(_thresholds_in_force, lambda rows: [rows.c.code]),
        description=f"The numbers in force on a day, by code. Needs `{CATALOGUE.value}`.",
        arguments=[argument("on", Date | None, f"The day. {DAY_HELP}", default=None)],
    )
