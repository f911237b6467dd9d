"""Serving the API over HTTP: in this process, or in several that share one port."""

import asyncio
import errno
import logging
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final
from urllib.parse import quote

import uvicorn
from starlette.applications import Starlette
from uvicorn.supervisors import Multiprocess

from app.cli.console import Refusal
from app.main import create_app
from app.settings import Settings, get_settings
from app.tenants.server import DatabaseServer, database_server

_BACKLOG: Final = 2048
_GRACE_SECONDS: Final = 10
_SPARE_CONNECTIONS: Final = 6
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (compared with, not bound to)


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens at ``host``:``port``, taken before any long work is done.

    Raises:
        Refusal: the port is busy, or the address is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        taken = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Refusal(
                f"Port {port} of {host} is in use: stop the program that uses it, or choose another with --port."
            ) from error
        reason = str(error.strerror).partition(" (while")[0]
        raise Refusal(
            f"Kesos cannot listen at {host}:{port} ({reason}): name an address of this machine with --host."
        ) from error
    with taken:
        yield taken


def address_of(taken: socket.socket) -> str:
    """The URL under which a browser on this machine reaches the server."""
    host, port = taken.getsockname()[:2]
    host = _ANYWHERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _log() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")


def _configuration(app: Starlette | str, *, workers: int = 1) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=workers,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


class Running:
    """A server that answers in this process."""

    def __init__(self, http: uvicorn.Server, task: asyncio.Task[None]) -> None:
        self._http = http
        self._task = task

    @property
    def is_stopping(self) -> bool:
        """Whether somebody has sent SIGINT or SIGTERM."""
        return self._http.should_exit

    async def until_stopped(self) -> None:
        """Wait until somebody sends SIGINT or SIGTERM."""
        # A signal stops the server and then cancels whoever waits for it.
        with suppress(asyncio.CancelledError):
            await self._task


@asynccontextmanager
async def serving(settings: Settings, server: DatabaseServer, taken: socket.socket) -> AsyncIterator[Running]:
    """Serve in this process; the block begins when requests are answered, and its end stops the server."""
    _log()
    http = uvicorn.Server(_configuration(create_app(settings, server)))
    task = asyncio.create_task(http.serve(sockets=[taken]))
    running = Running(http, task)
    try:
        while not (http.started or task.done()):  # noqa: ASYNC110  (uvicorn tells by a flag and nothing else)
            await asyncio.sleep(0.01)
        yield running
    finally:
        http.should_exit = True
        await running.until_stopped()


async def refuse_too_many(settings: Settings, server: DatabaseServer, workers: int) -> None:
    """Make sure that the database takes the connections of ``workers`` processes and a few of commands beside them.

    Raises:
        Refusal: it does not.
    """
    connection = await server.app.connect()
    try:
        most = int(await connection.fetchval("show max_connections"))
    finally:
        await connection.close()
    wanted = workers * (settings.read_pool_size + settings.write_pool_size) + _SPARE_CONNECTIONS
    if wanted > most:
        raise Refusal(
            f"{workers} processes need {wanted} connections and the database allows {most}: start fewer, or lower "
            "KESOS_READ_POOL_SIZE and KESOS_WRITE_POOL_SIZE."
        )


def serve_in_processes(server: DatabaseServer, taken: socket.socket, workers: int) -> None:
    """Serve in ``workers`` processes until somebody sends SIGINT or SIGTERM."""
    admin = server.admin
    if os.environ.get("KESOS_DATABASE_URL") is None:
        # Whichever database this process runs, the others reach it as they would reach a server.
        os.environ["KESOS_DATABASE_URL"] = f"postgresql://{admin.user}@/{admin.database}?host={quote(admin.host)}"
    Multiprocess(_configuration("app.cli.serving:worker", workers=workers), sockets=[taken]).run()


def worker() -> Starlette:
    """The application of one of several processes; the database runs already."""
    _log()
    settings = get_settings()
    with database_server(settings) as server:
        return create_app(settings, server)
