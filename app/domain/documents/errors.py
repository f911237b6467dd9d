"""What is refused about documents: to callers who send them, and to operators who register them."""

from collections.abc import Iterable

from app.domain.base import DomainError


class DocumentNotTrusted(DomainError):
    """The caller may only send registered documents, and this is none."""

    code = "DOCUMENT_NOT_TRUSTED"

    def __init__(self) -> None:
        super().__init__(
            "Dokumen ini tidak terdaftar. Kirim dokumen yang didaftarkan aplikasi, atau minta izin documents:document:compose.",
            "This document is not registered. Send one that the application registered, or ask for the permission "
            "documents:document:compose.",
        )


class PersistedQueryNotFound(DomainError):
    """No document has this hash. Apollo's clients read the code and the message, and send the text with their next request."""

    code = "PERSISTED_QUERY_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotFound", "PersistedQueryNotFound")


class PersistedQueryHashMismatch(DomainError):
    """A text was sent with a hash that is not its own."""

    code = "PERSISTED_QUERY_HASH_MISMATCH"

    def __init__(self) -> None:
        super().__init__(
            "Hash yang dikirim bukan SHA-256 dari `query`.", "The hash that was sent is not the SHA-256 of `query`."
        )


class IntrospectionOff(DomainError):
    """The document asks for the schema, and the caller may not."""

    code = "INTROSPECTION_OFF"

    def __init__(self) -> None:
        super().__init__(
            "Introspeksi memerlukan izin documents:schema:introspect. Skema ada di schema.graphql.",
            "Introspection needs the permission documents:schema:introspect. The schema is in schema.graphql.",
        )


class DocumentNotPublic(DomainError):
    """The document cannot be open to the public; ``permissions`` are what it needs and nobody without a token has."""

    code = "DOCUMENT_NOT_PUBLIC"

    def __init__(self, permissions: Iterable[str]) -> None:
        needed = ", ".join(sorted(set(permissions)))
        super().__init__(
            f"Memerlukan {needed}." if needed else "Hanya query atas data terbuka dapat dibuka untuk umum.",
            f"It needs {needed}." if needed else "Only queries of open data can be public.",
        )


class DocumentFileInvalid(DomainError):
    """A file is neither a document nor a manifest of documents."""

    code = "DOCUMENT_FILE_INVALID"

    def __init__(self, file: str, indonesian: str, english: str) -> None:
        super().__init__(f"{file}: {indonesian}", f"{file}: {english}")


class DocumentUnknown(DomainError):
    """No document is registered under this hash, or it is withdrawn already."""

    code = "DOCUMENT_UNKNOWN"

    def __init__(self, document_hash: str) -> None:
        super().__init__(
            f"Tidak ada dokumen terdaftar dengan hash {document_hash}; lihat `kesos documents list`.",
            f"No document is registered under the hash {document_hash}; see `kesos documents list`.",
        )
