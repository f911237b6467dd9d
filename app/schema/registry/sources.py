"""Where the rows of the registry are, how they are sorted and filtered, and which enums they use."""

from enum import Enum
from typing import Final
from uuid import UUID

import sqlalchemy as sa
import strawberry
from sqlalchemy.dialects import postgresql as pg

from app.authz.permissions import Permission
from app.domain.base import DomainError
from app.domain.registry import enums
from app.domain.registry.models import family, person, registry_edition, welfare_rank
from app.schema.enums import described_by
from app.schema.ids import tenant_node
from app.schema.plan.source import Expression, Key, Order, Reading, Row, Source
from app.schema.regions import any_term, equals_term, in_region
from app.schema.registry.names import SEARCH_HELP, name_holds
from app.schema.scalars import Date
from app.tenants.rls import Tenancy


class FamilyOrder(Enum):
    """Orders of a list of families."""

    VILLAGE = "VILLAGE"
    NAME = "NAME"
    DECILE = "DECILE"


class PersonOrder(Enum):
    """Orders of a list of persons."""

    VILLAGE = "VILLAGE"
    NAME = "NAME"


described_by(
    {
        FamilyOrder.VILLAGE: "By village code; the cheapest order, and the default.",
        FamilyOrder.NAME: "By the name of the head of the family; needs `registry:name:read`.",
        FamilyOrder.DECILE: "Poorest first; unranked families last.",
    }
)
described_by(
    {
        PersonOrder.VILLAGE: "By village code; the cheapest order, and the default.",
        PersonOrder.NAME: "By name; needs `registry:name:read`.",
    }
)

_ID_KEY: Final = Key(lambda rows: rows.c.id, pg.UUID(), UUID)
_VILLAGE_KEY: Final = Key(lambda rows: rows.c.village_id, sa.BigInteger(), int)
UNRANKED: Final = 11

FAMILIES: Final = Source(
    table=family,
    permission=Permission.REGISTRY_FAMILY_READ,
    tenancy=Tenancy.VILLAGE,
    orders={
        FamilyOrder.VILLAGE: Order((_VILLAGE_KEY, _ID_KEY)),
        FamilyOrder.NAME: Order(
            (Key(lambda rows: rows.c.head_name, sa.Text(), str), _ID_KEY), Permission.REGISTRY_NAME_READ
        ),
        FamilyOrder.DECILE: Order(
            (
                Key(lambda rows: sa.func.coalesce(rows.c.decile, sa.literal_column(str(UNRANKED))), sa.Integer(), int),
                _VILLAGE_KEY,
                _ID_KEY,
            )
        ),
    },
    node=tenant_node("Family"),
    personal=True,
)
PERSONS: Final = Source(
    table=person,
    permission=Permission.REGISTRY_PERSON_READ,
    tenancy=Tenancy.VILLAGE,
    orders={
        PersonOrder.VILLAGE: Order((_VILLAGE_KEY, _ID_KEY)),
        PersonOrder.NAME: Order(
            (Key(lambda rows: rows.c.name, sa.Text(), str), _ID_KEY), Permission.REGISTRY_NAME_READ
        ),
    },
    node=tenant_node("Person"),
    personal=True,
)
RANKS: Final = Source(welfare_rank, Permission.REGISTRY_FAMILY_READ, Tenancy.VILLAGE)
EDITIONS: Final = Source(registry_edition, Permission.REGISTRY_EDITION_READ, None)


def initial_of(column: str) -> Expression:
    """A name as whoever may not read names sees it: its first letter."""

    def masked(row: Row) -> sa.ColumnElement[str]:
        return sa.func.concat(sa.func.left(row.c[column], sa.literal_column("1")), sa.literal_column("'***'"))

    return masked


class DecileInvalid(DomainError):
    """A decile that is none."""

    code = "DECILE_INVALID"

    def __init__(self) -> None:
        super().__init__("Desil adalah angka 1 (termiskin) sampai 10.", "A decile is a number from 1 (poorest) to 10.")


def _decile(value: int) -> int:
    if not 1 <= value <= 10:
        raise DecileInvalid
    return value


@strawberry.input(description="A range of welfare deciles, both ends included.")
class DecileRange:
    """Input of a decile filter."""

    from_: int = strawberry.field(name="from", default=1, description="Lowest decile, 1 (poorest) to 10.")
    to: int = strawberry.field(default=10, description="Highest decile, 1 to 10.")


@strawberry.input(description="Which families to list. Conditions that are given must all hold.")
class FamilyFilter:
    """Input of the filters of families."""

    deciles: DecileRange | None = strawberry.field(
        default=None, description="Only families whose present decile is in this range; unranked families have none."
    )
    statuses: list[enums.FamilyStatus] | None = strawberry.field(default=None, description="Only these statuses.")
    search: str | None = strawberry.field(
        default=None, description=f"Only families whose head is called so. {SEARCH_HELP}"
    )


@strawberry.input(description="Which persons to list. Conditions that are given must all hold.")
class PersonFilter:
    """Input of the filters of persons."""

    search: str | None = strawberry.field(default=None, description=f"Only persons who are called so. {SEARCH_HELP}")
    identity_statuses: list[enums.IdentityStatus] | None = strawberry.field(
        default=None, description="Only these states of identity."
    )
    presences: list[enums.Presence] | None = strawberry.field(
        default=None, description="Only persons found to be like this."
    )
    sex: enums.Sex | None = strawberry.field(default=None, description="Only this sex.")
    born_from: Date | None = strawberry.field(default=None, description="Born on this day or later.")
    born_to: Date | None = strawberry.field(default=None, description="Born on this day or earlier.")


def listed_families(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """The conditions of the arguments of a list of families, but for the name."""
    conditions = in_region(reading, rows)
    given = reading.arguments.get("filter")
    if given is None:
        return conditions
    if (deciles := given.get("deciles")) is not None:
        low = deciles.fields["from"].bind(sa.SmallInteger(), _decile)
        high = deciles.fields["to"].bind(sa.SmallInteger(), _decile)
        conditions.append(rows.c.decile.between(low, high))
    if (statuses := given.get("statuses")) is not None:
        conditions.append(any_term(rows.c.status, statuses, enums.FamilyStatus, "family_status"))
    return conditions


def listed_persons(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """The conditions of the arguments of a list of persons."""
    conditions = in_region(reading, rows)
    given = reading.arguments.get("filter")
    if given is None:
        return conditions
    if (search := given.get("search")) is not None:
        conditions += name_holds(reading, rows.c.name, search)
    if (statuses := given.get("identityStatuses")) is not None:
        conditions.append(any_term(rows.c.identity_status, statuses, enums.IdentityStatus, "identity_status"))
    if (presences := given.get("presences")) is not None:
        conditions.append(any_term(rows.c.presence, presences, enums.Presence, "presence"))
    if (sex := given.get("sex")) is not None:
        conditions.append(equals_term(rows.c.sex, sex.known))
    if (born_from := given.get("bornFrom")) is not None:
        conditions.append(rows.c.birth_date >= born_from.bind(sa.Date()))
    if (born_to := given.get("bornTo")) is not None:
        conditions.append(rows.c.birth_date <= born_to.bind(sa.Date()))
    return conditions
