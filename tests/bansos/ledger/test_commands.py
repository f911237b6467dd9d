"""The ledger at the command line: sealed, checked, proved."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio

from app.domain.audit.proofs import inclusion_proof
from app.domain.audit.seals import newest_seal, seal_new
from app.domain.audit.streams import LEDGER
from app.domain.bansos.models.cycles import PaymentStep
from app.domain.bansos.models.payments import OrderState
from tests.bansos.ledger.books import COUNTRY, Books, EntryKey
from tests.bansos.ledger.planted import plant_order
from tests.cli.terminal import Terminal

ADDS_UP = "The ledger adds up: every entry, wallet, total and payment."
AGREE = "Sales of e-Warong agree with the ledger: every transaction, reversal and total of a day."


@pytest.fixture
def terminal(books: Books, tmp_path: Path) -> Terminal:
    """A terminal whose settings name the database of the ledger."""
    admin = books.server.admin
    return Terminal(
        tmp_path, KESOS_DATABASE_URL=f"postgresql://{admin.user}@/{admin.database}?host={quote(admin.host)}"
    )


@pytest_asyncio.fixture
async def released(books: Books) -> EntryKey:
    """An entry that is not sealed yet."""
    release = (await plant_order(books, PaymentStep.SP2D, amount=5, state=OrderState.SP2D)).release
    await books.post(release)
    return await books.key(release["source_key"])


@pytest_asyncio.fixture
async def sealed(books: Books, released: EntryKey, tmp_path: Path) -> str:
    """The seal of the ledger; the proof of its entry lies beside the terminal."""
    await seal_new(books.database, COUNTRY, LEDGER)
    async with books.database.read(COUNTRY) as session:
        proof = await inclusion_proof(session, released.regency_id, released.id, stream=LEDGER)
    head = await newest_seal(books.database, LEDGER)
    assert proof is not None
    assert head is not None
    (tmp_path / "proof.json").write_text(json.dumps(proof.as_json()))
    return head.seal.hex()


@pytest_asyncio.fixture
async def tampered(books: Books, released: EntryKey, sealed: str) -> EntryKey:
    """A sealed entry of which one line was changed."""
    assert sealed
    await books.owner.execute("update journal_line set amount = 6 where entry_id = $1 and amount = 5", released.id)
    return released


def test_a_ledger_without_entries_has_nothing_to_seal(terminal: Terminal) -> None:
    assert terminal.kesos("seal").out == "There is nothing to seal yet.\n"
    assert terminal.kesos("check").out.splitlines()[1:] == [
        ADDS_UP,
        AGREE,
        "Every one of 0 sealed events is as it was sealed.",
        "Every one of 0 sealed journal entries is as it was sealed.",
    ]


def test_sealing_prints_the_seal_of_the_ledger_and_checking_takes_it(released: EntryKey, terminal: Terminal) -> None:
    assert released
    first = terminal.kesos("seal").out
    assert first.startswith("1 journal entries sealed. Write down the seal of batch 1: ")
    seal = first.strip().rpartition(" ")[2]
    clean = terminal.kesos("check", "--seal", seal)
    assert (clean.code, clean.err) == (0, "")
    assert clean.out.splitlines()[1:] == [
        ADDS_UP,
        AGREE,
        "Every one of 0 sealed events is as it was sealed.",
        "Every one of 1 sealed journal entries is as it was sealed.",
    ]
    forgotten = terminal.kesos("check", "--seal", seal, "--seal", "00" * 32)
    assert forgotten.code == 1
    assert "CHAIN_BROKEN the seal that you noted does not follow" in forgotten.out


def test_a_changed_line_is_named_by_the_check_of_the_ledger_and_by_that_of_the_seals(
    tampered: EntryKey, terminal: Terminal
) -> None:
    refused = terminal.kesos("check")
    assert refused.code == 1
    lines = refused.out.splitlines()
    assert (
        f"ENTRY_UNBALANCED 33.02 journal entry {tampered.id}: its lines do not make a whole, or sum to 1 rupiah"
        in lines
    )
    assert "TOTAL_DIFFERS 33.02 UJI_A CLEARING amount: total 5, the lines give 6" in lines
    assert (
        f"EVENT_CHANGED batch 1 journal entry {tampered.id} of regency 3302 is not what it was when it was sealed"
        in lines
    )
    assert "things do not add up in the ledger" in refused.err
    assert "1 things are wrong with the ledger" in refused.err


def test_a_proof_of_an_entry_is_verified_without_the_database(sealed: str, tmp_path: Path) -> None:
    elsewhere = Terminal(tmp_path, KESOS_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    ended = elsewhere.kesos("verify", "proof.json", "--seal", sealed)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("Journal entry ")
    assert f"with the seal {sealed}, and the chain of batches leads" in ended.out
    proof = tmp_path / "proof.json"
    proof.write_text(proof.read_text().replace('"amount": 5', '"amount": 6'))
    refused = elsewhere.kesos("verify", "proof.json")
    assert refused.code == 1
    assert "the record is not the one that was sealed" in refused.err
