"""Whose personal data a root field reads, told by the same statement that reads it, so that the reading can be kept.

A root field over personal rows answers ``["groups", value]`` instead of ``value``: the groups name the rows, regency by regency.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from app.schema.plan.printing import constant

_GROUPS: Final = ";"
_PARTS: Final = ":"
_IDS: Final = ","
_VALUE: Final = b'", '


class SubjectGroup(NamedTuple):
    """The rows of one type in one regency that an answer holds: how many, between which villages, and their ids."""

    type_name: str
    village_low: int
    village_high: int
    row_count: int
    ids: tuple[str, ...]


def subjects_of(type_name: str, rows: sa.FromClause, id_columns: Sequence[str]) -> sa.ColumnElement[str]:
    """The groups of ``rows`` as text. ``id_columns`` are what names a person there: the row, and where it is read too its family."""
    ids: list[sa.ColumnElement[Any]] = [
        sa.func.string_agg(sa.cast(rows.c[name], sa.Text()).distinct(), constant(_IDS)) for name in id_columns
    ]
    group = sa.func.concat_ws(
        constant(_PARTS),
        constant(type_name),
        sa.func.min(rows.c.village_id),
        sa.func.max(rows.c.village_id),
        sa.func.count(),
        sa.func.concat_ws(constant(_IDS), *ids),
    )
    grouped = sa.select(group.label("text")).select_from(rows).group_by(rows.c.regency_id).subquery()
    return sa.select(
        sa.func.coalesce(sa.func.string_agg(grouped.c.text, constant(_GROUPS)), constant(""))
    ).scalar_subquery()


def joined(groups: Sequence[sa.ColumnElement[str]]) -> sa.ColumnElement[str]:
    """The groups of several types as one text."""
    return sa.func.concat_ws(constant(_GROUPS), *[sa.func.nullif(each, constant("")) for each in groups])


def split(answer: bytes) -> tuple[list[SubjectGroup], bytes]:
    """The groups and the value of ``["groups", value]`` as PostgreSQL's json_build_array prints it."""
    end = answer.index(_VALUE)
    return groups_of(answer[2:end].decode()), answer[end + len(_VALUE) : -1]


def groups_of(text: str) -> list[SubjectGroup]:
    """The groups of ``text``, as ``subjects_of`` prints them."""
    return [_group(each) for each in text.split(_GROUPS) if each]


def _group(text: str) -> SubjectGroup:
    type_name, low, high, count, ids = text.split(_PARTS)
    return SubjectGroup(type_name, int(low), int(high), int(count), tuple(ids.split(_IDS)))
