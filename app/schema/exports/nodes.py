"""From the JSON of rows to lines and cells."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias

import orjson

from app.domain.exports.files import Table, spreadsheet
from app.domain.exports.models import ExportFormat
from app.domain.exports.workbook import Cell, Target
from app.schema.plan.rows import Path

Node: TypeAlias = dict[str, Any]
Layout: TypeAlias = "dict[str, Layout | None]"
"""The response keys of an object in the order of the selection; under those of objects, theirs."""


class Rows(Protocol):
    """Something that takes rows: as bytes where they are as they came, as trees where numbers were put in."""

    def write(self, nodes: Sequence[bytes] | Sequence[Node]) -> None:
        """Add ``nodes``."""


class _Lines:
    """One JSON object a line, the bytes that a page of the connection would hold."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def write(self, nodes: Sequence[bytes] | Sequence[Node]) -> None:
        lines = [node if isinstance(node, bytes) else orjson.dumps(node) for node in nodes]
        self._target.write(b"\n".join([*lines, b""]))


class _Cells:
    """One cell for each value that was selected."""

    def __init__(self, table: Table, paths: Sequence[Path]) -> None:
        self._table = table
        self._paths = [(path[:-1], path[-1]) for path in paths]

    def write(self, nodes: Sequence[bytes] | Sequence[Node]) -> None:
        trees = (orjson.loads(node) if isinstance(node, bytes) else node for node in nodes)
        self._table.write([[_cell(tree, above, key) for above, key in self._paths] for tree in trees])


@contextmanager
def rows_into(target: Target, format_: ExportFormat, paths: Sequence[Path]) -> Iterator[Rows]:
    """What takes rows whose values lie at ``paths``; ``target`` holds a whole file when the block ends."""
    if format_ is ExportFormat.NDJSON:
        yield _Lines(target)
        return
    ending, table = spreadsheet(format_, target, [".".join(path) for path in paths])
    with ending:
        yield _Cells(table, paths)


def layout_of(paths: Sequence[Path]) -> Layout:
    """The order of keys that the selection of ``paths`` has."""
    layout: Layout = {}
    for path in paths:
        here = layout
        for key in path[:-1]:
            below = here.setdefault(key, {})
            if below is None:
                raise ValueError(f"{key} is an object and a value")
            here = below
        here[path[-1]] = None
    return layout


def laid_out(tree: Node | None, layout: Layout) -> Node | None:
    """``tree`` with the keys of ``layout``, and no others."""
    if tree is None:
        return None
    return {key: tree[key] if below is None else laid_out(tree[key], below) for key, below in layout.items()}


def object_at(tree: Node, path: Path) -> Node | None:
    """The object in ``tree`` at ``path``; None where it, or one above it, is null."""
    found: Any = tree
    for key in path:
        if found is None:
            return None
        found = found[key]
    return found  # type: ignore[no-any-return]  # objects of JSON


def _cell(tree: Node, above: Path, key: str) -> Cell:
    node = object_at(tree, above) if above else tree
    value = None if node is None else node[key]
    return orjson.dumps(value).decode() if isinstance(value, list | dict) else value
