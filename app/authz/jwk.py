"""Public keys that verify tokens, each bound to the algorithms that it may verify."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, Key, OKPKey, RSAKey

ALGORITHMS: Final = frozenset({"RS256", "ES256", "EdDSA", "Ed25519"})
RSA_BITS: Final = 2048


class KeysUnavailable(Exception):
    """The keys of the issuer could not be read, and none are remembered."""


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

    def is_current(self, kid: str) -> bool:
        """Whether ``kid`` is known to be one of the issuer's keys; False asks for ``find``, which may know better."""


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

    def is_current(self, kid: str) -> bool:
        """Whether there is a key named ``kid``."""
        return kid in self._keys
