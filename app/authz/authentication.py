"""From a bearer token to an ``Access``: who signed it, who that is, and what the grants of that principal allow.

A token is verified once and remembered until it expires or its key is withdrawn. A principal is remembered until somebody
changes its grants, in whichever process, until one of them begins or ends, and at most ``KESOS_PRINCIPAL_CACHE_SECONDS``. As long
as both are remembered a request costs a hash and two dictionary look-ups.
"""

import time
from hashlib import sha256
from typing import Final, Self
from uuid import UUID
from weakref import WeakValueDictionary

from cachetools import LRUCache

from app.authz.authorize import Access
from app.authz.changes import Changes, PrincipalChange
from app.authz.enforcer import RoleMatrix
from app.authz.jwk import KeySource
from app.authz.keys import issuer_keys
from app.authz.principal import FoundPrincipal
from app.authz.tokens import TOKEN_CHARACTERS, TokenVerifier, Unauthenticated, VerifiedToken
from app.settings import DEVELOPMENT_ISSUER, Settings
from app.tenants.session import Database

__all__ = ["Authenticator", "Unauthenticated"]

REMEMBERED: Final = 10_000
LOOK_UPS: Final = 3
"""How often a principal is looked up for one request that meets changes of its grants; the last answer counts, unremembered."""


class _Known:
    """What is remembered of a principal: until ``stale_at``, a moment of the monotonic clock."""

    __slots__ = ("__weakref__", "access", "changes_at", "snapshot", "stale_at")

    def __init__(self, access: Access, snapshot: str, changes_at: float, stale_at: float) -> None:
        self.access = access
        self.snapshot = snapshot
        self.changes_at = changes_at
        self.stale_at = stale_at


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
        self._keys = keys
        self._verifier = TokenVerifier(issuer=issuer, audience=audience, keys=keys)
        self._database = database
        self._matrix = matrix
        self._principal_cache_seconds = principal_cache_seconds
        self._tokens: LRUCache[bytes, VerifiedToken] = LRUCache(remembered)
        self._known: LRUCache[str, _Known] = LRUCache(remembered)
        # Whoever is dropped from the cache is gone from here, too.
        self._by_id: WeakValueDictionary[UUID, _Known] = WeakValueDictionary()
        self.changes = Changes(database, changed=self._forget, forget_all=self._known.clear)

    @classmethod
    def of_settings(
        cls, settings: Settings, database: Database, matrix: RoleMatrix, keys: KeySource | None = None
    ) -> Self:
        """The issuer that the settings name, or the development issuer where they name none; never both.

        ``keys`` are the issuer's, where they are known to others too.
        """
        return cls(
            issuer=settings.issuer or DEVELOPMENT_ISSUER,
            audience=settings.audience,
            keys=keys or issuer_keys(settings),
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

    def has_verified(self, token: str) -> bool:
        """Whether ``token`` is remembered as good; its holder may have to be looked up again."""
        return self._verified(token) is not None

    def usable_until(self, token: str) -> float:
        """Until when the last answer about ``token`` holds if nobody changes anything, in seconds since 1970.

        Then the token expires, or a grant of its principal begins or ends: whoever lives longer than a request, such as a
        WebSocket, asks ``authenticate`` again. A moment that has passed where nothing about the token is remembered.
        """
        verified = self._verified(token)
        if verified is None:
            return 0.0
        known = self._known.get(verified.subject)
        changes_at = known.changes_at if known is not None else float("inf")
        return min(verified.usable_until, time.time() + changes_at - time.monotonic())

    def _verified(self, token: str) -> VerifiedToken | None:
        if len(token) > TOKEN_CHARACTERS or not token.isascii():
            return None
        verified = self._tokens.get(_digest(token))
        if verified is None or verified.usable_until <= time.time() or not self._keys.is_current(verified.kid):
            return None
        return verified

    async def _look_up(self, subject: str) -> Access:
        await self.changes.begin()
        for _ in range(LOOK_UPS):
            asked_at = time.monotonic()
            with self.changes.looking_up() as lookup:
                rows = await self._database.reference("select principal_by_subject($1, $2)", self._issuer, subject)
            document: bytes | None = rows[0][0]
            if document is None:
                self._known.pop(subject, None)
                raise Unauthenticated("PRINCIPAL_UNKNOWN")
            found = FoundPrincipal.of_json(self._issuer, subject, document)
            access = Access(found.principal, self._matrix)
            if not lookup.hears:
                break
            if lookup.is_fresh(found.principal.id, found.snapshot):
                changes_at = asked_at + found.changes_in
                stale_at = min(changes_at, asked_at + self._principal_cache_seconds)
                known = _Known(access, found.snapshot, changes_at, stale_at)
                self._known[subject] = self._by_id[found.principal.id] = known
                break
        return access

    def _forget(self, change: PrincipalChange) -> None:
        known = self._by_id.get(change.principal_id)
        # The news of a change may come after whoever was changed has been looked up again.
        if known is not None and not change.is_seen_by(known.snapshot):
            known.stale_at = float("-inf")


def _digest(token: str) -> bytes:
    # A dump of this process must not hold tokens that somebody could use.
    return sha256(token.encode()).digest()
