"""The first administrators of a deployment are given their role at the command line; nobody else could."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from app.authz.authorize import OPERATOR_ID
from app.settings import Settings
from app.tenants.server import database_server
from tests.cli.terminal import Terminal
from tests.support.world import connected

if TYPE_CHECKING:
    import asyncpg

ISSUER = "https://sso.kemensos.test"
SARI = ("--issuer", ISSUER, "--subject", "sari", "--role", "MINISTRY_ADMIN", "--region", "0")
HELD = """
select g.*, p.issuer, (select count(*) from audit_event where g.id = any(subject_ids) and operation = 'kesos grant') as told
from principal_grant g join principal p on p.id = g.principal_id order by g.id
"""


@pytest.fixture(scope="module")
def terminal() -> Iterator[Terminal]:
    """A terminal on a database that is ready. Not in pytest's folder: root's database runs as another user."""
    with tempfile.TemporaryDirectory(prefix="kesos-") as folder:
        terminal = Terminal(Path(folder))
        assert terminal.kesos("migrate").code == 0
        yield terminal


def rows(terminal: Terminal) -> "list[asyncpg.Record]":
    async def fetch() -> Any:
        async with connected(server) as owner:
            return await owner.fetch(HELD)

    with database_server(Settings(data_dir=terminal.data_dir)) as server:
        found: list[asyncpg.Record] = asyncio.run(fetch())
    return found


def test_the_operator_gives_takes_back_and_gives_again(terminal: Terminal) -> None:
    given = terminal.kesos("grant", *SARI, "--name", "Sari Wulandari")
    assert (given.code, given.err) == (0, "")
    assert given.out.startswith("Sari Wulandari holds MINISTRY_ADMIN in 0 until 20")
    (row,) = rows(terminal)
    assert (row["issuer"], row["holder_subject"], row["holder_name"]) == (ISSUER, "sari", "Sari Wulandari")
    assert (row["status"], row["people"], row["given_by"], row["told"]) == ("ACTIVE", 1, OPERATOR_ID, 1)
    assert (row["valid_to"] - row["valid_from"]).days >= 700

    again = terminal.kesos("grant", *SARI, "--name", "Sari Wulandari")
    assert again.code == 1
    assert "has been given this role" in again.err

    revoked = terminal.kesos("grant", *SARI, "--revoke", "--reason", "Mutasi")
    assert (revoked.code, revoked.out) == (0, "sari no longer holds MINISTRY_ADMIN in 0.\n")
    (row,) = rows(terminal)
    assert (row["status"], row["revoked_by"], row["revocation_reason"]) == ("REVOKED", OPERATOR_ID, "Mutasi")
    assert row["told"] == 2

    assert terminal.kesos("grant", *SARI, "--name", "Sari Wulandari").code == 0
    assert [row["status"] for row in rows(terminal)] == ["REVOKED", "ACTIVE"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (SARI, "add --name"),
        (("--subject", "nobody", *SARI[4:], "--revoke"), "does not hold MINISTRY_ADMIN in 0"),
        (("--subject", "x", "--name", "x", "--role", "PSM", "--region", "33.02"), "given for a village"),
        (("--subject", "x", "--name", "x", "--role", "PUBLIC", "--region", "0"), "Nobody is given the role PUBLIC"),
        (("--subject", "x", "--name", "x", "--role", "TKSK", "--region", "33.99.01"), "no region 33.99.01"),
    ],
)
def test_what_cannot_be_given_is_said_in_a_sentence(
    terminal: Terminal, options: tuple[str, ...], sentence: str
) -> None:
    before = len(rows(terminal))
    refused = terminal.kesos("grant", *options)
    assert refused.code == 1
    assert refused.err.startswith("kesos: ")
    assert sentence in refused.err
    assert len(rows(terminal)) == before
