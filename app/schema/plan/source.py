"""What a GraphQL object type declares, once: where its rows are, what each field is, which relations it has.

The helpers return Strawberry fields. The declaration travels in the field's metadata; ``blueprint`` gathers it when the schema is built.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol, TypeVar
from uuid import UUID

import sqlalchemy as sa
import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from app.authz.permissions import Permission
from app.schema.ids import NodeKey
from app.schema.plan.arguments import Argument, Arguments
from app.tenants.rls import Tenancy

SPECIFICATION: Final = "plan"
SOURCE_ATTRIBUTE: Final = "__plan_source__"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is being printed: the FROM clause it comes from, and the arguments of the fields that found it."""

    from_: sa.FromClause
    arguments: Arguments = field(default_factory=dict)

    @property
    def c(self) -> Any:
        """The columns of the row."""
        return self.from_.c


Expression = Callable[[Row], sa.ColumnElement[Any]]


@dataclass(frozen=True, slots=True)
class Key:
    """One column of an order; cursors carry its value as ``python_type``."""

    expression: Callable[[sa.FromClause], sa.ColumnElement[Any]]
    sql_type: sa.types.TypeEngine[Any]
    python_type: type[int] | type[str] | type[UUID] | type[datetime]


@dataclass(frozen=True, slots=True)
class Order:
    """A total order of rows by keys, the last of which is unique: all of them ascending, or all ``descending``."""

    keys: tuple[Key, ...]
    permission: Permission | None = None
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """Where the rows of an object type are, and who may read them.

    Rows that are ``personal`` are about somebody: whoever reads them through a root field is kept in the audit trail, with the persons
    and families that the columns ``about`` name. Rows with an ``own`` column are shown to nobody but the principal whose id it holds.
    Rows of a thing that a grant may be bound to (my e-Warong) name its column in ``bound``: their table has the policy of
    ``rls.bound_policy``.
    """

    table: sa.Table
    permission: Permission
    tenancy: Tenancy | None
    orders: Mapping[Any, Order] = field(default_factory=dict)
    node: NodeKey | None = None
    personal: bool = False
    own: str | None = None
    bound: str | None = None
    about: tuple[str, ...] = ("id",)

    @property
    def newest_first(self) -> bool:
        """Whether rows of regencies are listed in the order in which they came, and not in that of villages or names."""
        return (
            self.tenancy in {Tenancy.VILLAGE, Tenancy.SPAN}
            and "regency_id" in self.table.c
            and all(order.descending for order in self.orders.values())
        )

    def node_text(self, row: Row) -> sa.ColumnElement[str]:
        """The node id of ``row``."""
        if self.node is None:
            raise LookupError(f"{self.table.name} has no node ids")
        return self.node.text(row.c)


@dataclass(frozen=True, slots=True)
class Value:
    """A column or an SQL expression; without ``permission`` it prints as ``masked``, or is refused where there is no masked form.

    Where the permission is held elsewhere and does not reach as far as the row, it prints as ``masked`` or null.
    """

    expression: Expression
    permission: Permission | None = None
    masked: Expression | None = None
    tenancy: Tenancy = Tenancy.VILLAGE


@dataclass(frozen=True, slots=True)
class Part:
    """An object made of the same row, such as the housing of a family; its values are null where ``permission`` does not reach."""

    permission: Permission | None = None
    tenancy: Tenancy = Tenancy.VILLAGE


Join = Callable[["Reading", sa.FromClause], list[sa.ColumnElement[bool]]]
Rows = Callable[["Reading"], sa.FromClause]


@dataclass(frozen=True, slots=True)
class One:
    """The one row of another source, or of a FROM clause of its own, that belongs to this row."""

    on: Join
    rows: Rows | None = None


@dataclass(frozen=True, slots=True)
class Many:
    """The rows that belong to this row, as a plain list: only for lists that are short by nature."""

    on: Join
    order: Callable[[sa.FromClause], Sequence[sa.ColumnElement[Any]]]
    rows: Rows | None = None


@dataclass(frozen=True, slots=True)
class Connect:
    """The rows that belong to this row (or to nobody, at the root), as a Relay connection.

    ``about`` names persons whom the field is about, though its own rows are not theirs; asking is then kept as reading them.
    ``ways`` are given where no one plan finds rows fast for all arguments.
    """

    on: Join
    about: Rows | None = None
    ways: Callable[["Reading"], "Ways | None"] | None = None


class Way(NamedTuple):
    """Rows of the source's table, or some of them with all its columns, and what must hold of them."""

    rows: sa.FromClause
    conditions: Sequence[sa.ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Ways:
    """Ways to the rows of a connection, each planned by itself: for any arguments no more than one finds rows, and it finds all.

    Which one that is, ``choice`` tells them, when the statement runs.
    """

    choice: sa.CTE
    each: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class Lookup:
    """Objects by node id: ``node`` and ``nodes``."""

    many: bool


@dataclass(frozen=True, slots=True)
class Computed:
    """A field that needs Python; ``needs`` are the values of the row that its resolver reads."""

    needs: Mapping[str, Expression]
    permission: Permission
    tenancy: Tenancy


@dataclass(frozen=True, slots=True)
class Revealed(Computed):
    """A sealed number of a ``subject``, from ``column``: it is opened once it is kept who reads it, and why."""

    subject: str
    column: str


@dataclass(frozen=True, slots=True)
class Derived:
    """An object whose row the field makes itself, such as a summary: read under ``permission``."""

    rows: Rows
    permission: Permission


@dataclass(frozen=True, slots=True)
class Payload:
    """An object that a mutation answers: it is read by its key, once the mutation is committed."""


@dataclass(frozen=True, slots=True)
class PagePart:
    """A field of a connection, an edge or a page info: the connection itself compiles it."""


class Outcome(NamedTuple):
    """What the function of a ``Call`` did: a code, what else it tells, and of the row that it returned the key and further columns.

    Where it returned no row, these are nulls.
    """

    code: str
    detail: Mapping[str, Any]
    key: tuple[Any, ...]
    further: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A mutation that is one function of the database: key, locks, rules, rows, journal and audit in one statement and one commit.

    ``function`` takes two of jsonb and returns one row: ``outcome`` and ``detail`` (a jsonb), then the columns of the row that the
    answer's object is. The first argument is what ``item`` makes of the input, the second an event of the audit trail, which it keeps
    with the villages and ids of what it does. What it refuses it tells by its outcome, having written nothing.

    ``item`` takes the input with the names of GraphQL, values coerced. ``done`` makes what is answered of an outcome, which holds the
    ``further`` columns of the row. Both raise the ``DomainError`` of a refusal. What is done is announced in this process: ``news`` says
    on which channel, and what.
    """

    function: str
    permission: Permission
    subject_type: str
    item: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    done: Callable[[Outcome], object]
    further: tuple[str, ...] = ()
    news: Callable[[Outcome], tuple[str, str] | None] | None = None


@dataclass(frozen=True, slots=True)
class Bulk:
    """A mutation whose input holds so many objects that making each of them in Python would cost more than what is done with them.

    ``resolve`` takes the info of the field and the input with the names of GraphQL, values coerced, and raises the ``DomainError`` of a
    refusal.
    """

    resolve: Callable[[Any, Mapping[str, Any]], Awaitable[object]]


Specification = Bulk | Call | PagePart | Payload | Value | Part | One | Many | Connect | Lookup | Computed | Derived


class Within(Protocol):
    """The conditions under which rows are within a permission, where the statement reaches further than it."""

    def __call__(
        self, permission: Permission, tenancy: Tenancy, rows: sa.FromClause, bound: str | None = None, /
    ) -> list[sa.ColumnElement[bool]]:
        """``bound`` is the column of the thing that a grant may be bound to, as in ``Source``."""


class InRegencies(Protocol):
    """The condition that rows are of the regencies that a permission reaches.

    It is for rows whose villages lie in these regencies wherever the policy shows them: it hides none, and lets PostgreSQL seek them in
    an index that begins with the regency.
    """

    def __call__(self, permission: Permission, rows: sa.FromClause, /) -> list[sa.ColumnElement[bool]]:
        """``rows`` have a regency_id."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a declaration may use while its field is compiled."""

    row: Row | None
    arguments: Arguments
    require: Callable[[Permission], None]
    within: Within
    in_regencies: InRegencies
    check: Callable[[sa.ColumnElement[bool], Argument, Callable[[Any], Exception]], None]
    finest_level: Callable[[Permission], Any]

    def found_in(self, rows: sa.FromClause) -> Row:
        """A row of ``rows``: it knows the arguments of this field and of the fields above."""
        above = self.row.arguments if self.row is not None else {}
        return Row(rows, {**above, **self.arguments})

    @property
    def outer(self) -> sa.FromClause | None:
        """The FROM clause of the row that the field stands on; none at the root."""
        return self.row.from_ if self.row is not None else None

    @property
    def parent(self) -> Row:
        """The row that the field stands on."""
        if self.row is None:
            raise LookupError("a root field has no parent row")
        return self.row


def planned(source: Source) -> Callable[[type[T]], type[T]]:
    """Declare the source of an object type; stands above ``strawberry.type``."""

    def declare(cls: type[T]) -> type[T]:
        setattr(cls, SOURCE_ATTRIBUTE, source)
        return cls

    return declare


def argument(
    name: str, annotation: object, description: str, *, default: object = strawberry.UNSET
) -> StrawberryArgument:
    """An argument of a planned field; ``name`` is its GraphQL name."""
    return StrawberryArgument(
        python_name=name,
        graphql_name=name,
        type_annotation=StrawberryAnnotation(annotation),
        description=description,
        default=default,
    )


def planned_field(
    specification: Specification,
    *,
    description: str,
    arguments: Sequence[StrawberryArgument] = (),
) -> Any:
    """A Strawberry field that is compiled into the statement instead of being resolved."""
    made = StrawberryField(description=description, metadata={SPECIFICATION: specification})
    made.arguments = list(arguments)
    return made


def column(
    name: str,
    *,
    description: str,
    permission: Permission | None = None,
    masked: Expression | None = None,
) -> Any:
    """A field that is the column ``name`` of its row."""
    return planned_field(Value(lambda row: row.c[name], permission, masked), description=description)


def expression(
    of_row: Expression, *, description: str, permission: Permission | None = None, masked: Expression | None = None
) -> Any:
    """A field that is an SQL expression over its row."""
    return planned_field(Value(of_row, permission, masked), description=description)
