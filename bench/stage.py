"""What a bench runs on: a seeded database of its own, the server as a process, and a bare endpoint to compare it with."""

import asyncio
import contextlib
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
from rich.progress import Progress

from app.authz.development import development_subject, ensure_principal, issue_token
from app.authz.roles import Role
from app.domain.regions.service import load_region_tree
from app.domain.registry.sealing import Seal
from app.domain.registry.seed.loading import SeedProgress, seed_registry
from app.domain.registry.service import load_editions
from app.settings import Settings
from app.tenants.migrate import migrate
from app.tenants.region_path import RegionPath
from app.tenants.server import DatabaseServer, database_server, prepare
from app.tenants.session import open_loader

SEED: Final = 20261121
PROVINCE: Final = RegionPath.parse("33")
_STARTS_WITHIN: Final = 180.0
UNLIMITED: Final = {
    "KESOS_REQUESTS_PER_MINUTE": "1000000000",
    "KESOS_REQUESTS_PER_MINUTE_PER_ADDRESS": "1000000000",
    "KESOS_COST_PER_MINUTE": "1000000000000",
}


@contextmanager
def seeded(families: int, folder: Path) -> Iterator[tuple[Settings, DatabaseServer]]:
    """A running database with ``families`` synthetic families of Jawa Tengah, made on first use and kept in ``folder``."""
    settings = Settings(data_dir=folder / f"bench-{families}")
    with database_server(settings) as server:
        asyncio.run(_fill(settings, server, families))
        yield settings, server


@contextmanager
def empty() -> Iterator[tuple[Settings, DatabaseServer]]:
    """A running database with nothing in it, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="kesos-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as another user
        settings = Settings(data_dir=Path(folder) / "data")
        with database_server(settings) as server:
            yield settings, server


async def _fill(settings: Settings, server: DatabaseServer, families: int) -> None:
    await prepare(server)
    await migrate(server)
    async with open_loader(server) as loader:
        await load_region_tree(loader)
        await load_editions(loader)
        if await loader.fetchval("select true from family limit 1"):
            return
        with Progress() as progress:
            task = progress.add_task(f"seeding {families:,} families", total=families)

            def advance(done: SeedProgress) -> None:
                progress.update(task, completed=done.families)

            await seed_registry(
                loader,
                region=PROVINCE,
                families=families,
                seed=SEED,
                seal=Seal.of_settings(settings),
                today=datetime.now(tz=UTC).date(),
                on_progress=advance,
            )
    admin = await server.admin.connect()
    try:
        await admin.execute("vacuum analyze")
        await admin.execute("checkpoint")
    finally:
        await admin.close()


async def token_of(settings: Settings, server: DatabaseServer, role: Role, region: RegionPath) -> str:
    """A token of a principal that has ``role`` in ``region``."""
    (token,) = await tokens_of(settings, server, role, region, 1)
    return token


async def tokens_of(
    settings: Settings, server: DatabaseServer, role: Role, region: RegionPath, people: int
) -> list[str]:
    """A token of each of so many ``people`` who have ``role`` in ``region``: Kesos serves people in turn, and not connections."""
    subjects = [f"{development_subject(role, region)}:{at}" for at in range(people)]
    admin = await server.admin.connect()
    try:
        for subject in subjects:
            await ensure_principal(admin, subject=subject, name=subject, role=role, region=region)
    finally:
        await admin.close()
    return [issue_token(settings, subject) for subject in subjects]


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class Served(NamedTuple):
    """Where a process answers, and its id."""

    url: str
    process: int


@asynccontextmanager
async def kesos_served(settings: Settings, *, workers: int = 1, limited: bool = False) -> AsyncIterator[Served]:
    """``kesos serve`` as a user starts it, with ``workers`` processes; the URL is that of its GraphQL endpoint.

    Unless ``limited``, one principal at one address may ask for as much as a bench does.
    """
    port = free_port()
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port)]
    if workers > 1:
        command += ["--workers", str(workers)]
    environment = {"KESOS_DATA_DIR": str(settings.data_dir), **({} if limited else UNLIMITED)}
    async with server_process(command, port, environment) as process:
        yield Served(f"http://127.0.0.1:{port}/graphql", process)


@asynccontextmanager
async def kesos_process(settings: Settings, *, limited: bool = False) -> AsyncIterator[str]:
    """The URL of ``kesos_served``, for who counts no CPU."""
    async with kesos_served(settings, limited=limited) as served:
        yield served.url


@asynccontextmanager
async def bare_served(server: DatabaseServer, statement: str, arguments: Sequence[list[Any]]) -> AsyncIterator[Served]:
    """A Starlette endpoint that runs one statement by asyncpg and sends what it yields: no GraphQL, no token.

    The lists of ``arguments`` take turns.
    """
    port = free_port()
    address = server.app
    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder) / "statement.json"
        connect = {"host": address.host, "port": address.port, "user": address.user, "database": address.database}
        job.write_bytes(orjson.dumps({"connect": connect, "statement": statement, "arguments": arguments}))
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            "bench.bare:app",
            "--port",
            str(port),
            "--no-access-log",
            "--log-level",
            "warning",
        ]
        async with server_process(command, port, {"BENCH_STATEMENT": str(job)}) as process:
            yield Served(f"http://127.0.0.1:{port}/", process)


@asynccontextmanager
async def server_process(command: list[str], port: int, environment: dict[str, str]) -> AsyncIterator[int]:
    """A process that listens at ``port`` of the loopback when the block begins, and is ended with it; yields its id.

    Raises:
        RuntimeError: it ended before, or did not listen in time.
    """
    process = await asyncio.create_subprocess_exec(
        *command, env=os.environ | environment, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await _listens(process, command, port)
        yield process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _listens(process: asyncio.subprocess.Process, command: list[str], port: int) -> None:
    for _ in range(int(_STARTS_WITHIN * 10)):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        if process.returncode is not None:
            break
        await asyncio.sleep(0.1)
    raise RuntimeError(f"it did not answer; run it to see why: {' '.join(command)}")
