from uuid import uuid4

import orjson
import pytest

from app.authz.authorize import OPERATOR_ID, Access, NotPermitted, authorize, operator_access
from app.authz.enforcer import RoleMatrix
from app.authz.permissions import Permission
from app.authz.principal import Principal
from app.authz.roles import Role
from app.tenants.region_path import RegionLevel, RegionPath
from app.tenants.scope import EntityBinding
from tests.authz.people import access_of, grant, region

FAMILY = Permission.REGISTRY_FAMILY_READ
PERSON = Permission.REGISTRY_PERSON_READ
HEALTH = Permission.REGISTRY_HEALTH_READ
REVEAL = Permission.REGISTRY_NIK_REVEAL
REGION = Permission.REGIONS_REGION_READ


def test_a_grant_reaches_its_region_and_no_further(matrix: RoleMatrix) -> None:
    scope = authorize(access_of(matrix, grant(Role.REGENCY_VERIFIER, "33.02")), FAMILY)
    assert scope.covers(region("33.02"))
    assert scope.covers(region("33.02.01.2001"))
    assert not scope.covers(region("33.01"))
    assert not scope.covers(region("33"))
    assert scope.finest is RegionLevel.REGENCY


def test_a_permission_that_no_grant_has_is_refused_by_its_name(matrix: RoleMatrix) -> None:
    access = access_of(matrix, grant(Role.PSM, "33.02.01.2001"))
    assert REVEAL not in access.permissions
    with pytest.raises(NotPermitted) as refused:
        authorize(access, REVEAL)
    assert refused.value.permission is REVEAL
    assert refused.value.code == "NOT_PERMITTED"


def test_whoever_has_no_grant_may_do_nothing(matrix: RoleMatrix) -> None:
    access = access_of(matrix)
    assert access.permissions == frozenset()
    with pytest.raises(NotPermitted):
        access.scope(REGION)


def test_the_permissions_are_those_of_all_grants(matrix: RoleMatrix) -> None:
    access = access_of(matrix, grant(Role.PSM, "33.02.01.2001"), grant(Role.DUKCAPIL_OFFICER, "33"))
    assert access.permissions == matrix.permissions(Role.PSM) | matrix.permissions(Role.DUKCAPIL_OFFICER)


def test_each_permission_reaches_only_where_a_grant_has_it(matrix: RoleMatrix) -> None:
    access = access_of(matrix, grant(Role.PROVINCE_OFFICER, "33"), grant(Role.REGENCY_VERIFIER, "34.02"))
    assert access.scope(FAMILY).covers(region("33.02"))
    assert access.scope(FAMILY).covers(region("34.02"))
    assert access.scope(HEALTH).covers(region("34.02"))
    assert not access.scope(HEALTH).covers(region("33.02"))


def test_equal_scopes_are_one_object(matrix: RoleMatrix) -> None:
    access = access_of(matrix, grant(Role.PROVINCE_OFFICER, "33"), grant(Role.REGENCY_VERIFIER, "34.02"))
    assert access.scope(FAMILY) is access.scope(PERSON)
    assert access.scope(FAMILY) is not access.scope(HEALTH)
    assert access.scope_of_any([FAMILY, HEALTH]) is access.scope(FAMILY)


def test_equal_reach_by_different_grants_is_one_object_too(matrix: RoleMatrix) -> None:
    access = access_of(matrix, grant(Role.REGENCY_VERIFIER, "33.02"), grant(Role.DUKCAPIL_OFFICER, "33.02"))
    assert access.scope(REVEAL) is access.scope(FAMILY)


def test_any_of_several_permissions_reaches_wherever_one_of_them_does(matrix: RoleMatrix) -> None:
    access = access_of(matrix, grant(Role.DUKCAPIL_OFFICER, "31.71"), grant(Role.PKH_FACILITATOR, "33.02.01"))
    either = access.scope_of_any([REVEAL, HEALTH])
    assert either.covers(region("31.71"))
    assert either.covers(region("33.02.01"))
    assert not either.covers(region("31.72"))
    assert either is access.scope_of_any([HEALTH, REVEAL])


def test_a_permission_that_is_not_held_adds_nothing_to_any(matrix: RoleMatrix) -> None:
    access = access_of(matrix, grant(Role.PSM, "33.02.01.2001"))
    assert access.scope_of_any([FAMILY, REVEAL]) is access.scope(FAMILY)
    with pytest.raises(NotPermitted):
        access.scope_of_any([HEALTH, REVEAL])


def test_any_of_nothing_is_a_mistake_and_not_a_scope(matrix: RoleMatrix) -> None:
    with pytest.raises(ValueError, match="needs a permission"):
        access_of(matrix, grant(Role.MINISTRY_ADMIN, "")).scope_of_any([])


def test_an_entity_comes_along_where_its_grant_counts_and_nowhere_else(matrix: RoleMatrix) -> None:
    ewarong, institution = EntityBinding("ewarong", uuid4()), EntityBinding("lks", uuid4())
    access = access_of(
        matrix,
        grant(Role.EWARONG_AGENT, "33.02", ewarong),
        grant(Role.LKS_MANAGER, "33.02", institution),
        grant(Role.PSM, "33.02.01.2001"),
    )
    assert access.scope(REGION).entities == tuple(sorted([ewarong, institution]))
    assert access.scope(FAMILY).entities == ()


@pytest.mark.parametrize("role", [Role.PROVINCE_OFFICER, Role.DUKCAPIL_OFFICER], ids=lambda role: role.value)
def test_two_officers_of_the_same_role_share_a_shape(matrix: RoleMatrix, role: Role) -> None:
    one, other = access_of(matrix, grant(role, "33")), access_of(matrix, grant(role, "31"))
    assert one.shape == other.shape
    assert hash(one.shape) == hash(other.shape)
    assert one.scope(PERSON) != other.scope(PERSON)


def test_another_set_of_permissions_is_another_shape(matrix: RoleMatrix) -> None:
    assert (
        access_of(matrix, grant(Role.REGENCY_VERIFIER, "33.02")).shape
        != access_of(matrix, grant(Role.REGENCY_APPROVER, "33.02")).shape
    )


def test_another_level_is_another_shape(matrix: RoleMatrix) -> None:
    assert access_of(matrix, grant(Role.PSM, "33.02")).shape != access_of(matrix, grant(Role.PSM, "33.02.01")).shape


def test_other_groups_of_equal_scopes_are_another_shape(matrix: RoleMatrix) -> None:
    apart = access_of(matrix, grant(Role.REGENCY_APPROVER, "33.02"), grant(Role.DUKCAPIL_OFFICER, "33.03"))
    together = access_of(matrix, grant(Role.REGENCY_APPROVER, "33.02"), grant(Role.DUKCAPIL_OFFICER, "33.02"))
    assert apart.permissions == together.permissions
    assert apart.shape != together.shape


def test_several_grants_of_the_same_pattern_share_a_shape_in_any_order(matrix: RoleMatrix) -> None:
    one = access_of(matrix, grant(Role.PROVINCE_OFFICER, "33"), grant(Role.REGENCY_VERIFIER, "34.02"))
    other = access_of(matrix, grant(Role.REGENCY_VERIFIER, "32.01"), grant(Role.PROVINCE_OFFICER, "31"))
    assert one.shape == other.shape


def test_a_role_that_adds_no_permission_and_no_reach_does_not_change_the_shape(matrix: RoleMatrix) -> None:
    assert (
        access_of(matrix, grant(Role.TKSK, "33.02.01"), grant(Role.PSM, "33.02.01")).shape
        == access_of(matrix, grant(Role.TKSK, "31.71.01")).shape
    )


def test_the_operator_acts_in_one_region_under_a_name_of_its_own(matrix: RoleMatrix) -> None:
    access = operator_access(region("33.02"), matrix)
    assert access.principal.id == OPERATOR_ID
    assert authorize(access, Permission.REGISTRY_IMPORT_RUN).covers(region("33.02.01.2001"))
    assert not authorize(access, Permission.REGISTRY_IMPORT_RUN).covers(region("33.01"))
    with pytest.raises(NotPermitted):
        authorize(access, PERSON)


def test_the_operator_of_the_whole_country_reaches_all_of_it(matrix: RoleMatrix) -> None:
    assert authorize(operator_access(RegionPath.country(), matrix), Permission.REGISTRY_IMPORT_RUN).covers(region("92"))


def test_a_principal_is_read_from_its_row(matrix: RoleMatrix) -> None:
    entity = uuid4()
    row = (
        '{"id": "01900000-0000-7000-8000-000000000000", "name": "Sari", "grants": ['
        '{"role": "TKSK", "region_id": 330201, "entity_kind": null, "entity_id": null},'
        f'{{"role": "LKS_MANAGER", "region_id": 0, "entity_kind": "lks", "entity_id": "{entity}"}}]}}'
    )
    principal = Principal.of_row("https://sso.test", "sari", orjson.loads(row))
    assert principal.grants == (
        grant(Role.TKSK, "33.02.01"),
        grant(Role.LKS_MANAGER, "", EntityBinding("lks", entity)),
    )
    assert Access(principal, matrix).scope(FAMILY).covers(region("33.02.01.2001"))


def test_a_grant_of_a_role_from_another_version_is_left_out_and_logged(
    matrix: RoleMatrix, caplog: pytest.LogCaptureFixture
) -> None:
    row = (
        b'{"id": "01900000-0000-7000-8000-000000000000", "name": "Sari", "grants": ['
        b'{"role": "SATGAS_2031", "region_id": 33, "entity_kind": null, "entity_id": null},'
        b'{"role": "PSM", "region_id": 3302012001, "entity_kind": null, "entity_id": null}]}'
    )
    principal = Principal.of_row("https://sso.test", "sari", orjson.loads(row))
    assert [one.role for one in principal.grants] == [Role.PSM]
    assert not Access(principal, matrix).scope(FAMILY).covers(region("33"))
    assert [record.__dict__["unknown_role"] for record in caplog.records] == ["SATGAS_2031"]
    assert "Sari" not in caplog.text
