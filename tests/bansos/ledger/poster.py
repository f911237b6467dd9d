"""A process that tops up every wallet of a programme, batch by batch, until it is done or killed."""

import asyncio
import sys

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.cli.auditing import sealing_scope
from app.domain.bansos.ledger.posting import Rows, post_entries
from app.domain.bansos.models.ledger import Account, EntryKind, wallet
from app.tenants.server import ConnectArguments, DatabaseServer
from app.tenants.session import Database


def top_ups(number: int) -> Rows:
    """One rupiah for every wallet, as the how many-th batch."""
    w, none = wallet.c, sa.null().cast(pg.UUID(as_uuid=True))
    return sa.select(
        w.regency_id,
        w.village_id.label("village_low"),
        w.village_id.label("village_high"),
        sa.literal(EntryKind.TOP_UP.value).label("kind"),
        w.programme_code,
        none.label("cycle_id"),
        w.family_id,
        w.id.label("source_id"),
        sa.func.concat(f"BATCH {number} ", w.id).label("source_key"),
        w.id.label("principal_id"),
        sa.literal(Account.CLEARING.value).label("from_account"),
        none.label("from_holder"),
        sa.literal(Account.WALLET.value).label("to_account"),
        w.id.label("to_holder"),
        sa.literal(1, sa.BigInteger).label("amount"),
    ).where(w.programme_code == "UJI_A")


async def post(host: str, name: str, batches: int) -> None:
    """Post ``batches``, each in a transaction of its own; those that are there already post nothing."""
    server = DatabaseServer(ConnectArguments.of_url(f"postgresql://postgres@/{name}?host={host}"))
    database, scope = Database(server.app, read_pool_size=1, write_pool_size=1), sealing_scope()
    try:
        for number in range(batches):
            async with database.write(scope) as session:
                await session.execute(sa.text("set application_name = 'kesos poster'"))
                await post_entries(session, top_ups(number))
    finally:
        await database.close()


if __name__ == "__main__":
    asyncio.run(post(sys.argv[1], sys.argv[2], int(sys.argv[3])))
