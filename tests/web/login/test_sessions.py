"""The cookies of browser login: what they hold, how they end, and what is none."""

import base64
import secrets
import time
from http.cookies import SimpleCookie
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import OctKey
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from app.settings import Settings
from app.web.sessions import CookieTooLarge, SealedCookie, Sessions

KEY = secrets.token_bytes(32)
SESSIONS = Sessions(public_url="https://kesos.test", key=KEY)
COOKIE = SESSIONS.cookie("kesos-session", parts=2)
LATER = int(time.time()) + 86_400


def request(cookies: dict[str, str]) -> Request:
    line = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return Request({"type": "http", "headers": [(b"cookie", line.encode("latin-1"))]})


def written(cookie: SealedCookie, content: dict[str, Any], expires: int = LATER) -> dict[str, str]:
    """The cookies that a browser then has."""
    response = Response()
    cookie.write(response, content, expires)
    jars = [SimpleCookie(header) for header in response.headers.getlist("set-cookie")]
    return {name: morsel.value for jar in jars for name, morsel in jar.items() if morsel["max-age"] != "0"}


def test_what_was_written_is_read() -> None:
    assert COOKIE.read(request(written(COOKIE, {"token": "x", "n": 7}))) == {"token": "x", "n": 7}


def test_the_same_content_is_never_encrypted_alike() -> None:
    values = {written(COOKIE, {"token": "x"})["__Host-kesos-session"].split(".")[2] for _ in range(50)}
    assert len(values) == 50


def test_a_session_is_over_when_its_token_expires() -> None:
    response = Response()
    SESSIONS.begin(response, "a token", int(time.time()) - 1)
    assert all("max-age=0" in header.lower() for header in response.headers.getlist("set-cookie"))
    # Also for a client that keeps the cookie.
    assert COOKIE.read(request(kept(response))) is None


def kept(response: Response) -> dict[str, str]:
    jars = [SimpleCookie(header) for header in response.headers.getlist("set-cookie")]
    return {name: morsel.value for jar in jars for name, morsel in jar.items()}


def test_a_cookie_of_another_kind_or_key_is_none() -> None:
    flow = SESSIONS.cookie("kesos-login")
    value = written(flow, {"token": "x"})["__Host-kesos-login"]
    assert flow.read(request({"__Host-kesos-login": value}))
    assert COOKIE.read(request({"__Host-kesos-session": value})) is None
    other = Sessions(public_url="https://kesos.test", key=secrets.token_bytes(32)).cookie("kesos-session")
    assert COOKIE.read(request(written(other, {"token": "x"}))) is None


@pytest.mark.parametrize("part", range(5))
def test_a_change_in_any_part_makes_it_no_cookie(part: int) -> None:
    parts = written(COOKIE, {"token": "x" * 100})["__Host-kesos-session"].split(".")
    changed = bytearray(base64.urlsafe_b64decode(parts[part] + "==") or b"\0")
    changed[-1] ^= 1
    parts[part] = base64.urlsafe_b64encode(changed).decode().rstrip("=")
    assert COOKIE.read(request({"__Host-kesos-session": ".".join(parts)})) is None


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "dir", "enc": "A256GCM"},
        {"alg": "dir", "enc": "A256GCM", "typ": "kesos-login"},
        {"alg": "dir", "enc": "A256GCM", "typ": "kesos-session", "zip": "DEF"},
        {"alg": "A256KW", "enc": "A256GCM", "typ": "kesos-session"},
        {"alg": "A256GCMKW", "enc": "A256GCM", "typ": "kesos-session"},
        {"alg": "dir", "enc": "A128CBC-HS256", "typ": "kesos-session"},
    ],
    ids=str,
)
def test_a_cookie_under_another_header_is_none_though_the_key_is_right(header: dict[str, str]) -> None:
    registry = jwe.JWERegistry(algorithms=["dir", "A256KW", "A256GCMKW", "A256GCM", "A128CBC-HS256", "DEF"])
    content = b'{"token":"x","exp":%d}' % LATER
    value = jwe.encrypt_compact(header, content, OctKey.import_key(KEY), registry=registry)
    assert COOKIE.read(request({"__Host-kesos-session": value})) is None


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=';,"\\'), max_size=200))
def test_no_text_is_a_cookie(value: str) -> None:
    assert COOKIE.read(request({"__Host-kesos-session": value})) is None
    assert COOKIE.read(request({"__Host-kesos-session": f"{value}.{value}.{value}.{value}.{value}"})) is None


@pytest.mark.parametrize(
    "header",
    [b"[]", b"7", b"null", b'"x"', b"{}", b'{"alg":7,"enc":[]}', b'{"alg":"dir","enc":"A256GCM","crit":7}', b"\xff"],
)
def test_a_cookie_with_a_strange_header_is_none(header: bytes) -> None:
    encoded = base64.urlsafe_b64encode(header).decode().rstrip("=")
    assert COOKIE.read(request({"__Host-kesos-session": f"{encoded}..AAAA.AAAA.AAAA"})) is None


def test_a_cookie_of_any_length_is_refused_unread() -> None:
    assert COOKIE.read(request({"__Host-kesos-session": "x" * 10_000})) is None


def test_what_does_not_fit_is_not_cut() -> None:
    content = {"token": secrets.token_urlsafe(4_150)}
    assert COOKIE.read(request(written(COOKIE, content))) == content
    with pytest.raises(CookieTooLarge):
        written(COOKIE, {"token": secrets.token_urlsafe(4_400)})


def test_on_this_machine_alone_a_cookie_travels_in_clear() -> None:
    sessions = Sessions(public_url="http://localhost:8000", key=KEY)
    response = Response()
    sessions.begin(response, "a token", LATER)
    (header, *_) = response.headers.getlist("set-cookie")[-1:]
    assert header.startswith("kesos-session=")
    assert "secure" not in header.lower()


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Kesos.Example.go.id", "https://kesos.example.go.id"),
        ("https://kesos.example.go.id:443/", "https://kesos.example.go.id"),
        ("https://kesos.example.go.id:8443", "https://kesos.example.go.id:8443"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
    ],
)
def test_the_origin_is_as_browsers_write_it(url: str, origin: str) -> None:
    assert Sessions(public_url=url, key=KEY).origin == origin


@pytest.mark.parametrize(
    "url",
    [
        "http://kesos.example.go.id",
        "kesos.example.go.id",
        "https://kesos.example.go.id/api",
        "https://kesos.example.go.id?x",
        "https://kesos.example.go.id#x",
        "https://user@kesos.example.go.id",
        "https://",
        "https://[",
        "",
    ],
)
def test_a_public_url_that_is_no_safe_origin_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="KESOS_PUBLIC_URL"):
        Sessions(public_url=url, key=KEY)


@pytest.mark.parametrize(
    "key", ["", "x", "!!!", base64.b64encode(b"x" * 31).decode(), base64.b64encode(b"x" * 33).decode()]
)
def test_a_key_that_is_none_is_refused_without_being_told(settings: Settings, key: str) -> None:
    given_ = settings.model_copy(update={"public_url": "https://kesos.test", "session_key": SecretStr(key)})
    with pytest.raises(ValueError, match="KESOS_SESSION_KEY") as refusal:
        Sessions.of_settings(given_)
    assert not key or f"{key} " not in f"{refusal.value} "
