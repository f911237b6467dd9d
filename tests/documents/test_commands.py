"""`kesos documents`, as whoever releases a front end types it."""

import asyncio
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.documents.files import NamedDocument, hash_of, public_documents
from app.domain.documents.service import register_documents
from app.settings import Settings
from app.tenants.server import database_server
from app.tenants.session import open_loader
from tests.cli.terminal import Ended, Terminal

OPEN = 'query Open { region(code: "33") { name } }'
OWN = "query Own { families { totalCount } }"
BROKEN = "query Broken { families { sum } }"
SHIPPED = public_documents()


@pytest.fixture(scope="module")
def terminal() -> Iterator[Terminal]:
    """A terminal on a database that is ready. Its tests share what they register."""
    with tempfile.TemporaryDirectory(prefix="kesos-") as folder:
        terminal = Terminal(Path(folder))
        assert terminal.kesos("migrate").code == 0
        yield terminal


def file_of(terminal: Terminal, name: str, content: str) -> str:
    (terminal.folder / name).write_text(content)
    return name


async def registered_unchecked(terminal: Terminal, document: NamedDocument) -> None:
    """Register ``document`` as an older Kesos might have done, whose schema still answered it."""
    with database_server(Settings(data_dir=terminal.data_dir)) as server:
        async with open_loader(server) as loader:
            await register_documents(loader, [document], client="portal", is_public=False)


def lines(ended: Ended) -> list[str]:
    assert ended.code == 0, ended.err
    return ended.out.splitlines()


def test_documents_are_registered_listed_and_withdrawn(terminal: Terminal) -> None:
    own = file_of(terminal, "own.graphql", OWN)
    both = file_of(terminal, "both.json", json.dumps({hash_of(OWN): OWN, hash_of(OPEN): OPEN}))
    assert lines(terminal.kesos("documents", "add", own, "--client", "portal")) == [
        f"{hash_of(OWN)}  registered         Own"
    ]
    assert lines(terminal.kesos("documents", "add", own, both, "--client", "portal")) == [
        f"{hash_of(OWN)}  registered before  Own",
        f"{hash_of(OPEN)}  registered         Open",
    ]
    public = file_of(terminal, "open.graphql", OPEN)
    assert lines(terminal.kesos("documents", "add", public, "--client", "site", "--public")) == [
        f"{hash_of(OPEN)}  made public        Open"
    ]
    listed = lines(terminal.kesos("documents", "list"))
    assert [line.split()[0:2] for line in listed] == [
        *[[document.hash, "public"] for document in SHIPPED],
        [hash_of(OWN), "trusted"],
        [hash_of(OPEN), "public"],
    ]
    assert lines(terminal.kesos("documents", "check")) == [f"All documents are valid: {2 + len(SHIPPED)}."]
    (told,) = lines(terminal.kesos("documents", "withdraw", hash_of(OWN)))
    assert told.startswith("Own is withdrawn")
    assert "withdrawn" in lines(terminal.kesos("documents", "list"))[len(SHIPPED)]
    assert lines(terminal.kesos("documents", "check")) == [f"All documents are valid: {1 + len(SHIPPED)}."]
    assert lines(terminal.kesos("documents", "add", own, "--client", "portal")) == [
        f"{hash_of(OWN)}  registered again   Own"
    ]


def test_one_faulty_document_keeps_all_of_them_out(terminal: Terminal) -> None:
    before = lines(terminal.kesos("documents", "list"))
    good = file_of(terminal, "good.graphql", "query Good { me { permissions } }")
    bad = file_of(terminal, "bad.graphql", BROKEN)
    refused = terminal.kesos("documents", "add", good, bad, "--client", "portal")
    assert refused.code == 1
    assert refused.out == (
        f"bad.graphql: bad {hash_of(BROKEN)}: Cannot query field 'sum' on type 'FamilyConnection'. (1:27)\n"
    )
    assert refused.err.startswith("kesos: 1 of 2 documents cannot be answered: none was registered;")
    assert lines(terminal.kesos("documents", "list")) == before


def test_what_needs_a_permission_is_not_made_public(terminal: Terminal) -> None:
    own = file_of(terminal, "own.graphql", OWN)
    refused = terminal.kesos("documents", "add", own, "--client", "portal", "--public")
    assert (refused.code, refused.out.endswith("It needs registry:family:read.\n")) == (1, True)


def test_a_registered_document_that_the_schema_no_longer_answers_fails_the_check(terminal: Terminal) -> None:
    asyncio.run(registered_unchecked(terminal, NamedDocument("Broken", BROKEN)))
    failed = terminal.kesos("documents", "check")
    assert failed.code == 1
    assert "portal: Broken" in failed.out
    assert "release their front ends anew" in failed.err
    assert terminal.kesos("documents", "withdraw", hash_of(BROKEN)).code == 0


def test_files_are_checked_without_a_database(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    good, bad = file_of(terminal, "good.graphql", OWN), file_of(terminal, "bad.graphql", BROKEN)
    assert lines(terminal.kesos("documents", "check", good)) == ["All documents are valid: 1."]
    assert terminal.kesos("documents", "check", good, bad).code == 1
    assert not terminal.data_dir.exists()


def test_a_document_that_ships_or_is_unknown_cannot_be_withdrawn(terminal: Terminal) -> None:
    for document_hash, reason in ((SHIPPED[0].hash, "ships with Kesos"), ("0" * 64, "see `kesos documents list`")):
        refused = terminal.kesos("documents", "withdraw", document_hash)
        assert refused.code == 1
        assert reason in refused.err
