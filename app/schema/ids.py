"""Node ids: one text that names a row among all types and carries the regency, so that a later router knows where it lives."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.base import DomainError
from app.tenants.region_path import RegionCodeInvalid, RegionPath

MOST_IDS: Final = 100
_COUNTRY: Final = "0"
_REGENCY: Final = re.compile(r"[1-9]\d{3}", re.ASCII)
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{1,39}", re.ASCII)


class NodeIdInvalid(DomainError):
    """The text is no id that this API gives."""

    code = "ID_INVALID"

    def __init__(self) -> None:
        super().__init__(
            "ID ini bukan ID yang diberikan API; pakai nilai field `id` apa adanya.",
            "This is no id that the API gives; use the value of a field `id` as it is.",
        )


class TooManyIds(DomainError):
    """More ids than one request may ask for."""

    code = "TOO_MANY_IDS"

    def __init__(self) -> None:
        super().__init__(f"Paling banyak {MOST_IDS} ID sekali minta.", f"At most {MOST_IDS} ids in one request.")


class NodeId(NamedTuple):
    """A parsed id: the type's prefix and the values of its key columns."""

    prefix: str
    key: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class NodeKey:
    """How rows of one type are named: ``text`` prints the id in SQL, ``columns`` (of ``types``) find the row again."""

    prefix: str
    text: Callable[[Any], sa.ColumnElement[str]]
    columns: tuple[str, ...]
    types: tuple[sa.types.TypeEngine[Any], ...]


_PARSERS: dict[str, Callable[[Sequence[str]], tuple[Any, ...]]] = {}


def _tenant_key(parts: Sequence[str]) -> tuple[Any, ...]:
    regency, identifier = parts
    if _REGENCY.fullmatch(regency) is None:
        raise NodeIdInvalid
    return int(regency), _row_id(identifier)


def _row_id(text: str) -> UUID:
    identifier = UUID(text)
    if str(identifier) != text:
        raise NodeIdInvalid
    return identifier


def _region_key(parts: Sequence[str]) -> tuple[Any, ...]:
    (code,) = parts
    return (RegionPath.parse(code).id,)


def tenant_node(prefix: str) -> NodeKey:
    """Ids of a tenant table: ``Family:3302:<uuid>``."""
    _PARSERS[prefix] = _tenant_key
    return NodeKey(
        prefix,
        lambda columns: sa.func.concat(
            sa.literal_column(f"'{prefix}:'"), columns.regency_id, sa.literal_column("':'"), columns.id
        ),
        ("regency_id", "id"),
        (sa.Integer(), pg.UUID()),
    )


def _member_key(parts: Sequence[str]) -> tuple[Any, ...]:
    regency, owner, member = parts
    return (*_tenant_key((regency, owner)), _row_id(member))


def member_node(prefix: str, owner: str, member: str) -> NodeKey:
    """Ids of a tenant table whose rows are known by what they belong to: ``AidExclusion:3302:<cycle>:<family>``."""
    _PARSERS[prefix] = _member_key
    colon: sa.ColumnElement[str] = sa.literal_column("':'")
    return NodeKey(
        prefix,
        lambda columns: sa.func.concat(
            *(sa.literal_column(f"'{prefix}:'"), columns.regency_id, colon, columns[owner], colon, columns[member])
        ),
        ("regency_id", owner, member),
        (sa.Integer(), pg.UUID(), pg.UUID()),
    )


def _span_key(parts: Sequence[str]) -> tuple[Any, ...]:
    regency, identifier = parts
    return (0, _row_id(identifier)) if regency == _COUNTRY else _tenant_key(parts)


def span_node(prefix: str) -> NodeKey:
    """Ids of a tenant table whose rows may belong to the whole country: ``AuditEvent:0:<uuid>`` beside ``AuditEvent:3302:<uuid>``."""
    node = tenant_node(prefix)
    _PARSERS[prefix] = _span_key
    return node


def _reference_key(parts: Sequence[str]) -> tuple[Any, ...]:
    (identifier,) = parts
    return (_row_id(identifier),)


def reference_node(prefix: str) -> NodeKey:
    """Ids of a table that belongs to no regency: ``PrincipalGrant:<uuid>``."""
    _PARSERS[prefix] = _reference_key
    return NodeKey(
        prefix,
        lambda columns: sa.func.concat(sa.literal_column(f"'{prefix}:'"), columns.id),
        ("id",),
        (pg.UUID(),),
    )


def _code_key(parts: Sequence[str]) -> tuple[Any, ...]:
    (code,) = parts
    if _CODE.fullmatch(code) is None:
        raise NodeIdInvalid
    return (code,)


def code_node(prefix: str) -> NodeKey:
    """Ids of a catalogue whose rows have codes: ``Programme:PKH``."""
    _PARSERS[prefix] = _code_key
    return NodeKey(
        prefix,
        lambda columns: sa.func.concat(sa.literal_column(f"'{prefix}:'"), columns.code),
        ("code",),
        (sa.Text(),),
    )


def region_node(prefix: str) -> NodeKey:
    """Ids of the region tree: ``Region:33.02``."""
    _PARSERS[prefix] = _region_key
    return NodeKey(
        prefix,
        lambda columns: sa.func.concat(sa.literal_column(f"'{prefix}:'"), columns.code),
        ("id",),
        (sa.BigInteger(),),
    )


def parse_node_id(text: str, prefix: str | None = None) -> NodeId:
    """Read an id that was printed by ``NodeKey.text``; of type ``prefix`` where one is given.

    Raises:
        NodeIdInvalid: the text is malformed or names another type.
    """
    found, *parts = text.split(":")
    parser = _PARSERS.get(found)
    if parser is None or (prefix is not None and found != prefix):
        raise NodeIdInvalid
    try:
        return NodeId(found, parser(parts))
    except (ValueError, RegionCodeInvalid) as error:
        raise NodeIdInvalid from error


def parse_node_ids(texts: Sequence[str]) -> list[NodeId]:
    """Read at most 100 ids.

    Raises:
        TooManyIds: there are more.
        NodeIdInvalid: one of them is malformed.
    """
    if len(texts) > MOST_IDS:
        raise TooManyIds
    return [parse_node_id(text) for text in texts]
