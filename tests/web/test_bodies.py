"""Bodies: how they may come, and which JSON is read."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from starlette.types import Message, Receive

from app.web.bodies import MOST_DEPTH, MOST_VALUES, expect_json, parse_json, read_body
from app.web.refusals import BadRequest

NO_HEADERS = Headers()


def coming(*parts: bytes, ends: bool = True) -> Receive:
    """What a server says of a body in ``parts``; without its end, nothing comes any more."""
    messages: list[Message] = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    if ends:
        messages[-1]["more_body"] = False

    async def receive() -> Message:
        if messages:
            return messages.pop(0)
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    return receive


async def refused(receive: Receive, headers: Headers = NO_HEADERS, **bounds: Any) -> BadRequest:
    with pytest.raises(BadRequest) as refusal:
        await read_body(receive, headers, **bounds)
    return refusal.value


@pytest.mark.parametrize("parts", [[b"abc"], [b"a", b"b", b"c"], [b"", b"abc", b""]])
async def test_a_body_is_read_however_it_is_cut(parts: list[bytes]) -> None:
    assert await read_body(coming(*parts), NO_HEADERS, most=3) == b"abc"


async def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes() -> None:
    refusal = await refused(coming(b"", ends=False), Headers({"content-length": "524289"}))
    assert refusal.status == 413
    assert refusal.headers == {"connection": "close"}


@pytest.mark.parametrize("length", ["-1", "1e3", "٣", "9" * 5_000, "0x10", "1, 2"])
async def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    assert (await refused(coming(b""), Headers(raw=[(b"content-length", length.encode())]))).status == 413


@pytest.mark.parametrize("parts", [[b"abcd"], [b"ab", b"cd"], [b"abc", b"d", b""]])
async def test_a_body_that_grows_too_large_is_refused_where_it_does(parts: list[bytes]) -> None:
    assert (await refused(coming(*parts, ends=False), most=3)).status == 413


async def test_a_body_that_comes_too_slowly_is_refused() -> None:
    refusal = await refused(coming(b"{", ends=False), seconds=0.02)
    assert (refusal.status, refusal.headers) == (408, {"connection": "close"})
    assert refusal.indonesian == "Isi permintaan tidak lengkap dalam 0.02 detik."


async def test_a_body_that_breaks_off_is_refused() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    assert (await refused(receive)).status == 400


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json;charset=utf-8",
        'application/json; charset="UTF-8"',
        "application/json; charset=utf8",
        "APPLICATION/JSON ; odata=verbose",
    ],
)
def test_json_in_utf_8_is_expected(content_type: str) -> None:
    expect_json(Headers({"content-type": content_type, "content-encoding": "identity"}))


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/json; charset=utf-16"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/json+x"},
        {"content-type": "application/json, text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json", "content-encoding": "gzip"},
        {"content-type": "application/json", "content-encoding": "br"},
        {"content-type": "application/json", "content-encoding": "identity, gzip"},
        {},
    ],
)
def test_what_is_not_json_in_utf_8_or_is_compressed_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(BadRequest) as refusal:
        expect_json(Headers(headers))
    assert refusal.value.status == 415


LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=9)


@given(st.dictionaries(st.text(max_size=9), st.recursive(LEAVES, st.lists, max_leaves=5), max_size=4))
def test_every_modest_object_is_read_as_it_was_written(payload: dict[str, Any]) -> None:
    assert parse_json(orjson.dumps(payload)) == payload


def nested(levels: int) -> bytes:
    return b'{"variables":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


def of_values(count: int) -> bytes:
    return b'{"variables":[' + b",".join([b"1"] * (count - 1)) + b"]}"


def test_what_lies_just_within_the_bounds_is_read() -> None:
    assert parse_json(nested(MOST_DEPTH))
    assert parse_json(of_values(MOST_VALUES))
    assert parse_json(b'{"v": 9223372036854775807, "w": -9223372036854775808, "x": 9e18}')


PARSERS_DISAGREE = {
    "a byte order mark": ("﻿" + '{"query": "{ me }"}').encode(),
    "UTF-16 without": '{"query": "{ me }"}'.encode("utf-16-le"),
    "a parameter twice": b'{"query": "{ me }", "query": "{ families }"}',
    "a parameter twice, once in disguise": b'{"query": "{ me }", "\\u0071uery": "{ families }"}',
    "a parameter twice, both in disguise": b'{"\\u0071uery": "{ me }", "quer\\u0079": "{ families }"}',
    "the name of an operation twice": b'{"operationName": "A", "query": "{ me }", "operationName": "B"}',
    "an integer of 65 bits": b'{"v": 18446744073709551616}',
    "a negative integer of 65 bits": b'{"v": -9223372036854775809}',
    "an integer of 300 digits": b'{"v": %b}' % (b"9" * 300),
    "a large number within lists": b'{"v": [[1, [1e300]]]}',
    "more after the object": b'{"query": "{ me }"} {"query": "{ families }"}',
    "a comment": b'{"query": "{ me }" /* and more */}',
    "a comma too many": b'{"query": "{ me }",}',
    "NUL after the object": b'{"query": "{ me }"}\0',
}


@pytest.mark.parametrize("body", PARSERS_DISAGREE.values(), ids=PARSERS_DISAGREE)
def test_json_that_parsers_read_differently_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest) as refusal:
        parse_json(body)
    assert refusal.value.status == 400


@pytest.mark.parametrize(
    "body",
    [
        b'{"query": "{ me }", "variables": {"query": "a name that stands twice, at two places"}}',
        b'{"query": "{ search(text: \\"query\\") { id } } # \\"query\\""}',
        b'{"query": "{ me } # \\u00e9", "variables": {"variables": {"query": 1}}}',
    ],
)
def test_a_name_may_stand_at_two_places(body: bytes) -> None:
    assert parse_json(body) == orjson.loads(body)


@pytest.mark.parametrize(
    ("body", "english"),
    [
        (nested(MOST_DEPTH + 1), "The JSON is nested deeper than 32 levels."),
        (nested(1_000), "The JSON is nested deeper than 32 levels."),
        (nested(100_000), "The body is not valid JSON in UTF-8."),
        (of_values(MOST_VALUES + 1), "The body holds more than 20000 values."),
        (b'{"v":[' + b",".join([b"{}"] * 80_000) + b"]}", "The body holds more than 20000 values."),
        (
            b"[" + b",".join([b'{"query": "{ me { permissions } }"}'] * 50) + b"]",
            "Send one request at a time; batches in a JSON array are not accepted.",
        ),
        (
            b"[]",
            "Send one request at a time; batches in a JSON array are not accepted.",
        ),
    ],
    ids=["a level too many", "1,000 levels", "100,000 levels", "a value too many", "240 kB", "a batch", "no batch"],
)
def test_what_costs_too_much_to_look_at_is_refused_by_name(body: bytes, english: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        parse_json(body)
    assert refusal.value.english == english


@given(st.one_of(st.binary(max_size=60), st.text(alphabet='{}[]",:\\u0d8e1\0 ', max_size=30).map(str.encode)))
def test_whatever_comes_is_read_or_refused(body: bytes) -> None:
    with suppress(BadRequest):
        payload: object = parse_json(body)
        assert isinstance(payload, dict)


def test_a_byte_order_mark_is_named_to_whoever_sends_it() -> None:
    with pytest.raises(BadRequest, match="without a byte order mark"):
        parse_json(PARSERS_DISAGREE["a byte order mark"])


def test_a_refusal_shows_nothing_of_the_body() -> None:
    secret = b"3302190101900001"
    bodies: Iterable[bytes] = (b'{"nik": "%b"' % secret, b"[%b]" % secret, b'{"v": %b000000000}' % secret)
    for body in bodies:
        with pytest.raises(BadRequest) as refusal:
            parse_json(body)
        assert secret.decode() not in refusal.value.english + refusal.value.indonesian
