"""From a token to an access, with real principals in the real database."""

import asyncio
import time

import asyncpg
import pytest

from app.authz.authentication import Authenticator, Unauthenticated
from app.authz.enforcer import RoleMatrix
from app.authz.keys import FixedKeys
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.tenants.server import DatabaseServer
from app.tenants.session import Database
from tests.authz.issuer import AUDIENCE, ISSUER, PUBLIC_KEYS, claims_for, token
from tests.authz.people import People, region


def authenticator_of(
    database: Database, matrix: RoleMatrix, *, cache_seconds: float = 60.0, remembered: int = 100
) -> Authenticator:
    return Authenticator(
        issuer=ISSUER,
        audience=AUDIENCE,
        keys=FixedKeys(PUBLIC_KEYS),
        database=database,
        matrix=matrix,
        principal_cache_seconds=cache_seconds,
        remembered=remembered,
    )


@pytest.fixture
def authenticator(database: Database, matrix: RoleMatrix) -> Authenticator:
    return authenticator_of(database, matrix)


async def refused(authenticator: Authenticator, text: str) -> str:
    with pytest.raises(Unauthenticated) as refusal:
        await authenticator.authenticate(text)
    return refusal.value.reason


async def test_a_token_becomes_the_access_of_its_principal(authenticator: Authenticator, people: People) -> None:
    subject = await people.add(ISSUER, ("TKSK", 330201), ("LKS_ASSESSOR", None))
    access = await authenticator.authenticate(token(claims_for(subject)))
    assert access.principal.id == await people.id_of(subject)
    assert (access.principal.issuer, access.principal.subject, access.principal.name) == (ISSUER, subject, "Petugas")
    assert {(grant.role, grant.region) for grant in access.principal.grants} == {
        (Role.TKSK, region("33.02.01")),
        (Role.LKS_ASSESSOR, region("")),
    }
    assert access.scope(Permission.REGISTRY_FAMILY_READ).covers(region("33.02.01.2001"))
    assert not access.scope(Permission.REGISTRY_FAMILY_READ).covers(region("33.02"))


async def test_a_principal_without_grants_is_known_and_may_do_nothing(
    authenticator: Authenticator, people: People
) -> None:
    access = await authenticator.authenticate(token(claims_for(await people.add(ISSUER))))
    assert access.permissions == frozenset()


async def test_a_grant_of_another_version_does_not_keep_its_owner_out(
    authenticator: Authenticator, people: People
) -> None:
    subject = await people.add(ISSUER, ("SATGAS_2031", 33), ("PSM", 330201))
    access = await authenticator.authenticate(token(claims_for(subject)))
    assert [grant.role for grant in access.principal.grants] == [Role.PSM]


async def test_nobody_is_let_in_by_a_token_alone(authenticator: Authenticator) -> None:
    text = token(claims_for("never registered"))
    assert await refused(authenticator, text) == "PRINCIPAL_UNKNOWN"
    assert authenticator.remembered(text) is None


async def test_a_subject_of_another_issuer_is_somebody_else(authenticator: Authenticator, people: People) -> None:
    subject = await people.add("https://other.test", ("MINISTRY_ADMIN", None))
    assert await refused(authenticator, token(claims_for(subject))) == "PRINCIPAL_UNKNOWN"


@pytest.mark.parametrize(
    "text", [token(alg="none"), token(claims_for(aud="other")), token(claims_for(exp=1)), "garbage", "", "\ud800"]
)
async def test_a_bad_token_does_not_reach_the_database(
    closed_database: Database, matrix: RoleMatrix, text: str
) -> None:
    authenticator = authenticator_of(closed_database, matrix)
    assert authenticator.remembered(text) is None
    await refused(authenticator, text)
    assert authenticator.remembered(text) is None


async def test_a_known_token_is_remembered(authenticator: Authenticator, people: People) -> None:
    text = token(claims_for(await people.add(ISSUER, ("PSM", 330201))))
    assert authenticator.remembered(text) is None
    access = await authenticator.authenticate(text)
    assert authenticator.remembered(text) is access
    assert await authenticator.authenticate(text) is access


async def test_two_tokens_of_one_principal_share_an_access(authenticator: Authenticator, people: People) -> None:
    subject = await people.add(ISSUER, ("PSM", 330201))
    first, second = token(claims_for(subject)), token(claims_for(subject), algorithm="RS256")
    await authenticator.authenticate(first)
    await authenticator.authenticate(second)
    assert authenticator.remembered(first) is authenticator.remembered(second)


async def test_a_remembered_token_ends_when_it_expires(authenticator: Authenticator, people: People) -> None:
    leeway_ends = int(time.time()) + 3
    text = token(claims_for(await people.add(ISSUER), exp=leeway_ends - 30))
    await authenticator.authenticate(text)
    assert authenticator.remembered(text) is not None
    await asyncio.sleep(leeway_ends - time.time() + 0.05)
    assert authenticator.remembered(text) is None
    assert await refused(authenticator, text) == "TOKEN_EXPIRED"


async def test_what_is_remembered_is_looked_up_again_after_a_while(
    database: Database, matrix: RoleMatrix, people: People
) -> None:
    authenticator = authenticator_of(database, matrix, cache_seconds=0.2)
    text = token(claims_for(await people.add(ISSUER, ("PSM", 330201))))
    access = await authenticator.authenticate(text)
    await asyncio.sleep(0.25)
    assert authenticator.remembered(text) is None
    assert await authenticator.authenticate(text) is not access


async def test_a_grant_that_ends_is_over_although_it_is_remembered(
    database: Database, matrix: RoleMatrix, people: People
) -> None:
    authenticator = authenticator_of(database, matrix)
    subject = await people.add(ISSUER, ("PSM", 330201), ("REGENCY_ADMIN", 3302))
    await people.set(subject, "REGENCY_ADMIN", "valid_to = now() + interval '0.4 seconds'")
    text = token(claims_for(subject))
    assert Permission.REGISTRY_NIK_REVEAL in (await authenticator.authenticate(text)).permissions
    assert authenticator.remembered(text) is not None
    assert 0 < authenticator.usable_until(text) - time.time() <= 0.4
    await asyncio.sleep(authenticator.usable_until(text) - time.time())
    assert authenticator.remembered(text) is None
    await asyncio.sleep(0.02)
    assert Permission.REGISTRY_NIK_REVEAL not in (await authenticator.authenticate(text)).permissions


async def test_a_grant_that_begins_counts_although_its_principal_is_remembered(
    database: Database, matrix: RoleMatrix, people: People
) -> None:
    authenticator = authenticator_of(database, matrix)
    subject = await people.add(ISSUER, ("PSM", 330201))
    await people.set(subject, "PSM", "valid_from = now() + interval '0.4 seconds'")
    text = token(claims_for(subject))
    assert (await authenticator.authenticate(text)).permissions == frozenset()
    await asyncio.sleep(authenticator.usable_until(text) - time.time() + 0.02)
    assert (await authenticator.authenticate(text)).permissions


async def test_what_is_proposed_or_revoked_permits_nothing(authenticator: Authenticator, people: People) -> None:
    subject = await people.add(ISSUER, ("PSM", 330201), ("REGENCY_APPROVER", 3302), ("REGENCY_ADMIN", 3302))
    await people.set(subject, "REGENCY_APPROVER", "status = 'PROPOSED', lapses_at = now() + interval '1 day'")
    await people.set(
        subject, "REGENCY_ADMIN", "status = 'REVOKED', revoked_at = now(), revoked_by_name = 'x', revoked_by = $3"
    )
    access = await authenticator.authenticate(token(claims_for(subject)))
    assert [grant.role for grant in access.principal.grants] == [Role.PSM]


async def test_a_token_tells_until_when_it_is_good(authenticator: Authenticator, people: People) -> None:
    subject, expires = await people.add(ISSUER, ("PSM", 330201)), int(time.time()) + 100
    text = token(claims_for(subject, exp=expires))
    assert authenticator.usable_until(text) == 0
    await authenticator.authenticate(text)
    assert authenticator.usable_until(text) == expires + 30
    assert authenticator.usable_until("garbage") == 0


async def test_without_a_cache_every_request_asks(database: Database, matrix: RoleMatrix, people: People) -> None:
    authenticator = authenticator_of(database, matrix, cache_seconds=0.0)
    subject = await people.add(ISSUER, ("PSM", 330201))
    text = token(claims_for(subject))
    await authenticator.authenticate(text)
    assert authenticator.remembered(text) is None
    await people.deactivate(subject)
    assert await refused(authenticator, text) == "PRINCIPAL_UNKNOWN"


async def test_what_is_remembered_is_bounded(database: Database, matrix: RoleMatrix, people: People) -> None:
    authenticator = authenticator_of(database, matrix, remembered=3)
    texts = [token(claims_for(await people.add(ISSUER, ("PSM", 330201)))) for _ in range(4)]
    for text in texts[:3]:
        await authenticator.authenticate(text)
    assert authenticator.remembered(texts[0])
    await authenticator.authenticate(texts[3])
    assert [authenticator.remembered(text) is not None for text in texts] == [True, False, True, True]
    assert await authenticator.authenticate(texts[1])


@pytest.mark.parametrize(
    "statement",
    [
        "select * from principal",
        "insert into principal (id, issuer, subject, name) values (gen_random_uuid(), 'i', 's', 'n')",
        "update principal set active = true",
        "update principal_grant set role = 'MINISTRY_ADMIN'",
        "update principal_grant set region_id = null",
        "update principal_grant set people = 1",
        "update principal_grant set valid_to = null",
        "delete from principal_grant",
    ],
)
async def test_the_application_writes_of_principals_and_grants_no_more_than_it_must(
    server: DatabaseServer, statement: str
) -> None:
    connection = await server.app.connect()
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
        assert await connection.fetch("select * from principal_grant") == []
    finally:
        await connection.close()
