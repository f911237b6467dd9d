"""Registering documents and withdrawing them.

kesos_app only reads the table, so everything here runs on a connection of kesos_loader. A document stays what it is: another text is
another hash, and a hash that lies is refused by the database.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final, TypeAlias

import asyncpg

from app.domain.documents.errors import DocumentUnknown
from app.domain.documents.files import NamedDocument

Loader: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
"""A connection of kesos_loader, as ``app.tenants.session.open_loader`` gives it."""

_REGISTERED: Final = """
select hash, name, text, client, is_public, registered_at, withdrawn_at from trusted_document order by client, name, hash
"""
# Whoever registers a document again without making it public does not take it from the public.
_REGISTER: Final = """
insert into trusted_document as known (hash, name, text, client, is_public) values ($1, $2, $3, $4, $5)
on conflict (hash) do update set
  name = excluded.name, client = excluded.client, withdrawn_at = null,
  is_public = excluded.is_public or (known.is_public and known.withdrawn_at is null),
  registered_at = case when known.withdrawn_at is null then known.registered_at else now() end
"""
_WITHDRAW: Final = (
    "update trusted_document set withdrawn_at = now() where hash = $1 and withdrawn_at is null returning name"
)


@dataclass(frozen=True, slots=True)
class TrustedDocument:
    """A registered document; withdrawn ones are kept, because the audit trail names their hashes."""

    hash: str
    name: str
    text: str
    client: str
    is_public: bool
    registered_at: datetime
    withdrawn_at: datetime | None


class Registration(Enum):
    """What became of a document that was to be registered."""

    NEW = "new"
    AGAIN = "again"
    PUBLISHED = "published"
    UNCHANGED = "unchanged"


async def registered_documents(loader: Loader) -> list[TrustedDocument]:
    """All documents that were ever registered, by client and name."""
    return [TrustedDocument(*row) for row in await loader.fetch(_REGISTERED)]


async def register_documents(
    loader: Loader, documents: Sequence[NamedDocument], *, client: str, is_public: bool
) -> list[Registration]:
    """Register ``documents`` of the front end ``client``, all or none, and tell of each what became of it.

    One that was withdrawn is trusted again. With ``is_public`` they may be sent without a token.
    """
    async with loader.transaction():
        known = {document.hash: document for document in await registered_documents(loader)}
        await loader.executemany(
            _REGISTER, [(each.hash, each.name, each.text, client, is_public) for each in documents]
        )
    return [_registration(known.get(document.hash), is_public=is_public) for document in documents]


def _registration(before: TrustedDocument | None, *, is_public: bool) -> Registration:
    if before is None:
        return Registration.NEW
    if before.withdrawn_at is not None:
        return Registration.AGAIN
    return Registration.PUBLISHED if is_public and not before.is_public else Registration.UNCHANGED


async def withdraw_document(loader: Loader, document_hash: str) -> str:
    """Trust a document no longer; processes that serve know within seconds. Its name.

    Raises:
        DocumentUnknown: none is registered under this hash.
    """
    name: str | None = await loader.fetchval(_WITHDRAW, document_hash)
    if name is None:
        raise DocumentUnknown(document_hash)
    return name
