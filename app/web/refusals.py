"""A request that ends before it is executed: what its caller is told, and the HTTP status that says so."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from graphql import GraphQLError

from app.authz.authentication import Unauthenticated
from app.domain.base import DomainError
from app.schema import errors
from app.schema.language import Language
from app.schema.operations import DocumentRefused


@dataclass(frozen=True, slots=True)
class Refusal:
    """The errors of a request that was not executed.

    ``is_graphql``: the request was a GraphQL request that cannot be executed, which ``application/json`` says with 200.
    """

    entries: list[dict[str, Any]]
    status: int
    is_graphql: bool = False
    retry_after: int | None = None

    @property
    def code(self) -> str:
        """The code of the first error."""
        code: str = self.entries[0]["extensions"]["code"]
        return code


def refusal_of(error: Exception, language: Language, request_id: str) -> Refusal:
    """What becomes of ``error``. What nobody foresaw is logged and told without detail."""
    if isinstance(error, DocumentRefused):
        entries = [errors.formatted(each, language, request_id, before_execution=error.code) for each in error.errors]
        return Refusal(entries, HTTPStatus.BAD_REQUEST, is_graphql=True)
    if isinstance(error, Unauthenticated):
        text = errors.text_of(errors.UNAUTHENTICATED, language)
        return Refusal([errors.error_entry(errors.UNAUTHENTICATED, text)], HTTPStatus.UNAUTHORIZED)
    entry = errors.formatted(GraphQLError("", original_error=error), language, request_id)
    code = entry["extensions"]["code"]
    retry_after = getattr(error, "retry_after", None)
    if isinstance(error, DomainError):
        status = getattr(error, "status", None)
        return Refusal([entry], status or HTTPStatus.BAD_REQUEST, is_graphql=status is None, retry_after=retry_after)
    return Refusal([entry], errors.HTTP_STATUS.get(code, HTTPStatus.INTERNAL_SERVER_ERROR), retry_after=retry_after)
