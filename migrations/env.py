"""Alembic's entry: runs the revisions as kesos_owner on the connection that ``app.tenants.migrate`` opened."""

from alembic import context
from sqlalchemy import Connection

import app.authz.tables
import app.domain.audit.models
import app.domain.insights.models
import app.domain.registry.models
import app.domain.regions.models  # noqa: F401  (imported so that their tables are in the catalogue)
from app.tenants.tables import metadata


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


_run(context.config.attributes["connection"])
