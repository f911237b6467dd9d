"""The job of a return of idle balances: what of whoever started it the domain needs to know."""

from typing import Final

from app.authz.authorize import Access, authorize
from app.authz.permissions import Permission
from app.domain.bansos.ledger.idle import Returner, return_idle_balances
from app.domain.jobs.work import Work

_PERMISSION: Final = Permission.BANSOS_LEDGER_RETURN


async def return_balances(work: Work, access: Access) -> None:
    """Return the idle balances that ``work`` is about, on behalf of ``access``.

    Raises:
        NotPermitted: it may not return balances any more.
        DomainError: the return is not there any more.
    """
    scope = authorize(access, _PERMISSION)
    returner = Returner(access.principal.id, access.roles(_PERMISSION), _PERMISSION.value)
    await return_idle_balances(work, scope, returner)
