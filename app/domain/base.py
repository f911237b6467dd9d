"""What all contexts share: terms of the field, common columns, and the way an error of the domain looks."""

from enum import Enum
from typing import Final, Self

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.tenants.errors import Conflict, DomainError, NotFound
from app.tenants.tables import metadata

__all__ = [
    "Conflict",
    "DomainError",
    "NotFound",
    "Term",
    "enum_column_type",
    "metadata",
    "tenant_columns",
    "village_lies_in_regency",
]

_ENUM_TYPES: Final[dict[type["Term"], pg.ENUM]] = {}


class Term(Enum):
    """A coded value: a stable English name and the official Indonesian term that people know it by."""

    indonesian: str

    # A member is written with both; without the default a type checker refuses the look-up `Sex("MALE")`.
    def __new__(cls, name: str, indonesian: str = "") -> Self:
        """Read a member written as ``NAME = ("NAME", "istilah resmi")``."""
        member = object.__new__(cls)
        member._value_ = name
        member.indonesian = indonesian
        return member


def enum_column_type(terms: type[Term], name: str) -> pg.ENUM:
    """The PostgreSQL enum of ``terms``; its labels are the stable names. Migrations create and drop it."""
    if terms not in _ENUM_TYPES:
        _ENUM_TYPES[terms] = pg.ENUM(
            terms,
            name=name,
            create_type=False,
            metadata=metadata,
            values_callable=lambda members: [m.value for m in members],
        )
    return _ENUM_TYPES[terms]


def village_lies_in_regency(table: str) -> sa.CheckConstraint:
    """What lets a policy look at the village alone: the village of a row of ``table`` is one of its regency's."""
    return sa.CheckConstraint(
        "village_id / 1000000 = regency_id", name=sa.schema.conv(f"{table}_village_in_regency_ck")
    )


def tenant_columns() -> list[sa.Column[object]]:
    """The columns that every tenant table begins with: the regency that owns the row, its id (UUID v7) and its village."""
    return [
        sa.Column("regency_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("id", pg.UUID(as_uuid=True), primary_key=True),
        sa.Column("village_id", sa.BigInteger, nullable=False),
    ]
