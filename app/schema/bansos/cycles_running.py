"""The job that generates cycles: what of whoever started it the domain needs to know."""

from typing import Final

from app.authz.authorize import Access, authorize
from app.authz.permissions import Permission
from app.domain.bansos.cycles.generation import Maker, generate
from app.domain.jobs.work import Work

_PERMISSION: Final = Permission.BANSOS_CYCLE_MAKE


async def generate_cycles(work: Work, access: Access) -> None:
    """Do the job, on behalf of ``access``.

    Raises:
        NotPermitted: it may not make cycles any more.
        GenerationUnknown: there is no such generation where it may.
    """
    scope = authorize(access, _PERMISSION)
    maker = Maker(access.principal.id, access.roles(_PERMISSION), _PERMISSION.value)
    await generate(work, scope, maker)
