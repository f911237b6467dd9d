"""/graphql: GraphQL over HTTP. Authenticate, read what is asked, have it executed, and answer as the caller accepts."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from http import HTTPStatus

import orjson
from graphql import OperationType
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.authz.authentication import Authenticator
from app.schema.language import preferred_language
from app.schema.operations import Asked
from app.web.answers import Refusal, refusal_of
from app.web.bodies import JSON, expect_json, read_body
from app.web.execution import Caller, Execution, MethodNotAllowed, Turn
from app.web.headers import client_address, request_id
from app.web.negotiation import MediaType, preferred_media_type
from app.web.parameters import asked_by_body, asked_by_query_string
from app.web.rates import Rates
from app.web.reception import Reception, presented_token
from app.web.staleness import STALENESS, accepted_staleness
from app.web.standing import Following, Standing
from app.web.streams import EventStream, Streams, Subscriber, refused_stream
from app.web.telemetry import RequestTelemetry, Telemetry


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, and the code of the first error in it."""

    response: Response
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphQLEndpoint:
    """The ASGI application behind /graphql for HTTP.

    ``session_token`` reads the token of a browser's session; ``page`` is what a browser sees that opens the address.
    """

    execution: Execution
    authenticator: Authenticator
    reception: Reception
    rates: Rates
    streams: Streams
    telemetry: Telemetry
    session_token: Callable[[Request], str | None]
    page: Callable[[Request], Awaitable[Response | None]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        request = Request(scope, receive)
        if (page := await self.page(request)) is not None:
            await page(scope, receive, send)
            return
        language = preferred_language(request.headers.get("accept-language"))
        turn = Turn(language, request_id(scope))
        media_type = MediaType.JSON
        with self.telemetry.request(turn.request_id, request.headers) as told:
            try:
                media_type = preferred_media_type(request.headers.get("accept"))
                answer = await self._answer(request, media_type, turn, told)
            except Exception as error:  # noqa: BLE001  (whatever it is, the caller gets a coded answer)
                answer = _refused(refusal_of(error, language, turn.request_id), media_type)
            told.answered(answer.response.status_code, answer.code)
            await answer.response(scope, receive, send)

    async def _answer(self, request: Request, media_type: MediaType, turn: Turn, told: RequestTelemetry) -> Answer:
        if request.method not in {"GET", "POST"}:
            raise MethodNotAllowed
        turn = replace(turn, staleness=accepted_staleness(request.headers.get(STALENESS)))
        address = client_address(request.scope)
        token = presented_token(request, self.session_token)
        access = None
        if token is not None:
            access = await self.reception.access(token, address=address, request_id=turn.request_id)
            told.principal_id = access.principal.id
        caller = Caller(access, address)
        asked = await self._asked(request, caller)
        charged = await self.execution.prepare(asked, caller)
        operation, kind = charged.prepared.operation, charged.prepared.kind
        told.asked(operation.node, operation.fragments, charged.prepared.access.principal.id)
        if request.method == "GET" and kind is not OperationType.QUERY:
            raise MethodNotAllowed
        if media_type is MediaType.EVENT_STREAM:
            following = Following()
            subscriber = None
            if kind is OperationType.SUBSCRIPTION and token is not None and access is not None:
                subscriber = Subscriber(Standing(self.authenticator, token), access, following)
            stream = EventStream(
                self.execution.stream(charged, turn, following),
                streams=self.streams,
                language=turn.language,
                request_id=turn.request_id,
                subscriber=subscriber,
            )
            return Answer(stream)
        answered = await self.execution.answer(charged, turn)
        return Answer(Response(answered.body, media_type=media_type.value), next(iter(answered.codes), None))

    async def _asked(self, request: Request, caller: Caller) -> Asked:
        if request.method == "GET":
            query_string: bytes = request.scope["query_string"]
            self.rates.count_request(caller.id, len(query_string))
            return asked_by_query_string(query_string)
        expect_json(request.headers)
        body = await read_body(request.receive, request.headers)
        self.rates.count_request(caller.id, len(body))
        return asked_by_body(body)


def _refused(refusal: Refusal, media_type: MediaType) -> Answer:
    if media_type is MediaType.EVENT_STREAM and refusal.of_graphql:
        return Answer(refused_stream(refusal.entries), refusal.code)
    # application/json is older than the status codes of GraphQL over HTTP: there, whatever GraphQL itself refuses is a 200.
    legacy = refusal.of_graphql and media_type is MediaType.JSON
    response = Response(
        orjson.dumps({"errors": refusal.entries}),
        status_code=HTTPStatus.OK if legacy else refusal.status,
        headers=dict(refusal.headers),
        media_type=JSON if media_type is MediaType.EVENT_STREAM else media_type.value,
    )
    return Answer(response, refusal.code)
