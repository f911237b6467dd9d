"""From a bearer token to an ``Access``: who signed it, who that is, and what the grants of that principal allow.

A token is verified once and remembered until it expires; a principal is looked up again as soon as its grants are older
than ``KESOS_PRINCIPAL_CACHE_SECONDS``. Between the two a request costs a hash and two dictionary look-ups.
"""

import time
from hashlib import sha256
from typing import Final, NamedTuple, Self

from cachetools import LRUCache

from app.authz.authorize import Access
from app.authz.development import development_keys
from app.authz.enforcer import RoleMatrix
from app.authz.keys import KeySource, RemoteJwks
from app.authz.principal import Principal
from app.authz.tokens import TOKEN_CHARACTERS, TokenVerifier, Unauthenticated, VerifiedToken
from app.settings import DEVELOPMENT_ISSUER, Settings
from app.tenants.session import Database

__all__ = ["Authenticator", "Unauthenticated"]

REMEMBERED: Final = 10_000


class _Known(NamedTuple):
    access: Access
    stale_at: float


class Authenticator:
    """Knows the callers of one process."""

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        keys: KeySource,
        database: Database,
        matrix: RoleMatrix,
        principal_cache_seconds: float,
        remembered: int = REMEMBERED,
    ) -> None:
        """Accept tokens of ``issuer`` for ``audience``; remember at most so many tokens, and so many principals."""
        self._issuer = issuer
        self._verifier = TokenVerifier(issuer=issuer, audience=audience, keys=keys)
        self._database = database
        self._matrix = matrix
        self._principal_cache_seconds = principal_cache_seconds
        self._tokens: LRUCache[bytes, VerifiedToken] = LRUCache(remembered)
        self._known: LRUCache[str, _Known] = LRUCache(remembered)

    @classmethod
    def of_settings(cls, settings: Settings, database: Database, matrix: RoleMatrix) -> Self:
        """The issuer that the settings name, or the development issuer where they name none; never both."""
        keys: KeySource
        if settings.issuer is not None and settings.jwks_url is not None:
            issuer, keys = settings.issuer, RemoteJwks(settings.jwks_url)
        else:
            issuer, keys = DEVELOPMENT_ISSUER, development_keys(settings)
        return cls(
            issuer=issuer,
            audience=settings.audience,
            keys=keys,
            database=database,
            matrix=matrix,
            principal_cache_seconds=settings.principal_cache_seconds,
        )

    def remembered(self, token: str) -> Access | None:
        """The access of ``token`` where everything about it is remembered and fresh; None asks for ``authenticate``."""
        verified = self._verified(token)
        if verified is None:
            return None
        known = self._known.get(verified.subject)
        return known.access if known is not None and known.stale_at > time.monotonic() else None

    async def authenticate(self, token: str) -> Access:
        """The access of the principal that ``token`` names.

        Raises:
            Unauthenticated: the token is not valid, or names nobody that Kesos knows (PRINCIPAL_UNKNOWN).
        """
        access = self.remembered(token)
        if access is not None:
            return access
        verified = self._verified(token)
        if verified is None:
            verified = await self._verifier.verify(token)
            self._tokens[_digest(token)] = verified
        return await self._look_up(verified.subject)

    def _verified(self, token: str) -> VerifiedToken | None:
        if len(token) > TOKEN_CHARACTERS or not token.isascii():
            return None
        verified = self._tokens.get(_digest(token))
        return verified if verified is not None and verified.usable_until > time.time() else None

    async def _look_up(self, subject: str) -> Access:
        stale_at = time.monotonic() + self._principal_cache_seconds
        rows = await self._database.reference("select principal_by_subject($1, $2)", self._issuer, subject)
        document: bytes | None = rows[0][0]
        if document is None:
            self._known.pop(subject, None)
            raise Unauthenticated("PRINCIPAL_UNKNOWN")
        access = Access(Principal.of_json(self._issuer, subject, document), self._matrix)
        self._known[subject] = _Known(access, stale_at)
        return access


def _digest(token: str) -> bytes:
    # A dump of this process must not hold tokens that somebody could use.
    return sha256(token.encode()).digest()
