"""What is refused about the document of an export."""

from collections.abc import Sequence

from graphql import GraphQLError

from app.domain.base import DomainError
from app.schema import errors
from app.schema.language import Language


class DocumentMissing(DomainError):
    """There is neither a document nor the hash of one."""

    code = "EXPORT_DOCUMENT_MISSING"
    fields = ("document", "document_hash")

    def __init__(self) -> None:
        super().__init__(
            "Isi `document` dengan teks query, atau `documentHash` dengan SHA-256 dokumen yang terdaftar.",
            "Give the text of a query in `document`, or the SHA-256 of a registered one in `documentHash`.",
        )


class _Found(DomainError):
    """What graphql-core has found, the first of it."""

    def __init__(self, found: Sequence[GraphQLError], before_execution: str) -> None:
        super().__init__(
            *(
                str(errors.formatted(found[0], language, "", before_execution=before_execution)["message"])
                for language in (Language.INDONESIAN, Language.ENGLISH)
            )
        )


class DocumentInvalid(_Found):
    """The document is no valid document of this schema, or over a limit."""

    code = "EXPORT_DOCUMENT_INVALID"
    fields = ("document",)

    def __init__(self, found: Sequence[GraphQLError]) -> None:
        super().__init__(found, errors.VALIDATION)


class VariablesInvalid(_Found):
    """The variables are not those that the operation declares."""

    code = "EXPORT_VARIABLES_INVALID"
    fields = ("variables",)

    def __init__(self, found: Sequence[GraphQLError]) -> None:
        super().__init__(found, errors.BAD_USER_INPUT)


class VariablesNoObject(DomainError):
    """The variables are no JSON object, or one that cannot be kept."""

    code = "EXPORT_VARIABLES_INVALID"
    fields = ("variables",)

    def __init__(self) -> None:
        super().__init__(
            "`variables` adalah objek JSON: nama variabel dengan nilainya.",
            "`variables` is a JSON object: names of variables with their values.",
        )
