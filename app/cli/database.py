"""The database as commands use it: running, and ready."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import asyncpg
import uvloop
from alembic.script import ScriptDirectory
from alembic.util import CommandError

import migrations
from app.cli.console import Refusal, briefly, step
from app.domain.bansos.programmes.loading import ProgrammeDataDiffers, load_programmes
from app.domain.ewarong.catalogue.errors import CatalogueDataDiffers
from app.domain.ewarong.catalogue.loading import load_catalogue
from app.domain.ewarong.oversight.errors import OversightDataDiffers
from app.domain.ewarong.oversight.loading import load_checklist
from app.domain.regions.service import load_region_tree
from app.domain.registry.service import load_editions
from app.settings import Settings
from app.tenants.embedded import undisturbed
from app.tenants.migrate import migrate
from app.tenants.rls import APP_ROLE
from app.tenants.server import DatabaseServer, DatabaseUnavailable, database_server, prepare
from app.tenants.session import open_loader

_T = TypeVar("_T")
_REGIONS: Final = 91_599
_READY_HINT: Final = "run `kesos migrate` first (`kesos demo` does it, too)."


def run(work: Coroutine[Any, Any, _T]) -> _T:
    """Run ``work`` to its end on a loop of its own."""
    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    try:
        return runner.run(work)
    finally:
        with undisturbed():
            runner.close()


@contextmanager
def running(settings: Settings) -> Iterator[DatabaseServer]:
    """The database of ``settings``; where it is the embedded one it starts, and stops with its last user.

    Raises:
        DatabaseUnavailable: it cannot be used.
    """
    with ExitStack() as stack:
        with step("Starting PostgreSQL", keep=False):
            server = stack.enter_context(database_server(settings))
        yield server


async def make_ready(server: DatabaseServer) -> None:
    """Create what is missing: database, roles, tables, region tree, editions, programmes and catalogue. Run again, it changes nothing.

    Raises:
        Refusal: the database is not this user's to change, or newer than this Kesos.
        DatabaseUnavailable: nobody answers at that address, or the user may not create roles.
    """
    _refuse_app_role(server)
    with step("Tables") as work:
        await prepare(server)
        await _migrate(server, "head", down=False)
        work.done(f"revision {_head()}")
    async with open_loader(server) as loader:
        with step("Region tree", _REGIONS) as work:
            loaded = await load_region_tree(loader, work.at)
            work.done(f"{loaded:,} regions loaded" if loaded else "there already")
        await load_editions(loader)
        await _load_programmes(loader)
        await _load_catalogue(loader)
        await _load_checklist(loader)


async def _load_programmes(loader: "asyncpg.Connection[asyncpg.Record]") -> None:
    with step("Programmes of aid") as work:
        try:
            loaded = await load_programmes(loader)
        except ProgrammeDataDiffers as error:
            raise Refusal(f"The programmes of this Kesos do not fit those of the database: {error}") from error
        kept = f"; decided by people and left as they are: {', '.join(loaded.kept)}" if loaded.kept else ""
        work.done((f"{loaded.programmes} new or changed" if loaded.programmes else "there already") + kept)


async def _load_catalogue(loader: "asyncpg.Connection[asyncpg.Record]") -> None:
    with step("Catalogue of outlets") as work:
        try:
            loaded = await load_catalogue(loader)
        except CatalogueDataDiffers as error:
            raise Refusal(f"The catalogue of this Kesos does not fit that of the database: {error}") from error
        changed = loaded.commodities + loaded.rules + loaded.thresholds
        work.done(f"{changed} new or changed" if changed else "there already")


async def _load_checklist(loader: "asyncpg.Connection[asyncpg.Record]") -> None:
    with step("Checklist of inspections") as work:
        try:
            loaded = await load_checklist(loader)
        except OversightDataDiffers as error:
            raise Refusal(f"The checklist of this Kesos does not fit that of the database: {error}") from error
        changed = loaded.items + loaded.rules
        work.done(f"{changed} new or changed" if changed else "there already")


async def migrate_down(server: DatabaseServer, revision: str) -> None:
    """Take the tables back to ``revision``, or away for ``base``.

    Raises:
        Refusal: there is no such revision below the present one.
    """
    _refuse_app_role(server)
    await prepare(server)
    await _migrate(server, revision, down=True)


async def _migrate(server: DatabaseServer, revision: str, *, down: bool) -> None:
    try:
        await migrate(server, revision, down=down)
    except CommandError as error:
        raise Refusal(
            f"The database cannot be taken to revision {revision}: {error}; use a revision of this Kesos, up to {_head()}."
        ) from error


def _refuse_app_role(server: DatabaseServer) -> None:
    if server.admin.user == APP_ROLE:
        raise Refusal(
            f"KESOS_DATABASE_URL logs in as {APP_ROLE}, which may only serve: name a user that may create roles."
        )


def _head() -> str | None:
    return ScriptDirectory(str(Path(migrations.__file__).parent)).get_current_head()


async def require_ready(server: DatabaseServer) -> None:
    """Make sure that kesos_app can work on the database.

    Raises:
        Refusal: it is empty, or at another revision than this Kesos.
        DatabaseUnavailable: nobody answers at that address, or the password is wrong.
    """
    try:
        connection = await server.app.connect()
    except asyncpg.InvalidPasswordError as error:
        raise DatabaseUnavailable(
            f"{briefly(error)}: set KESOS_APP_PASSWORD and run `kesos migrate` with it."
        ) from error
    except (asyncpg.InvalidCatalogNameError, asyncpg.InvalidAuthorizationSpecificationError) as error:
        raise Refusal(f"The database is empty: {_READY_HINT}") from error
    except (OSError, asyncpg.PostgresError) as error:
        raise DatabaseUnavailable(
            f"The database at {server.app.host} does not answer ({briefly(error)}): check KESOS_DATABASE_URL."
        ) from error
    try:
        if not await connection.fetchval("select exists (select from region)"):
            raise Refusal(f"The database holds no region tree: {_READY_HINT}")
    except asyncpg.UndefinedTableError as error:
        raise Refusal(f"The database is empty: {_READY_HINT}") from error
    finally:
        await connection.close()
    if server.admin.user != APP_ROLE:
        await _require_head(server)


async def _require_head(server: DatabaseServer) -> None:
    connection = await server.admin.connect()
    try:
        revision = await connection.fetchval("select version_num from alembic_version")
    finally:
        await connection.close()
    if revision != _head():
        raise Refusal(f"The database is at revision {revision}, this Kesos needs {_head()}: {_READY_HINT}")
