"""POST /graphql: authenticate, find the plan, answer.

A document whose root fields are all compiled goes from variables to SQL to bytes. Anything else (``me``, introspection, a field that
needs Python, an error to report) takes the stock executor over the same plans, so both ways answer alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

import orjson
from graphql import GraphQLError
from graphql.execution.values import VariableValues
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send
from strawberry.http.ides import get_graphql_ide_html

from app.authz.authentication import Authenticator, Unauthenticated
from app.authz.authorize import Access
from app.domain.base import DomainError
from app.domain.registry.sealing import Seal
from app.schema import errors
from app.schema.context import RequestContext
from app.schema.language import Language, preferred_language
from app.schema.plan.answer import Answer
from app.schema.plan.arguments import Caller
from app.schema.plan.planner import OperationPlan
from app.schema.root import Api
from app.tenants.session import Database

LARGEST_BODY: Final = 262_144
JSON: Final = "application/json"
RESPONSE_JSON: Final = "application/graphql-response+json"


class BadRequest(DomainError):
    """The HTTP request is no GraphQL request; ``status`` is the HTTP status that says so."""

    code = errors.BAD_REQUEST

    def __init__(self, indonesian: str, english: str, status: int = 400) -> None:
        super().__init__(indonesian, english)
        self.status = status


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """The parameters of a GraphQL request."""

    query: str
    variables: dict[str, Any]
    operation_name: str | None

    @classmethod
    def of_body(cls, body: bytes) -> "GraphQLRequest":
        """Read the JSON body of a POST.

        Raises:
            BadRequest: it is no JSON object with a text ``query``.
        """
        try:
            payload = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise BadRequest(
                "Isi permintaan bukan JSON yang sah dalam UTF-8.", "The body is not valid JSON in UTF-8."
            ) from error
        if not isinstance(payload, dict):
            raise BadRequest(
                "Isi permintaan harus objek JSON dengan `query` dan, bila perlu, `variables`.",
                "The body must be a JSON object with `query` and, where needed, `variables`.",
            )
        query, variables = payload.get("query"), payload.get("variables")
        operation_name = payload.get("operationName")
        if not isinstance(query, str) or not query.strip():
            raise BadRequest("`query` harus teks dokumen GraphQL.", "`query` must be the text of a GraphQL document.")
        if not (variables is None or isinstance(variables, dict)):
            raise BadRequest("`variables` harus objek JSON.", "`variables` must be a JSON object.")
        if not (operation_name is None or isinstance(operation_name, str)):
            raise BadRequest("`operationName` harus teks.", "`operationName` must be a text.")
        return cls(query, variables or {}, operation_name or None)


class GraphQLEndpoint:
    """The ASGI application behind /graphql."""

    def __init__(
        self,
        api: Api,
        *,
        database: Database,
        authenticator: Authenticator,
        seal: Seal,
        test_nik_provinces: frozenset[str],
        graphiql: bool,
    ) -> None:
        self._api, self._planner = api, api.planner
        self._database, self._authenticator, self._seal = database, authenticator, seal
        self._test_nik_provinces = test_nik_provinces
        self._graphiql = graphiql

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        request = Request(scope, receive)
        request_id = str(uuid4())
        language = preferred_language(request.headers.get("accept-language"))
        try:
            response = await self._respond(request, request_id, language)
        except BadRequest as refusal:
            entry = errors.formatted(GraphQLError("", original_error=refusal), language, request_id)
            response = _json({"errors": [entry]}, status=refusal.status, media_type=RESPONSE_JSON)
            if refusal.status == HTTPStatus.METHOD_NOT_ALLOWED:
                response.headers["allow"] = "POST"
        except Unauthenticated:
            entry = errors.error_entry(errors.UNAUTHENTICATED, errors.text_of(errors.UNAUTHENTICATED, language))
            response = _json({"errors": [entry]}, status=401, media_type=RESPONSE_JSON)
            response.headers["www-authenticate"] = "Bearer"
        except Exception as error:  # noqa: BLE001  (whatever it is, the caller gets a coded answer and the log the trace)
            entry = errors.formatted(GraphQLError("", original_error=error), language, request_id)
            response = _json({"data": None, "errors": [entry]}, status=500, media_type=RESPONSE_JSON)
        response.headers["x-request-id"] = request_id
        await response(scope, receive, send)

    async def _respond(self, request: Request, request_id: str, language: Language) -> Response:
        if request.method == "GET" and self._graphiql and "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(get_graphql_ide_html(graphql_ide="graphiql"))
        if request.method != "POST":
            raise BadRequest(
                "Kirim permintaan GraphQL dengan POST.",
                "Send GraphQL requests with POST.",
                HTTPStatus.METHOD_NOT_ALLOWED,
            )
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
            raise BadRequest(f"Kirim permintaan sebagai {JSON}.", f"Send the request as {JSON}.", 415)
        access = await self._access(request)
        asked = GraphQLRequest.of_body(await _body(request))
        return await self._answer(asked, access, request_id, language)

    async def _access(self, request: Request) -> Access:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("TOKEN_MISSING")
        return self._authenticator.remembered(token) or await self._authenticator.authenticate(token)

    async def _answer(self, asked: GraphQLRequest, access: Access, request_id: str, language: Language) -> Response:
        document = self._planner.document(asked.query)
        if isinstance(document, list):
            return _refused(document, language, request_id)
        operation = document.operation(asked.operation_name)
        if operation is None:
            raise BadRequest(
                "Sebutkan salah satu operasi dokumen dalam `operationName`.",
                "Name one of the operations of the document in `operationName`.",
            )
        variables = self._planner.variables(operation, asked.variables)
        if isinstance(variables, list):
            return _refused(variables, language, request_id, errors.BAD_USER_INPUT)
        plan = self._planner.plan(operation, variables, access)
        caller = Caller(access, self._seal, self._test_nik_provinces)
        if plan.complete and (body := await self._planned(plan, variables, caller)) is not None:
            return Response(body, media_type=JSON)
        context = RequestContext(
            access=access,
            language=language,
            request_id=request_id,
            operation_name=asked.operation_name or "",
            document_hash=sha256(asked.query.encode()).digest(),
            database=self._database,
            seal=self._seal,
            document=document.node,
            answer=Answer(plan, variables.coerced, caller, self._database),
        )
        result = await self._api.schema.execute(
            asked.query, asked.variables, context_value=context, operation_name=asked.operation_name
        )
        answer: dict[str, Any] = {"data": result.data}
        if result.errors:
            answer["errors"] = [errors.formatted(error, language, request_id) for error in result.errors]
        return _json(answer)

    async def _planned(self, plan: OperationPlan, variables: VariableValues, caller: Caller) -> bytes | None:
        """The whole answer as bytes, or None where something must be refused and the stock executor says what."""
        statement = plan.statement(tuple(plan.roots))
        try:
            arguments = statement.bind(variables.coerced, caller)
        except DomainError:
            return None
        record = await self._database.read_once(plan.scope(caller.access), statement.text, arguments)
        if statement.failures(record, variables.coerced):
            return None
        values, _subjects = statement.values(record)
        parts = [b'"%b":%b' % pair for pair in zip(statement.json_keys, (value or b"null" for value in values), strict=True)]
        return b'{"data":{%b}}' % b",".join(parts)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise BadRequest(
                f"Isi permintaan lebih dari {LARGEST_BODY} byte.", f"The body is larger than {LARGEST_BODY} bytes.", 413
            )
    return bytes(body)


def _refused(found: list[GraphQLError], language: Language, request_id: str, code: str = errors.VALIDATION) -> Response:
    entries = [errors.formatted(error, language, request_id, before_execution=code) for error in found]
    return _json({"errors": entries}, status=HTTPStatus.BAD_REQUEST, media_type=RESPONSE_JSON)


def _json(content: Mapping[str, Any], status: int = 200, media_type: str = JSON) -> Response:
    return Response(orjson.dumps(content), status_code=status, media_type=media_type)
