"""Which PostgreSQL serves this process: the embedded one in the data folder, or a server named by ``KESOS_DATABASE_URL``.

Both end in the same ``DatabaseServer``: an address and the three roles that the application, its jobs and its migrations log in as.
"""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
from pydantic import SecretStr

from app.settings import Settings
from app.tenants.embedded import DatabaseUnavailable, embedded_server
from app.tenants.rls import APP_ROLE, LOADER_ROLE, OWNER_ROLE

__all__ = [
    "DATABASE",
    "ConnectArguments",
    "DatabaseServer",
    "DatabaseUnavailable",
    "database_server",
    "notice_silence",
    "prepare",
]

DATABASE: Final = "kesos"
# After 30 seconds of silence three questions, 10 seconds apart; and what was sent is confirmed within a minute.
_KEEPING_ALIVE: Final[Mapping[str, int]] = {
    "TCP_KEEPIDLE": 30,
    "TCP_KEEPINTVL": 10,
    "TCP_KEEPCNT": 3,
    "TCP_USER_TIMEOUT": 60_000,
}


@dataclass(frozen=True, slots=True)
class ConnectArguments:
    """What asyncpg needs to log in."""

    host: str
    port: int
    user: str
    password: str | None
    database: str

    @classmethod
    def of_url(cls, url: str, setting: str = "KESOS_DATABASE_URL") -> "ConnectArguments":
        """Read ``postgresql://user:password@host:port/database`` or a socket folder in ``?host=``; ``setting`` is where it stands.

        Raises:
            DatabaseUnavailable: the URL names no PostgreSQL database.
        """
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        if parts.scheme.split("+")[0] not in {"postgresql", "postgres"} or not parts.path.strip("/"):
            raise DatabaseUnavailable(f"{setting} must look like postgresql://user:password@host:5432/database.")
        if query.keys() - {"host"}:
            raise DatabaseUnavailable(
                f"{setting} takes no parameter but host: set PGSSLMODE and its like in the environment instead."
            )
        return cls(
            host=query.get("host", [parts.hostname or "127.0.0.1"])[0],
            port=parts.port or 5432,
            user=unquote(parts.username or "postgres"),
            password=unquote(parts.password) if parts.password else None,
            database=parts.path.strip("/"),
        )

    async def connect(self, **options: object) -> "asyncpg.Connection[asyncpg.Record]":
        """Open one connection, as ``app.tenants`` and the command line do; requests go through ``Database``."""
        connection = await asyncpg.connect(
            host=self.host, port=self.port, user=self.user, password=self.password, database=self.database, **options
        )
        notice_silence(connection)
        return connection


def notice_silence(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Have ``connection`` break, within a minute or so, where the machine at its other end has vanished without a word.

    Otherwise whoever waits for an answer to a long statement would wait for ever.
    """
    line = connection._transport.get_extra_info("socket")  # noqa: SLF001  (asyncpg has no option for it)
    if line.family == socket.AF_UNIX:
        return
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # Not every system knows all of them; it has longer defaults of its own.
    for option, value in _KEEPING_ALIVE.items():
        if hasattr(socket, option):
            line.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


@dataclass(frozen=True, slots=True)
class DatabaseServer:
    """A database with the address that an administrator uses and those of Kesos' own roles.

    ``replica`` is where kesos_app reads from a replica of it, and ``pooler`` where it meets a pooler before it, if there is one.
    """

    admin: ConnectArguments
    app_password: str | None = None
    loader_password: str | None = None
    replica: ConnectArguments | None = None
    pooler: ConnectArguments | None = None

    def _as(self, role: str, password: str | None) -> ConnectArguments:
        return self.admin if self.admin.user == role else replace(self.admin, user=role, password=password)

    @property
    def app(self) -> ConnectArguments:
        """kesos_app: owns nothing, bypasses nothing."""
        return self._as(APP_ROLE, self.app_password)

    @property
    def loader(self) -> ConnectArguments:
        """kesos_loader: bulk loads of jobs, past row-level security because COPY is refused under it."""
        return self._as(LOADER_ROLE, self.loader_password)

    async def bootstrap(self) -> None:
        """Create the roles and hand the database to kesos_owner. Does nothing where that is done."""
        connection = await self.admin.connect()
        try:
            logins = {
                APP_ROLE: ("login", self.app_password),
                LOADER_ROLE: ("login bypassrls", self.loader_password),
                OWNER_ROLE: ("nologin", None),
            }
            for role, (attributes, password) in logins.items():
                if not await connection.fetchval("select true from pg_roles where rolname = $1", role):
                    await connection.execute(f"create role {role} {attributes}")
                if password is not None:
                    quoted = await connection.fetchval("select quote_literal($1::text)", password)
                    await connection.execute(f"alter role {role} password {quoted}")
            await connection.execute(f"grant {OWNER_ROLE} to current_user")
            name = await connection.fetchval("select quote_ident(current_database())")
            await connection.execute(f"grant all on database {name} to {OWNER_ROLE}")
            await connection.execute(f"alter schema public owner to {OWNER_ROLE}")
            await connection.execute("revoke create on schema public from public")
        finally:
            await connection.close()


async def _create_database(admin: ConnectArguments) -> None:
    maintenance = await replace(admin, database="postgres").connect()
    try:
        if not await maintenance.fetchval("select true from pg_database where datname = $1", admin.database):
            await maintenance.execute(f"create database {admin.database} template template0 encoding 'UTF8'")
    finally:
        await maintenance.close()


@contextmanager
def database_server(settings: Settings) -> Iterator[DatabaseServer]:
    """The database of ``settings``, running for as long as the context is open."""
    secrets = (
        settings.app_password.get_secret_value() if settings.app_password else None,
        settings.loader_password.get_secret_value() if settings.loader_password else None,
    )
    replica = _beside("KESOS_READ_DATABASE_URL", settings.read_database_url, secrets[0])
    pooler = _beside("KESOS_POOLER_URL", settings.pooler_url, secrets[0])
    if settings.database_url is not None:
        admin = ConnectArguments.of_url(settings.database_url.get_secret_value())
        yield DatabaseServer(admin, *secrets, replica=replica, pooler=pooler)
        return
    with embedded_server(settings.data_dir / "postgres") as url:
        yield DatabaseServer(replace(ConnectArguments.of_url(url), database=DATABASE), replica=replica, pooler=pooler)


def _beside(setting: str, url: SecretStr | None, app_password: str | None) -> ConnectArguments | None:
    if url is None:
        return None
    address = ConnectArguments.of_url(url.get_secret_value(), setting)
    # Whoever the address names: row-level security binds kesos_app, and not everybody.
    return DatabaseServer(address, app_password).app


async def prepare(server: DatabaseServer) -> None:
    """Make sure that the database and the roles exist.

    Raises:
        DatabaseUnavailable: nobody answers at that address, or the user may not create roles.
    """
    try:
        await _create_database(server.admin)
        await server.bootstrap()
    except (OSError, asyncpg.PostgresError) as error:
        reason = str(error).partition("\n")[0]
        raise DatabaseUnavailable(
            f"The database at {server.admin.host} cannot be prepared as user {server.admin.user} ({reason}): "
            "check KESOS_DATABASE_URL."
        ) from error
