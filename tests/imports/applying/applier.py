"""A process that applies one import, as a worker does, and says after each batch how far it is: the tests kill it."""

import asyncio
import sys
from dataclasses import dataclass
from uuid import UUID

from app.settings import Settings
from app.tenants.region_path import RegionPath
from app.tenants.scope import TenantScope
from app.tenants.server import database_server
from app.tenants.session import Database
from tests.imports.applying.office import OfficeWork, apply_all


@dataclass
class _SpokenWork(OfficeWork):
    """An attempt that others hear of."""

    async def progress(self, done: int, total: int | None = None, *, stage: str | None = None) -> None:  # noqa: ARG002  (as the protocol has it)
        sys.stdout.write(f"{done}\n")
        sys.stdout.flush()


async def _apply(import_id: UUID, region: RegionPath) -> None:
    with database_server(Settings()) as server:
        database = Database(server.app, read_pool_size=1, write_pool_size=3)
        try:
            await apply_all(_SpokenWork(server, database, import_id, region.villages), TenantScope.of([region]))
        finally:
            await database.close()


if __name__ == "__main__":
    asyncio.run(_apply(UUID(sys.argv[1]), RegionPath.parse(sys.argv[2])))
