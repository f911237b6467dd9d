"""From a selection to one SQL expression that yields the JSON of a root field.

Lists are ``json_agg`` over a derived table whose column names are the response keys, so nested lists, connections and counts are
sub-selects of one statement and an N+1 cannot be written. Which fields the principal may see is settled here, before any SQL runs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, cast

import sqlalchemy as sa
from graphql import FieldNode, GraphQLField, GraphQLObjectType, get_named_type, is_non_null_type
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_subfields
from graphql.execution.values import VariableValues
from graphql.language import OperationDefinitionNode
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from app.authz.authorize import Access
from app.authz.permissions import Permission
from app.domain.base import DomainError
from app.schema.ids import NodeId, parse_node_ids
from app.schema.paging import cursor_expression, cursor_values, page_size
from app.schema.plan.arguments import Argument, ArgumentReader, Arguments, Binder, Bound, BoundScope
from app.schema.plan.blueprint import RUNTIME_TYPE_KEY, Blueprint
from app.schema.plan.source import (
    Computed,
    Connect,
    Derived,
    Lookup,
    Many,
    One,
    Order,
    PagePart,
    Part,
    Reading,
    Row,
    Source,
    Value,
)
from app.tenants.region_path import RegionLevel
from app.tenants.rls import Tenancy
from app.tenants.scope import TenantScope

LONGEST_COLUMN_NAME: Final = 63
_EMPTY_LIST: Final = sa.text("'[]'::json")
_EMPTY_OBJECT: Final = sa.literal_column("'{}'::json", pg.JSON())

Columns = dict[str, sa.ColumnElement[Any]]


class Check(NamedTuple):
    """Something that the database must confirm for a root field to be answered, and the error where it does not."""

    condition: sa.ColumnElement[bool]
    argument: Argument
    error: Callable[[Any], Exception]


class FieldDenied(Exception):
    """A selected field needs a permission that the principal does not hold."""

    def __init__(self, permission: Permission, field_name: str) -> None:
        super().__init__(f"{field_name} needs {permission}")
        self.permission = permission
        self.field_name = field_name


class JsonObject(sa.ColumnElement[Any]):
    """``JSON_OBJECT('key' VALUE v, ...)``: for the rare object whose aliases are longer than a column's name may be."""

    inherit_cache = False
    type = pg.JSON()

    def __init__(self, columns: Columns) -> None:
        self.columns = columns


@compiles(JsonObject)
def _json_object(element: JsonObject, compiler: SQLCompiler, **kw: Any) -> str:
    pairs = ", ".join(f"'{key}' VALUE {compiler.process(value, **kw)}" for key, value in element.columns.items())
    return f"JSON_OBJECT({pairs} RETURNING json)"


@dataclass(frozen=True, slots=True)
class Selection:
    """What stays the same while one operation is compiled.

    ``statement_scope`` is the scope that every root field shares; None where they differ and the statement runs under their union.
    Then each type adds its own ranges, always: whether one scope holds another differs among principals who share a plan.
    ``for_tree`` when the stock executor will walk the answer: then objects behind an interface also carry their type.
    """

    blueprint: Blueprint
    fragments: dict[str, FragmentDetails]
    operation: OperationDefinitionNode
    variables: VariableValues
    access: Access
    statement_scope: TenantScope | None
    for_tree: bool = False

    @property
    def root_type(self) -> GraphQLObjectType:
        """The type whose fields are the roots of the operation."""
        return cast("GraphQLObjectType", self.blueprint.schema.get_root_type(self.operation.operation))


@dataclass(slots=True)
class Root:
    """One compiled root field: an expression of type json, its parameters, and what must hold for it to be answered."""

    expression: sa.ColumnElement[Any]
    binder: Binder
    checks: list[Check]
    needs_python: bool
    nullable: bool


@dataclass(slots=True)
class Compiler:
    """Compiles one root field."""

    selection: Selection
    binder: Binder
    checks: list[Check] = field(default_factory=list)
    needs_python: bool = False

    def root(self, definition: GraphQLField, details: list[FieldDetails]) -> Root:
        """The expression of a root field.

        Raises:
            FieldDenied: the selection holds a field that the principal may not see.
        """
        name = details[0].node.name.value
        columns = self._field(self.selection.root_type.name, name, "root", definition, details, None)
        return Root(columns["root"], self.binder, self.checks, self.needs_python, not is_non_null_type(definition.type))

    def _field(
        self,
        type_name: str,
        field_name: str,
        key: str,
        definition: GraphQLField,
        details: list[FieldDetails],
        row: Row | None,
    ) -> Columns:
        specification = self.selection.blueprint.specifications[type_name, field_name]
        arguments = self._arguments(definition, details[0].node)
        reading = self._reading(row, arguments, f"{type_name}.{field_name}")
        match specification:
            case Value():
                return {key: self._value(specification, reading)}
            case Part():
                if specification.permission is not None:
                    reading.require(specification.permission)
                return {key: self._object(self._columns(definition, details, reading.parent), outer=reading.parent)}
            case One():
                return {key: self._one(specification, reading, definition, details)}
            case Many():
                return {key: self._many(specification, reading, definition, details)}
            case Connect():
                return {key: self._connection(specification, reading, definition, details)}
            case Derived():
                reading.require(specification.permission)
                derived = Row(specification.rows(reading), arguments)
                return {key: self._object(self._columns(definition, details, derived), derived.from_)}
            case Lookup():
                return {key: self._lookup(specification, arguments, details)}
            case PagePart():
                raise LookupError(f"{type_name}.{field_name} is compiled by its connection")
            case Computed():
                reading.require(specification.permission)
                self.needs_python = True
                return self._needs(specification, reading.parent)

    def _reading(self, row: Row | None, arguments: Arguments, where: str) -> Reading:
        def require(permission: Permission) -> None:
            if permission not in self.selection.access.permissions:
                raise FieldDenied(permission, where)

        def check(condition: sa.ColumnElement[bool], argument: Argument, error: Callable[[Any], Exception]) -> None:
            self.checks.append(Check(condition, argument, error))

        def finest_level(permission: Permission) -> RegionLevel:
            return self.selection.access.scope(permission).finest

        return Reading(row, arguments, require, self._within, check, finest_level)

    def _within(self, permission: Permission, tenancy: Tenancy, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
        """The ranges of ``permission`` where they differ from those that the statement runs under."""
        if self.selection.access.scope(permission) == self.selection.statement_scope:
            return []
        ranges = self.binder.add(BoundScope(permission), sa.Text())
        village = (
            rows.c.village_id
            if tenancy is Tenancy.VILLAGE
            else sa.func.int8range(rows.c.village_low, rows.c.village_high, _constant("[]"))
        )
        return [village.op("<@", is_comparison=True)(sa.cast(ranges, pg.INT8MULTIRANGE))]

    def _arguments(self, definition: GraphQLField, node: FieldNode) -> dict[str, Argument]:
        if not definition.args:
            return {}
        return ArgumentReader(self.binder, self.selection.variables).read(definition.args, node.arguments or ())

    def _value(self, specification: Value, reading: Reading) -> sa.ColumnElement[Any]:
        permission = specification.permission
        if permission is None or permission in self.selection.access.permissions:
            return specification.expression(reading.parent)
        if specification.masked is None:
            reading.require(permission)
            raise AssertionError("require() raises where the permission is missing")
        return specification.masked(reading.parent)

    def _needs(self, specification: Computed, row: Row) -> Columns:
        """The values that a Python field reads; null where its permission does not reach as far as the row."""
        reach = self._within(specification.permission, specification.tenancy, row.from_)
        values = {f"{name}$": expression(row) for name, expression in specification.needs.items()}
        return {key: sa.case((sa.and_(*reach), value)) for key, value in values.items()} if reach else values

    def _columns(self, definition: GraphQLField, details: list[FieldDetails], row: Row) -> Columns:
        return self._columns_of_type(cast("GraphQLObjectType", get_named_type(definition.type)), details, row)

    def _columns_of_type(self, type_: GraphQLObjectType, details: list[FieldDetails], row: Row) -> Columns:
        columns: Columns = {}
        for key, sub_details in self._subfields(type_, details).items():
            name = sub_details[0].node.name.value
            if name == "__typename":
                columns[key] = _constant(type_.name)
            else:
                columns |= self._field(type_.name, name, key, type_.fields[name], sub_details, row)
        return columns

    def _subfields(self, type_: GraphQLObjectType, details: list[FieldDetails]) -> dict[str, list[FieldDetails]]:
        selection = self.selection
        return collect_subfields(
            selection.blueprint.schema,
            selection.fragments,
            selection.variables,
            selection.operation,
            type_,
            details,
        ).grouped_field_set

    def _related(
        self, specification: One | Many, reading: Reading, definition: GraphQLField
    ) -> tuple[sa.FromClause, list[sa.ColumnElement[bool]]]:
        if specification.rows is not None:
            rows = specification.rows(reading)
            return rows, specification.on(reading, rows)
        source = self.selection.blueprint.source_of(definition)
        rows = source.table.alias()
        return rows, [*specification.on(reading, rows), *self._permitted(source, reading, rows)]

    def _permitted(self, source: Source, reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
        reading.require(source.permission)
        return [] if source.tenancy is None else self._within(source.permission, source.tenancy, rows)

    def _one(
        self, specification: One, reading: Reading, definition: GraphQLField, details: list[FieldDetails]
    ) -> sa.ColumnElement[Any]:
        rows, conditions = self._related(specification, reading, definition)
        columns = self._columns(definition, details, reading.found_in(rows))
        return self._object(columns, rows, conditions, outer=reading.row)

    def _many(
        self, specification: Many, reading: Reading, definition: GraphQLField, details: list[FieldDetails]
    ) -> sa.ColumnElement[Any]:
        rows, conditions = self._related(specification, reading, definition)
        columns = self._columns(definition, details, reading.found_in(rows))
        query = sa.select(rows).where(*conditions).order_by(*specification.order(rows))
        return self._list(columns, query, rows, outer=reading.row)

    def _connection(
        self, specification: Connect, reading: Reading, definition: GraphQLField, details: list[FieldDetails]
    ) -> sa.ColumnElement[Any]:
        connection_type = cast("GraphQLObjectType", get_named_type(definition.type))
        node_type = cast("GraphQLObjectType", get_named_type(connection_type.fields["nodes"].type))
        page = _Page(self, specification, reading, self.selection.blueprint.source_of(definition))
        columns: Columns = {}
        for key, sub_details in self._subfields(connection_type, details).items():
            match sub_details[0].node.name.value:
                case "__typename":
                    columns[key] = _constant(connection_type.name)
                case "nodes":
                    columns[key] = self._nodes(page, node_type, sub_details)
                case "edges":
                    columns[key] = self._edges(page, connection_type, node_type, sub_details)
                case "pageInfo":
                    columns[key] = self._page_info(page, connection_type, sub_details)
                case "totalCount":
                    columns[key] = page.total_count()
                case name:
                    raise LookupError(f"{connection_type.name}.{name} is no field of a connection")
        return self._object(columns, ctes=[page.rows])

    def _nodes(self, page: "_Page", node_type: GraphQLObjectType, details: list[FieldDetails]) -> sa.ColumnElement[Any]:
        columns = self._columns_of_type(node_type, details, Row(page.rows))
        return self._list(columns, page.shown(), page.rows, outer=None)

    def _edges(
        self,
        page: "_Page",
        connection_type: GraphQLObjectType,
        node_type: GraphQLObjectType,
        details: list[FieldDetails],
    ) -> sa.ColumnElement[Any]:
        edge_type = cast("GraphQLObjectType", get_named_type(connection_type.fields["edges"].type))
        columns: Columns = {}
        for key, sub_details in self._subfields(edge_type, details).items():
            match sub_details[0].node.name.value:
                case "__typename":
                    columns[key] = _constant(edge_type.name)
                case "cursor":
                    columns[key] = page.cursor
                case _:
                    columns[key] = self._object(
                        self._columns_of_type(node_type, sub_details, Row(page.rows)), outer=Row(page.rows)
                    )
        return self._list(columns, page.shown(), page.rows, outer=None)

    def _page_info(
        self, page: "_Page", connection_type: GraphQLObjectType, details: list[FieldDetails]
    ) -> sa.ColumnElement[Any]:
        info_type = cast("GraphQLObjectType", get_named_type(connection_type.fields["pageInfo"].type))
        values: Mapping[str, Callable[[], sa.ColumnElement[Any]]] = {
            "__typename": lambda: _constant(info_type.name),
            "hasNextPage": page.has_next,
            "hasPreviousPage": page.has_previous,
            "startCursor": page.start_cursor,
            "endCursor": page.end_cursor,
        }
        return self._object(
            {
                key: values[sub_details[0].node.name.value]()
                for key, sub_details in self._subfields(info_type, details).items()
            }
        )

    def _lookup(
        self, specification: Lookup, arguments: Arguments, details: list[FieldDetails]
    ) -> sa.ColumnElement[Any]:
        """Objects by id: every type that has ids is one branch of a CASE, so the same statement finds any of them."""
        blueprint, access = self.selection.blueprint, self.selection.access
        given = arguments["ids" if specification.many else "id"]
        wanted = sa.func.unnest(
            given.bind(pg.ARRAY(sa.Text()), lambda ids: [node.prefix for node in _node_ids(ids)]),
            given.bind(pg.ARRAY(sa.Text()), lambda ids: [",".join(map(str, node.key)) for node in _node_ids(ids)]),
        ).table_valued("prefix", "key", with_ordinality="position")
        wanted = wanted.render_derived()
        branches = []
        for type_name, source in blueprint.sources.items():
            if source.node is None or source.permission not in access.permissions:
                continue
            type_ = cast("GraphQLObjectType", blueprint.schema.type_map[type_name])
            rows = source.table.alias()
            conditions = [
                rows.c[name] == sa.cast(sa.func.split_part(wanted.c.key, _constant(","), at), sql_type)
                for at, (name, sql_type) in enumerate(zip(source.node.columns, source.node.types, strict=True), start=1)
            ]
            if source.tenancy is not None:
                conditions += self._within(source.permission, source.tenancy, rows)
            columns = self._columns_of_type(type_, details, Row(rows))
            if self.selection.for_tree:
                columns[RUNTIME_TYPE_KEY] = _constant(type_name)
            branches.append(
                (wanted.c.prefix == source.node.prefix, self._object(columns, rows, conditions, outer=Row(wanted)))
            )
        found = sa.case(*branches)
        if not specification.many:
            return sa.select(found).select_from(wanted).scalar_subquery()
        return (
            sa.select(sa.func.json_agg(pg.aggregate_order_by(found, wanted.c.position)))
            .select_from(wanted)
            .scalar_subquery()
        )

    def _object(
        self,
        columns: Columns,
        rows: sa.FromClause | None = None,
        conditions: Sequence[sa.ColumnElement[bool]] = (),
        outer: Row | None = None,
        ctes: Sequence[sa.CTE] = (),
    ) -> sa.ColumnElement[Any]:
        """One JSON object of ``columns``; null where ``rows`` has no row."""
        query = self._row_query(columns)
        if rows is not None:
            query = query.select_from(rows).where(*conditions)
        for cte in ctes:
            query = query.add_cte(cte, nest_here=True)
        if outer is not None:
            query = query.correlate(outer.from_)
        record = query.subquery()
        return (
            sa.select(sa.func.to_json(self._record(columns, record), type_=pg.JSON()))
            .select_from(record)
            .scalar_subquery()
        )

    def _list(
        self, columns: Columns, query: sa.Select[Any], rows: sa.FromClause, outer: Row | None
    ) -> sa.ColumnElement[Any]:
        """A JSON array with one object of ``columns`` for each row of ``query``, in its order."""
        listed = query.with_only_columns(*self._row_query(columns).selected_columns, maintain_column_froms=True)
        if outer is not None:
            listed = listed.correlate(outer.from_)
        record = listed.subquery()
        return (
            sa.select(sa.func.coalesce(sa.func.json_agg(self._record(columns, record)), _EMPTY_LIST))
            .select_from(record)
            .scalar_subquery()
        )

    @staticmethod
    def _row_query(columns: Columns) -> sa.Select[Any]:
        if not columns:
            return sa.select(_EMPTY_OBJECT.label("object"))
        if _fits(columns):
            return sa.select(*[value.label(key) for key, value in columns.items()])
        return sa.select(JsonObject(columns).label("object"))

    @staticmethod
    def _record(columns: Columns, record: sa.Subquery) -> sa.ColumnElement[Any]:
        return record.table_valued() if columns and _fits(columns) else record.c.object


def _constant(text: str) -> sa.ColumnElement[str]:
    return sa.literal_column(f"'{text}'", sa.Text())


def _fits(columns: Columns) -> bool:
    return all(len(key) <= LONGEST_COLUMN_NAME for key in columns)


def _node_ids(ids: str | Sequence[str]) -> list[NodeId]:
    return parse_node_ids([ids] if isinstance(ids, str) else ids)


class _Page:
    """The rows of one page of a connection, plus one that tells whether there are more."""

    def __init__(self, compiler: Compiler, specification: Connect, reading: Reading, source: Source) -> None:
        self._compiler, self._specification = compiler, specification
        self._reading, self._source = reading, source
        order = reading.arguments.get("order")
        choice = order.known if order is not None else next(iter(source.orders))
        self._name: str = choice.value
        self._order: Order = source.orders[choice]
        if self._order.permission is not None:
            reading.require(self._order.permission)
        rows = source.table.alias()
        keys = [key.expression(rows) for key in self._order.keys]
        self._first = reading.arguments["first"]
        query = (
            sa.select(rows)
            .where(*self._conditions(rows), *self._after(keys))
            .order_by(*keys)
            .limit(self._first.bind(sa.Integer(), lambda first: page_size(first) + 1))
        )
        if reading.row is not None:
            query = query.correlate(reading.row.from_)
        self.rows: sa.CTE = query.cte()

    def _conditions(self, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
        permitted = self._compiler._permitted(self._source, self._reading, rows)  # noqa: SLF001  (one class in two halves)
        return [*self._specification.on(self._reading, rows), *permitted]

    def _after(self, keys: list[sa.ColumnElement[Any]]) -> list[sa.ColumnElement[bool]]:
        after = self._reading.arguments.get("after")
        if after is None:
            return []
        name, order = self._name, self._order
        values = [
            after.bind(key.sql_type, lambda cursor, at=at: cursor_values(name, order, cursor)[at])
            for at, key in enumerate(order.keys)
        ]
        return [sa.tuple_(*keys) > sa.tuple_(*values)]

    @property
    def cursor(self) -> sa.ColumnElement[str]:
        """The cursor of a row of the page."""
        return cursor_expression(self._name, self._order, self.rows)

    def shown(self) -> sa.Select[Any]:
        """The rows that the page shows."""
        return sa.select(self.rows).limit(self._first.bind(sa.Integer()))

    def total_count(self) -> sa.ColumnElement[int]:
        """The number of rows over all pages."""
        rows = self._source.table.alias()
        query = sa.select(sa.func.count()).select_from(rows).where(*self._conditions(rows))
        if self._reading.row is not None:
            query = query.correlate(self._reading.row.from_)
        return query.scalar_subquery()

    def _row_count(self) -> sa.ColumnElement[int]:
        return sa.select(sa.func.count()).select_from(self.rows).scalar_subquery()

    def has_next(self) -> sa.ColumnElement[bool]:
        """Whether a row follows the page."""
        return self._row_count() > self._first.bind(sa.Integer())

    def has_previous(self) -> sa.ColumnElement[bool]:
        """Whether the page was asked for with a cursor."""
        return sa.true() if "after" in self._reading.arguments else sa.false()

    def start_cursor(self) -> sa.ColumnElement[str]:
        """The cursor of the first row shown."""
        return sa.select(self.cursor).select_from(self.rows).limit(1).scalar_subquery()

    def end_cursor(self) -> sa.ColumnElement[str]:
        """The cursor of the last row shown."""
        last = sa.func.greatest(sa.func.least(self._row_count(), self._first.bind(sa.Integer())) - 1, 0)
        return sa.select(self.cursor).select_from(self.rows).limit(1).offset(last).scalar_subquery()
