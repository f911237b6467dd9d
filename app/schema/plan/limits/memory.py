"""What a process remembers of documents, bounded by the memory that it takes.

Trusted documents have a memory of their own, so whoever composes documents without end pushes out those of other composers and never
the ones that the front ends run on. What was wrong with a document is remembered too: an application that is out of date sends the
same wrong text again and again, from thousands of phones.
"""

from operator import itemgetter
from typing import Final, Generic, TypeVar

from cachetools import LRUCache
from graphql import GraphQLError

MOST_TRUSTED_BYTES: Final = 128 * 2**20
MOST_COMPOSED_BYTES: Final = 64 * 2**20
MOST_WRONG_BYTES: Final = 4 * 2**20
_BYTES_OF_A_DOCUMENT: Final = 4096
_BYTES_OF_A_TOKEN: Final = 512
"""A parsed document takes 310 to 490 bytes for each of its tokens, which know their places for the sake of error messages."""
_BYTES_OF_AN_ERROR: Final = 2048
_BYTES_OF_A_CHARACTER: Final = 4
_Document = TypeVar("_Document")


class DocumentMemory(Generic[_Document]):
    """The documents that were used last, and what was wrong with others, by text."""

    def __init__(
        self,
        *,
        trusted_bytes: int = MOST_TRUSTED_BYTES,
        composed_bytes: int = MOST_COMPOSED_BYTES,
        wrong_bytes: int = MOST_WRONG_BYTES,
    ) -> None:
        weight = itemgetter(1)
        self._trusted: LRUCache[str, tuple[_Document, int]] = LRUCache(trusted_bytes, weight)
        self._composed: LRUCache[str, tuple[_Document, int]] = LRUCache(composed_bytes, weight)
        self._wrong: LRUCache[str, tuple[list[GraphQLError], int]] = LRUCache(wrong_bytes, weight)

    def recall(self, text: str, *, trusted: bool) -> _Document | list[GraphQLError] | None:
        """The document of ``text``, or what is wrong with it; None where it was never seen, or too long ago.

        A ``trusted`` document is only recalled from where those are kept.
        """
        known = self._trusted.get(text)
        if known is None and not trusted:
            known = self._composed.get(text)
        if known is not None:
            return known[0]
        found = self._wrong.get(text)
        return found[0] if found is not None else None

    def knows(self, text: str) -> bool:
        """Whether anything is remembered of ``text``."""
        return text in self._trusted or text in self._composed or text in self._wrong

    def keep(self, text: str, document: _Document, tokens: int, *, trusted: bool) -> None:
        """Remember ``document``, which has so many ``tokens``."""
        weight = _BYTES_OF_A_DOCUMENT + _BYTES_OF_A_TOKEN * tokens + _BYTES_OF_A_CHARACTER * len(text)
        memory = self._trusted if trusted else self._composed
        if weight <= memory.maxsize:
            memory[text] = document, weight

    def keep_wrong(self, text: str, errors: list[GraphQLError]) -> None:
        """Remember what is wrong with ``text``, without the syntax tree and the frames that errors hold on to."""
        for error in errors:
            error.nodes = None
            _let_go(error)
        weight = _BYTES_OF_A_DOCUMENT + _BYTES_OF_AN_ERROR * len(errors) + _BYTES_OF_A_CHARACTER * len(text)
        if weight <= self._wrong.maxsize:
            self._wrong[text] = errors, weight


def _let_go(error: BaseException | None) -> None:
    while error is not None:
        error.__traceback__ = None
        error.__context__ = None
        error = error.original_error if isinstance(error, GraphQLError) else error.__cause__
