"""The job of a screening: what of whoever started it the domain needs to know."""

from typing import Final

from app.authz.authorize import Access, authorize
from app.authz.permissions import Permission
from app.domain.ewarong.signals.screening import Screener, screen
from app.domain.jobs.work import Work

_PERMISSION: Final = Permission.EWARONG_SIGNAL_SCREEN


async def screen_transactions(work: Work, access: Access) -> None:
    """Look for the signals of the screening that ``work`` is about, in what ``access`` may see.

    Raises:
        NotPermitted: it may not screen any more.
        DomainError: the screening is not there any more.
    """
    scope = authorize(access, _PERMISSION)
    screener = Screener(access.principal.id, access.roles(_PERMISSION), _PERMISSION.value)
    await screen(work, scope, screener)
