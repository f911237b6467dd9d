"""Relay connections: pages by keyset, so that page 10,000 costs what page 1 costs and rows that arrive shift nothing."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import sqlalchemy as sa
import strawberry
from strawberry.types.arguments import StrawberryArgument

from app.domain.base import DomainError
from app.schema.plan.source import Order, PagePart, argument, planned_field
from app.schema.scalars import moment_of
from app.schema.text import is_storable

DEFAULT_PAGE: Final = 25
LONGEST_PAGE: Final = 100
_BIGINT: Final = range(-(2**63), 2**63)
_WRITTEN_AS_TEXT: Final[dict[type, Callable[[str], Any]]] = {UUID: UUID, datetime: moment_of}
NodeType = TypeVar("NodeType")


def _part(*, description: str) -> Any:
    return planned_field(PagePart(), description=description)


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """Relay's page information."""

    has_next_page: bool = _part(description="Whether there are rows after this page.")
    has_previous_page: bool = _part(description="Whether the page was asked for with `after`.")
    start_cursor: str | None = _part(description="Cursor of the first row of the page; null on an empty page.")
    end_cursor: str | None = _part(
        description="Cursor of the last row of the page: give it as `after` to get the next page."
    )


@strawberry.type(description="One row of a page with its cursor.")
class Edge(Generic[NodeType]):
    """Relay's edge."""

    cursor: str = _part(description="Opaque position of this row in this order.")
    node: NodeType = _part(description="The row.")


@strawberry.type(description="A page of rows.")
class Connection(Generic[NodeType]):
    """Relay's connection, with `nodes` for whoever needs no cursors and a count that costs only when it is asked for."""

    edges: list[Edge[NodeType]] = _part(description="The rows of the page with their cursors.")
    nodes: list[NodeType] = _part(description="The rows of the page.")
    page_info: PageInfo = _part(description="Where this page stands.")
    total_count: int = _part(
        description="Number of rows that match the filters, over all pages. Counted only when asked for."
    )


class PageSizeInvalid(DomainError):
    """``first`` is out of bounds."""

    code = "PAGE_SIZE_INVALID"

    def __init__(self) -> None:
        super().__init__(
            f"`first` harus antara 1 dan {LONGEST_PAGE}.", f"`first` must be between 1 and {LONGEST_PAGE}."
        )


class CursorInvalid(DomainError):
    """``after`` is no cursor of this list in this order."""

    code = "CURSOR_INVALID"

    def __init__(self) -> None:
        super().__init__(
            "Kursor `after` bukan milik daftar dan urutan ini. Mulai lagi dari halaman pertama.",
            "The cursor in `after` does not belong to this list and order. Start again from the first page.",
        )


def page_arguments(*others: StrawberryArgument) -> list[StrawberryArgument]:
    """The arguments of a connection: ``first``, ``after`` and its own."""
    return [
        argument("first", int, f"Number of rows, 1 to {LONGEST_PAGE}.", default=DEFAULT_PAGE),
        argument("after", str | None, "Cursor of the last row of the page before.", default=None),
        *others,
    ]


def page_size(first: int) -> int:
    """``first``, checked.

    Raises:
        PageSizeInvalid: it is below 1 or above 100.
    """
    if not 1 <= first <= LONGEST_PAGE:
        raise PageSizeInvalid
    return first


def cursor_expression(name: str, order: Order, rows: sa.FromClause) -> sa.ColumnElement[str]:
    """The cursor of a row: base64url of the order's name and the values of its keys, in JSON."""
    values = sa.func.json_build_array(sa.literal_column(f"'{name}'"), *[key.expression(rows) for key in order.keys])
    utf8 = sa.func.convert_to(sa.cast(values, sa.Text), sa.literal_column("'UTF8'"))
    base64_lines = sa.func.encode(utf8, sa.literal_column("'base64'"))
    return sa.func.translate(base64_lines, sa.literal_column(r"E'+/=\n'"), sa.literal_column("'-_'"))


def cursor_values(name: str, order: Order, cursor: str) -> Sequence[Any]:
    """The key values that ``cursor`` carries, each of its declared type.

    Raises:
        CursorInvalid: the text is no cursor of this order.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        decoded = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise CursorInvalid from error
    if not isinstance(decoded, list) or len(decoded) != 1 + len(order.keys) or decoded[0] != name:
        raise CursorInvalid
    return [_key_value(key.python_type, value) for key, value in zip(order.keys, decoded[1:], strict=True)]


def _key_value(python_type: type, value: Any) -> Any:
    if python_type in _WRITTEN_AS_TEXT and isinstance(value, str):
        try:
            return _WRITTEN_AS_TEXT[python_type](value)
        except ValueError as error:
            raise CursorInvalid from error
    if type(value) is not python_type:
        raise CursorInvalid
    if isinstance(value, int) and value not in _BIGINT:
        raise CursorInvalid
    if isinstance(value, str) and not is_storable(value):
        raise CursorInvalid
    return value
