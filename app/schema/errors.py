"""The one place where what went wrong becomes what the caller is told: a code, and a message in the caller's language."""

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import asyncpg
from graphql import FieldNode, GraphQLError, GraphQLSyntaxError
from sqlalchemy.exc import DBAPIError

from app.authz.authorize import NotPermitted
from app.domain.audit.service import NotRecorded
from app.domain.base import DomainError
from app.schema.language import Language
from app.schema.plan.selection import FieldDenied

_log = logging.getLogger("kesos.errors")
SYNTAX: Final = "GRAPHQL_PARSE_FAILED"
VALIDATION: Final = "GRAPHQL_VALIDATION_FAILED"
BAD_REQUEST: Final = "BAD_REQUEST"
BAD_USER_INPUT: Final = "BAD_USER_INPUT"
NOT_PERMITTED: Final = "NOT_PERMITTED"
UNAUTHENTICATED: Final = "UNAUTHENTICATED"
OPERATION_UNKNOWN: Final = "OPERATION_UNKNOWN"
TIMED_OUT: Final = "TIMED_OUT"
BUSY: Final = "BUSY"
UNAVAILABLE: Final = "UNAVAILABLE"
INTERNAL: Final = "INTERNAL_ERROR"

HTTP_STATUS: Final[Mapping[str, int]] = {
    NOT_PERMITTED: HTTPStatus.FORBIDDEN,
    "DOCUMENT_NOT_TRUSTED": HTTPStatus.FORBIDDEN,
    "INTROSPECTION_OFF": HTTPStatus.FORBIDDEN,
    "PERSISTED_QUERY_NOT_FOUND": HTTPStatus.OK,
    TIMED_OUT: HTTPStatus.GATEWAY_TIMEOUT,
    BUSY: HTTPStatus.SERVICE_UNAVAILABLE,
    UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""The status of a request that ends with such an error before it has an answer."""

_TOO_SLOW: Final = (TimeoutError, asyncpg.QueryCanceledError)
_GAVE_IN: Final = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
_DATABASE_GONE: Final = (
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    NotRecorded,
)

_TEXTS: Final[Mapping[str, Mapping[Language, str]]] = {
    NOT_PERMITTED: {
        Language.INDONESIAN: "Anda tidak memiliki izin {permission}.",
        Language.ENGLISH: "You do not hold the permission {permission}.",
    },
    UNAUTHENTICATED: {
        Language.INDONESIAN: "Sertakan token yang sah di header Authorization: Bearer.",
        Language.ENGLISH: "Send a valid token in the header Authorization: Bearer.",
    },
    TIMED_OUT: {
        Language.INDONESIAN: "Permintaan memerlukan waktu terlalu lama dan dihentikan; persempit wilayah atau jumlahnya.",
        Language.ENGLISH: "The request took too long and was given up; ask for a smaller region or fewer rows.",
    },
    BUSY: {
        Language.INDONESIAN: "Orang lain sedang mengubah hal yang sama; tidak ada yang diproses. Kirim lagi.",
        Language.ENGLISH: "Somebody else is changing the same at this moment; nothing of yours was done. Send it again.",
    },
    UNAVAILABLE: {
        Language.INDONESIAN: "Basis data sedang tidak dapat dihubungi; coba lagi sebentar lagi.",
        Language.ENGLISH: "The database cannot be reached; try again in a moment.",
    },
    INTERNAL: {
        Language.INDONESIAN: "Terjadi kesalahan di server. Sebutkan nomor permintaan {request_id} kepada pengelola.",
        Language.ENGLISH: "Something went wrong in the server. Quote request {request_id} to its operator.",
    },
}


_LONGEST_QUOTATION: Final = 500
_NUMBER: Final = re.compile(r"\d{16,}")
_MASK: Final = "********"
_PREFIXES: Final[Mapping[str, str]] = {
    SYNTAX: "Dokumen GraphQL tidak terbaca",
    VALIDATION: "Dokumen GraphQL tidak sesuai skema",
    BAD_USER_INPUT: "Nilai masukan tidak sesuai skema",
}
"""What graphql-core finds in a document it says in English; in Indonesian the sentence before it tells where to look."""


def error_entry(code: str, message: str, **extensions: Any) -> dict[str, Any]:
    """One entry of ``errors``."""
    return {"message": message, "extensions": {"code": code, **extensions}}


def text_of(code: str, language: Language, **values: str) -> str:
    """The text of an error that is not the domain's."""
    return _TEXTS[code][language].format(**values)


def formatted(
    error: GraphQLError, language: Language, request_id: str, *, before_execution: str = VALIDATION
) -> dict[str, Any]:
    """``error`` as the caller sees it. What nobody foresaw is logged with the request id and told without detail.

    ``before_execution`` is the code of what graphql-core finds before any field is reached.
    """
    entry = _entry(error, language, request_id, before_execution)
    if error.locations:
        entry["locations"] = [location.formatted for location in error.locations]
    if error.path:
        entry["path"] = error.path
    return entry


def _entry(error: GraphQLError, language: Language, request_id: str, before_execution: str) -> dict[str, Any]:
    match _cause(error):
        case DomainError() as refusal:
            message = refusal.indonesian if language is Language.INDONESIAN else refusal.english
            return error_entry(refusal.code, message, **getattr(refusal, "extensions", {}))
        case (NotPermitted() | FieldDenied()) as refusal:
            permission = refusal.permission.value
            text = text_of(NOT_PERMITTED, language, permission=permission)
            return error_entry(NOT_PERMITTED, text, permission=permission)
        case GraphQLError() as found if (code := _code_of(found, None if error.path else before_execution)) is not None:
            return error_entry(code, _prefixed(code, _cut(found.message), language))
        case cause if isinstance(cause, _TOO_SLOW + _GAVE_IN):
            code = TIMED_OUT if isinstance(cause, _TOO_SLOW) else BUSY
            return error_entry(code, text_of(code, language))
        case cause if isinstance(cause, _DATABASE_GONE):
            _log.error("a request found no database", extra={"request_id": request_id}, exc_info=cause)
            return error_entry(UNAVAILABLE, text_of(UNAVAILABLE, language))
        case cause:
            _log.error("a request failed", extra={"request_id": request_id}, exc_info=cause)
            return error_entry(INTERNAL, text_of(INTERNAL, language, request_id=request_id))


def _cut(message: str) -> str:
    """``message`` of graphql-core, which quotes what was sent: not at any length, and no NIK, because front ends log errors."""
    return _NUMBER.sub(_MASK, message if len(message) <= _LONGEST_QUOTATION else f"{message[:_LONGEST_QUOTATION]}…")


def _prefixed(code: str, message: str, language: Language) -> str:
    return f"{_PREFIXES[code]}: {message}" if language is Language.INDONESIAN and code in _PREFIXES else message


def _cause(error: GraphQLError) -> BaseException:
    """What lies under graphql-core's wrapping; where that is only an error of its own, the outermost, which says most."""
    cause: BaseException = error
    while isinstance(cause, GraphQLError) and not _own_code(cause) and cause.original_error:
        cause = cause.original_error
    if isinstance(cause, DBAPIError):
        # SQLAlchemy wraps it twice.
        found: object = getattr(cause.orig, "__cause__", None)
        cause = found if isinstance(found, asyncpg.PostgresError) else cause
    return error if isinstance(cause, GraphQLError) and not _own_code(cause) else cause


def _own_code(error: GraphQLError) -> str | None:
    return (error.extensions or {}).get("code")


def _code_of(error: GraphQLError, before_execution: str | None) -> str | None:
    """The code of an error that graphql-core or a scalar found in the request; None where the fault is ours.

    ``before_execution`` is the code where no field was reached yet, None where one was.
    """
    if code := _own_code(error):
        return code
    if isinstance(error, GraphQLSyntaxError):
        return SYNTAX
    if before_execution is not None:
        return before_execution
    # Below a field only arguments are the caller's; an error about a field's own value is a fault of the server.
    return BAD_USER_INPUT if error.nodes and not isinstance(error.nodes[0], FieldNode) else None
