"""Which documents a caller may send: registered ones, which are trusted, or those of one's own for whoever may compose.

A document comes as text, as the hash of one that is registered, or as both (Apollo's automatic persisted queries).
"""

from typing import Final, NamedTuple

from cachetools import LRUCache

from app.authz.authentication import Unauthenticated
from app.authz.authorize import Access
from app.authz.permissions import Permission
from app.domain.base import DomainError
from app.domain.documents.errors import (
    DocumentNotTrusted,
    IntrospectionOff,
    PersistedQueryHashMismatch,
    PersistedQueryNotFound,
)
from app.domain.documents.files import hash_of
from app.domain.documents.registry import DocumentRegistry
from app.schema import errors
from app.schema.plan.planner import Document

MOST_BYTES_OF_COMPOSED_TEXTS: Final = 16 * 2**20
_BYTES_OF_AN_ENTRY: Final = 512
_BYTES_OF_A_CHARACTER: Final = 4
_NO_TOKEN: Final = "TOKEN_MISSING"  # noqa: S105  (the name of a reason)


def _weight(text: str) -> int:
    return _BYTES_OF_AN_ENTRY + _BYTES_OF_A_CHARACTER * len(text)


class OperationUnknown(DomainError):
    """The document holds several operations and none was named, or none of that name."""

    code = errors.OPERATION_UNKNOWN

    def __init__(self) -> None:
        super().__init__(
            "Sebutkan salah satu operasi dokumen dalam `operationName`.",
            "Name one of the operations of the document in `operationName`.",
        )


class Sent(NamedTuple):
    """A document that its caller may send, the access under which it runs, and whether it is a registered one."""

    text: str
    access: Access
    trusted: bool


class Documents:
    """Decides for one process which documents its callers may send."""

    def __init__(
        self,
        registry: DocumentRegistry,
        *,
        public: Access,
        development: bool,
        most_bytes_of_composed_texts: int = MOST_BYTES_OF_COMPOSED_TEXTS,
    ) -> None:
        """``public`` is the access of whoever has no token; in ``development`` whoever has one may compose and introspect."""
        self._registry = registry
        self._public = public
        self._development = development
        self._composed: LRUCache[str, str] = LRUCache(most_bytes_of_composed_texts, _weight)

    async def resolve(self, query: str | None, document_hash: str | None, access: Access | None) -> Sent:
        """The document that was sent as the text ``query``, as a hash (64 lower-case hexadecimal digits), or as both.

        Without a token (``access`` is None) only public documents are answered, and all others look alike.

        Raises:
            DocumentNotTrusted: the text is not registered, and the caller may not compose.
            PersistedQueryNotFound: there is no text, and none is known that has this hash.
            PersistedQueryHashMismatch: the text has another hash.
            Unauthenticated: there is no token, and the document is not open to the public.
        """
        if query is not None and document_hash is not None and hash_of(query) != document_hash:
            raise PersistedQueryHashMismatch
        if access is None:
            return await self._of_public(query, document_hash)
        if self._may(access, Permission.DOCUMENTS_DOCUMENT_COMPOSE):
            return await self._of_composer(query, document_hash, access)
        if query is not None:
            known = await self._registry.with_text(query)
            refusal: type[DocumentNotTrusted | PersistedQueryNotFound] = DocumentNotTrusted
        else:
            known = await self._registry.with_hash(document_hash or "")
            refusal = PersistedQueryNotFound
        if known is None:
            raise refusal
        return Sent(known.text, access, trusted=True)

    async def _of_public(self, query: str | None, document_hash: str | None) -> Sent:
        found = self._registry.with_text(query) if query is not None else self._registry.with_hash(document_hash or "")
        known = await found
        if known is None or not known.is_public:
            raise Unauthenticated(_NO_TOKEN)
        return Sent(known.text, self._public, trusted=True)

    async def _of_composer(self, query: str | None, document_hash: str | None, access: Access) -> Sent:
        if query is not None:
            known = self._registry.remembered(query)
            if known is None and document_hash is not None and _weight(query) <= self._composed.maxsize:
                self._composed[document_hash] = query
            return Sent(query, access, trusted=known is not None)
        known = await self._registry.with_hash(document_hash or "")
        if known is not None:
            return Sent(known.text, access, trusted=True)
        composed = self._composed.get(document_hash or "")
        if composed is None:
            raise PersistedQueryNotFound
        return Sent(composed, access, trusted=False)

    def admit(self, document: Document, access: Access) -> None:
        """Make sure that ``access`` may ask for the schema, where ``document`` does.

        Raises:
            IntrospectionOff: it may not.
        """
        if document.measure.introspects and not self.may_introspect(access):
            raise IntrospectionOff

    def may_introspect(self, access: Access) -> bool:
        """Whether ``access`` may ask for the schema."""
        return self._may(access, Permission.DOCUMENTS_SCHEMA_INTROSPECT)

    def _may(self, access: Access, permission: Permission) -> bool:
        return self._development or permission in access.permissions
