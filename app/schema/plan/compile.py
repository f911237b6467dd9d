"""From a selection to one SQL expression that yields the JSON of a root field.

Nested lists, connections and counts are sub-selects of one statement, so an N+1 cannot be written. Which fields the principal may
see is settled here, before any SQL runs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final, NamedTuple, cast

import sqlalchemy as sa
from graphql import FieldNode, GraphQLField, GraphQLObjectType, get_named_type
from graphql.execution.collect_fields import FieldDetails
from sqlalchemy.dialects import postgresql as pg

from app.authz.permissions import Permission
from app.schema.ids import NodeId, NodeKey, parse_node_ids
from app.schema.paging import page_size
from app.schema.plan.arguments import (
    Argument,
    ArgumentReader,
    Arguments,
    Binder,
    BoundPrincipal,
)
from app.schema.plan.blueprint import RUNTIME_TYPE_KEY
from app.schema.plan.page import Page
from app.schema.plan.printing import Columns, constant, json_list, json_object
from app.schema.plan.reach import Reach
from app.schema.plan.selection import Check, FieldDenied, Root, Selection
from app.schema.plan.source import (
    Computed,
    Connect,
    Derived,
    Lookup,
    Many,
    One,
    Part,
    Reading,
    Row,
    Source,
    Value,
    Ways,
)
from app.schema.plan.subjects import joined, subjects_of
from app.tenants.region_path import RegionLevel

_ROWLESS: Final = frozenset({"__typename", "totalCount"})
"""What of a connection tells nothing of any one row."""


class Selected(NamedTuple):
    """One selected field: its definition, its nodes, and what its declaration may use."""

    definition: GraphQLField
    details: list[FieldDetails]
    reading: Reading

    @property
    def object_type(self) -> GraphQLObjectType:
        """The type of the object or objects of the field."""
        return cast("GraphQLObjectType", get_named_type(self.definition.type))


@dataclass(slots=True)
class Compiler:
    """Compiles one root field."""

    selection: Selection
    binder: Binder
    checks: list[Check] = field(default_factory=list)
    needs_python: bool = False
    tells_subjects: bool = False
    personal: set[str] = field(default_factory=set)

    def root(self, details: list[FieldDetails]) -> Root:
        """The expression of a root field.

        Raises:
            FieldDenied: the selection holds a field that the principal may not see.
            DomainError: an argument cannot be.
        """
        columns = self._field("root", self.selection.root_type, details, None)
        return Root(columns["root"], self.binder, self.checks, self.needs_python, self.tells_subjects)

    def _field(self, key: str, type_: GraphQLObjectType, details: list[FieldDetails], row: Row | None) -> Columns:
        name = details[0].node.name.value
        if name == "__typename":
            return {key: constant(type_.name)}
        definition = type_.fields[name]
        arguments = self._arguments(definition, details[0].node)
        selected = Selected(definition, details, self._reading(row, arguments, f"{type_.name}.{name}"))
        specification = self.selection.blueprint.specifications[type_.name, name]
        if isinstance(specification, Computed):
            return self._needs(specification, selected.reading)
        return {key: self._expression(specification, selected)}

    def _expression(self, specification: object, selected: Selected) -> sa.ColumnElement[Any]:
        compilers: Mapping[type, Callable[[Any, Selected], sa.ColumnElement[Any]]] = {
            Value: self._value,
            Part: self._part,
            One: self._one,
            Many: self._many,
            Connect: self._connection,
            Derived: self._derived,
            Lookup: self._lookup,
        }
        return compilers[type(specification)](specification, selected)

    def _reading(self, row: Row | None, arguments: Arguments, where: str) -> Reading:
        def require(permission: Permission) -> None:
            if permission not in self.selection.access.permissions:
                raise FieldDenied(permission, where)

        def check(condition: sa.ColumnElement[bool], argument: Argument, error: Callable[[Any], Exception]) -> None:
            self.checks.append(Check(condition, argument, error))

        def finest_level(permission: Permission) -> RegionLevel:
            return self.selection.access.scope(permission).finest

        return Reading(row, arguments, require, self._reach.within, self._reach.in_regencies, check, finest_level)

    @property
    def _reach(self) -> Reach:
        return Reach(self.selection, self.binder)

    def _arguments(self, definition: GraphQLField, node: FieldNode) -> dict[str, Argument]:
        if not definition.args:
            return {}
        return ArgumentReader(self.binder, self.selection.variables).read(definition.args, node.arguments or ())

    def _columns(
        self,
        type_: GraphQLObjectType,
        details: list[FieldDetails],
        row: Row,
        reach: Sequence[sa.ColumnElement[bool]] = (),
    ) -> Columns:
        columns: Columns = {}
        for key, sub_details in self.selection.subfields(type_, details).items():
            found = self._field(key, type_, sub_details, row)
            is_value = sub_details[0].node.name.value != "__typename"
            columns |= {name: _within_reach(reach, value) for name, value in found.items()} if is_value else found
        return columns

    def _permitted(self, source: Source, reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
        reading.require(source.permission)
        within = (
            [] if source.tenancy is None else self._reach.within(source.permission, source.tenancy, rows, source.bound)
        )
        return within + self._own(source, rows)

    def _own(self, source: Source, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
        """That a row is the caller's, where its source shows it to nobody else."""
        return [] if source.own is None else [rows.c[source.own] == self.binder.add(BoundPrincipal(), pg.UUID())]

    def _value(self, specification: Value, selected: Selected) -> sa.ColumnElement[Any]:
        row, permission = selected.reading.parent, specification.permission
        if permission is None:
            return specification.expression(row)
        masked = specification.masked(row) if specification.masked is not None else None
        if permission not in self.selection.access.permissions and masked is not None:
            return masked
        selected.reading.require(permission)
        reach = self._reach.within(permission, specification.tenancy, row.from_)
        return _within_reach(reach, specification.expression(row), masked)

    def _needs(self, specification: Computed, reading: Reading) -> Columns:
        """The values that a Python field reads; null where its permission does not reach as far as the row."""
        reading.require(specification.permission)
        self.needs_python = True
        row = reading.parent
        reach = self._reach.within(specification.permission, specification.tenancy, row.from_)
        return {f"{name}$": _within_reach(reach, expression(row)) for name, expression in specification.needs.items()}

    def _part(self, specification: Part, selected: Selected) -> sa.ColumnElement[Any]:
        row, permission = selected.reading.parent, specification.permission
        reach: list[sa.ColumnElement[bool]] = []
        if permission is not None:
            selected.reading.require(permission)
            reach = self._reach.within(permission, specification.tenancy, row.from_)
        return json_object(self._columns(selected.object_type, selected.details, row, reach), outer=row.from_)

    def _derived(self, specification: Derived, selected: Selected) -> sa.ColumnElement[Any]:
        selected.reading.require(specification.permission)
        row = selected.reading.found_in(specification.rows(selected.reading))
        return json_object(self._columns(selected.object_type, selected.details, row), row.from_)

    def _related(
        self, specification: One | Many, selected: Selected
    ) -> tuple[sa.FromClause, list[sa.ColumnElement[bool]]]:
        reading = selected.reading
        if specification.rows is not None:
            rows = specification.rows(reading)
            return rows, specification.on(reading, rows)
        source = self.selection.blueprint.source_of(selected.definition)
        if source.personal:
            self.personal.add(source.table.name)
        rows = source.table.alias()
        return rows, [*specification.on(reading, rows), *self._permitted(source, reading, rows)]

    def _one(self, specification: One, selected: Selected) -> sa.ColumnElement[Any]:
        rows, conditions = self._related(specification, selected)
        if selected.reading.row is None:
            return self._one_of_root(specification, selected, rows, conditions)
        columns = self._columns(selected.object_type, selected.details, selected.reading.found_in(rows))
        return json_object(columns, rows, conditions, outer=selected.reading.outer)

    def _one_of_root(
        self, specification: One, selected: Selected, rows: sa.FromClause, conditions: list[sa.ColumnElement[bool]]
    ) -> sa.ColumnElement[Any]:
        # What finds a row of the root may not be unique among all that the caller sees, as a NIK is only within a regency.
        first = sa.select(rows).where(*conditions).order_by(*rows.primary_key).limit(sa.literal_column("1")).cte()
        columns = self._columns(selected.object_type, selected.details, selected.reading.found_in(first))
        beside = None
        if specification.rows is None:
            source = self.selection.blueprint.source_of(selected.definition)
            beside = self._subjects(source, selected.object_type.name, first)
        return json_object(columns, first, cte=first, beside=beside)

    def _subjects(self, source: Source, type_name: str, rows: sa.FromClause) -> sa.ColumnElement[str] | None:
        """Whom the ``rows`` of a root field are about; None where they are about nobody. Comes after the columns are compiled."""
        if not source.personal:
            return None
        self.tells_subjects = True
        return subjects_of(type_name, rows, self._id_columns(source, rows))

    def _id_columns(self, source: Source, rows: sa.FromClause) -> list[str]:
        # A person's row also leads to the family and so to everybody in it.
        above = ["family_id"] if "family_id" in rows.c and self.personal - {source.table.name} else []
        return list(dict.fromkeys([*source.about, *above]))

    def _many(self, specification: Many, selected: Selected) -> sa.ColumnElement[Any]:
        rows, conditions = self._related(specification, selected)
        columns = self._columns(selected.object_type, selected.details, selected.reading.found_in(rows))
        query = sa.select(rows).where(*conditions).order_by(*specification.order(rows))
        return json_list(columns, query, outer=selected.reading.outer)

    def _page(self, specification: Connect, selected: Selected, size: Callable[[int], int] = page_size) -> Page:
        """The page that a connection asks for; ``size`` says how many rows ``first`` may mean."""
        source = self.selection.blueprint.source_of(selected.definition)
        needed: dict[Permission, None] = {}

        def require(permission: Permission) -> None:
            selected.reading.require(permission)
            needed[permission] = None

        def conditions(rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
            """Filters and orders tell about a row what their permissions tell, so a row is listed where all of them reach."""
            reading.require(source.permission)
            joined = [*specification.on(reading, rows), *self._own(source, rows)]
            if source.tenancy is None:
                return joined
            if reading.row is None and source.newest_first:
                joined += self._reach.in_regencies(source.permission, rows)
            return joined + [
                condition
                for each in needed
                for condition in self._reach.within(each, source.tenancy, rows, source.bound)
            ]

        def ways() -> Ways | None:
            return None if specification.ways is None else specification.ways(reading)

        reading = replace(selected.reading, require=require)
        return Page(source, reading, conditions, size, ways)

    def _connection(self, specification: Connect, selected: Selected) -> sa.ColumnElement[Any]:
        source = self.selection.blueprint.source_of(selected.definition)
        page = self._page(specification, selected)
        type_ = selected.object_type
        parts: Mapping[str, Callable[[list[FieldDetails]], sa.ColumnElement[Any]]] = {
            "__typename": lambda _: constant(type_.name),
            "nodes": lambda details: self._nodes(page, type_of(type_, "nodes"), details),
            "edges": lambda details: self._edges(page, type_of(type_, "edges"), details),
            "pageInfo": lambda details: self._page_info(page, type_of(type_, "pageInfo"), details),
            "totalCount": lambda _: page.total_count(),
        }
        columns = {
            key: parts[details[0].node.name.value](details)
            for key, details in self.selection.subfields(type_, selected.details).items()
        }
        selects_rows = any(name not in _ROWLESS for name in self._names(type_, selected.details))
        beside = None
        if selected.reading.row is None and selects_rows:
            row_type = type_of(type_, "nodes")
            beside = self._subjects(source, row_type.name, page.shown().subquery())
        if specification.about is not None:
            self.tells_subjects = True
            beside = subjects_of("Person", specification.about(selected.reading), ["id"])
        return json_object(columns, cte=page.rows, beside=beside)

    def _names(self, type_: GraphQLObjectType, details: list[FieldDetails]) -> set[str]:
        return {sub[0].node.name.value for sub in self.selection.subfields(type_, details).values()}

    def _nodes(self, page: Page, type_: GraphQLObjectType, details: list[FieldDetails]) -> sa.ColumnElement[Any]:
        return json_list(self._columns(type_, details, Row(page.rows)), page.shown())

    def _edges(self, page: Page, type_: GraphQLObjectType, details: list[FieldDetails]) -> sa.ColumnElement[Any]:
        parts: Mapping[str, Callable[[list[FieldDetails]], sa.ColumnElement[Any]]] = {
            "__typename": lambda _: constant(type_.name),
            "cursor": lambda _: page.cursor,
            "node": lambda node_details: json_object(
                self._columns(type_of(type_, "node"), node_details, Row(page.rows)), outer=page.rows
            ),
        }
        columns = {
            key: parts[sub_details[0].node.name.value](sub_details)
            for key, sub_details in self.selection.subfields(type_, details).items()
        }
        return json_list(columns, page.shown())

    def _page_info(self, page: Page, type_: GraphQLObjectType, details: list[FieldDetails]) -> sa.ColumnElement[Any]:
        values: Mapping[str, Callable[[], sa.ColumnElement[Any]]] = {
            "__typename": lambda: constant(type_.name),
            "hasNextPage": page.has_next,
            "hasPreviousPage": page.has_previous,
            "startCursor": page.start_cursor,
            "endCursor": page.end_cursor,
        }
        fields = self.selection.subfields(type_, details)
        return json_object({key: values[sub[0].node.name.value]() for key, sub in fields.items()})

    def _lookup(self, specification: Lookup, selected: Selected) -> sa.ColumnElement[Any]:
        """Objects by id: every type that has ids is one branch of a CASE, so one statement finds any of them."""
        given = selected.reading.arguments["ids" if specification.many else "id"]
        asked = (
            sa.func.unnest(
                given.bind(pg.ARRAY(sa.Text()), lambda ids: [node.prefix for node in _node_ids(ids)]),
                given.bind(pg.ARRAY(sa.Text()), lambda ids: [",".join(map(str, node.key)) for node in _node_ids(ids)]),
            )
            .table_valued("prefix", "key", with_ordinality="position")
            .render_derived()
        )
        wanted = sa.select(asked.c.prefix, asked.c.key, asked.c.position).cte()
        readable = {
            name: (source, source.node)
            for name, source in self.selection.blueprint.sources.items()
            if source.node is not None and source.permission in self.selection.access.permissions
        }
        found = sa.case(
            *[
                (wanted.c.prefix == constant(node.prefix), self._found(name, source, node, wanted, selected))
                for name, (source, node) in readable.items()
            ]
        )
        printed: sa.ColumnElement[Any] = found
        if specification.many:
            listed = sa.func.json_agg(pg.aggregate_order_by(found, wanted.c.position))
            printed = sa.func.coalesce(listed, sa.text("'[]'::json"))
        groups = [
            told
            for name, (source, node) in readable.items()
            if (told := self._subjects_among(name, source, node, wanted)) is not None
        ]
        if groups:
            printed = sa.func.json_build_array(joined(groups), printed, type_=pg.JSON())
        return sa.select(printed).select_from(wanted).add_cte(wanted, nest_here=True).scalar_subquery()

    def _subjects_among(
        self, type_name: str, source: Source, node: NodeKey, wanted: sa.CTE
    ) -> sa.ColumnElement[str] | None:
        if not source.personal:
            return None
        rows = _sought(source.table)
        # A join condition that calls split_part could tell of rows that the policy hides, so PostgreSQL would read all that the policy
        # shows before it compared one id. For keys that are values already it seeks the row.
        keys = [key.label(name) for name, key in zip(node.columns, _keys(node, wanted), strict=True)]
        asked = sa.select(*keys).where(wanted.c.prefix == constant(node.prefix))
        sought = asked.cte(nesting=True).prefix_with("MATERIALIZED")
        found = [rows.c[name] == sought.c[name] for name in node.columns]
        self.tells_subjects = True
        ids = self._id_columns(source, rows)
        columns = [rows.c[name] for name in dict.fromkeys(("regency_id", "village_id", *ids))]
        read = sa.select(*columns).join(sought, sa.and_(*found, *self._readable(source, rows)))
        return subjects_of(type_name, read.subquery(), ids)

    def _wanted(
        self, source: Source, node: NodeKey, rows: sa.FromClause, wanted: sa.CTE
    ) -> list[sa.ColumnElement[bool]]:
        found = [rows.c[name] == key for name, key in zip(node.columns, _keys(node, wanted), strict=True)]
        return found + self._readable(source, rows)

    def _readable(self, source: Source, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
        """That a row is the caller's to read, where the statement reaches further."""
        conditions: list[sa.ColumnElement[bool]] = []
        if source.tenancy is not None:
            conditions += self._reach.within(source.permission, source.tenancy, rows, source.bound)
        return conditions + self._own(source, rows)

    def _found(
        self, type_name: str, source: Source, node: NodeKey, wanted: sa.CTE, selected: Selected
    ) -> sa.ColumnElement[Any]:
        rows = _sought(source.table)
        type_ = cast("GraphQLObjectType", self.selection.blueprint.schema.type_map[type_name])
        columns = self._columns(type_, selected.details, Row(rows))
        if self.selection.for_tree:
            columns[RUNTIME_TYPE_KEY] = constant(type_name)
        return json_object(columns, rows, self._wanted(source, node, rows, wanted), outer=wanted)


def _keys(node: NodeKey, wanted: sa.CTE) -> list[sa.ColumnElement[Any]]:
    """The values of the columns of ``node`` in an id that is ``wanted``."""
    return [
        sa.cast(sa.func.split_part(wanted.c.key, constant(","), sa.literal_column(str(at))), sql_type)
        for at, sql_type in enumerate(node.types, start=1)
    ]


@cache
def _sought(table: sa.Table) -> sa.FromClause:
    """The rows of ``table`` among which an id is sought.

    Made once: a lookup has a branch for each type, in which these rows stand once, and making the columns of some thirty aliases would
    take a quarter of the time of its plan.
    """
    return table.alias()


def _within_reach(
    reach: Sequence[sa.ColumnElement[bool]], value: sa.ColumnElement[Any], masked: sa.ColumnElement[Any] | None = None
) -> sa.ColumnElement[Any]:
    """``value`` where a permission reaches as far as the row; elsewhere its masked form, or null."""
    return sa.case((sa.and_(*reach), value), else_=masked) if reach else value


def type_of(type_: GraphQLObjectType, field_name: str) -> GraphQLObjectType:
    """The type of the objects of a field of ``type_``."""
    return cast("GraphQLObjectType", get_named_type(type_.fields[field_name].type))


def _node_ids(ids: str | Sequence[str]) -> list[NodeId]:
    return parse_node_ids([ids] if isinstance(ids, str) else ids)
