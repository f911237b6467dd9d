"""Alembic's entry: runs the revisions as kesos_owner on the connection that ``app.tenants.migrate`` opened."""

from alembic import context
from sqlalchemy import Connection

from app.tenants.tables import metadata


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


_run(context.config.attributes["connection"])
