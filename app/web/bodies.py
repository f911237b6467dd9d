"""The body of a request: read within bounds of size and time, and parsed as the one JSON that everybody reads alike."""

import asyncio
import json
from email.message import Message as MimeHeaders
from http import HTTPStatus
from typing import Any, Final

import orjson
from starlette.datastructures import Headers
from starlette.types import Receive

from app.web.refusals import BadRequest

JSON: Final = "application/json"
LARGEST_BODY: Final = 524_288
BODY_SECONDS: Final = 15.0
MOST_DEPTH: Final = 32
MOST_VALUES: Final = 20_000
"""The largest that anybody sends is what a device has kept: 500 transactions of several lines, some 12,000 values."""
_LARGEST_NUMBER: Final = 2.0**63
_LENGTH_DIGITS: Final = 12
_LONGEST_CONTENT_TYPE: Final = 256
_BYTE_ORDER_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_PARAMETERS: Final = frozenset({"query", "variables", "operationName", "extensions", "documentId"})
_QUOTED_PARAMETERS: Final = tuple(f'"{name}"'.encode() for name in _PARAMETERS)
_ESCAPED_LETTER: Final = b"\\u00"


def expect_uncompressed(headers: Headers) -> None:
    """Make sure that a body is not compressed on the way.

    Raises:
        BadRequest: 415, it is.
    """
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
        raise BadRequest(
            "Kirim isi permintaan tanpa kompresi.",
            "Send the body uncompressed.",
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        )


def expect_json(headers: Headers) -> None:
    """Make sure that a body is JSON in UTF-8, and not compressed.

    Raises:
        BadRequest: 415, it is something else.
    """
    expect_uncompressed(headers)
    content_type = headers.get("content-type", "")
    if content_type == JSON:
        return
    declared = MimeHeaders()
    # The time to read its parameters grows with the square of their length.
    declared["content-type"] = content_type if len(content_type) <= _LONGEST_CONTENT_TYPE else ""
    if declared.get_content_type() != JSON or declared.get_content_charset("utf-8") not in {"utf-8", "utf8"}:
        raise BadRequest(
            f"Kirim permintaan sebagai {JSON} dalam UTF-8.",
            f"Send the request as {JSON} in UTF-8.",
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        )


async def read_body(
    receive: Receive, headers: Headers, *, most: int = LARGEST_BODY, seconds: float = BODY_SECONDS
) -> bytes:
    """The whole body, of ``most`` bytes at most, that arrives within ``seconds`` of its first part.

    Nearly every body comes in one part, and a timer would cost it more than all the rest of this; ``GuardedConnection`` ends the
    connection of a request whose body never begins.

    Raises:
        BadRequest: 413, it is larger, or says so before it comes; 408, it comes too slowly; 400, it ends too early.
    """
    length = headers.get("content-length", "0")
    if len(length) > _LENGTH_DIGITS or not length.isdecimal() or int(length) > most:
        raise _too_large(most)
    body, more = await _next_part(receive)
    if len(body) > most:
        raise _too_large(most)
    if not more:
        return body
    try:
        async with asyncio.timeout(seconds):
            return await _joined(receive, body, most)
    except TimeoutError as error:
        raise BadRequest(
            f"Isi permintaan tidak lengkap dalam {seconds:g} detik.",
            f"The body was not complete within {seconds:g} seconds.",
            HTTPStatus.REQUEST_TIMEOUT,
        ) from error


async def _next_part(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise BadRequest("Isi permintaan terputus.", "The body ended too early.")
    return message.get("body", b""), message.get("more_body", False)


async def _joined(receive: Receive, first: bytes, most: int) -> bytes:
    body, more = bytearray(first), True
    while more:
        part, more = await _next_part(receive)
        body += part
        if len(body) > most:
            raise _too_large(most)
    return bytes(body)


def _too_large(most: int) -> BadRequest:
    return BadRequest(
        f"Isi permintaan lebih dari {most} byte.",
        f"The body is larger than {most} bytes.",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    )


def parse_json(body: bytes) -> dict[str, Any]:
    """The JSON object that ``body`` is.

    orjson refuses what is no UTF-8, NaN, lone surrogates, numbers that no double holds, and what follows the object. Refused here is
    what parsers read differently (a parameter that appears twice, integers that would be rounded) and what is costly to look at
    (``MOST_DEPTH`` levels, ``MOST_VALUES`` values).

    Raises:
        BadRequest: it is no JSON object, or one of those.
    """
    if body.startswith(_BYTE_ORDER_MARKS):
        raise BadRequest(
            "Kirim JSON dalam UTF-8 tanpa tanda urutan byte (BOM).",
            "Send JSON in UTF-8 without a byte order mark.",
        )
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(
            "Isi permintaan bukan JSON yang sah dalam UTF-8.", "The body is not valid JSON in UTF-8."
        ) from error
    if isinstance(payload, list):
        raise BadRequest(
            "Kirim satu permintaan sekaligus; kumpulan permintaan dalam larik JSON tidak diterima.",
            "Send one request at a time; batches in a JSON array are not accepted.",
        )
    if not isinstance(payload, dict):
        raise BadRequest(
            "Isi permintaan harus objek JSON dengan `query` dan, bila perlu, `variables`.",
            "The body must be a JSON object with `query` and, where needed, `variables`.",
        )
    _measure(payload)
    if _ESCAPED_LETTER in body or any(body.count(name) > 1 for name in _QUOTED_PARAMETERS):
        json.loads(body, object_pairs_hook=_without_repetition)
    return payload


def _measure(payload: dict[str, Any]) -> None:
    values = 0
    level: list[Any] = [payload]
    for _ in range(MOST_DEPTH):
        below: list[Any] = []
        for container in level:
            values += len(container)
            if values > MOST_VALUES:
                raise BadRequest(
                    f"Isi permintaan memuat lebih dari {MOST_VALUES} nilai.",
                    f"The body holds more than {MOST_VALUES} values.",
                )
            for value in container.values() if type(container) is dict else container:
                kind = type(value)
                if kind is dict or kind is list:
                    below.append(value)
                elif kind is float and not -_LARGEST_NUMBER < value < _LARGEST_NUMBER:
                    raise BadRequest("Angka di luar 64 bit tidak diterima.", "Numbers beyond 64 bits are not accepted.")
        if not below:
            return
        level = below
    raise BadRequest(
        f"JSON bersarang lebih dari {MOST_DEPTH} tingkat.", f"The JSON is nested deeper than {MOST_DEPTH} levels."
    )


def _without_repetition(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs if name in _PARAMETERS]
    if len(names) != len(set(names)):
        raise BadRequest("Satu parameter muncul dua kali dalam JSON.", "A parameter appears twice in the JSON.")
