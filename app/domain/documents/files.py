"""Documents as front ends keep them: a file of GraphQL, or a manifest that their build makes."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from app.domain.documents.errors import DocumentFileInvalid

_PUBLIC: Final = files("app.domain.documents") / "public"
_APOLLO_FORMAT: Final = "apollo-persisted-query-manifest"
_MANIFEST: Final = ".json"


def hash_of(text: str) -> str:
    """The SHA-256 of ``text`` in UTF-8, as 64 lower-case hexadecimal digits."""
    return sha256(text.encode(errors="surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class NamedDocument:
    """A text with the name that its front end knows it by; empty where only its operations have names."""

    name: str
    text: str

    @property
    def hash(self) -> str:
        """The hash that stands for the text."""
        return hash_of(self.text)


def read_documents(file: Path) -> list[NamedDocument]:
    """The documents of ``file``: one of GraphQL, or those of a manifest of Apollo (operations) or of Relay and urql (hash: text).

    Raises:
        DocumentFileInvalid: it is none of these, or names a document by something else than its SHA-256.
    """
    try:
        content = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DocumentFileInvalid(file.name, "bukan teks UTF-8.", "this is not text in UTF-8.") from error
    if file.suffix.lower() != _MANIFEST:
        return [NamedDocument("", content)]
    try:
        manifest = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DocumentFileInvalid(file.name, "bukan JSON yang sah.", "this is not valid JSON.") from error
    documents = []
    for identifier, document in _listed(file.name, manifest):
        if identifier != document.hash:
            raise DocumentFileInvalid(
                file.name,
                f"{identifier} bukan SHA-256 dari dokumennya ({document.hash}). Atur pembuat manifest agar memakai SHA-256.",
                f"{identifier} is not the SHA-256 of its document ({document.hash}). Have the manifest made with SHA-256.",
            )
        documents.append(document)
    return documents


def _listed(file: str, manifest: Any) -> Iterator[tuple[str, NamedDocument]]:
    match manifest:
        case {"format": str(), "version": int(), "operations": list(operations)}:
            if (manifest["format"], manifest["version"]) != (_APOLLO_FORMAT, 1):
                raise _unknown_format(file)
            for operation in operations:
                match operation:
                    case {"id": str(identifier), "name": str(name), "body": str(text)}:
                        yield identifier, NamedDocument(name, text)
                    case _:
                        raise _unknown_format(file)
        case dict():
            for identifier, text in manifest.items():
                if not isinstance(text, str):
                    raise _unknown_format(file)
                yield identifier, NamedDocument("", text)
        case _:
            raise _unknown_format(file)


def _unknown_format(file: str) -> DocumentFileInvalid:
    return DocumentFileInvalid(
        file,
        f"bukan manifest Apollo ({_APOLLO_FORMAT}, versi 1) dan bukan objek {{hash: teks}}.",
        f"this is neither a manifest of Apollo ({_APOLLO_FORMAT}, version 1) nor an object {{hash: text}}.",
    )


@lru_cache(maxsize=1)
def public_documents() -> tuple[NamedDocument, ...]:
    """The documents that ship with Kesos, for everybody."""
    return tuple(_shipped(_PUBLIC.iterdir()))


def _shipped(found: Iterable[Any]) -> Iterator[NamedDocument]:
    for file in sorted(found, key=lambda file: file.name):
        yield NamedDocument(file.name.removesuffix(".graphql"), file.read_text(encoding="utf-8"))
