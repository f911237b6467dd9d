"""The terms by which rows were decided, read once a request for each programme, version and period."""

from datetime import date
from typing import NamedTuple

from app.authz.authorize import Access, authorize
from app.authz.permissions import Permission
from app.domain.bansos.programmes.queries import terms_of_version
from app.domain.bansos.terms import Terms
from app.tenants.session import Database


class TermsOf(NamedTuple):
    """Which terms."""

    programme_code: str
    version: int
    period_start: date


class TermsLoading:
    """Reads terms for whoever may read entitlements; terms are no secret, so where does not matter."""

    def __init__(self, access: Access, database: Database) -> None:
        """Read through ``database`` on behalf of ``access``."""
        self._access, self._database = access, database

    async def terms(self, asked: list[TermsOf]) -> list[Terms]:
        """The terms of all that is ``asked``, in that order."""
        scope = authorize(self._access, Permission.BANSOS_ENTITLEMENT_READ)
        async with self._database.write(scope) as session:
            return [await terms_of_version(session, *each) for each in asked]
