"""Beside PostGraphile 5 from npm, over the same tables, in the same rounds: ``python -m bench.postgraphile``.

Decision record 0038 says what is compared, and what is not.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer
import uvloop
from rich.console import Console

from app.authz.permissions import Permission
from app.authz.roles import Role
from app.settings import Settings
from app.tenants.server import DatabaseServer
from app.tenants.session import SCOPE_ARGUMENTS
from bench.cpu import Meter
from bench.entitled import with_entitlements
from bench.load import Load, UnexpectedAnswer
from bench.market import planted, purchases
from bench.parts import Measured
from bench.peer.process import missing, postgraphile_served
from bench.peer.questions import NAME, SOLD, Outlet, check_reads, check_sales, reads_of_peer
from bench.pgbench import pgbench_load, pgbench_statement
from bench.reads import LIMIT, Statement, accesses, kesos_reads, statement_of
from bench.report import Circumstances
from bench.results import Grid, Plan, Row, Side, grid_of
from bench.rounds import Begun, Contender, in_turn, over_http
from bench.stage import PROVINCE, kesos_served, seeded, tokens_of
from bench.transactions import FAMILIES as SALE_FAMILIES
from bench.transactions import STALLS, script_variables, scripts_of, sold

READ_FAMILIES: Final = 100_000
CONNECTIONS: Final = 16
KESOS: Final = "one worker"
_SOLD_BY_KESOS: Final = b'"EwarongTransactionReported"'
_STATEMENTS: Final = "pgbench of the statements"
_WARM_SECONDS: Final = 4.0


async def measure_reads(settings: Settings, server: DatabaseServer, plan: Plan) -> list[Row]:
    """The page and the family by id, asked by an officer of the province, by Kesos, the peer and pgbench in turn."""
    await with_entitlements(server)
    tokens = await tokens_of(settings, server, Role.PROVINCE_OFFICER, PROVINCE, CONNECTIONS)
    pairs = await reads_of_peer(server)
    statements = [await statement_of(settings, server, tokens[0], of_kesos) for of_kesos, _ in pairs]
    scope = statements[0].arguments[0][:SCOPE_ARGUMENTS]
    rows = []
    async with (
        kesos_served(settings) as kesos,
        postgraphile_served(settings, server, dict.fromkeys(tokens, scope)) as peer,
    ):
        await check_reads(pairs, kesos, peer, tokens[0])
        for (of_kesos, of_peer), statement in zip(pairs, statements, strict=True):
            requests = partial(of_peer.requests, peer.url, tokens)
            contenders = [
                kesos_reads(of_kesos, kesos, tokens, KESOS),
                over_http(NAME, peer, requests, expected=of_peer.expected),
                _pgbench_reads(server, statement),
            ]
            await warmed(contenders)
            title = f"{of_kesos.what}, {CONNECTIONS} connections"
            sides = await in_turn(plan, Meter(settings), contenders, what=title)
            rows.append(Row(of_kesos.what, sides, CONNECTIONS, LIMIT))
    return rows


def _pgbench_reads(server: DatabaseServer, statement: Statement) -> Contender:
    async def work(seconds: float, begun: Begun) -> Load:
        return await pgbench_statement(
            server, statement.text, statement.arguments, clients=CONNECTIONS, seconds=seconds, begun=begun
        )

    return Contender(LIMIT, work)


async def warmed(contenders: Sequence[Contender]) -> None:
    """Let all but pgbench, the last, work for a while: Node's compiler takes some thousand requests to know what is hot."""
    for each in contenders:
        if each.process is not None:
            await each.work(_WARM_SECONDS, lambda: None)


async def measure_sales(settings: Settings, server: DatabaseServer, plan: Plan) -> list[Row]:
    """Single redemptions, each outlet on a connection of its own, by Kesos, the peer and pgbench in turn."""
    # As many as other benches plant: the cards are shared among them once.
    stalls = (await planted(settings, server, stalls=STALLS))[:CONNECTIONS]
    scripts = await scripts_of(settings, server, stalls, contended=False)
    allowed = await accesses(settings, server, [each.token for each in stalls])
    principals = {
        stall.token: access.scope(Permission.EWARONG_TRANSACTION_REPORT).settings
        for stall, access in zip(stalls, allowed, strict=True)
    }
    async with (
        kesos_served(settings) as kesos,
        postgraphile_served(settings, server, principals) as peer,
    ):
        await check_sales(kesos, peer, stalls[0])
        of_kesos = [purchases(each, kesos.url) for each in stalls]
        of_peer = [Outlet(each).sales(peer.url) for each in stalls]
        contenders = [
            over_http(f"Kesos, {KESOS}", kesos, lambda: of_kesos, expected=_SOLD_BY_KESOS),
            over_http(NAME, peer, lambda: of_peer, expected=SOLD),
            _pgbench_sales(server, "pgbench of the function", [each.function for each in scripts]),
            _pgbench_sales(server, _STATEMENTS, [each.statements for each in scripts]),
        ]
        contenders = [_counted(server, each) for each in contenders]
        await warmed(contenders)
        sides = await in_turn(plan, Meter(settings), contenders, what=f"redemption, {CONNECTIONS} connections")
    return [Row("redemption", sides, CONNECTIONS, _STATEMENTS, unit="transactions")]


def _pgbench_sales(server: DatabaseServer, name: str, scripts: Sequence[str]) -> Contender:
    async def work(seconds: float, begun: Begun) -> Load:
        variables = script_variables()
        return await pgbench_load(server, scripts, variables, clients=CONNECTIONS, seconds=seconds, begun=begun)

    return Contender(name, work)


def _counted(server: DatabaseServer, contender: Contender) -> Contender:
    """The same, refused where what it says that it has sold is not in the database."""

    async def work(seconds: float, begun: Begun) -> Load:
        before = await sold(server)
        load = await contender.work(seconds, begun)
        if await sold(server) - before < load.requests:
            raise UnexpectedAnswer(f"{contender.name} was refused what it asked for; the figures would mean nothing")
        return load

    return replace(contender, work=work)


def compared(rows: Sequence[Row]) -> Grid:
    """How many times the peer's rate Kesos reaches, by medians, and how many times its CPU the peer takes, PostgreSQL's included."""
    lines = []
    for row in rows:
        kesos = row.sides[0]
        peer = next(side for side in row.sides if side.name == NAME)
        lines.append(
            (row.what, str(row.connections), f"{kesos.median / peer.median:.2f}", f"{_cpu(peer) / _cpu(kesos):.2f}")
        )
    return Grid(("what", "clients", f"rate, times {NAME}", f"CPU of {NAME}, times Kesos"), lines)


def _cpu(side: Side) -> float:
    if side.server is None or side.database is None:
        raise LookupError(f"nobody counted the CPU of {side.name}")
    return side.server + side.database


def run(plan: Plan, command: str) -> Measured:
    """Measure reads and redemptions, or say why there is no peer."""
    why = missing()
    if why is not None:
        return Measured([], f"Not measured: {why}.\n")
    rows, told = [], ""
    for families, measure in ((READ_FAMILIES, measure_reads), (SALE_FAMILIES, measure_sales)):
        with seeded(families, plan.folder) as (settings, server):
            circumstances = Circumstances(command, [Meter(settings)])
            rows += asyncio.run(measure(settings, server, plan))
            told += circumstances.told()
    return Measured([grid_of(rows), compared(rows)], told)


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; every side works once in each.")] = 5,
    seconds: Annotated[int, typer.Option(min=1, help="Seconds that a side works in a round.")] = 4,
    folder: Annotated[Path, typer.Option(help="Where the seeded databases are kept.")] = Path(".kesos"),
) -> None:
    """Measure reads and redemptions beside PostGraphile 5 and pgbench."""
    uvloop.install()
    measured = run(Plan(rounds, seconds, folder), "python -m bench.postgraphile")
    console = Console(width=200)
    for grid in measured.grids:
        console.print(grid.table())
    console.print(measured.circumstances)


if __name__ == "__main__":
    typer.run(main)
