"""Sealed numbers: how a NIK or KK is kept so that a stolen table tells nobody's number.

Each number is stored three times: sealed with AES-256-GCM (key id, nonce, ciphertext and tag), as a keyed digest for look-up and
uniqueness, and masked for reading.
"""

import os
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from app.domain.sealing_keys import SealingKeys
from app.settings import Settings

NONCE_BYTES: Final = 12
DIGEST_BYTES: Final = 16
_NONCES_AT_ONCE: Final = 1_024


class SealBroken(Exception):
    """The sealed value was made with a key that is not here, or was changed."""


class SealedNumber(NamedTuple):
    """The three stored forms of one number."""

    sealed: bytes
    digest: bytes
    masked: str


def mask(number: str) -> str:
    """``3302010101900001`` -> ``3302********0001``."""
    return f"{number[:4]}{'*' * (len(number) - 8)}{number[-4:]}"


class Seal:
    """Seals, opens and digests numbers with the keys of one deployment."""

    def __init__(self, keys: Mapping[str, bytes], digest_key: bytes) -> None:
        """Use the last of ``keys`` (id -> 32 bytes) to seal and all of them to open."""
        self._opening = {name.encode(): AESGCM(key) for name, key in keys.items()}
        name, cipher = list(self._opening.items())[-1]
        self._header = bytes([len(name)]) + name
        self._sealing = cipher
        self._digesting = HMAC(digest_key, SHA256())

    @classmethod
    def of_settings(cls, settings: Settings) -> Self:
        """With the keys that the deployment has."""
        keys = SealingKeys.of_settings(settings)
        return cls(keys.sealing, keys.digest)

    def seal(self, number: str) -> bytes:
        """Seal one number; two seals of the same number differ."""
        nonce = os.urandom(NONCE_BYTES)
        return self._header + nonce + self._sealing.encrypt(nonce, number.encode(), None)

    def unseal(self, sealed: bytes) -> str:
        """The number inside.

        Raises:
            SealBroken: the key is unknown or the bytes were changed.
        """
        end = 1 + sealed[0]
        cipher = self._opening.get(sealed[1:end])
        if cipher is None:
            raise SealBroken(f"sealed with key {sealed[1:end]!r}, which is not configured")
        try:
            return cipher.decrypt(sealed[end : end + NONCE_BYTES], sealed[end + NONCE_BYTES :], None).decode()
        except InvalidTag as error:
            raise SealBroken("the sealed value was changed") from error

    def digest(self, number: str) -> bytes:
        """16 bytes that are equal for equal numbers and cannot be computed without the key."""
        # The key is hashed once, not for every number: an import makes millions of digests.
        digesting = self._digesting.copy()
        digesting.update(number.encode())
        return digesting.finalize()[:DIGEST_BYTES]

    def stored(self, number: str) -> SealedNumber:
        """All three forms of ``number``."""
        return SealedNumber(self.seal(number), self.digest(number), mask(number))

    def bulk(self) -> "BulkSeal":
        """The same for millions of numbers."""
        return BulkSeal(self._header, self._sealing, self._digesting)


class BulkSeal:
    """Seals many numbers one after the other, each with a random nonce of its own like ``Seal``.

    Asking the system for a nonce takes longer than sealing with it, so they are drawn many at a time. A process that forks would have
    the rest of them twice: this is for one piece of work, in a process that does not.
    """

    def __init__(self, header: bytes, cipher: AESGCM, digesting: HMAC) -> None:
        self._header = header
        self._encrypt = cipher.encrypt
        self._copy = digesting.copy
        self._nonces = _nonces()

    def sealed(self, number: str) -> str:
        """``Seal.seal`` in hexadecimal digits."""
        nonce = next(self._nonces)
        return (self._header + nonce + self._encrypt(nonce, number.encode(), None)).hex()

    def digest(self, number: str) -> str:
        """``Seal.digest`` in hexadecimal digits."""
        digesting = self._copy()
        digesting.update(number.encode())
        return digesting.finalize()[:DIGEST_BYTES].hex()


def _nonces() -> Iterator[bytes]:
    while True:
        drawn = os.urandom(NONCE_BYTES * _NONCES_AT_ONCE)
        for start in range(0, len(drawn), NONCE_BYTES):
            yield drawn[start : start + NONCE_BYTES]
