"""Sealed numbers: how a NIK or KK is kept so that a stolen table tells nobody's number.

Each number is stored three times: sealed with AES-256-GCM (key id, nonce, ciphertext and tag), as a keyed digest for look-up and
uniqueness, and masked for reading.
"""

import base64
import hmac
import json
import os
import secrets
from pathlib import Path
from typing import Final, NamedTuple, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.settings import Settings

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
DIGEST_BYTES: Final = 16


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

    def __init__(self, keys: dict[str, bytes], digest_key: bytes) -> None:
        """Use the last of ``keys`` (id -> 32 bytes) to seal and all of them to open."""
        self._opening = {name.encode(): AESGCM(key) for name, key in keys.items()}
        name, cipher = list(self._opening.items())[-1]
        self._header = bytes([len(name)]) + name
        self._sealing = cipher
        self._digest_key = digest_key

    @classmethod
    def of_settings(cls, settings: Settings) -> Self:
        """The keys of the environment, or keys made once for this data folder while the development issuer is on."""
        if settings.sealing_keys and settings.digest_key is not None:
            keys = {name: base64.b64decode(key.get_secret_value()) for name, key in settings.sealing_keys.items()}
            return cls(keys, base64.b64decode(settings.digest_key.get_secret_value()))
        stored = _development_keys(settings.data_dir / "sealing-keys.json")
        return cls({"development": base64.b64decode(stored["sealing"])}, base64.b64decode(stored["digest"]))

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
        return hmac.digest(self._digest_key, number.encode(), "sha256")[:DIGEST_BYTES]

    def stored(self, number: str) -> SealedNumber:
        """All three forms of ``number``."""
        return SealedNumber(self.seal(number), self.digest(number), mask(number))


def _development_keys(path: Path) -> dict[str, str]:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = {name: base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode() for name in ("sealing", "digest")}
        path.touch(mode=0o600)
        path.write_text(json.dumps(fresh))
    stored: dict[str, str] = json.loads(path.read_text())
    return stored
