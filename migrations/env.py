"""Alembic's entry: runs the revisions as kesos_owner on the connection that ``app.tenants.migrate`` opened."""

from alembic import context
from sqlalchemy import Connection

from app.authz import tables as authz
from app.domain.audit import models as audit
from app.domain.bansos.models import cycles, insurance, ledger, payments, programmes
from app.domain.documents import models as documents
from app.domain.ewarong.models import agents, catalogue, oversight, signals, supply, transactions
from app.domain.exports import models as exports
from app.domain.insights import models as insights
from app.domain.jobs import models as jobs
from app.domain.regions import models as regions
from app.domain.registry import models as registry
from app.domain.registry.dukcapil import models as dukcapil
from app.domain.registry.imports import models as imports
from app.domain.uploads import models as uploads
from app.tenants.tables import metadata

MODULES_WITH_TABLES = (
    *(regions, authz, registry, insights, audit, documents, jobs, uploads, imports, dukcapil, exports),
    *(programmes, cycles, ledger, payments, insurance),
    *(catalogue, agents, transactions, supply, oversight, signals),
)
"""Named, so that their tables are in the catalogue when revisions are compared with it."""


def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Whether a table or an index of the database is declared here; those of the queue are declared by its library."""
    return kind != "table" or name is None or not name.startswith("pgqueuer")


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection, target_metadata=metadata, include_name=_is_ours, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()


_run(context.config.attributes["connection"])
