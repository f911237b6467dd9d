"""``make bench``: seeds what is missing, measures every side in one run, prints the tables of the README."""

import asyncio
import os
import platform
from pathlib import Path
from typing import Annotated, Final

import typer
import uvloop
from rich.console import Console
from rich.table import Table

from app.settings import Settings
from app.tenants.server import DatabaseServer
from bench.attack import PEOPLE, REQUESTS_PER_SECOND, Felt, attacked
from bench.reads import Side, compare
from bench.stage import seeded
from bench.summary import ProvinceView, province_view

SIZES: Final = (10_000, 100_000)
FULL_SIZES: Final = (*SIZES, 1_000_000)
READ_FAMILIES: Final = 100_000
ATTACKED_FAMILIES: Final = 10_000
_console = Console(width=120)


def _read_table(connections: int, sides: list[Side]) -> Table:
    limit = sides[-1].median
    title = f"Page of 50 families with village, regency, members and ranks; {READ_FAMILIES:,} families, {connections} connections"
    table = Table("side", "median requests/s", "min-max", "of pgbench", title=title)
    for side in sides:
        table.add_row(side.name, f"{side.median:,.0f}", side.spread, f"{side.median / limit:.0%}")
    return table


def _summary_table(views: list[ProvinceView]) -> Table:
    table = Table("families", "median", "p99", title="Province view over HTTP, one connection")
    for view in views:
        table.add_row(f"{view.families:,}", f"{view.median:.2f} ms", f"{view.p99:.2f} ms")
    return table


def _attack_table(felt: list[Felt]) -> Table:
    title = f"A family by id for {PEOPLE} people, {REQUESTS_PER_SECOND} times a second each, while one attacker does its worst"
    table = Table("attack", "median", "p99", "of quiet", "failed", "the attacker's answers", title=title)
    for each in felt:
        answers = ", ".join(f"{answer}: {count:,}" for answer, count in sorted(each.answers.items()))
        share = f"{each.p99 / felt[0].p99:.1f}"
        table.add_row(each.attack, f"{each.p50:.2f} ms", f"{each.p99:.2f} ms", share, str(each.failed), answers)
    return table


async def _felt(settings: Settings, server: DatabaseServer, seconds: int) -> list[Felt]:
    return [each async for each in attacked(settings, server, seconds=seconds)]


def main(
    rounds: Annotated[int, typer.Option(help="Rounds; every side runs once in each.")] = 5,
    seconds: Annotated[int, typer.Option(help="Seconds that a side runs in a round.")] = 4,
    folder: Annotated[Path, typer.Option(help="Where the seeded databases are kept.")] = Path(".kesos"),
    reads: Annotated[bool, typer.Option(help="Measure reads and the province view.")] = True,
    attacks: Annotated[bool, typer.Option(help="Measure what others feel of attacks.")] = True,
) -> None:
    """Measure reads beside a bare endpoint and pgbench, the province view as the registry grows, and attacks.

    SCALE=full adds a registry of 1,000,000 families, which takes some minutes to seed the first time.
    """
    _console.print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")
    uvloop.install()
    if reads:
        _measure_reads(folder, rounds, seconds)
    if attacks:
        with seeded(ATTACKED_FAMILIES, folder) as (settings, server):
            _console.print(_attack_table(asyncio.run(_felt(settings, server, seconds))))


def _measure_reads(folder: Path, rounds: int, seconds: int) -> None:
    with seeded(READ_FAMILIES, folder) as (settings, server):
        for connections in (1, 16):
            sides = asyncio.run(compare(settings, server, connections=connections, rounds=rounds, seconds=seconds))
            _console.print(_read_table(connections, sides))
    views = []
    for families in FULL_SIZES if os.environ.get("SCALE") == "full" else SIZES:
        with seeded(families, folder) as (settings, server):
            views.append(asyncio.run(province_view(settings, server, families, seconds=seconds)))
    _console.print(_summary_table(views))


if __name__ == "__main__":
    typer.run(main)
