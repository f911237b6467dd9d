"""Who comes: from a token to an access, with an event in the audit trail when somebody arrives."""

from collections.abc import Callable
from typing import Final

from starlette.requests import Request

from app.authz.authentication import Authenticator, Unauthenticated
from app.authz.authorize import PUBLIC_ID, Access
from app.domain.audit.models import Action
from app.domain.audit.service import AuditLog, Event
from app.tenants.region_path import RegionPath
from app.web.login import LoginAttempt
from app.web.rates import Rates

_BEARER: Final = "bearer"
_BROWSER: Final = "login"


def presented_token(request: Request, session_token: Callable[[Request], str | None]) -> str | None:
    """The token that a request brings, by header or, as ``session_token`` reads it, by the cookie of a browser; None where it has none.

    Raises:
        Unauthenticated: the header is of another scheme.
        CrossSiteRequest: the cookie may have been sent by another site.
    """
    authorization = request.headers.get("authorization")
    if authorization is None:
        return session_token(request)
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("TOKEN_MISSING")
    return token


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
        """Keep how a login by a browser ended. Whoever is not known here is kept as the public, where only the country looks."""
        if attempt.access is not None:
            await self._audit.append([_arrival(attempt.access, _BROWSER, attempt.request_id)])
        else:
            await self._audit.append([_failure(attempt.reason or _BROWSER, attempt.request_id)])


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


def _failure(reason: str, request_id: str) -> Event:
    country = RegionPath.country().villages
    return Event(
        action=Action.REFUSAL,
        principal_id=PUBLIC_ID,
        roles=(),
        permission=None,
        operation=_BROWSER,
        document_hash=None,
        subject_type=reason,
        subject_ids=(),
        row_count=0,
        purpose=None,
        request_id=request_id,
        village_low=country.low,
        village_high=country.high,
    )
