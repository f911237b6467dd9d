"""One check of one import: the connection it runs on, and statements with named parameters.

The connection is kesos_loader's, which goes past row-level security. So every statement names the regency and the import of the staged
rows that it touches, and the span of villages of the registered ones: ``STAGED_FAMILIES`` and its like do that.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final
from uuid import UUID

import asyncpg

from app.domain.registry.imports.models import ImportFormat, ImportMode
from app.tenants.region_path import Span
from app.tenants.scope import REGENCY_WIDTH

OF_IMPORT: Final = "regency_id = :regency_id and import_id = :import_id"
STAGED_FAMILIES: Final = f"(select * from staged_family where {OF_IMPORT})"  # noqa: S608  (our own words)
STAGED_PERSONS: Final = f"(select * from staged_person where {OF_IMPORT})"  # noqa: S608  (our own words)
_IN_SPAN: Final = "regency_id between :regency_low and :regency_high and village_id between :low and :high"
REGISTERED_FAMILIES: Final = f"(select * from family where {_IN_SPAN})"  # noqa: S608  (our own words)
"""Families that whoever runs the import may see; a number that is registered beyond them stays unseen."""
REGISTERED_PERSONS: Final = f"(select * from person where {_IN_SPAN})"  # noqa: S608  (our own words)

_PARAMETER: Final = re.compile(r"(?<!:):([a-z_]+)")
_PREFETCH: Final = 2_000
_TYPES: Final = {
    "regency_id": "int", "import_id": "uuid", "low": "bigint", "high": "bigint", "regency_low": "int", "regency_high": "int",
    "today": "date",
}  # fmt: skip


@lru_cache(maxsize=256)
def _numbered(statement: str) -> tuple[str, tuple[str, ...]]:
    names = tuple(dict.fromkeys(_PARAMETER.findall(statement)))
    numbers = {name: f"${number}::{_TYPES[name]}" for number, name in enumerate(names, 1)}
    return _PARAMETER.sub(lambda match: numbers[match[1]], statement), names


def tag_count(status: str) -> int:
    """The number of rows in the status of a command, such as ``INSERT 0 17``; 0 where it tells none."""
    last = status.rsplit(" ", 1)[-1]
    return int(last) if last.isdecimal() else 0


@dataclass(frozen=True, slots=True)
class Check:
    """What the statements of one check have in common."""

    loader: "asyncpg.Connection[asyncpg.Record]"
    import_id: UUID
    villages: Span
    format: ImportFormat
    mode: ImportMode
    today: date

    @property
    def regency_id(self) -> int:
        """Where the rows of the import stand."""
        regency_id: int = self.villages.low // REGENCY_WIDTH
        return regency_id

    def _arguments(self, names: tuple[str, ...]) -> list[object]:
        known: dict[str, object] = {
            "regency_id": self.regency_id,
            "import_id": self.import_id,
            "low": self.villages.low,
            "high": self.villages.high,
            "regency_low": self.regency_id,
            "regency_high": self.villages.high // REGENCY_WIDTH,
            "today": self.today,
        }
        return [known[name] for name in names]

    async def execute(self, statement: str) -> int:
        """Run ``statement``, which changes rows and whose parameters are written ``:name``; returns how many."""
        text, names = _numbered(statement)
        return tag_count(await self.loader.execute(text, *self._arguments(names)))

    async def rows(self, statement: str) -> list[asyncpg.Record]:
        """All rows of ``statement``."""
        text, names = _numbered(statement)
        rows: list[asyncpg.Record] = await self.loader.fetch(text, *self._arguments(names))
        return rows

    async def stream(self, statement: str) -> AsyncIterator[asyncpg.Record]:
        """The rows of ``statement`` one after the other, a few thousand held at a time; within a transaction."""
        text, names = _numbered(statement)
        async for row in self.loader.cursor(text, *self._arguments(names), prefetch=_PREFETCH):
            yield row
