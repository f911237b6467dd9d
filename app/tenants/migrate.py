"""Alembic, run from code: the same steps for the demo, the tests and a server."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import migrations
from app.tenants.rls import OWNER_ROLE
from app.tenants.server import DatabaseServer


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection, revision: str) -> None:
    command.upgrade(_config(connection), revision)


def _downgrade(connection: Connection, revision: str) -> None:
    command.downgrade(_config(connection), revision)


def _check(connection: Connection) -> None:
    command.check(_config(connection))


async def migrate(server: DatabaseServer, revision: str = "head", *, down: bool = False, check: bool = False) -> None:
    """Bring the database to ``revision`` as kesos_owner; ``check`` compares the tables with the models instead."""
    engine = create_async_engine("postgresql+asyncpg://", async_creator=server.admin.connect, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.execute(text(f"set role {OWNER_ROLE}"))
            await connection.commit()
            if check:
                await connection.run_sync(_check)
            else:
                await connection.run_sync(_downgrade if down else _upgrade, revision)
            await connection.commit()
    finally:
        await engine.dispose()
