"""Bearer tokens: whether a JWT was signed by the issuer, for Kesos, and is valid now.

What the token says about how to verify it is distrusted: the algorithm follows from the key, the key from the issuer's
key set, and a header that brings a key of its own is refused.
"""

import time
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import orjson
from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwa import JWSAlgModel
from joserfc.jws import CompactSignature
from joserfc.registry import HeaderParameter, is_str

from app.authz.jwk import ALGORITHMS, KeySource, KeysUnavailable, VerificationKey

Header: TypeAlias = dict[str, Any]
Claims: TypeAlias = dict[str, Any]

TOKEN_CHARACTERS: Final = 8 * 1024
SUBJECT_CHARACTERS: Final = 255
LEEWAY_SECONDS: Final = 30
LATEST_MOMENT: Final = 253_402_300_799
"""The end of the year 9999; what is later is no moment that calendars and timers can hold."""
KEYS_UNAVAILABLE: Final = "KEYS_UNAVAILABLE"
ACCESS_TYPE: Final = "at+jwt"
_ACCESS_TYPES: Final = frozenset({ACCESS_TYPE, f"application/{ACCESS_TYPE}"})
_ID_TYPES: Final = frozenset({"jwt"})

# joserfc reads a header before it checks its shape: a JSON list, or a `crit` that is a number, ends in one of the last.
_MALFORMED: Final = (JoseError, ValueError, TypeError, AttributeError, KeyError)


class Unauthenticated(Exception):
    """The caller is not known; ``reason`` says why in one stable word and holds nothing of the token."""

    code: Final = "UNAUTHENTICATED"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """Whom a valid token names, until when (seconds since 1970, leeway included) it may be used, and the key that signed it.

    Whoever remembers it asks ``KeySource.is_current`` about ``kid``: a withdrawn key ends the tokens that it signed.
    """

    subject: str
    usable_until: float
    kid: str

    @property
    def expires(self) -> int:
        """When the token expires, seconds since 1970, without leeway."""
        return int(self.usable_until) - LEEWAY_SECONDS


class _Headers(jws.JWSRegistry):
    """What a token's header may hold; all else (jwk, jku, x5u, x5c, crit, b64 and what is unknown) is refused."""

    def __init__(self) -> None:
        super().__init__(algorithms=ALGORITHMS)
        self.header_registry = {
            "alg": HeaderParameter("Algorithm", is_str, required=True),
            "kid": HeaderParameter("Key ID", is_str, required=True),
            "typ": HeaderParameter("Type", is_str),
            "x5t": HeaderParameter("Thumbprint, not used", is_str),
            "x5t#S256": HeaderParameter("Thumbprint, not used", is_str),
        }

    def get_alg(self, name: str) -> JWSAlgModel:
        """The algorithm ``name``; without joserfc's warning that EdDSA leaves the curve open: the key settles it."""
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


_HEADERS: Final = _Headers()


class TokenVerifier:
    """Verifies the tokens of one issuer for one audience."""

    def __init__(self, *, issuer: str, audience: str, keys: KeySource) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = keys

    async def verify(self, token: str) -> VerifiedToken:
        """Check that ``token`` is an access token (RFC 9068), its signature and its claims.

        Raises:
            Unauthenticated: with the reason TOKEN_TOO_LONG, TOKEN_MALFORMED, TOKEN_HEADER, TOKEN_TYPE,
                TOKEN_KEY_UNKNOWN, KEYS_UNAVAILABLE, TOKEN_SIGNATURE, TOKEN_CLAIMS, TOKEN_ISSUER, TOKEN_AUDIENCE,
                TOKEN_BOUND, TOKEN_EXPIRED or TOKEN_NOT_YET_VALID.
        """
        header, claims = await _signed(token, self._keys, _ACCESS_TYPES)
        return self._check_claims(claims, header["kid"])

    def _check_claims(self, claims: Claims, kid: str) -> VerifiedToken:
        if claims.get("iss") != self._issuer:
            raise Unauthenticated("TOKEN_ISSUER")
        if not _is_for(self._audience, claims.get("aud")):
            raise Unauthenticated("TOKEN_AUDIENCE")
        # Whoever presents it must prove to hold a key (DPoP, mutual TLS); taken as a bearer token it would need no proof.
        if "cnf" in claims:
            raise Unauthenticated("TOKEN_BOUND")
        subject = claims.get("sub")
        # PostgreSQL holds no NUL and UTF-8 no lone surrogate; neither is printable.
        if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_CHARACTERS or not subject.isprintable():
            raise Unauthenticated("TOKEN_CLAIMS")
        now = time.time()
        expires, issued = _moment(claims, "exp"), _moment(claims, "iat")
        begins = _moment(claims, "nbf") if "nbf" in claims else issued
        if expires + LEEWAY_SECONDS <= now:
            raise Unauthenticated("TOKEN_EXPIRED")
        if max(issued, begins) > now + LEEWAY_SECONDS:
            raise Unauthenticated("TOKEN_NOT_YET_VALID")
        return VerifiedToken(subject, float(expires + LEEWAY_SECONDS), kid)


async def verify_id_token(token: str, keys: KeySource) -> tuple[Header, Claims]:
    """Header and claims of an ID token that one of ``keys`` has signed; the claims themselves are not checked.

    Raises:
        Unauthenticated: with one of the reasons of ``TokenVerifier.verify``.
    """
    return await _signed(token, keys, _ID_TYPES)


async def _signed(token: str, keys: KeySource, types: frozenset[str]) -> tuple[Header, Claims]:
    if len(token) > TOKEN_CHARACTERS:
        raise Unauthenticated("TOKEN_TOO_LONG")
    signature = _read(token)
    header = signature.headers()
    if header.get("typ", "JWT").lower() not in types:
        raise Unauthenticated("TOKEN_TYPE")
    _check_signature(signature, await _key(keys, header["kid"]))
    try:
        claims = orjson.loads(signature.payload)
    except ValueError:
        raise Unauthenticated("TOKEN_CLAIMS") from None
    if not isinstance(claims, dict):
        raise Unauthenticated("TOKEN_CLAIMS")
    return header, claims


async def _key(keys: KeySource, kid: str) -> VerificationKey:
    try:
        key = await keys.find(kid)
    except KeysUnavailable:
        raise Unauthenticated(KEYS_UNAVAILABLE) from None
    if key is None:
        raise Unauthenticated("TOKEN_KEY_UNKNOWN")
    return key


def _read(token: str) -> CompactSignature:
    """Take a token apart and check its header, before anybody is asked for a key."""
    try:
        signature = jws.extract_compact(token.encode("ascii"), registry=_HEADERS)
    except _MALFORMED:
        raise Unauthenticated("TOKEN_MALFORMED") from None
    try:
        _HEADERS.check_header(signature.headers())
        _HEADERS.get_alg(signature.headers()["alg"])
    except _MALFORMED:
        raise Unauthenticated("TOKEN_HEADER") from None
    return signature


def _check_signature(signature: CompactSignature, key: VerificationKey) -> None:
    if signature.headers()["alg"] not in key.algorithms:
        raise Unauthenticated("TOKEN_SIGNATURE")
    try:
        valid = jws.validate_compact(signature, key.key, registry=_HEADERS)
    except _MALFORMED:
        valid = False
    if not valid:
        raise Unauthenticated("TOKEN_SIGNATURE")


def _is_for(audience: str, claim: object) -> bool:
    if isinstance(claim, list):
        return all(isinstance(name, str) for name in claim) and audience in claim
    return claim == audience


def _moment(claims: Claims, name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value > LATEST_MOMENT:
        raise Unauthenticated("TOKEN_CLAIMS")
    return value
