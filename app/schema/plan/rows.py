"""A connection as rows instead of pages: the same selection, filters, order and permissions, for jobs that carry off all of it.

It is read page by page within one snapshot. A row is printed by the same expressions as a node of a page, so both are the same bytes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

import sqlalchemy as sa
from graphql import GraphQLObjectType, OperationType, get_named_type, is_leaf_type
from graphql.execution.collect_fields import FieldDetails, collect_fields
from graphql.execution.values import VariableValues

from app.authz.authorize import Access
from app.authz.permissions import Permission
from app.domain.base import DomainError
from app.schema.plan.arguments import Argument, Binder
from app.schema.plan.blueprint import Blueprint
from app.schema.plan.compile import Compiler, Selected, type_of
from app.schema.plan.planner import Operation
from app.schema.plan.printing import Columns, json_object
from app.schema.plan.selection import Selection
from app.schema.plan.source import Computed, Connect, Many, Reading, Revealed, Row
from app.schema.plan.statement import Text
from app.schema.plan.subjects import subjects_of

FIRST: Final = "$first"
AFTER: Final = "$after"
"""Stand among the variables for the place of a page; no variable of a document can be called so."""

Path = tuple[str, ...]
"""Response keys, from a node down to a value."""


class NotOneConnection(DomainError):
    """The operation is no query of exactly one connection."""

    code = "EXPORT_NOT_A_CONNECTION"
    fields = ("document",)

    def __init__(self) -> None:
        super().__init__(
            "Ekspor memerlukan query dengan satu field akar saja, yang berupa koneksi seperti `families`.",
            "An export needs a query with one root field alone, which is a connection such as `families`.",
        )


class NodesMissing(DomainError):
    """The connection is asked for something else than its nodes."""

    code = "EXPORT_NODES_MISSING"
    fields = ("document",)

    def __init__(self) -> None:
        super().__init__(
            "Pilih `nodes { ... }` satu kali pada koneksi: itulah kolom ekspor.",
            "Select `nodes { ... }` once on the connection: that is what the columns of the export are.",
        )


class ListInExport(DomainError):
    """A list of objects is selected below the nodes."""

    code = "EXPORT_HOLDS_LIST"
    fields = ("document",)

    def __init__(self, name: str) -> None:
        super().__init__(
            f"`{name}` berisi daftar objek, sedangkan satu baris ekspor adalah satu simpul. Ekspor daftar itu tersendiri.",
            f"`{name}` holds a list of objects, and a row of an export is one node. Export that list by itself.",
        )


class FieldNotExportable(DomainError):
    """A field that is worked out for one object at a time is selected."""

    code = "EXPORT_FIELD_REFUSED"
    fields = ("document",)

    def __init__(self, name: str) -> None:
        super().__init__(
            f"`{name}` dihitung satu per satu dan tidak dapat diekspor. Hapus dari pilihan.",
            f"`{name}` is worked out one by one and cannot be exported. Leave it out of the selection.",
        )


@dataclass(frozen=True, slots=True)
class RevealedField:
    """Where a sealed number is asked for in full: the path of its field, and what was declared and given."""

    path: Path
    specification: Revealed
    purpose: Any


@dataclass(frozen=True, slots=True)
class RowsPlan:
    """How all rows of one connection are read for one permission set and one shape of variables.

    ``first_page`` and ``next_page`` answer ``(node, cursor, village_id, ids...)`` for each row; of rows that are about nobody the last
    two are left out. ``count`` answers how many rows there are, ``checks`` whether the arguments may be, ``about`` whom the
    connection is about where its rows are not theirs.
    """

    root_field: str
    type_name: str
    permission: Permission
    personal: bool
    columns: tuple[Path, ...]
    revealed: tuple[RevealedField, ...]
    first_page: Text
    next_page: Text
    count: Text
    checks: tuple[tuple[Text, Argument, Callable[[Any], Exception]], ...]
    about: Text | None


@dataclass
class _RowsCompiler(Compiler):
    """Compiles one page of one connection."""

    columns: list[Path] = field(default_factory=list)
    revealed: list[RevealedField] = field(default_factory=list)
    _path: list[str] = field(default_factory=list)

    def page(
        self, specification: Connect, details: list[FieldDetails], arguments: Mapping[str, Any]
    ) -> tuple[sa.Select[Any], sa.ColumnElement[int], sa.ColumnElement[str] | None]:
        """A page of rows, the number of all rows, and whom they are about where they are not theirs."""
        root_type, name = self.selection.root_type, details[0].node.name.value
        definition = root_type.fields[name]
        given = {**self._arguments(definition, details[0].node), **arguments}
        given = {name: each for name, each in given.items() if each is not None}
        selected = Selected(definition, details, self._reading(None, given, f"{root_type.name}.{name}"))
        source = self.selection.blueprint.source_of(definition)
        page = self._page(specification, selected, size=int)
        printed = self._columns(type_of(selected.object_type, "nodes"), self._nodes_of(selected), Row(page.rows))
        node = json_object(printed, outer=page.rows)
        subjects = ["village_id", *self._id_columns(source, page.rows)] if source.personal else []
        query = sa.select(node, page.cursor, *[page.rows.c[each] for each in subjects]).select_from(page.rows)
        about = None
        if specification.about is not None:
            about = subjects_of("Person", specification.about(selected.reading), ["id"])
        return query.limit(given["first"].bind(sa.Integer())), page.total_count(), about

    def _nodes_of(self, selected: Selected) -> list[FieldDetails]:
        """What is selected of the nodes. Where a page stands means nothing here; a screen's own document is exported as it is."""
        fields = self.selection.subfields(selected.object_type, selected.details).values()
        nodes = [details for details in fields if details[0].node.name.value == "nodes"]
        others = {details[0].node.name.value for details in fields} - {"nodes", "pageInfo", "totalCount", "__typename"}
        if len(nodes) != 1 or others:
            raise NodesMissing
        return nodes[0]

    def _field(self, key: str, type_: GraphQLObjectType, details: list[FieldDetails], row: Row | None) -> Columns:
        self._path.append(key)
        columns = super()._field(key, type_, details, row)
        name = details[0].node.name.value
        if name == "__typename" or is_leaf_type(get_named_type(type_.fields[name].type)):
            self.columns.append(tuple(self._path))
        self._path.pop()
        return columns

    def _expression(self, specification: object, selected: Selected) -> sa.ColumnElement[Any]:
        if isinstance(specification, Many | Connect):
            raise ListInExport(selected.details[0].node.name.value)
        return super()._expression(specification, selected)

    def _needs(self, specification: Computed, reading: Reading) -> Columns:
        if not isinstance(specification, Revealed):
            raise FieldNotExportable(self._path[-1])
        columns = super()._needs(specification, reading)
        self.revealed.append(RevealedField(tuple(self._path), specification, reading.arguments["purpose"].known))
        return columns


def rows_plan(blueprint: Blueprint, operation: Operation, variables: VariableValues, access: Access) -> RowsPlan:
    """How ``access`` reads all rows of the one connection of ``operation``.

    Raises:
        NotPermitted, FieldDenied: it may not read what is selected.
        DomainError: the operation asks for something else than the nodes of one connection, or an argument cannot be.
    """
    root_type = blueprint.schema.query_type
    if operation.node.operation is not OperationType.QUERY or root_type is None:
        raise NotOneConnection
    fields = collect_fields(blueprint.schema, operation.fragments, variables, root_type, operation.node)
    if len(fields.grouped_field_set) != 1:
        raise NotOneConnection
    (details,) = fields.grouped_field_set.values()
    name = details[0].node.name.value
    specification = blueprint.specifications.get((root_type.name, name))
    if not isinstance(specification, Connect):
        raise NotOneConnection
    definition = root_type.fields[name]
    source = blueprint.source_of(definition)
    scope = access.scope(source.permission)
    selection = Selection(blueprint, operation.fragments, operation.node, variables, access, scope)

    def compiled(label: str, *, after: bool) -> tuple[_RowsCompiler, Text, sa.ColumnElement[int], Text | None]:
        compiler = _RowsCompiler(selection, Binder(label))
        place = {
            "first": Argument(compiler.binder, lambda given: given[FIRST]),
            "after": Argument(compiler.binder, lambda given: given[AFTER]) if after else None,
        }
        query, count, about = compiler.page(specification, details, place)
        told = None if about is None else Text.of_query(sa.select(about), compiler.binder)
        return compiler, Text.of_query(query, compiler.binder), count, told

    compiler, first_page, count, about = compiled("rows", after=False)
    _, next_page, _, _ = compiled("next", after=True)
    return RowsPlan(
        root_field=name,
        type_name=type_of(cast("GraphQLObjectType", get_named_type(definition.type)), "nodes").name,
        permission=source.permission,
        personal=source.personal,
        columns=tuple(compiler.columns),
        revealed=tuple(compiler.revealed),
        first_page=first_page,
        next_page=next_page,
        count=Text.of_query(sa.select(count), compiler.binder),
        checks=tuple(
            (Text.of_query(sa.select(check.condition), compiler.binder), check.argument, check.error)
            for check in compiler.checks
        ),
        about=about,
    )
