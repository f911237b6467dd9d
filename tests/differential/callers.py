"""Principals that see the registry in different ways, as the API and the reference know them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import httpx2

from app.authz.authorize import Access
from app.authz.enforcer import RoleMatrix
from app.authz.principal import Grant, Principal
from app.authz.roles import Role
from app.settings import DEVELOPMENT_ISSUER
from tests.authz.people import region
from tests.differential.happenings import forget
from tests.support.client import ApiClient, Caller

if TYPE_CHECKING:
    import asyncpg

Grants = tuple[tuple[Role, str], ...]
PEOPLE: Final[dict[str, Grants]] = {
    "the regency's administrator": ((Role.REGENCY_ADMIN, "34.71"),),
    "the ministry's administrator": ((Role.MINISTRY_ADMIN, "34"),),
    "an analyst without names": ((Role.MINISTRY_ANALYST, "34"),),
    "a provincial officer": ((Role.PROVINCE_OFFICER, "34"),),
    "a social worker of one village": ((Role.PSM, "34.71.03.1001"),),
    "a social worker of the next village": ((Role.PSM, "34.71.03.1002"),),
    "a civil registrar, who reads no families": ((Role.DUKCAPIL_OFFICER, "34"),),
    "an agent, who reads regions alone": ((Role.EWARONG_AGENT, "34.71.03.1001"),),
    "an analyst who is also a social worker and an administrator elsewhere": (
        (Role.MINISTRY_ANALYST, "34"),
        (Role.PSM, "34.71.03.1001"),
        (Role.REGENCY_ADMIN, "34.02"),
    ),
    "a registrar who is also a village operator": (
        (Role.DUKCAPIL_OFFICER, "34"),
        (Role.VILLAGE_OPERATOR, "34.71.03.1002"),
    ),
}
ADMINISTRATOR: Final = "the regency's administrator"
TRUSTED: Final = (ADMINISTRATOR, "the ministry's administrator")
"""Nothing is refused to them."""


@dataclass(frozen=True)
class Person:
    """Somebody with a token, and what that permits."""

    http: Caller
    access: Access
    onlooker: "asyncpg.Connection[asyncpg.Record]"

    async def post(self, document: str, variables: dict[str, Any]) -> httpx2.Response:
        """Ask the API, while nobody's asking is kept in the trail."""
        await forget(self.onlooker)
        return await self.http.post(document, variables)


async def person_of(
    api: ApiClient, matrix: RoleMatrix, name: str, onlooker: "asyncpg.Connection[asyncpg.Record]"
) -> Person:
    """The person of ``PEOPLE`` called ``name``; the id is the one that ``me`` prints."""
    caller = await api.granted(*PEOPLE[name])
    principal = (await caller.query("{ me { principal { id subject name } } }"))["me"]["principal"]
    grants = tuple(Grant(role, region(code)) for role, code in sorted(PEOPLE[name], key=lambda grant: grant[0].value))
    known = Principal(UUID(principal["id"]), DEVELOPMENT_ISSUER, principal["subject"], principal["name"], grants)
    return Person(caller, Access(known, matrix), onlooker)
