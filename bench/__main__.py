"""``make bench``: seeds what is missing, measures every side in one run, and writes the tables of RESULTS.md, part by part."""

import os
import platform
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer
import uvloop
from rich.console import Console

from bench import attack, cycles, fanout, growth, imports, postgraphile, proposals, reads, transactions
from bench.parts import Part, on_seeded
from bench.report import RESULTS, put
from bench.results import Plan

_console = Console(width=200)


PARTS: Final = (
    Part(
        "reads",
        "Reads",
        "100,000 families; each connection is another officer of the province. The limit is pgbench of the statement that Kesos sends.",
        on_seeded(100_000, reads.measure),
    ),
    Part(
        "growth",
        "Reads as the registry grows",
        "The same, of registries of several sizes, by one worker; the limit is the smallest. `SCALE=full` adds 1,000,000 families.",
        growth.run,
    ),
    Part(
        "transactions",
        "Redemptions at outlets",
        f"{transactions.FAMILIES:,} families; each is on disk with its journal entry, totals and audit event before it is answered.",
        on_seeded(transactions.FAMILIES, transactions.measure),
    ),
    Part(
        "proposals",
        "Proposals",
        "An ordinary mutation of the ORM: an outlet, its first step and the audit event in one transaction, and the outlet read back. The "
        "limit is pgbench of the statements that PostgreSQL saw.",
        on_seeded(proposals.FAMILIES, proposals.measure),
    ),
    Part(
        "peer",
        "Beside PostGraphile 5",
        "Both give the same answers, which is checked, under the same row-level security, as one process with 12 connections. PostGraphile "
        "verifies no token, and limits, logs and audits nothing: docs/decisions/0038-the-peer.md. The limit is pgbench.",
        postgraphile.run,
    ),
    Part(
        "fanout",
        "Subscriptions",
        f"Outlets report {fanout.REPORTS_PER_SECOND} transactions a second, and all who listen hear of each; none was lost. Latencies are "
        "from the answer to the outlet to the message. What is committed within a tenth of a second is told together. CPU is that of the "
        "transactions too.",
        on_seeded(fanout.FAMILIES, fanout.measure),
    ),
    Part(
        "imports",
        "An import",
        f"A Kesos CSV of about {imports.PERSONS:,} persons of Jawa Tengah ({imports.PERSONS_IF_FULL:,} with `SCALE=full`) from upload to "
        "applied, into an empty registry: NIK sealed, every rule in SQL.",
        imports.run,
    ),
    Part(
        "cycles",
        "Lists of aid",
        f"The list of {cycles.PROGRAMME} for {cycles.FAMILIES:,} families of Jawa Tengah, made and generated twice.",
        cycles.run,
    ),
    Part(
        "attacks",
        "What others feel of an attack",
        f"{attack.PEOPLE} people ask for a family {attack.REQUESTS_PER_SECOND} times a second each, while one attacker does its worst.",
        on_seeded(10_000, attack.measure),
    ),
)
_NAMES: Final = ", ".join(part.name for part in PARTS)


def _chosen(only: list[str]) -> list[Part]:
    unknown = set(only) - {part.name for part in PARTS}
    if unknown:
        raise typer.BadParameter(f"there is no part {', '.join(sorted(unknown))}; there are {_NAMES}.")
    return [part for part in PARTS if not only or part.name in only]


def main(
    only: Annotated[list[str] | None, typer.Option(help=f"Measure this part, may be repeated: {_NAMES}.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; every side works once in each.")] = 5,
    seconds: Annotated[int, typer.Option(min=1, help="Seconds that a side works in a round.")] = 4,
    folder: Annotated[Path, typer.Option(help="Where the seeded databases are kept.")] = Path(".kesos"),
    results: Annotated[Path, typer.Option(help="The file whose sections are replaced.")] = RESULTS,
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Three rounds of a second: to see that it works.")] = False,
) -> None:
    """Measure reads, writes and attacks beside the limits of the database, and write the tables to bench/RESULTS.md.

    SCALE=full adds a registry of 1,000,000 families, which takes some minutes to seed the first time.
    """
    plan = Plan(rounds, seconds, folder)
    words = [word for name in only or [] for word in ("--only", name)]
    if quick:
        plan = replace(plan, rounds=3, seconds=1)
        words.append("--quick")
    else:
        words += ["--rounds", str(rounds), "--seconds", str(seconds)]
    scale = "SCALE=full " if os.environ.get("SCALE") == "full" else ""
    command = f"{scale}python -m bench {shlex.join(words)}"
    _console.print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")
    uvloop.install()
    for part in _chosen(only or []):
        measured = part.run(plan, command)
        for grid in measured.grids:
            _console.print(grid.table())
        _console.print(measured.circumstances)
        if measured.grids:
            put(results, part.name, part.section(measured), order=[each.name for each in PARTS])


if __name__ == "__main__":
    typer.run(main)
