"""How soon ``kesos serve`` answers, and how much memory a process takes: ``python -m bench.startup``.

The database runs and is ready. The clock starts with the process and stops with its first answer over HTTP.
"""

import asyncio
import http.client
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Annotated, Final, NamedTuple

import psutil  # type: ignore[import-untyped]  # it ships no types
import typer
import uvloop
from rich.console import Console

from app.authz.roles import Role
from app.settings import Settings
from app.tenants.server import DatabaseServer
from bench.load import http_request, run_load
from bench.reads import PAGE, PAGE_SIZE
from bench.results import Grid
from bench.stage import PROVINCE, free_port, kesos_served, seeded, token_of

FAMILIES: Final = 10_000
_PATIENCE_SECONDS: Final = 60.0
_LOOK_AGAIN_SECONDS: Final = 0.005
_MIB: Final = 2**20
_WARM_SECONDS: Final = 5.0
_console = Console(width=120)


class Memory(NamedTuple):
    """MiB of a process: what is resident, and of that what it shares with nobody."""

    resident: float
    own: float

    @classmethod
    def of(cls, process: int) -> "Memory":
        """That of ``process``."""
        found = psutil.Process(process).memory_full_info()
        return cls(found.rss / _MIB, found.uss / _MIB)


def cold_start(settings: Settings) -> float:
    """Seconds from the start of ``kesos serve`` to its first answer.

    Raises:
        TimeoutError: there was none within a minute.
    """
    port = free_port()
    begin = time.perf_counter()
    with subprocess.Popen(  # noqa: S603  (our own command)
        [sys.executable, "-m", "app.cli", "serve", "--port", str(port)],
        env={"PATH": "", "KESOS_DATA_DIR": str(settings.data_dir)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            while time.perf_counter() - begin < _PATIENCE_SECONDS:
                if _is_ready(port):
                    return time.perf_counter() - begin
                time.sleep(_LOOK_AGAIN_SECONDS)
        finally:
            process.terminate()
    raise TimeoutError("kesos serve did not answer: run it to see why")


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


async def memory(settings: Settings, server: DatabaseServer) -> tuple[Memory, Memory]:
    """Of one process: when it has just begun to listen, and after seconds of pages of families to 16 connections."""
    token = await token_of(settings, server, Role.PROVINCE_OFFICER, PROVINCE)
    async with kesos_served(settings) as served:
        idle = Memory.of(served.process)
        request = http_request(served.url, {"query": PAGE, "variables": {"first": PAGE_SIZE}}, token)
        await run_load(served.url, request, connections=16, seconds=_WARM_SECONDS)
        return idle, Memory.of(served.process)


def main(
    rounds: Annotated[int, typer.Option(help="How often to start it.")] = 7,
    folder: Annotated[Path, typer.Option(help="Where the seeded database is kept.")] = Path(".kesos"),
) -> None:
    """Measure cold starts of kesos serve, and the memory of a process."""
    uvloop.install()
    with seeded(FAMILIES, folder) as (settings, server):
        starts = [cold_start(settings) for _ in range(rounds)]
        idle, busy = asyncio.run(memory(settings, server))
    lines = [
        ("process to first answer", f"{median(starts):.2f} s", f"{min(starts):.2f}-{max(starts):.2f} s"),
        ("memory when it listens", f"{idle.resident:.0f} MiB", f"{idle.own:.0f} MiB its own"),
        ("memory after pages to 16 connections", f"{busy.resident:.0f} MiB", f"{busy.own:.0f} MiB its own"),
    ]
    _console.print(Grid(("kesos serve", "median", "of that"), lines, "Start and memory").table())


if __name__ == "__main__":
    typer.run(main)
