"""A server that would forget what it has acknowledged is told of by name."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio

from app.tenants.server import DatabaseServer
from tests.cli.terminal import Terminal
from tests.support.world import connected


@pytest.fixture
def terminal(server: DatabaseServer, tmp_path: Path) -> Terminal:
    """A terminal whose settings name the server of the tests."""
    admin = server.admin
    url = f"postgresql://{admin.user}@/{admin.database}?host={quote(admin.host)}"
    return Terminal(tmp_path, KESOS_DATABASE_URL=url)


@pytest_asyncio.fixture
async def careless(server: DatabaseServer) -> AsyncIterator[None]:
    """The server writes no full pages."""
    async with connected(server) as owner:
        await owner.execute("alter system set full_page_writes = off")
        await owner.execute("select pg_reload_conf()")
        yield
        await owner.execute("alter system reset full_page_writes")
        await owner.execute("select pg_reload_conf()")


def test_check_is_silent_about_a_server_that_forgets_nothing(terminal: Terminal) -> None:
    assert "crash" not in terminal.kesos("check").err


@pytest.mark.usefixtures("careless")
def test_check_names_a_setting_under_which_a_crash_loses_what_was_acknowledged(terminal: Terminal) -> None:
    checked = terminal.kesos("check")
    assert checked.code == 1
    assert (
        "full_page_writes is off in PostgreSQL, so a crash loses what was acknowledged: turn it on in postgresql.conf and reload."
        in " ".join(checked.err.split())
    )
