"""Who comes: from a token to an access, with an event in the audit trail when somebody arrives."""

from typing import Final

from app.authz.authentication import Authenticator
from app.authz.authorize import Access
from app.domain.audit.models import Action
from app.domain.audit.service import AuditLog, Event
from app.web.login import LoginAttempt
from app.web.rates import Rates

_BEARER: Final = "bearer"
_BROWSER: Final = "login"


class Reception:
    """Receives the callers of one process."""

    def __init__(self, authenticator: Authenticator, rates: Rates, audit: AuditLog) -> None:
        self._authenticator, self._rates, self._audit = authenticator, rates, audit

    async def access(self, token: str, *, address: str, request_id: str) -> Access:
        """What the holder of ``token``, who sends it from ``address``, may do. A token that is new here is a login.

        Raises:
            Unauthenticated: the token is not good, or its holder is not known.
            RateLimited: too many tokens from this address were not good.
        """
        if (access := self._authenticator.remembered(token)) is not None:
            return access
        is_new = not self._authenticator.has_verified(token)
        if is_new:
            self._rates.may_verify(address)
        access = await self._authenticator.authenticate(token)
        if is_new:
            await self._audit.append([_arrival(access, _BEARER, request_id)])
        return access

    async def logged_in(self, attempt: LoginAttempt) -> None:
        """Keep that somebody logged in by a browser. Whoever is not known here has no place in the trail, only in the log."""
        if attempt.access is not None:
            await self._audit.append([_arrival(attempt.access, _BROWSER, attempt.request_id)])


def _arrival(access: Access, operation: str, request_id: str) -> Event:
    hull = access.hull
    return Event(
        action=Action.LOGIN,
        principal_id=access.principal.id,
        roles=access.all_roles,
        permission=None,
        operation=operation,
        document_hash=None,
        subject_type="Principal",
        subject_ids=(access.principal.id,),
        row_count=1,
        purpose=None,
        request_id=request_id,
        village_low=hull.low,
        village_high=hull.high,
    )
