"""The trail at the command line: sealed, checked, expired."""

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio

from app.domain.audit.models import Action
from app.domain.audit.proofs import inclusion_proof
from app.tenants.server import DatabaseServer
from tests.audit.trail import COUNTRY, Trail, an_event
from tests.cli.terminal import Terminal


@pytest.fixture
def terminal(trail_server: DatabaseServer, tmp_path: Path) -> Terminal:
    """A terminal whose settings name the database of the trail."""
    admin = trail_server.admin
    return Terminal(
        tmp_path, KESOS_DATABASE_URL=f"postgresql://{admin.user}@/{admin.database}?host={quote(admin.host)}"
    )


Kesos = Callable[..., str]


@pytest.fixture
def kesos(terminal: Terminal) -> Kesos:
    """Runs a command that ends well; what it prints."""

    def run(*arguments: str) -> str:
        ended = terminal.kesos(*arguments)
        assert ended.code == 0, ended.err
        return ended.out

    return run


def last_word(out: str) -> str:
    return out.strip().rpartition(" ")[2]


@pytest_asyncio.fixture
async def happened(trail: Trail) -> Trail:
    """Three readings of today and a login of two years ago."""
    await trail.append(an_event(operation="wanted"), an_event(), an_event(), an_event(action=Action.LOGIN))
    await trail.owner.execute("update audit_event set happened_at = now() - interval '2 years' where action = 'LOGIN'")
    return trail


@pytest.fixture
def tampered(happened: Trail, kesos: Kesos) -> str:
    """The seal of a trail that is no longer what it was."""
    assert happened
    return last_word(kesos("seal"))


def test_an_empty_trail(trail: Trail, kesos: Kesos) -> None:
    assert trail
    assert kesos("seal") == "There is nothing to seal yet.\n"
    assert "Every one of 0 sealed events is as it was sealed." in kesos("check").splitlines()


def test_sealing_prints_the_seal_to_write_down_and_checking_takes_it(
    happened: Trail, kesos: Kesos, terminal: Terminal
) -> None:
    assert happened
    refused = terminal.kesos("check")
    assert refused.code == 1
    assert refused.out.splitlines()[-2].startswith("UNSEALED_OLD event ")
    assert "run `kesos seal`" in refused.err
    first = kesos("seal")
    assert first.startswith("4 events sealed. Write down the seal of batch 1: ")
    assert kesos("seal") == f"0 events sealed. Write down the seal of batch 1: {last_word(first)}\n"
    checked = kesos("check", "--seal", last_word(first))
    assert "Every one of 4 sealed events is as it was sealed." in checked.splitlines()
    forgotten = terminal.kesos("check", "--seal", "00" * 32)
    assert forgotten.code == 1
    assert "CHAIN_BROKEN the seal that you noted does not follow" in forgotten.out


def test_what_is_due_is_deleted_only_when_asked_and_the_rest_still_holds(happened: Trail, kesos: Kesos) -> None:
    assert happened
    assert "LOGIN: 0 events would be deleted" in kesos("expire", "--dry-run")
    kesos("seal")
    assert "LOGIN: 1 events would be deleted" in kesos("expire", "--dry-run")
    assert "LOGIN: 1 events were deleted" in kesos("expire")
    assert "LOGIN: 0 events were deleted" in kesos("expire")
    assert kesos("seal").startswith("1 events sealed. Write down the seal of batch 2: ")
    told = "Every one of 5 sealed events is as it was sealed, 1 of them deleted in due time."
    assert told in kesos("check").splitlines()


@pytest_asyncio.fixture
async def changed(tampered: str, trail: Trail) -> str:
    await trail.owner.execute("update audit_event set row_count = 5 where operation = 'wanted'")
    return tampered


def test_a_changed_event_is_named_and_the_command_fails(changed: str, terminal: Terminal) -> None:
    assert changed
    refused = terminal.kesos("check")
    assert refused.code == 1
    assert refused.out.splitlines()[0] == "Every total of families and persons equals the rows that it sums up."
    assert refused.out.splitlines()[3].startswith("EVENT_CHANGED batch 1 event ")
    assert refused.err.startswith("kesos: 1 things are wrong with the audit trail: ")


@pytest_asyncio.fixture
async def proof(tampered: str, trail: Trail, tmp_path: Path) -> str:
    """The seal of a trail, and beside it the proof of the wanted event in a file."""
    row = await trail.owner.fetchrow("select regency_id, id from audit_event where operation = 'wanted'")
    assert row is not None
    async with trail.database.read(COUNTRY) as session:
        made = await inclusion_proof(session, row["regency_id"], row["id"])
    assert made is not None
    (tmp_path / "proof.json").write_text(json.dumps(made.as_json()))
    return tampered


def test_a_seal_that_was_written_down_verifies_a_proof_without_the_database(proof: str, tmp_path: Path) -> None:
    elsewhere = Terminal(tmp_path, KESOS_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    ended = elsewhere.kesos("verify", "proof.json", "--seal", proof)
    assert (ended.code, ended.err) == (0, "")
    assert f"with the seal {proof}, and the chain of batches leads" in ended.out
