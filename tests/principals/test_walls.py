"""What the database itself refuses of grants, whatever the code above it forgets."""

from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from app.authz.enforcer import RoleMatrix
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.tenants.region_path import RegionPath
from app.tenants.session import Database
from tests.authz.issuer import ISSUER
from tests.authz.people import People, access_of, grant
from tests.principals.office import BANYUMAS

if TYPE_CHECKING:
    from asyncpg import Connection, Record

INSERT = """
insert into principal_grant (id, principal_id, holder_subject, holder_name, role, region_id, status, people, lapses_at,
  given_by, given_by_name, confirmed_by, confirmed_by_name, confirmed_at, revoked_by, revoked_by_name, revoked_at)
select gen_random_uuid(), h.id, h.subject, h.name, 'REGENCY_APPROVER', 3302, $2, 2, $3::timestamptz,
  g.id, g.name, c.id, c.name, case when c.id is not null then now() end, r.id, r.name, case when r.id is not null then now() end
from principal h left join principal g on g.subject = $4 left join principal c on c.subject = $5 left join principal r on r.subject = $6
where h.subject = $1
"""


@pytest.mark.parametrize(
    ("status", "by", "name"),
    [
        ("ACTIVE", ("giver", None, None), "two_people"),
        ("ACTIVE", (None, "other", None), "two_people"),
        ("ACTIVE", ("giver", "giver", None), "others"),
        ("ACTIVE", ("holder", "other", None), "others"),
        ("ACTIVE", ("giver", "holder", None), "others"),
        ("REVOKED", ("giver", "other", "holder"), "others"),
        ("PROPOSED", ("giver", None, None), "proposed"),
        ("REVOKED", ("giver", "other", None), "revoked"),
        ("ACTIVE", ("giver", "other", "other"), "revoked"),
        ("SUSPENDED", ("giver", "other", None), "status"),
    ],
)
async def test_a_row_that_breaks_the_rules_cannot_be_written(
    registrar: "Connection[Record]", status: str, by: tuple[str | None, ...], name: str
) -> None:
    """``by`` are those who gave, confirmed and revoked."""
    subjects: dict[str | None, str] = {who: await People(registrar).add(ISSUER) for who in ("holder", "giver", "other")}
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await registrar.execute(INSERT, subjects["holder"], status, None, *map(subjects.get, by))
    assert refused.value.constraint_name == f"principal_grant_{name}_ck"


@pytest.mark.parametrize("code", ["0", "33", "33.02", "33.02.01", "33.02.01.2001"])
async def test_a_grant_stands_behind_the_wall_of_its_region(registrar: "Connection[Record]", code: str) -> None:
    path = RegionPath.country() if code == "0" else RegionPath.parse(code)
    subject = await People(registrar).add(ISSUER, ("PSM", path.id or None))
    row = await registrar.fetchrow(
        "select village_low, village_high from principal_grant where holder_subject = $1", subject
    )
    assert row is not None
    assert tuple(row) == (path.villages.low, path.villages.high)


@pytest.mark.parametrize(
    ("region", "allowed"), [(3302, True), (330201, True), (3301, False), (33, False), (None, False)]
)
async def test_the_application_writes_grants_within_its_scope_alone(
    database: Database, matrix: RoleMatrix, registrar: "Connection[Record]", region: int | None, allowed: bool
) -> None:
    scope = access_of(matrix, grant(Role.REGENCY_ADMIN, BANYUMAS)).scope(Permission.PRINCIPALS_GRANT_CHANGE)
    principal_id = await People(registrar).id_of(await People(registrar).add(ISSUER))
    insert = sa.text(
        "insert into principal_grant (id, principal_id, holder_subject, holder_name, role, region_id, status, people) "
        "values (:id, :principal, 's', 'n', 'PSM', :region, 'ACTIVE', 1)"
    )
    row = {"id": uuid4(), "principal": principal_id, "region": region}
    if allowed:
        async with database.write(scope) as session:
            await session.execute(insert, row)
        return
    with pytest.raises(DBAPIError) as refused:
        async with database.write(scope) as session:
            await session.execute(insert, row)
    assert getattr(refused.value.orig, "sqlstate", None) == "42501"


async def test_an_update_touches_no_grant_of_a_neighbour(
    database: Database, matrix: RoleMatrix, registrar: "Connection[Record]"
) -> None:
    await People(registrar).add(ISSUER, ("PSM", 3301012001), ("PSM", 3302012001))
    scope = access_of(matrix, grant(Role.REGENCY_ADMIN, BANYUMAS)).scope(Permission.PRINCIPALS_GRANT_CHANGE)
    async with database.write(scope) as session:
        touched = await session.execute(sa.text("update principal_grant set status = status returning village_low"))
        assert {low // 1_000_000 for low in touched.scalars()} == {3302}
        await session.rollback()
