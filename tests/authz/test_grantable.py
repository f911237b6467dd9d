"""The file that says which roles people give: complete, strict, and careful with those who approve or reveal."""

from pathlib import Path

import pytest

from app.authz.enforcer import POLICY_FOLDER, PolicyInvalid, RoleMatrix
from app.authz.grantable import FILE, load_grantable
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.tenants.region_path import RegionLevel

TEXT = (POLICY_FOLDER / FILE).read_text()


def refused(folder: Path, text: str) -> str:
    (folder / FILE).write_text(text)
    load_grantable.cache_clear()
    with pytest.raises(PolicyInvalid) as refusal:
        load_grantable(folder)
    load_grantable.cache_clear()
    return str(refusal.value)


def test_every_role_is_given_somehow_or_never() -> None:
    grantable = load_grantable()
    assert grantable.roles.keys() | grantable.never == set(Role)
    assert grantable.never == {Role.PUBLIC, Role.SYSTEM_OPERATOR}


def test_whoever_reveals_numbers_or_gives_roles_is_given_theirs_by_two(matrix: RoleMatrix) -> None:
    roles = load_grantable().roles
    powerful = matrix.holders(Permission.REGISTRY_NIK_REVEAL) | matrix.holders(Permission.PRINCIPALS_GRANT_CHANGE)
    assert {role for role, rule in roles.items() if rule.people == 2} == (
        powerful - {Role.SYSTEM_OPERATOR} | {Role.REGENCY_APPROVER, Role.BANK_OFFICER}
    )


@pytest.mark.parametrize(
    ("role", "levels"),
    [
        (Role.MINISTRY_ADMIN, {"COUNTRY"}),
        (Role.MINISTRY_ANALYST, {"COUNTRY"}),
        (Role.AUDITOR, {"COUNTRY", "PROVINCE", "REGENCY"}),
        (Role.PROVINCE_OFFICER, {"PROVINCE"}),
        (Role.REGENCY_ADMIN, {"REGENCY"}),
        (Role.REGENCY_VERIFIER, {"REGENCY"}),
        (Role.REGENCY_APPROVER, {"REGENCY"}),
        (Role.TKSK, {"DISTRICT"}),
        (Role.PKH_FACILITATOR, {"REGENCY", "DISTRICT"}),
        (Role.PSM, {"VILLAGE"}),
        (Role.VILLAGE_OPERATOR, {"VILLAGE"}),
    ],
)
def test_a_role_is_given_at_its_levels(role: Role, levels: set[str]) -> None:
    assert load_grantable().roles[role].levels == {RegionLevel(level) for level in levels}


def test_a_role_of_another_version_has_no_rule() -> None:
    assert load_grantable().rule_of("SATGAS_2031") is None
    assert load_grantable().rule_of("PUBLIC") is None
    assert load_grantable().rule_of("AUDITOR") is load_grantable().roles[Role.AUDITOR]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("[roles.TKSK]", "[roles.TKKS]", "TKKS"),
        ('[roles.TKSK]\nlevels = ["DISTRICT"]\npeople = 1\n', "", "TKSK"),
        ('"PUBLIC", "SYSTEM_OPERATOR"', '"PUBLIC", "SYSTEM_OPERATOR", "TKSK"', "TKSK"),
        ('levels = ["DISTRICT"]', 'levels = ["KECAMATAN"]', "roles.TKSK.levels"),
        ('levels = ["DISTRICT"]', "levels = []", "roles.TKSK.levels"),
        ("people = 2", "people = 3", "roles.MINISTRY_ADMIN.people"),
        ("people = 2", "", "roles.MINISTRY_ADMIN.people"),
        ("people = 2", "people = 2\nthanks = true", "thanks"),
        ("longest_days = 731", "longest_days = 0", "longest_days"),
        ("longest_days = 731", "", "longest_days"),
        ("proposal_days = 14", 'proposal_days = "two weeks"', "proposal_days"),
        ('given_from = "COUNTRY"', 'given_from = "DISTRICT"', "given_from"),
        ("people = 2", "people = two", FILE),
    ],
)
def test_a_file_that_is_wrong_stops_the_start(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert old in TEXT
    said = refused(tmp_path, TEXT.replace(old, new, 1))
    assert said.startswith(f"{FILE}: ")
    assert reason in said
