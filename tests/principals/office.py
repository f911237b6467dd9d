"""People who give, confirm and revoke grants through the API."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from app.authz.development import ensure_principal
from app.authz.roles import Role
from tests.authz.people import region
from tests.support.client import ApiClient, Caller, Json

if TYPE_CHECKING:
    import asyncpg

BANYUMAS = "33.02"
CILACAP = "33.01"
VILLAGE = "33.02.01.2001"
GRANT = """id principal { subject name } role region { code } status inForce people reason validFrom validTo givenBy lapsesAt
  confirmedBy confirmedAt revokedBy revokedAt revocationReason"""
REFUSAL = "__typename ... on UserError { code message } ... on InvalidInput { fields }"
GIVE = f"""mutation($input: GrantGiveInput!) {{ grantGive(input: $input) {{
  {REFUSAL} ... on GrantGiven {{ grant {{ {GRANT} }} }} }} }}"""
CONFIRM = f"""mutation($input: GrantConfirmInput!) {{ grantConfirm(input: $input) {{
  {REFUSAL} ... on GrantConfirmed {{ grant {{ {GRANT} }} }} }} }}"""
REVOKE = f"""mutation($input: GrantRevokeInput!) {{ grantRevoke(input: $input) {{
  {REFUSAL} ... on GrantRevoked {{ grant {{ {GRANT} }} }} }} }}"""


def in_days(days: float) -> str:
    return (datetime.now(tz=UTC) + timedelta(days=days)).isoformat()


def given(role: Role = Role.REGENCY_VERIFIER, code: str = BANYUMAS, **changes: Any) -> Json:
    """An input of ``grantGive`` for somebody new."""
    return {
        "subject": f"petugas-{uuid4()}",
        "name": "Sari Wulandari",
        "role": role.value,
        "region": code,
        "validTo": in_days(365),
        "reason": "SK 800/12/2026",
    } | changes


@dataclass(frozen=True)
class Office:
    """Makes givers, and asks the API for them."""

    api: ApiClient
    owner: "asyncpg.Connection[asyncpg.Record]"

    async def admin(self, code: str = BANYUMAS) -> Caller:
        """An administrator of the regency ``code``, or of the ministry without one, whom no other test knows."""
        role = Role.REGENCY_ADMIN if code else Role.MINISTRY_ADMIN
        return self.api.named(await self.newcomer((role, code)))

    async def newcomer(self, *grants: tuple[Role, str]) -> str:
        """Somebody new with ``grants``; their subject."""
        subject = f"dev:{uuid4()}"
        for role, code in grants:
            await ensure_principal(self.owner, subject=subject, name="Administrator", role=role, region=region(code))
        return subject

    async def give(
        self, caller: Caller, role: Role = Role.REGENCY_VERIFIER, code: str = BANYUMAS, **changes: Any
    ) -> Json:
        """What ``grantGive`` answers."""
        answer: Json = (await caller.query(GIVE, input=given(role, code, **changes)))["grantGive"]
        return answer

    async def confirm(self, caller: Caller, grant: str) -> Json:
        """What ``grantConfirm`` answers."""
        answer: Json = (await caller.query(CONFIRM, input={"id": grant}))["grantConfirm"]
        return answer

    async def revoke(self, caller: Caller, grant: str, reason: str = "Pindah tugas") -> Json:
        """What ``grantRevoke`` answers."""
        answer: Json = (await caller.query(REVOKE, input={"id": grant, "reason": reason}))["grantRevoke"]
        return answer

    async def row(self, grant: str) -> "asyncpg.Record":
        """The grant as the database holds it."""
        row = await self.owner.fetchrow("select * from principal_grant where id = $1", UUID(grant.partition(":")[2]))
        assert row is not None
        return row

    async def permissions(self, subject: str) -> list[str]:
        """What the holder of ``subject`` may do now."""
        answer: list[str] = (await self.api.named(subject).query("{ me { permissions } }"))["me"]["permissions"]
        return answer

    async def events(self, grant: str) -> "list[asyncpg.Record]":
        """What the audit trail holds of the grant, oldest first."""
        found: list[asyncpg.Record] = await self.owner.fetch(
            "select * from audit_event where subject_type = 'PrincipalGrant' and $1 = any(subject_ids) order by happened_at, id",
            UUID(grant.partition(":")[2]),
        )
        return found
