"""The messages of graphql-transport-ws, and the codes with which a connection ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any, Final, Self

import orjson

from app.web.answers import Refusal
from app.web.bodies import LARGEST_BODY, parse_json
from app.web.refusals import BadRequest

SUBPROTOCOL: Final = "graphql-transport-ws"
ACKNOWLEDGED: Final = b'{"type":"connection_ack"}'
PONG: Final = b'{"type":"pong"}'
LONGEST_ID: Final = 128
_LONGEST_REASON: Final = 123


class Code(IntEnum):
    """Why a connection is closed: codes of RFC 6455, and from 4000 those of graphql-transport-ws."""

    NORMAL = 1000
    GOING_AWAY = 1001
    TOO_LARGE = 1009
    INTERNAL_ERROR = 1011
    TRY_AGAIN_LATER = 1013
    BAD_REQUEST = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL_NOT_ACCEPTABLE = 4406
    INITIALISATION_TIMEOUT = 4408
    SUBSCRIBER_EXISTS = 4409
    TOO_MANY_INITIALISATIONS = 4429


class Closed(Exception):
    """The connection ends; ``reason`` is for a developer to read, and holds nothing that the client sent."""

    def __init__(self, code: Code, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:_LONGEST_REASON].decode(errors="ignore")


class Kind(Enum):
    """What a client may say."""

    INITIALISE = "connection_init"
    PING = "ping"
    PONG = "pong"
    SUBSCRIBE = "subscribe"
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class ClientMessage:
    """What a client says; ``key`` is the id of the operation that it is about, empty where it is about none."""

    kind: Kind
    key: str
    payload: Mapping[str, Any]

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Read a message.

        Raises:
            Closed: it is none of graphql-transport-ws.
        """
        if len(text) > LARGEST_BODY:
            raise Closed(Code.TOO_LARGE, "The message is too large.")
        try:
            message = parse_json(text.encode())
        except BadRequest as refusal:
            raise Closed(Code.BAD_REQUEST, refusal.english) from None
        try:
            kind = Kind(message.get("type"))
        except ValueError:
            raise Closed(Code.BAD_REQUEST, "The type of the message is unknown.") from None
        payload = message.get("payload")
        if not (payload is None or isinstance(payload, dict)):
            raise Closed(Code.BAD_REQUEST, "`payload` must be a JSON object.")
        key = _key(message.get("id")) if kind in {Kind.SUBSCRIBE, Kind.COMPLETE} else ""
        return cls(kind, key, payload or {})


def _key(key: object) -> str:
    if not isinstance(key, str) or not 0 < len(key) <= LONGEST_ID:
        raise Closed(Code.BAD_REQUEST, f"`id` must be a text of 1 to {LONGEST_ID} characters.")
    return key


def next_message(key: str, body: bytes) -> bytes:
    """One answer of the operation ``key``; ``body`` is JSON."""
    return b'{"id":%b,"type":"next","payload":%b}' % (orjson.dumps(key), body)


def error_message(key: str, refusal: Refusal) -> bytes:
    """The operation ``key`` cannot run, or can run no longer."""
    return b'{"id":%b,"type":"error","payload":%b}' % (orjson.dumps(key), orjson.dumps(refusal.entries))


def complete_message(key: str) -> bytes:
    """The operation ``key`` has come to its end."""
    return b'{"id":%b,"type":"complete"}' % orjson.dumps(key)
