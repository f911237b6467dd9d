"""A worker in a process of its own: it counts, as far as the job has not been counted before, and says what it works on.

Run as ``python -m tests.jobs.labour``; which database it is stands in the environment, as for ``kesos worker``.
"""

import asyncio
import os
import signal

import sqlalchemy as sa

from app.authz.authorize import Access, authorize
from app.authz.permissions import Permission
from app.cli.database import run
from app.domain.jobs.models import JobKind
from app.domain.jobs.work import Work
from app.settings import get_settings
from app.tenants.server import database_server
from app.worker import Worker
from tests.jobs.workshop import QUICK

STEPS = int(os.environ.get("STEPS", "100"))
STEP_SECONDS = 0.02


async def count(work: Work, access: Access) -> None:
    """Write the numbers up to ``STEPS``, each in a transaction of its own, from where an earlier attempt stopped."""
    scope = authorize(access, Permission.REGISTRY_IMPORT_RUN)
    async with work.database.write(scope) as session:
        begun: int = (
            await session.scalar(sa.text("select count(*) from tally where job_id = :job"), {"job": work.job_id}) or 0
        )
    await work.progress(begun, STEPS, stage="COUNTING")
    for number in range(begun, STEPS):
        async with work.database.write(scope) as session:
            await session.execute(
                sa.text("insert into tally (job_id, number) values (:job, :number)"),
                {"job": work.job_id, "number": number},
            )
        await work.progress(number + 1)
        await asyncio.sleep(STEP_SECONDS)


async def labour() -> None:
    settings = get_settings()
    with database_server(settings) as server:
        worker = Worker(settings, server, {JobKind.IMPORT_CHECK: count}, pace=QUICK)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
        await worker.run()


if __name__ == "__main__":
    run(labour())
