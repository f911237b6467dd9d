"""The issuer's keys: published by it, or the development issuer's own."""

from typing import Any

from app.authz.development import development_keys
from app.authz.discovery import Discovery
from app.authz.jwk import ALGORITHMS, FixedKeys, KeySource, KeysUnavailable, VerificationKey, verification_key
from app.authz.remote import USUAL, DocumentInvalid, IssuerUnavailable, RemoteDocument, Timing, fetch_json, is_secure
from app.settings import Settings

__all__ = [
    "ALGORITHMS",
    "FixedKeys",
    "KeySource",
    "KeysUnavailable",
    "RemoteJwks",
    "VerificationKey",
    "issuer_keys",
    "verification_key",
]


class RemoteJwks:
    """The key set that an issuer publishes at a URL, which is given or which its metadata tell.

    It is asked for again when it is an hour old (a withdrawn key must go) and when a token names an unknown key, but for
    that at most once a minute, however many such tokens come.
    """

    def __init__(self, source: str | Discovery, timing: Timing = USUAL) -> None:
        """Remember where to ask; nothing is fetched yet.

        Raises:
            ValueError: the URL is not https and not on this machine, so anybody on the way could change the keys.
        """
        if isinstance(source, str) and not is_secure(source):
            raise ValueError("KESOS_JWKS_URL must begin with https://, or with http:// on this machine.")
        self._source = source
        self._timing = timing
        self._document = RemoteDocument("keys", self._read, timing)

    async def find(self, kid: str) -> VerificationKey | None:
        """The key named ``kid``; may wait for the issuer, by default at most 5 seconds.

        Raises:
            KeysUnavailable: the issuer has never answered.
        """
        try:
            keys = await self._document.get(lambda keys: keys.is_current(kid))
        except IssuerUnavailable:
            raise KeysUnavailable from None
        return keys.get(kid)

    def is_current(self, kid: str) -> bool:
        """Whether the key set, as it was when it was last asked for, holds ``kid``; False where it is time to ask again."""
        keys = self._document.fresh
        return keys is not None and keys.is_current(kid)

    async def _read(self) -> FixedKeys:
        source = self._source
        url = source if isinstance(source, str) else (await source.metadata()).jwks_uri
        document: Any = await fetch_json(url, self._timing.fetch_seconds)
        keys = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(keys, list):
            raise DocumentInvalid("no key set")
        return FixedKeys(keys)


def issuer_keys(settings: Settings) -> KeySource:
    """The keys of the issuer that the settings name: at ``KESOS_JWKS_URL``, else where its metadata say; where they
    name no issuer, those of the development issuer.

    Raises:
        ValueError: the keys would travel unprotected.
    """
    if settings.issuer is None:
        return development_keys(settings)
    return RemoteJwks(settings.jwks_url or Discovery(settings.issuer))
