"""What is answered to a request that was not executed, whatever ended it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from graphql import GraphQLError

from app.authz.authentication import Unauthenticated
from app.schema import errors
from app.schema.language import Language
from app.schema.operations import DocumentRefused
from app.web.refusals import Refused


@dataclass(frozen=True, slots=True)
class Refusal:
    """The errors of a request that was not executed, and the HTTP status and headers that go with them.

    ``of_graphql``: it is GraphQL itself that refuses, not HTTP; ``application/json`` says that with 200.
    """

    entries: list[dict[str, Any]]
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    of_graphql: bool = False

    @property
    def code(self) -> str:
        """The code of the first error."""
        code: str = self.entries[0]["extensions"]["code"]
        return code


def refusal_of(error: Exception, language: Language, request_id: str) -> Refusal:
    """What becomes of ``error``. What nobody foresaw is logged and told without detail."""
    match error:
        case DocumentRefused():
            entries = [
                errors.formatted(each, language, request_id, before_execution=error.code) for each in error.errors
            ]
            return Refusal(entries, HTTPStatus.BAD_REQUEST, of_graphql=True)
        case Unauthenticated():
            entry = errors.error_entry(errors.UNAUTHENTICATED, errors.text_of(errors.UNAUTHENTICATED, language))
            return Refusal([entry], HTTPStatus.UNAUTHORIZED, {"www-authenticate": "Bearer"})
    entry = errors.formatted(GraphQLError("", original_error=error), language, request_id)
    if isinstance(error, Refused):
        return Refusal([entry], error.status, error.headers)
    status = errors.HTTP_STATUS.get(entry["extensions"]["code"])
    return Refusal([entry], status or HTTPStatus.BAD_REQUEST, of_graphql=status is None)
