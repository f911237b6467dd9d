"""Public keys that verify tokens, each bound to the algorithms that it may verify."""

import asyncio
import ipaddress
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

import httpx
import orjson
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, Key, OKPKey, RSAKey

ALGORITHMS: Final = frozenset({"RS256", "ES256", "EdDSA", "Ed25519"})
RSA_BITS: Final = 2048
FETCH_SECONDS: Final = 5.0
FETCH_BYTES: Final = 64 * 1024
REFRESH_SECONDS: Final = 60.0
RETRY_SECONDS: Final = 5.0
MAX_AGE_SECONDS: Final = 3600.0

_log = logging.getLogger(__name__)


class KeysUnavailable(Exception):
    """The keys of the issuer could not be read, and none are remembered."""


class KeySetInvalid(Exception):
    """What the issuer answered is no key set, or too large to be one."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key and the names of the algorithms that it verifies; a token that names another one is refused."""

    kid: str
    key: Key
    algorithms: frozenset[str]


class KeySource(Protocol):
    """Where a verifier finds the issuer's keys."""

    async def find(self, kid: str) -> VerificationKey | None:
        """The key named ``kid``, or None where the issuer has no such key.

        Raises:
            KeysUnavailable: the issuer cannot be asked.
        """


def _algorithms_of(key: Key) -> frozenset[str]:
    """The algorithms of ``ALGORITHMS`` that the kind of ``key`` allows; none for a shared secret or another curve."""
    match key:
        case RSAKey() if key.raw_value.key_size >= RSA_BITS:
            return frozenset({"RS256"})
        case ECKey() if key.curve_name == "P-256":
            return frozenset({"ES256"})
        case OKPKey() if key.curve_name == "Ed25519":
            return frozenset({"EdDSA", "Ed25519"})
    return frozenset()


def verification_key(jwk: object) -> VerificationKey | None:
    """The key of one JWK; None where it verifies no token: without ``kid``, of another kind, private or shared."""
    if not isinstance(jwk, dict):
        return None
    try:
        key = JWKRegistry.import_key(jwk)
        key.check_use("sig")
        key.check_key_op("verify")
        algorithms = _algorithms_of(key)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    if key.alg is not None:
        algorithms &= {key.alg}
    return VerificationKey(key.kid, key, algorithms) if key.kid and algorithms and not key.is_private else None


class FixedKeys:
    """Keys that are known from the start."""

    def __init__(self, jwks: Iterable[object]) -> None:
        """Keep those of ``jwks`` that verify tokens; of two with the same ``kid``, the first."""
        keys = [key for key in map(verification_key, jwks) if key is not None]
        self._keys = {key.kid: key for key in reversed(keys)}

    def __len__(self) -> int:
        return len(self._keys)

    def get(self, kid: str) -> VerificationKey | None:
        """The key named ``kid``."""
        return self._keys.get(kid)

    async def find(self, kid: str) -> VerificationKey | None:
        """The key named ``kid``."""
        return self._keys.get(kid)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class RemoteJwks:
    """The key set that an issuer publishes at a URL.

    Fetched at first use, again when it is an hour old (a withdrawn key must go), and when a token names an unknown key,
    but for that at most once a minute. While the issuer does not answer, the keys of the last answer stay.
    """

    def __init__(
        self,
        url: str,
        *,
        fetch_seconds: float = FETCH_SECONDS,
        refresh_seconds: float = REFRESH_SECONDS,
        max_age_seconds: float = MAX_AGE_SECONDS,
    ) -> None:
        """Remember where to ask; nothing is fetched yet.

        Raises:
            ValueError: the URL is not https and not on this machine, so anybody on the way could change the keys.
        """
        parts = urlsplit(url)
        self._local = _is_loopback(parts.hostname or "")
        if parts.scheme != "https" and not (parts.scheme == "http" and self._local):
            raise ValueError("KESOS_JWKS_URL must begin with https://, or with http:// on this machine.")
        self._url = url
        self._fetch_seconds = fetch_seconds
        self._refresh_seconds = refresh_seconds
        self._max_age_seconds = max_age_seconds
        self._keys: FixedKeys | None = None
        self._aged_at = self._next_fetch = float("-inf")
        self._lock = asyncio.Lock()

    async def find(self, kid: str) -> VerificationKey | None:
        """The key named ``kid``; may wait for the issuer, by default at most 5 seconds.

        Raises:
            KeysUnavailable: the issuer has never answered.
        """
        key = self._remembered(kid)
        if key is None:
            async with self._lock:
                key = self._remembered(kid)
                if key is None and time.monotonic() >= self._next_fetch:
                    await self._refresh()
        if self._keys is None:
            raise KeysUnavailable
        return key or self._keys.get(kid)

    def _remembered(self, kid: str) -> VerificationKey | None:
        if self._keys is None or time.monotonic() >= self._aged_at:
            return None
        return self._keys.get(kid)

    async def _refresh(self) -> None:
        # Set beforehand: a caller that hangs up while the keys come must not make the next one fetch again.
        self._next_fetch = time.monotonic() + min(RETRY_SECONDS, self._refresh_seconds)
        try:
            async with asyncio.timeout(self._fetch_seconds):
                keys = FixedKeys(_keys_of(await self._fetch()))
        except (httpx.HTTPError, TimeoutError, KeySetInvalid) as error:
            _log.error("the keys of the issuer could not be fetched", extra={"error": type(error).__name__})
            return
        now = time.monotonic()
        self._keys = keys
        self._aged_at = now + self._max_age_seconds
        self._next_fetch = now + self._refresh_seconds
        _log.info("the keys of the issuer were fetched", extra={"keys": len(keys)})

    async def _fetch(self) -> bytes:
        # Compression is declined, so that a small answer cannot unfold into a large one; redirects are not followed.
        headers = {"accept": "application/jwk-set+json, application/json", "accept-encoding": "identity"}
        async with (
            httpx.AsyncClient(timeout=self._fetch_seconds, trust_env=not self._local) as client,
            client.stream("GET", self._url, headers=headers) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise KeySetInvalid
            body = bytearray()
            async for part in response.aiter_raw():
                body += part
                if len(body) > FETCH_BYTES:
                    raise KeySetInvalid
        return bytes(body)


def _keys_of(document: bytes) -> list[object]:
    try:
        content = orjson.loads(document)
    except ValueError:
        raise KeySetInvalid from None
    keys = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(keys, list):
        raise KeySetInvalid
    return keys
