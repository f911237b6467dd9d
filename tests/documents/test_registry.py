"""Registering and withdrawing documents, and how soon a process that serves knows."""

import asyncio
import time
from typing import TYPE_CHECKING

import asyncpg
import pytest

from app.domain.documents.errors import DocumentUnknown
from app.domain.documents.files import NamedDocument, hash_of, public_documents
from app.domain.documents.registry import DocumentRegistry
from app.domain.documents.service import Registration, register_documents, registered_documents, withdraw_document
from app.tenants.session import Database

if TYPE_CHECKING:
    from app.domain.documents.service import Loader

MINE = NamedDocument("Mine", "query Mine { me { permissions } }")
YOURS = NamedDocument("Yours", "query Yours { me { principal { name } } }")
AT_ONCE = {"fresh_seconds": 0.0, "pause_seconds": 0.0}


async def register(loader: "Loader", *documents: NamedDocument, is_public: bool = False) -> list[Registration]:
    return await register_documents(loader, documents, client="portal", is_public=is_public)


class Counting(Database):
    """The database, which counts what it is asked."""

    asked = 0

    async def reference(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        self.asked += 1
        return await super().reference(statement, *arguments)


@pytest.fixture
def counting(database: Database) -> Counting:
    counting = Counting(database._address, read_pool_size=1, write_pool_size=1)
    counting._pool = database._pool
    return counting


async def test_a_document_is_registered_once_and_again_after_it_was_withdrawn(loader: "Loader") -> None:
    assert await register(loader, MINE, YOURS) == [Registration.NEW, Registration.NEW]
    assert await register(loader, MINE) == [Registration.UNCHANGED]
    assert await withdraw_document(loader, MINE.hash) == "Mine"
    with pytest.raises(DocumentUnknown):
        await withdraw_document(loader, MINE.hash)
    mine, yours = await registered_documents(loader)
    assert (mine.name, mine.client, mine.text, mine.is_public) == ("Mine", "portal", MINE.text, False)
    assert mine.withdrawn_at is not None
    assert yours.withdrawn_at is None
    assert await register(loader, MINE) == [Registration.AGAIN]
    again, _ = await registered_documents(loader)
    assert again.withdrawn_at is None
    assert again.registered_at > mine.registered_at


async def test_what_was_made_public_stays_so_until_it_is_withdrawn(loader: "Loader") -> None:
    await register(loader, MINE)
    assert await register(loader, MINE, is_public=True) == [Registration.PUBLISHED]
    await register(loader, MINE)
    assert (await registered_documents(loader))[0].is_public
    await withdraw_document(loader, MINE.hash)
    await register(loader, MINE)
    assert not (await registered_documents(loader))[0].is_public


async def test_a_hash_that_lies_is_refused_by_the_database(loader: "Loader") -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await loader.execute(
            "insert into trusted_document (hash, name, text, client) values ($1, 'x', $2, 'x')", MINE.hash, YOURS.text
        )


async def test_a_document_is_found_by_hash_and_by_exactly_its_text(loader: "Loader", database: Database) -> None:
    registry = DocumentRegistry(database, **AT_ONCE)
    await register(loader, MINE)
    found = await registry.with_hash(MINE.hash)
    assert found is not None
    assert (found.text, found.is_public) == (MINE.text, False)
    assert await registry.with_text(MINE.text) == found == registry.remembered(MINE.text)
    assert await registry.with_text(MINE.text + " ") is None
    assert await registry.with_hash(YOURS.hash) is None
    assert await registry.with_hash(MINE.hash.upper()) is None


async def test_those_that_ship_with_kesos_are_public_and_always_there(database: Database) -> None:
    registry = DocumentRegistry(database, **AT_ONCE)
    for document in public_documents():
        for found in (await registry.with_hash(document.hash), await registry.with_text(document.text)):
            assert found is not None
            assert found.is_public
            assert hash_of(found.text) == document.hash


async def test_a_new_document_is_found_at_once_and_asking_for_nothing_asks_little(
    loader: "Loader", counting: Counting
) -> None:
    registry = DocumentRegistry(counting, fresh_seconds=1000, pause_seconds=0.2)
    started = time.monotonic()
    for number in range(500):
        assert await registry.with_hash(f"{number:064}") is None
        assert await registry.with_text(f"query Q{number} {{ me }}") is None
    assert counting.asked <= 1 + (time.monotonic() - started) / 0.2
    await register(loader, MINE)
    await asyncio.sleep(0.2)
    assert await registry.with_hash(MINE.hash) is not None


async def test_a_withdrawn_document_is_gone_once_what_is_known_is_too_old(loader: "Loader", counting: Counting) -> None:
    registry = DocumentRegistry(counting, fresh_seconds=0.2)
    await register(loader, MINE, YOURS)
    assert await registry.with_text(MINE.text) is not None
    await withdraw_document(loader, MINE.hash)
    await asyncio.sleep(0.2)
    assert await registry.with_text(MINE.text) is None
    assert registry.remembered(MINE.text) is None
    assert await registry.with_hash(MINE.hash) is None
    assert await registry.with_hash(YOURS.hash) is not None


async def test_what_is_known_is_read_once_for_all_who_wait(loader: "Loader", counting: Counting) -> None:
    registry = DocumentRegistry(counting, fresh_seconds=1000, pause_seconds=1000)
    await register(loader, MINE)
    found = await asyncio.gather(*[registry.with_hash(MINE.hash) for _ in range(50)])
    assert all(found)
    assert counting.asked == 2  # which there are, and the texts of those that were not known


async def test_texts_that_are_known_are_not_read_again(loader: "Loader", counting: Counting) -> None:
    registry = DocumentRegistry(counting, **AT_ONCE)
    await register(loader, MINE)
    await registry.with_hash(MINE.hash)
    counting.asked = 0
    await registry.with_hash(MINE.hash)
    assert counting.asked == 1
