"""`kesos worker`: a process that works on background jobs and answers nobody."""

import asyncio
import signal

import typer

from app.cli.console import tell
from app.cli.database import require_ready, run, running
from app.cli.serving import configure_logs
from app.settings import Settings, get_settings
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader
from app.worker import Worker, handlers

work = typer.Typer()


@work.command("worker")
def work_command() -> None:
    """Work on background jobs (imports, exports, matching) until Ctrl-C or SIGTERM.

    Any number of them may run, on any machine that reaches the database and sees KESOS_FILES_DIR.

    What a worker that stops or dies was working on, another takes up within seconds.
    """
    settings = get_settings()
    configure_logs(settings)
    with running(settings) as server:
        run(_work(settings, server))


async def _work(settings: Settings, server: DatabaseServer) -> None:
    await require_ready(server)
    # Whoever cannot log in for jobs is told now, and not in the log of a worker that waits for a database.
    async with open_loader(server):
        pass
    worker = Worker(settings, server, handlers(settings))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    tell("Kesos works on jobs; Ctrl-C stops it.")
    await worker.run()
