"""Whatever people do, in whatever order: what takes two has had two, and nobody has seen to their own."""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from app.authz.authorize import Access
from app.authz.enforcer import RoleMatrix
from app.authz.grantable import load_grantable
from app.authz.grants import ChangedGrant, Holder, confirm, give, revoke
from app.authz.permissions import Permission
from app.authz.principal import FoundPrincipal, Principal
from app.authz.roles import Role
from app.domain.base import DomainError
from app.tenants.session import Database
from tests.authz.issuer import ISSUER
from tests.authz.people import grant, region
from tests.principals.office import BANYUMAS

if TYPE_CHECKING:
    import asyncpg

GRANTABLE: Final = load_grantable()
ACTORS: Final = (Role.MINISTRY_ADMIN, Role.REGENCY_ADMIN, Role.REGENCY_ADMIN)
"""The first holds the country, the others one regency. Behind them come two who hold nothing."""
PEOPLE: Final = len(ACTORS) + 2
ROLES: Final = (Role.REGENCY_VERIFIER, Role.REGENCY_APPROVER, Role.AUDITOR)
BROKEN: Final = """
select count(*) from principal_grant where status = 'ACTIVE' and people = 2 and given_by is not null
  and (confirmed_by is null or confirmed_by in (given_by, principal_id) or given_by = principal_id)
"""

actors = st.integers(0, len(ACTORS) - 1)
steps = st.one_of(
    st.tuples(st.just("give"), actors, st.integers(0, PEOPLE - 1), st.sampled_from(ROLES)),
    st.tuples(st.just("confirm"), actors, st.integers(0, 7), st.none()),
    st.tuples(st.just("revoke"), actors, st.integers(0, 7), st.none()),
)


@dataclass
class Given:
    """A grant as the rules of the office would have it."""

    holder: int
    role: Role
    giver: int
    status: str


@dataclass
class Rules:
    """The rules, told again without a database."""

    grants: list[Given] = field(default_factory=list)

    def give(self, actor: int, holder: int, role: Role) -> str:
        if role is Role.AUDITOR and actor != 0:
            return "HIGHER_OFFICE_NEEDED"
        if holder == actor:
            return "GRANT_FOR_ONESELF"
        if any((g.holder, g.role) == (holder, role) and g.status != "REVOKED" for g in self.grants):
            return "GRANT_EXISTS"
        status = "PROPOSED" if role is Role.REGENCY_APPROVER else "ACTIVE"
        self.grants.append(Given(holder, role, actor, status))
        return status

    def confirm(self, actor: int, which: int) -> str:
        found = self.grants[which]
        if refused := self._refused(actor, found):
            return refused
        if found.giver == actor:
            return "SECOND_PERSON_NEEDED"
        if found.status != "PROPOSED":
            return "GRANT_NOT_PROPOSED"
        found.status = "ACTIVE"
        return found.status

    def revoke(self, actor: int, which: int) -> str:
        found = self.grants[which]
        if refused := self._refused(actor, found):
            return refused
        if found.status == "REVOKED":
            return "GRANT_REVOKED_ALREADY"
        found.status = "REVOKED"
        return found.status

    @staticmethod
    def _refused(actor: int, found: Given) -> str | None:
        if found.holder == actor:
            return "GRANT_FOR_ONESELF"
        return "HIGHER_OFFICE_NEEDED" if found.role is Role.AUDITOR and actor != 0 else None

    def roles(self, holder: int) -> list[Role]:
        return sorted(g.role for g in self.grants if g.holder == holder and g.status == "ACTIVE")


@dataclass
class Play:
    """The same people in the database."""

    database: Database
    people: list[Access]
    made: list[UUID] = field(default_factory=list)

    async def give(self, actor: int, holder: int, role: Role) -> ChangedGrant:
        to = self.people[holder].principal
        async with self.database.write(self.people[actor].scope(Permission.PRINCIPALS_GRANT_CHANGE)) as session:
            made = await give(
                session,
                self.people[actor],
                GRANTABLE,
                holder=Holder(to.issuer, to.subject, to.name),
                role=role,
                region=region(BANYUMAS),
                valid_to=datetime.now(tz=UTC) + timedelta(days=1),
                reason="Uji",
            )
        self.made.append(made.id)
        return made

    async def confirm(self, actor: int, which: int) -> ChangedGrant:
        access = self.people[actor]
        async with self.database.write(access.scope(Permission.PRINCIPALS_GRANT_CHANGE)) as session:
            return await confirm(session, access, GRANTABLE, self.made[which])

    async def revoke(self, actor: int, which: int) -> ChangedGrant:
        access = self.people[actor]
        async with self.database.write(access.scope(Permission.PRINCIPALS_GRANT_CHANGE)) as session:
            return await revoke(session, access, GRANTABLE, self.made[which], reason="Uji")

    async def roles(self, holder: int) -> list[Role]:
        to = self.people[holder].principal
        rows = await self.database.reference("select principal_by_subject($1, $2)", to.issuer, to.subject)
        return sorted(held.role for held in FoundPrincipal.of_json(to.issuer, to.subject, rows[0][0]).principal.grants)


async def people_of(owner: "asyncpg.Connection[asyncpg.Record]", matrix: RoleMatrix) -> list[Access]:
    """New principals; what the actors may do is known to them alone, so that the database holds only what is given."""
    people = []
    for number in range(PEOPLE):
        principal_id, subject = uuid4(), f"subject-{uuid4()}"
        await owner.execute(
            "insert into principal (id, issuer, subject, name) values ($1, $2, $3, 'Petugas')",
            principal_id,
            ISSUER,
            subject,
        )
        codes = {Role.MINISTRY_ADMIN: "", Role.REGENCY_ADMIN: BANYUMAS}
        grants = tuple(grant(role, codes[role]) for role in ACTORS[number : number + 1])
        people.append(Access(Principal(principal_id, ISSUER, subject, "Petugas", grants), matrix))
    return people


async def outcome(acting: Awaitable[ChangedGrant]) -> str:
    try:
        return (await acting).status.value
    except DomainError as refusal:
        return refusal.code


@settings(max_examples=40, deadline=None)
@given(st.lists(steps, max_size=14))
async def test_people_who_give_confirm_and_revoke_in_any_order_keep_the_rules(
    database: Database,
    matrix: RoleMatrix,
    registrar: "asyncpg.Connection[asyncpg.Record]",
    taken: list[tuple[str, int, int, Role | None]],
) -> None:
    rules, play = Rules(), Play(database, await people_of(registrar, matrix))
    for verb, actor, which, role in taken:
        if role is not None:
            assert await outcome(play.give(actor, which, role)) == rules.give(actor, which, role)
        elif which < len(rules.grants):
            expected = getattr(rules, verb)(actor, which)
            assert await outcome(getattr(play, verb)(actor, which)) == expected
    for holder in range(PEOPLE):
        assert await play.roles(holder) == rules.roles(holder)
    assert await registrar.fetchval(BROKEN) == 0
