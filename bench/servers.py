"""Granian in place of uvicorn under Kesos: ``python -m bench.servers``, in an environment that has Granian (``pip install granian``).

The same application in one process, under each in turn. What Kesos adds to uvicorn's connections - bounds on idle, slow and pipelining
clients - Granian has not.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import quote

import typer
import uvloop
from rich.console import Console
from starlette.applications import Starlette

from app.authz.roles import Role
from app.main import create_app
from app.settings import Settings, get_settings
from app.tenants.server import DatabaseServer, database_server
from bench.cpu import Meter
from bench.entitled import with_entitlements
from bench.reads import kesos_reads, reads_of
from bench.report import Circumstances
from bench.results import Plan, Row, grid_of
from bench.rounds import in_turn
from bench.stage import PROVINCE, UNLIMITED, Served, free_port, kesos_served, seeded, server_process, tokens_of

FAMILIES: Final = 100_000
CONNECTIONS: Final = (1, 16)
UVICORN: Final = "Kesos on uvicorn"
_console = Console(width=160)


def application() -> Starlette:
    """Kesos over the database of the settings, which runs already."""
    settings = get_settings()
    with database_server(settings) as server:
        return create_app(settings, server)


@asynccontextmanager
async def granian_served(settings: Settings, server: DatabaseServer) -> AsyncIterator[Served]:
    """One process of Granian."""
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "--loop", "uvloop"]
    command += [
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--no-ws",
        "--log-level",
        "error",
        "bench.servers:application",
    ]
    admin = server.admin
    environment = {
        "KESOS_DATA_DIR": str(settings.data_dir),
        "KESOS_DATABASE_URL": f"postgresql://{admin.user}@/{admin.database}?host={quote(admin.host)}",
        **UNLIMITED,
    }
    async with server_process(command, port, environment) as process:
        yield Served(f"http://127.0.0.1:{port}/graphql", process)


async def _measured(settings: Settings, server: DatabaseServer, plan: Plan) -> None:
    circumstances = Circumstances("python -m bench.servers", [Meter(settings)])
    await with_entitlements(server)
    tokens = await tokens_of(settings, server, Role.PROVINCE_OFFICER, PROVINCE, max(CONNECTIONS))
    rows = []
    async with kesos_served(settings) as of_uvicorn, granian_served(settings, server) as of_granian:
        for read in await reads_of(server):
            for connections in CONNECTIONS:
                sides = [
                    replace(kesos_reads(read, served, tokens[:connections], ""), name=name)
                    for name, served in ((UVICORN, of_uvicorn), ("Kesos on Granian", of_granian))
                ]
                title = f"{read.what}, {connections} connections"
                rows.append(
                    Row(read.what, await in_turn(plan, Meter(settings), sides, what=title), connections, UVICORN)
                )
    _console.print(grid_of(rows).table())
    _console.print(circumstances.told())


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; either works once in each.")] = 5,
    seconds: Annotated[int, typer.Option(min=1, help="Seconds that it works in a round.")] = 2,
    folder: Annotated[Path, typer.Option(help="Where the seeded database is kept.")] = Path(".kesos"),
) -> None:
    """Ask the reads of ``make bench`` of Kesos under either server."""
    if find_spec("granian") is None:
        _console.print("Granian is not installed here: pip install granian.")
        raise typer.Exit(1)
    uvloop.install()
    with seeded(FAMILIES, folder) as (settings, server):
        asyncio.run(_measured(settings, server, Plan(rounds, seconds, folder)))


if __name__ == "__main__":
    typer.run(main)
