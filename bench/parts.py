"""Parts of ``make bench``: what each measures, on which registry, and how it gets its section of RESULTS.md."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import uvloop
from rich.console import Console

from app.settings import Settings
from app.tenants.server import DatabaseServer
from bench.cpu import Meter
from bench.report import Circumstances
from bench.results import Grid, Plan, Row, grid_of
from bench.stage import seeded


class Measured(NamedTuple):
    """What a part has measured, and under which circumstances."""

    grids: list[Grid]
    circumstances: str


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the command.

    ``run(plan, command)`` measures; ``command`` is what to call again to measure it once more. ``about``: what a reader of its tables
    should know, in Markdown.
    """

    name: str
    title: str
    about: str
    run: Callable[[Plan, str], Measured]

    def section(self, measured: Measured) -> str:
        """Its section of RESULTS.md."""
        tables = "\n".join(grid.markdown() for grid in measured.grids)
        return f"## {self.title}\n\n{self.about}\n\n{measured.circumstances}\n{tables}"


def alone(
    families: int,
    measure: Callable[[Settings, DatabaseServer, Plan], Awaitable[list[Row]]],
    rounds: int,
    seconds: int,
    folder: Path,
) -> None:
    """Measure on a registry of ``families`` and print the table, without RESULTS.md: the command of one module."""
    uvloop.install()
    with seeded(families, folder) as (settings, server):
        rows = asyncio.run(_rows(measure, settings, server, Plan(rounds, seconds, folder)))
    Console(width=160).print(grid_of(rows).table())


async def _rows(
    measure: Callable[[Settings, DatabaseServer, Plan], Awaitable[list[Row]]],
    settings: Settings,
    server: DatabaseServer,
    plan: Plan,
) -> list[Row]:
    return await measure(settings, server, plan)


def on_seeded(
    families: int, measure: Callable[[Settings, DatabaseServer, Plan], Awaitable[list[Row] | list[Grid]]]
) -> Callable[[Plan, str], Measured]:
    """What ``measure`` measures on a registry of ``families``, which is seeded where it is missing: rows of one table, or tables."""

    async def measured(settings: Settings, server: DatabaseServer, plan: Plan, command: str) -> Measured:
        circumstances = Circumstances(command, [Meter(settings)])
        found = await measure(settings, server, plan)
        grids = [each for each in found if isinstance(each, Grid)]
        rows = [each for each in found if isinstance(each, Row)]
        return Measured([*([grid_of(rows)] if rows else []), *grids], circumstances.told())

    def run(plan: Plan, command: str) -> Measured:
        with seeded(families, plan.folder) as (settings, server):
            return asyncio.run(measured(settings, server, plan, command))

    return run
