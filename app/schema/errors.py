"""The one place where what went wrong becomes what the caller is told: a code, and a message in the caller's language."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from graphql import FieldNode, GraphQLError, GraphQLSyntaxError

from app.authz.authorize import NotPermitted
from app.domain.base import DomainError
from app.schema.language import Language
from app.schema.plan.compile import FieldDenied

_log = logging.getLogger("kesos.errors")
SYNTAX: Final = "GRAPHQL_PARSE_FAILED"
VALIDATION: Final = "GRAPHQL_VALIDATION_FAILED"
BAD_REQUEST: Final = "BAD_REQUEST"
BAD_USER_INPUT: Final = "BAD_USER_INPUT"
NOT_PERMITTED: Final = "NOT_PERMITTED"
UNAUTHENTICATED: Final = "UNAUTHENTICATED"
INTERNAL: Final = "INTERNAL_ERROR"

_TEXTS: Final[Mapping[str, Mapping[Language, str]]] = {
    NOT_PERMITTED: {
        Language.INDONESIAN: "Anda tidak memiliki izin {permission}.",
        Language.ENGLISH: "You do not hold the permission {permission}.",
    },
    UNAUTHENTICATED: {
        Language.INDONESIAN: "Sertakan token yang sah di header Authorization: Bearer.",
        Language.ENGLISH: "Send a valid token in the header Authorization: Bearer.",
    },
    INTERNAL: {
        Language.INDONESIAN: "Terjadi kesalahan di server. Sebutkan nomor permintaan {request_id} kepada pengelola.",
        Language.ENGLISH: "Something went wrong in the server. Quote request {request_id} to its operator.",
    },
}


def error_entry(code: str, message: str, **extensions: Any) -> dict[str, Any]:
    """One entry of ``errors``."""
    return {"message": message, "extensions": {"code": code, **extensions}}


def text_of(code: str, language: Language, **values: str) -> str:
    """The text of an error that is not the domain's."""
    return _TEXTS[code][language].format(**values)


def formatted(error: GraphQLError, language: Language, request_id: str) -> dict[str, Any]:
    """``error`` as the caller sees it. What nobody foresaw is logged with the request id and told without detail."""
    entry = _entry(error, language, request_id)
    if error.locations:
        entry["locations"] = [location.formatted for location in error.locations]
    if error.path:
        entry["path"] = error.path
    return entry


def _entry(error: GraphQLError, language: Language, request_id: str) -> dict[str, Any]:
    cause: BaseException | None = error
    while isinstance(cause, GraphQLError):
        if cause.extensions and "code" in cause.extensions:
            return error_entry(cause.extensions["code"], cause.message)
        if cause.original_error is None:
            break
        cause = cause.original_error
    match cause:
        case DomainError():
            message = cause.indonesian if language is Language.INDONESIAN else cause.english
            return error_entry(cause.code, message)
        case NotPermitted() | FieldDenied():
            permission = cause.permission.value
            return error_entry(
                NOT_PERMITTED, text_of(NOT_PERMITTED, language, permission=permission), permission=permission
            )
        case GraphQLSyntaxError():
            return error_entry(SYNTAX, error.message)
        case GraphQLError() if not error.path:
            return error_entry(VALIDATION, error.message)
        case GraphQLError() if error.nodes and not isinstance(error.nodes[0], FieldNode):
            return error_entry(BAD_USER_INPUT, error.message)
        case _:
            _log.error("request %s failed", request_id, exc_info=cause)
            return error_entry(INTERNAL, text_of(INTERNAL, language, request_id=request_id))
