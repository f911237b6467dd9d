"""The trusted documents as one process knows them.

What is registered is read again when somebody asks for a document that is not known, at most once a second, and in any case before an
answer that is older than five seconds is used. So a new document is found at once, a withdrawn one is gone within five seconds, and
whoever sends hashes without end causes one small query a second: there is nothing to remember of hashes that do not exist.
"""

import asyncio
import time
from typing import Final, NamedTuple

from app.domain.documents.files import public_documents
from app.tenants.session import Database

FRESH_SECONDS: Final = 5.0
PAUSE_SECONDS: Final = 1.0
_NEVER: Final = float("-inf")
_TRUSTED: Final = "select hash, is_public from trusted_document where withdrawn_at is null"
_TEXTS: Final = "select hash, text from trusted_document where hash = any($1)"


class Known(NamedTuple):
    """A trusted document; a public one may be sent without a token."""

    text: str
    is_public: bool


class DocumentRegistry:
    """Finds trusted documents by hash and by text. Those that ship with Kesos are public and always there."""

    def __init__(
        self, database: Database, *, fresh_seconds: float = FRESH_SECONDS, pause_seconds: float = PAUSE_SECONDS
    ) -> None:
        """Use nothing that is older than ``fresh_seconds``; look for what is not known at most every ``pause_seconds``."""
        self._database = database
        self._fresh_seconds, self._pause_seconds = fresh_seconds, pause_seconds
        self._shipped = {document.hash: Known(document.text, is_public=True) for document in public_documents()}
        self._by_hash: dict[str, Known] = self._shipped
        self._by_text: dict[str, Known] = {}
        self._read_at = _NEVER
        self._reading = asyncio.Lock()
        self._index()

    def remembered(self, text: str) -> Known | None:
        """The trusted document of exactly this ``text``, as far as it is known without asking the database."""
        return self._by_text.get(text)

    async def with_text(self, text: str) -> Known | None:
        """The trusted document of exactly this ``text``."""
        await self._read_if_older_than(self._fresh_seconds)
        if text not in self._by_text:
            await self._read_if_older_than(self._pause_seconds)
        return self._by_text.get(text)

    async def with_hash(self, document_hash: str) -> Known | None:
        """The trusted document with this SHA-256."""
        await self._read_if_older_than(self._fresh_seconds)
        if document_hash not in self._by_hash:
            await self._read_if_older_than(self._pause_seconds)
        return self._by_hash.get(document_hash)

    async def _read_if_older_than(self, seconds: float) -> None:
        if time.monotonic() - self._read_at < seconds:
            return
        async with self._reading:
            # Whoever waited here has what the first of them read.
            if time.monotonic() - self._read_at >= seconds:
                await self._read()

    async def _read(self) -> None:
        read_at = time.monotonic()
        public = {row["hash"]: row["is_public"] for row in await self._database.reference(_TRUSTED)}
        texts = {
            document_hash: self._by_hash[document_hash].text for document_hash in public.keys() & self._by_hash.keys()
        }
        if missing := list(public.keys() - texts.keys()):
            texts |= {row["hash"]: row["text"] for row in await self._database.reference(_TEXTS, missing)}
        found = {document_hash: Known(text, public[document_hash]) for document_hash, text in texts.items()}
        self._by_hash = found | self._shipped
        self._index()
        self._read_at = read_at

    def _index(self) -> None:
        self._by_text = {known.text: known for known in self._by_hash.values()}
