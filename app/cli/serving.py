"""Serving the API over HTTP: in this process, or in several that share one port."""

import asyncio
import errno
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Final
from urllib.parse import quote

import uvicorn
from starlette.applications import Starlette
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from app.cli.console import Refusal, briefly
from app.main import create_app
from app.settings import Settings, get_settings
from app.tenants.replica import GONE
from app.tenants.server import DatabaseServer, DatabaseUnavailable, database_server
from app.tenants.session import Database
from app.web import logs
from app.web.bodies import LARGEST_BODY
from app.web.health import this_process
from app.web.metrics import SHARED_FOLDER
from app.worker import Worker, connections_of_worker, handlers

_BACKLOG: Final = 2048
_MOST_CONNECTIONS: Final = 8192
_SPARE_FILES: Final = 256
_NOTICE_SECONDS: Final = 1.0
_GRACE_SECONDS: Final = 10
# Longer than proxies keep theirs: whoever closes first never sends a request into a connection that is being closed.
_KEEP_ALIVE_SECONDS: Final = 75
_PING_SECONDS: Final = 20.0
_BESIDE_POOLS: Final = 3  # what appends audit events, what hears of changed grants, and what hears of jobs
_SPARE_CONNECTIONS: Final = 6
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (compared with, not bound to)

_log = logging.getLogger(__name__)


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


def configure_logs(settings: Settings) -> None:
    """Log as the settings say, as JSON. A developer's terminal gets lines for the eye, and of itself only warnings."""
    readable = settings.is_development and sys.stderr.isatty()
    asked = "log_level" in settings.model_fields_set
    logs.configure(settings.log_level if asked or not readable else "WARNING", readable=readable)


def _allow_connections() -> None:
    """Let this process open as many files as it has connections; shells often allow 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_CONNECTIONS + _SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


def _configuration(settings: Settings, app: Starlette | str, *, workers: int = 1) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=workers,
        loop="uvloop",
        http="app.web.connections:GuardedConnection",
        ws="app.web.sockets:GuardedSocket",
        ws_max_size=LARGEST_BODY,
        ws_ping_interval=_PING_SECONDS,
        ws_ping_timeout=_PING_SECONDS,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        # The application itself believes proxies; connections are told whom not to count.
        proxy_headers=False,
        forwarded_allow_ips=sorted(settings.trusted_proxies),
        server_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


class _Notice:
    """At SIGTERM be not ready at once and stop a second later, so that a load balancer looks elsewhere before it is refused.

    Ctrl-C, and a second signal, stop at once.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = signal.getsignal(signal.SIGTERM)
        self._pending: asyncio.TimerHandle | None = None

    @classmethod
    def give(cls) -> None:
        """Stand before the handler of uvicorn, which is there already."""
        notice = cls()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, notice)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        first = not this_process.has_begun
        this_process.has_begun = True
        if first and number == signal.SIGTERM:
            self._loop.call_soon_threadsafe(self._wait)
            return
        if self._pending is not None:
            self._pending.cancel()
        self._end(number, frame)

    def _wait(self) -> None:
        # Not in the handler of the signal, which may have interrupted another line.
        _log.info("stopping")
        self._pending = self._loop.call_later(_NOTICE_SECONDS, self._end, signal.SIGTERM, None)

    def _end(self, number: int, frame: FrameType | None) -> None:
        if callable(self._stop):
            self._stop(number, frame)


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
async def serving(
    settings: Settings, server: DatabaseServer, taken: socket.socket, *, with_worker: bool = False
) -> AsyncIterator[Running]:
    """Serve in this process; the block begins when requests are answered, and its end stops the server.

    ``with_worker``: work on background jobs in this process too.
    """
    configure_logs(settings)
    _allow_connections()
    worker = Worker(settings, server, handlers(settings)) if with_worker else None
    app = create_app(settings, server, worker=worker)
    http = uvicorn.Server(_configuration(settings, app))
    task = asyncio.create_task(http.serve(sockets=[taken]))
    running = Running(http, task)
    try:
        while not (http.started or task.done()):  # noqa: ASYNC110  (uvicorn tells by a flag and nothing else)
            await asyncio.sleep(0.01)
        if http.started:
            _Notice.give()
            _log.info("serving", extra={"address": address_of(taken)})
        yield running
    finally:
        http.should_exit = True
        await running.until_stopped()
        _log.info("stopped")


async def require_pooler(settings: Settings, server: DatabaseServer) -> None:
    """Make sure that requests can go through the pooler, where there is one.

    Raises:
        DatabaseUnavailable: it does not answer, or does not set what sessions need.
    """
    if server.pooler is None:
        return
    database = Database(
        server.app,
        read_pool_size=1,
        write_pool_size=1,
        statement_seconds=settings.statement_seconds,
        pooler=server.pooler,
    )
    try:
        await database.open()
    except GONE as error:
        raise DatabaseUnavailable(
            f"The pooler at {server.pooler.host}:{server.pooler.port} cannot be used ({briefly(error)}): check KESOS_POOLER_URL, and "
            "its databases (docs/scaling.md)."
        ) from error
    finally:
        await database.close()


async def refuse_too_many(
    settings: Settings, server: DatabaseServer, workers: int, *, with_worker: bool = False
) -> None:
    """Make sure that the database takes the connections of ``workers`` processes and a few of commands beside them.

    Raises:
        Refusal: it does not.
    """
    connection = await server.app.connect()
    try:
        most = int(await connection.fetchval("show max_connections"))
    finally:
        await connection.close()
    # Writes have two pools. Those of a pooler are as many as its own settings say, and no matter of ours.
    pooled = settings.read_pool_size + 2 * settings.write_pool_size if server.pooler is None else 0
    each = pooled + _BESIDE_POOLS
    wanted = workers * each + _SPARE_CONNECTIONS + (connections_of_worker(settings) if with_worker else 0)
    if wanted > most:
        raise Refusal(
            f"{workers} processes need {wanted} connections and the database allows {most}: start fewer, or lower "
            "KESOS_READ_POOL_SIZE and KESOS_WRITE_POOL_SIZE."
        )


class _Processes(Multiprocess):
    """Several processes that share one port."""

    def terminate_all(self) -> None:
        """Ask all of them to stop. As long as anybody holds the socket, new connections would be taken, and wait in vain."""
        for taken in self.sockets:
            taken.close()
        super().terminate_all()


def serve_in_processes(server: DatabaseServer, taken: socket.socket, workers: int) -> None:
    """Serve in ``workers`` processes until somebody sends SIGINT or SIGTERM; SIGHUP replaces them one by one."""
    settings = get_settings()
    configure_logs(settings)
    _allow_connections()
    admin = server.admin
    if os.environ.get("KESOS_DATABASE_URL") is None:
        # Whichever database this process runs, the others reach it as they would reach a server.
        os.environ["KESOS_DATABASE_URL"] = f"postgresql://{admin.user}@/{admin.database}?host={quote(admin.host)}"
    with TemporaryDirectory(prefix="kesos-metrics-") as folder:
        os.environ[SHARED_FOLDER] = folder
        _log.info("serving", extra={"address": address_of(taken), "workers": workers})
        _Processes(_configuration(settings, "app.cli.serving:worker", workers=workers), sockets=[taken]).run()
    _log.info("stopped")


def worker() -> Starlette:
    """The application of one of several processes; the database runs already. uvicorn calls it where it has begun to serve."""
    settings = get_settings()
    configure_logs(settings)
    try:
        with database_server(settings) as server:
            app = create_app(settings, server)
    except Exception:  # noqa: BLE001  (whatever it is, the process ends)
        # Left to itself it would be printed with all that it says; with this code the other processes stop, too.
        _log.exception("a process could not begin")
        sys.exit(STARTUP_FAILURE)
    _Notice.give()
    _log.info("a process serves")
    return app
