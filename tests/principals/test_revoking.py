"""A grant ends when somebody ends it, or on its day; at once, and for good."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from app.authz.enforcer import RoleMatrix
from app.authz.grantable import load_grantable
from app.authz.grants import Holder, confirm, give, revoke
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.tenants.session import Database
from tests.authz.issuer import ISSUER, claims_for, token
from tests.authz.people import People, region
from tests.authz.test_authentication import authenticator_of
from tests.principals.office import BANYUMAS, CILACAP, CONFIRM, REVOKE, Office, in_days

if TYPE_CHECKING:
    import asyncpg


async def test_what_is_revoked_permits_nothing_from_the_next_request_on(office: Office) -> None:
    subject = f"dev:{uuid4()}"
    grant = (await office.give(await office.admin(), subject=subject))["grant"]
    assert await office.permissions(subject)
    answer = await office.revoke(await office.admin(), grant["id"], "Pensiun")
    assert answer["__typename"] == "GrantRevoked"
    assert await office.permissions(subject) == []
    revoked = answer["grant"]
    assert (revoked["status"], revoked["inForce"]) == ("REVOKED", False)
    assert (revoked["revokedBy"], revoked["revocationReason"]) == ("Administrator", "Pensiun")
    assert revoked["revokedAt"] is not None
    assert {key: revoked[key] for key in ("reason", "givenBy", "validTo")} == {
        key: grant[key] for key in ("reason", "givenBy", "validTo")
    }


async def test_other_grants_of_the_same_principal_stay(office: Office) -> None:
    subject = f"dev:{uuid4()}"
    admin = await office.admin()
    verifier = (await office.give(admin, subject=subject))["grant"]
    await office.give(admin, Role.PSM, "33.02.01.2001", subject=subject)
    before = await office.permissions(subject)
    await office.revoke(admin, verifier["id"])
    assert set() < set(await office.permissions(subject)) < set(before)


async def test_a_proposal_is_turned_down_and_then_cannot_be_confirmed(office: Office) -> None:
    grant = (await office.give(await office.admin(), Role.REGENCY_APPROVER))["grant"]
    assert (await office.revoke(await office.admin(), grant["id"]))["__typename"] == "GrantRevoked"
    answer = await office.confirm(await office.admin(), grant["id"])
    assert (answer["__typename"], answer["code"]) == ("Conflict", "GRANT_NOT_PROPOSED")


async def test_whoever_proposed_may_withdraw_the_proposal(office: Office) -> None:
    admin = await office.admin()
    grant = (await office.give(admin, Role.REGENCY_APPROVER))["grant"]
    assert (await office.revoke(admin, grant["id"]))["__typename"] == "GrantRevoked"


async def test_what_is_revoked_is_not_revoked_again(office: Office) -> None:
    grant = (await office.give(await office.admin()))["grant"]
    await office.revoke(await office.admin(), grant["id"])
    answer = await office.revoke(await office.admin(), grant["id"])
    assert (answer["__typename"], answer["code"]) == ("Conflict", "GRANT_REVOKED_ALREADY")


async def test_nobody_revokes_what_they_hold_themselves(office: Office) -> None:
    subject = await office.newcomer((Role.REGENCY_ADMIN, BANYUMAS))
    grant = (await office.give(await office.admin(), subject=subject))["grant"]
    answer = await office.revoke(office.api.named(subject), grant["id"])
    assert (answer["__typename"], answer["code"]) == ("Refused", "GRANT_FOR_ONESELF")
    assert (await office.row(grant["id"]))["status"] == "ACTIVE"


async def test_who_is_audited_does_not_dismiss_the_auditor(office: Office) -> None:
    grant = (await office.give(await office.admin(""), Role.AUDITOR))["grant"]
    answer = await office.revoke(await office.admin(), grant["id"])
    assert (answer["__typename"], answer["code"]) == ("Refused", "HIGHER_OFFICE_NEEDED")
    assert (await office.revoke(await office.admin(""), grant["id"]))["__typename"] == "GrantRevoked"


@pytest.mark.parametrize(("document", "extra"), [(CONFIRM, {}), (REVOKE, {"reason": "x"})], ids=["confirm", "revoke"])
async def test_a_grant_of_the_neighbours_looks_like_one_that_is_not_there(
    office: Office, document: str, extra: dict[str, str]
) -> None:
    grant = (await office.give(await office.admin(CILACAP), Role.REGENCY_APPROVER, CILACAP))["grant"]
    admin = await office.admin()
    (foreign,) = (await admin.query(document, input={"id": grant["id"], **extra})).values()
    (nowhere,) = (await admin.query(document, input={"id": f"PrincipalGrant:{uuid4()}", **extra})).values()
    assert foreign == nowhere
    assert (foreign["__typename"], foreign["code"]) == ("NotFound", "GRANT_UNKNOWN")
    assert (await office.row(grant["id"]))["status"] == "PROPOSED"


@pytest.mark.parametrize("text", ["", "7", "Family:3302:0190a1b2-0000-7000-8000-000000000000", "PrincipalGrant:7"])
async def test_an_id_that_is_none_is_told_by_its_field(office: Office, text: str) -> None:
    answer = await office.revoke(await office.admin(), text)
    assert (answer["__typename"], answer["code"], answer["fields"]) == ("InvalidInput", "ID_INVALID", ["id"])


async def test_a_revocation_has_a_reason(office: Office) -> None:
    grant = (await office.give(await office.admin()))["grant"]
    answer = await office.revoke(await office.admin(), grant["id"], " ")
    assert (answer["__typename"], answer["code"], answer["fields"]) == ("InvalidInput", "TEXT_WRONG", ["reason"])


async def test_others_revoke_nothing_and_hear_so_by_a_code(office: Office) -> None:
    grant = (await office.give(await office.admin()))["grant"]
    caller = office.api.named(await office.newcomer((Role.REGENCY_APPROVER, BANYUMAS)))
    for document in (CONFIRM, REVOKE):
        input_ = {"id": grant["id"]} | ({"reason": "x"} if document is REVOKE else {})
        assert await caller.codes(document, input=input_) == ["NOT_PERMITTED"]
    assert (await office.row(grant["id"]))["status"] == "ACTIVE"


async def test_a_grant_ends_on_its_day_although_it_is_remembered(office: Office) -> None:
    subject = f"dev:{uuid4()}"
    until = in_days(1.5 / 86_400)
    await office.give(await office.admin(), subject=subject, validTo=until)
    assert await office.permissions(subject)
    assert await office.permissions(subject)
    await asyncio.sleep((datetime.fromisoformat(until) - datetime.now(tz=UTC)).total_seconds())
    assert await office.permissions(subject) == []


async def test_the_process_that_changes_a_grant_forgets_its_holder_with_the_transaction(
    database: Database, matrix: RoleMatrix, registrar: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """It does not wait to hear of it."""
    people, authenticator = People(registrar), authenticator_of(database, matrix)
    subject = await people.add(ISSUER)
    text = token(claims_for(subject))
    admins = [token(claims_for(await people.add(ISSUER, ("REGENCY_ADMIN", 3302)))) for _ in range(2)]
    first, second = [await authenticator.authenticate(admin) for admin in admins]
    scope = first.scope(Permission.PRINCIPALS_GRANT_CHANGE)
    until = datetime.now(tz=UTC) + timedelta(days=1)
    async with people.without_news():
        await authenticator.authenticate(text)
        async with database.write(scope) as session:
            given = await give(
                session,
                first,
                load_grantable(),
                holder=Holder(ISSUER, subject, "Petugas"),
                role=Role.REGENCY_APPROVER,
                region=region(BANYUMAS),
                valid_to=until,
                reason="Uji",
            )
        assert authenticator.remembered(text) is None
        await authenticator.authenticate(text)
        async with database.write(scope) as session:
            await confirm(session, second, load_grantable(), given.id)
        assert authenticator.remembered(text) is None
        assert (await authenticator.authenticate(text)).permissions
        async with database.write(scope) as session:
            await revoke(session, second, load_grantable(), given.id, reason="Uji")
        assert authenticator.remembered(text) is None
        assert not (await authenticator.authenticate(text)).permissions
