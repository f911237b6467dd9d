"""Browser sessions: an access token in an encrypted cookie, and what a request must show before the cookie counts.

Nothing is kept in the server. A cookie is a JWE that the session key encrypts and authenticates, so that neither a
browser's disk nor a script holds a token that could be used elsewhere, and whoever changes a cookie has none.
"""

import base64
import binascii
import time
from http import HTTPStatus
from typing import Any, Final, Self
from urllib.parse import urlsplit

import orjson
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from starlette.requests import HTTPConnection
from starlette.responses import Response

from app.authz.remote import is_secure
from app.settings import Settings
from app.web.refusals import Refused

KEY_BYTES: Final = 32
PART_CHARACTERS: Final = 3_800
"""Of one cookie; with its name and attributes it stays below the 4,096 bytes that every browser keeps."""
SESSION_PARTS: Final = 2
"""Together they stay below the 8 KiB that the usual proxies take as one header line."""
CSRF_HEADER: Final = "x-kesos-csrf"

# joserfc reads a header before it checks its shape: what is no JSON object ends in one of the last.
_MALFORMED: Final = (JoseError, ValueError, TypeError, AttributeError, KeyError)
_JWE: Final = jwe.JWERegistry(algorithms=["dir", "A256GCM"])


class CrossSiteRequest(Refused):
    """The request has a session cookie, but nothing shows that a page of Kesos sent it."""

    code = "CSRF"
    status = HTTPStatus.FORBIDDEN

    def __init__(self) -> None:
        super().__init__(
            "Permintaan dengan kuki sesi harus dikirim oleh halaman Kesos sendiri, dengan header X-Kesos-CSRF: 1.",
            "A request with a session cookie must be sent by a page of Kesos itself, with the header X-Kesos-CSRF: 1.",
        )


class CookieTooLarge(Exception):
    """What should be kept is larger than browsers and proxies take."""


class SealedCookie:
    """A cookie that only Kesos can read and nobody can change; where it is large, in several parts."""

    def __init__(self, name: str, *, key: OctKey, secure: bool, parts: int = 1) -> None:
        """Name it; where it is ``secure``, with the prefix that keeps other hosts of the domain from setting it."""
        prefix = "__Host-" if secure else ""
        self._names = [f"{prefix}{name}", *(f"{prefix}{name}-{part}" for part in range(1, parts))]
        self._header = {"alg": "dir", "enc": "A256GCM", "typ": name}
        self._key = key
        self._secure = secure

    def is_sent_with(self, request: HTTPConnection) -> bool:
        """Whether ``request`` brings the cookie, readable or not."""
        return self._names[0] in self._sent(request)

    def _sent(self, request: HTTPConnection) -> dict[str, str]:
        """The parts that ``request`` brings, as they stand. Python's own reader takes seconds over a header full of backslashes."""
        pairs = (pair.partition("=") for header in request.headers.getlist("cookie") for pair in header.split(";"))
        return {name.strip(): value.strip() for name, _, value in pairs if name.strip() in self._names}

    def read(self, request: HTTPConnection) -> dict[str, Any] | None:
        """What the cookie of ``request`` holds; None where there is none, or it was changed, or its time is over."""
        sent = self._sent(request)
        value = "".join(sent.get(name, "") for name in self._names)
        if not value or len(value) > PART_CHARACTERS * len(self._names):
            return None
        try:
            opened = jwe.decrypt_compact(value, self._key, registry=_JWE)
        except _MALFORMED:
            return None
        # The header is authenticated: a login cookie that is sent as a session cookie says that it is none.
        if opened.protected != self._header or opened.plaintext is None:
            return None
        content: dict[str, Any] = orjson.loads(opened.plaintext)
        return content if content.pop("exp") > time.time() else None

    def write(self, response: Response, content: dict[str, Any], expires: int) -> None:
        """Make ``response`` set the cookie, which ends at ``expires``, in seconds since 1970.

        Raises:
            CookieTooLarge: the content does not fit.
        """
        plaintext = orjson.dumps(content | {"exp": expires})
        value = jwe.encrypt_compact(self._header, plaintext, self._key, registry=_JWE)
        parts = [value[at : at + PART_CHARACTERS] for at in range(0, len(value), PART_CHARACTERS)]
        if len(parts) > len(self._names):
            raise CookieTooLarge
        self.delete(response, self._names[len(parts) :])
        for name, part in zip(self._names, parts, strict=False):
            self._set(response, name, part, max(0, expires - int(time.time())))

    def delete(self, response: Response, names: list[str] | None = None) -> None:
        """Make ``response`` remove the cookie."""
        for name in self._names if names is None else names:
            self._set(response, name, "", 0)

    def _set(self, response: Response, name: str, value: str, seconds: int) -> None:
        response.set_cookie(name, value, max_age=seconds, path="/", secure=self._secure, httponly=True, samesite="lax")


class Sessions:
    """The sessions of browsers that have logged in."""

    def __init__(self, *, public_url: str, key: bytes) -> None:
        """Keep sessions for browsers that reach Kesos at ``public_url``, encrypted with ``key`` of 32 bytes.

        Raises:
            ValueError: the URL is more than an origin, or neither https nor on this machine.
        """
        self.origin = _origin(public_url)
        self._secure = self.origin.startswith("https:")
        self._key = OctKey.import_key(key)
        self._cookie = self.cookie("kesos-session", parts=SESSION_PARTS)

    @classmethod
    def of_settings(cls, settings: Settings) -> Self:
        """The sessions of a deployment that has browser login.

        Raises:
            ValueError: a setting is missing or cannot be used; the text says which.
        """
        if settings.public_url is None or settings.session_key is None:
            raise ValueError("Browser sessions need KESOS_PUBLIC_URL and KESOS_SESSION_KEY.")
        try:
            key = base64.b64decode(settings.session_key.get_secret_value(), validate=True)
        except binascii.Error:
            key = b""
        if len(key) != KEY_BYTES:
            raise ValueError("KESOS_SESSION_KEY must be Base64 of 32 random bytes, such as `openssl rand -base64 32`.")
        return cls(public_url=settings.public_url, key=key)

    def cookie(self, name: str, *, parts: int = 1) -> SealedCookie:
        """A cookie for this site."""
        return SealedCookie(name, key=self._key, secure=self._secure, parts=parts)

    def begin(self, response: Response, token: str, expires: int) -> None:
        """Begin a session that stands for the access ``token`` until that ``expires``, in place of any other.

        Raises:
            CookieTooLarge: the token has more than about 5,500 characters.
        """
        self._cookie.write(response, {"token": token}, expires)

    def end(self, response: Response) -> None:
        """End the session."""
        self._cookie.delete(response)

    def page_token(self, request: HTTPConnection) -> str | None:
        """The access token of the session, for a page that changes nothing and that only its reader sees; else None."""
        content = self._cookie.read(request)
        return None if content is None else content["token"]

    def session_token(self, request: HTTPConnection) -> str | None:
        """The access token of the session for a request that may do anything; None where there is no session.

        Raises:
            CrossSiteRequest: another site may have made the browser send it.
        """
        if not self._cookie.is_sent_with(request):
            return None
        # A foreign page can send neither: a header of its own needs leave by CORS, which is given to no request with cookies.
        if request.headers.get(CSRF_HEADER) != "1" or not self.is_same_origin(request):
            raise CrossSiteRequest
        return self.page_token(request)

    def is_same_origin(self, request: HTTPConnection) -> bool:
        """Whether the browser says that a page of Kesos, or its user, sent ``request``."""
        site = request.headers.get("sec-fetch-site")
        return request.headers.get("origin") == self.origin if site is None else site in {"same-origin", "none"}


def _origin(public_url: str) -> str:
    """``public_url`` as browsers write it in ``Origin``."""
    problem = ValueError(
        "KESOS_PUBLIC_URL must be an origin such as https://kesos.example.go.id; http is for this machine only."
    )
    if not is_secure(public_url):
        raise problem
    parts = urlsplit(public_url)
    if parts.path not in {"", "/"} or parts.query or parts.fragment or "@" in parts.netloc:
        raise problem
    netloc = parts.netloc.lower().removesuffix(":443" if parts.scheme == "https" else ":80")
    return f"{parts.scheme}://{netloc}"
