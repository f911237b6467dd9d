"""The job of a review of memberships: what of whoever started it the domain needs to know."""

from typing import Final

from app.authz.authorize import Access, authorize
from app.authz.permissions import Permission
from app.domain.bansos.insurance.review import Reviewer, review
from app.domain.jobs.work import Work

_PERMISSION: Final = Permission.BANSOS_MEMBERSHIP_CHANGE


async def review_memberships(work: Work, access: Access) -> None:
    """Do the job, on behalf of ``access``.

    Raises:
        NotPermitted: it may not change memberships any more.
        ReviewUnknown: there is no such review where it may.
    """
    scope = authorize(access, _PERMISSION)
    principal = access.principal
    await review(work, scope, Reviewer(principal.id, principal.name, access.roles(_PERMISSION), _PERMISSION.value))
