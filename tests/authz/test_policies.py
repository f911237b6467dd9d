import shutil
from pathlib import Path

import casbin
import pytest

from app.authz.enforcer import POLICY_FOLDER, PolicyFolder, PolicyInvalid, RoleMatrix, load_role_matrix
from app.authz.permissions import Permission
from app.authz.roles import Role

MAKERS_AND_CHECKERS = {Role.VILLAGE_OPERATOR, Role.PSM, Role.REGENCY_VERIFIER, Role.REGENCY_APPROVER}
ROLES_OF_THE_ISSUE = (
    "MINISTRY_ADMIN MINISTRY_ANALYST AUDITOR PROVINCE_OFFICER REGENCY_ADMIN REGENCY_VERIFIER REGENCY_APPROVER TKSK PSM "
    "VILLAGE_OPERATOR PKH_FACILITATOR EWARONG_AGENT FOOD_TASK_FORCE LKS_MANAGER LKS_ASSESSOR BANK_OFFICER "
    "DUKCAPIL_OFFICER SYSTEM_OPERATOR PUBLIC"
)


def rules(file: str) -> list[list[str]]:
    lines = (POLICY_FOLDER / file).read_text().splitlines()
    return [[part.strip() for part in line.split(",")] for line in lines if line.strip() and not line.startswith("#")]


INHERITANCE = [(Role(role), Role(inherited)) for _, role, inherited in rules("roles.csv")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the policies that a test may spoil."""
    copy = tmp_path / "policies"
    shutil.copytree(POLICY_FOLDER, copy)
    return copy


@pytest.fixture(scope="module")
def enforcer() -> casbin.Enforcer:
    return casbin.Enforcer(str(POLICY_FOLDER / "model.conf"), PolicyFolder(POLICY_FOLDER))


def append(file: Path, line: str) -> None:
    file.write_text(file.read_text() + line + "\n")


def test_every_role_of_the_field_exists_and_says_what_it_is() -> None:
    assert {role.value for role in Role} == set(ROLES_OF_THE_ISSUE.split())
    assert len({role.indonesian for role in Role}) == len(Role)
    assert all(role.indonesian for role in Role)


@pytest.mark.parametrize("permission", Permission)
def test_every_permission_is_granted_to_someone(matrix: RoleMatrix, permission: Permission) -> None:
    assert matrix.holders(permission)


@pytest.mark.parametrize("role", Role)
def test_everybody_reads_the_region_tree(matrix: RoleMatrix, role: Role) -> None:
    assert matrix.allows(role, Permission.REGIONS_REGION_READ)


@pytest.mark.parametrize("role", Role)
def test_the_matrix_is_what_casbin_answers(matrix: RoleMatrix, enforcer: casbin.Enforcer, role: Role) -> None:
    answered = {permission for permission in Permission if enforcer.enforce(role.value, permission.value)}
    assert matrix.permissions(role) == answered


def test_institutions_read_nothing_but_regions_and_programmes(matrix: RoleMatrix) -> None:
    assert matrix.permissions(Role.LKS_MANAGER) == {Permission.REGIONS_REGION_READ, Permission.BANSOS_PROGRAMME_READ}


def test_an_agent_sells_and_answers_and_learns_nothing_of_who_watches_it(matrix: RoleMatrix) -> None:
    assert matrix.permissions(Role.EWARONG_AGENT) == {
        Permission.REGIONS_REGION_READ,
        Permission.BANSOS_PROGRAMME_READ,
        Permission.EWARONG_CATALOGUE_READ,
        Permission.EWARONG_AGENT_READ,
        Permission.EWARONG_OWNER_READ,
        Permission.EWARONG_TRANSACTION_READ,
        Permission.EWARONG_TRANSACTION_REPORT,
        Permission.EWARONG_TRANSACTION_REVERSE,
        Permission.EWARONG_RECEIPT_READ,
        Permission.EWARONG_SETTLEMENT_READ,
        Permission.EWARONG_SUPPLY_READ,
        Permission.EWARONG_SUPPLY_REPORT,
        Permission.EWARONG_VIOLATION_READ,
        Permission.EWARONG_VIOLATION_REPLY,
    }


def test_an_assessor_reads_nothing_but_regions(matrix: RoleMatrix) -> None:
    assert matrix.permissions(Role.LKS_ASSESSOR) == {Permission.REGIONS_REGION_READ}


def test_a_bank_handles_cards_and_payments_and_reads_nothing_of_the_registry(matrix: RoleMatrix) -> None:
    assert matrix.permissions(Role.BANK_OFFICER) == {
        Permission.REGIONS_REGION_READ,
        Permission.BANSOS_PROGRAMME_READ,
        Permission.BANSOS_PAYMENT_READ,
        Permission.BANSOS_PAYMENT_REPORT,
        Permission.BANSOS_CARD_READ,
        Permission.BANSOS_CARD_CHANGE,
        Permission.JOBS_JOB_READ,
        Permission.EWARONG_CATALOGUE_READ,
        Permission.EWARONG_AGENT_READ,
        Permission.EWARONG_AGENT_ASSESS,
        Permission.EWARONG_AGENT_DECIDE,
        Permission.EWARONG_OWNER_READ,
        Permission.EWARONG_TRANSACTION_READ,
        Permission.EWARONG_SETTLEMENT_READ,
        Permission.EWARONG_VIOLATION_READ,
    }


def test_the_bank_alone_admits_and_revokes_an_outlet(matrix: RoleMatrix) -> None:
    assert matrix.holders(Permission.EWARONG_AGENT_DECIDE) == {Role.BANK_OFFICER}


@pytest.mark.parametrize(
    ("maker", "checker"),
    [
        (Permission.BANSOS_CYCLE_MAKE, Permission.BANSOS_CYCLE_VERIFY),
        (Permission.BANSOS_CYCLE_MAKE, Permission.BANSOS_CYCLE_APPROVE),
        (Permission.BANSOS_CYCLE_VERIFY, Permission.BANSOS_CYCLE_APPROVE),
        (Permission.EWARONG_AGENT_PROPOSE, Permission.EWARONG_AGENT_ASSESS),
        (Permission.EWARONG_AGENT_PROPOSE, Permission.EWARONG_AGENT_DECIDE),
        (Permission.EWARONG_VIOLATION_RECORD, Permission.EWARONG_VIOLATION_WARN),
        (Permission.EWARONG_VIOLATION_WARN, Permission.EWARONG_VIOLATION_RECOMMEND),
        (Permission.EWARONG_VIOLATION_RECOMMEND, Permission.EWARONG_AGENT_DECIDE),
    ],
)
def test_no_role_that_makes_something_checks_it(matrix: RoleMatrix, maker: Permission, checker: Permission) -> None:
    assert matrix.holders(maker)
    assert matrix.holders(checker)
    assert not matrix.holders(maker) & matrix.holders(checker)


def test_the_analyst_reads_families_and_totals_but_knows_nobody(matrix: RoleMatrix) -> None:
    assert matrix.permissions(Role.MINISTRY_ANALYST) == {
        Permission.REGIONS_REGION_READ,
        Permission.REGISTRY_EDITION_READ,
        Permission.REGISTRY_FAMILY_READ,
        Permission.REGISTRY_PERSON_READ,
        Permission.INSIGHTS_SUMMARY_READ,
        Permission.INSIGHTS_OVERLAP_READ,
        Permission.DOCUMENTS_DOCUMENT_COMPOSE,
        Permission.JOBS_JOB_READ,
        Permission.EXPORTS_EXPORT_RUN,
        Permission.BANSOS_PROGRAMME_READ,
        Permission.BANSOS_ELIGIBILITY_TRY,
        Permission.BANSOS_CYCLE_READ,
        Permission.BANSOS_ENTITLEMENT_READ,
        Permission.BANSOS_PAYMENT_READ,
        Permission.BANSOS_CARD_READ,
        Permission.BANSOS_LEDGER_READ,
        Permission.BANSOS_MEMBERSHIP_READ,
        Permission.EWARONG_CATALOGUE_READ,
        Permission.EWARONG_AGENT_READ,
        Permission.EWARONG_TRANSACTION_READ,
        Permission.EWARONG_RECEIPT_READ,
        Permission.EWARONG_SETTLEMENT_READ,
        Permission.EWARONG_SUPPLY_READ,
        Permission.EWARONG_INSPECTION_READ,
        Permission.EWARONG_VIOLATION_READ,
        Permission.EWARONG_SIGNAL_READ,
    }


def test_the_auditor_reads_everything_but_reveals_and_writes_nothing(matrix: RoleMatrix) -> None:
    reads = {permission for permission in Permission if permission.endswith((":read", ":lookup"))}
    writes_nothing = {
        Permission.DOCUMENTS_DOCUMENT_COMPOSE,
        Permission.EXPORTS_EXPORT_RUN,
        Permission.BANSOS_ELIGIBILITY_TRY,
    }
    assert matrix.permissions(Role.AUDITOR) == reads | writes_nothing
    assert not matrix.allows(Role.AUDITOR, Permission.REGISTRY_NIK_REVEAL)
    assert not matrix.allows(Role.AUDITOR, Permission.REGISTRY_IMPORT_RUN)
    assert not matrix.allows(Role.AUDITOR, Permission.REGISTRY_MATCHING_RUN)


def test_the_province_monitors_and_does_not_write_or_reveal(matrix: RoleMatrix) -> None:
    assert matrix.allows(Role.PROVINCE_OFFICER, Permission.INSIGHTS_SUMMARY_READ)
    assert matrix.allows(Role.PROVINCE_OFFICER, Permission.REGISTRY_NAME_READ)
    for permission in (
        Permission.REGISTRY_IMPORT_RUN,
        Permission.REGISTRY_NIK_REVEAL,
        Permission.REGISTRY_PERSON_LOOKUP,
        Permission.REGISTRY_HEALTH_READ,
    ):
        assert not matrix.allows(Role.PROVINCE_OFFICER, permission)


def test_only_those_who_repair_identities_see_a_nik_in_clear(matrix: RoleMatrix) -> None:
    assert matrix.holders(Permission.REGISTRY_NIK_REVEAL) == {
        Role.MINISTRY_ADMIN,
        Role.REGENCY_ADMIN,
        Role.DUKCAPIL_OFFICER,
    }


def test_only_administrators_and_the_operator_import(matrix: RoleMatrix) -> None:
    assert matrix.holders(Permission.REGISTRY_IMPORT_RUN) == {
        Role.MINISTRY_ADMIN,
        Role.REGENCY_ADMIN,
        Role.SYSTEM_OPERATOR,
    }


def test_health_is_for_those_who_verify_a_condition(matrix: RoleMatrix) -> None:
    assert matrix.holders(Permission.REGISTRY_HEALTH_READ) == {
        Role.MINISTRY_ADMIN,
        Role.AUDITOR,
        Role.REGENCY_ADMIN,
        Role.REGENCY_VERIFIER,
        Role.PKH_FACILITATOR,
    }


@pytest.mark.parametrize("role", [Role.TKSK, Role.PSM, Role.VILLAGE_OPERATOR], ids=lambda role: role.value)
def test_field_workers_find_the_door_and_do_not_see_the_illness(matrix: RoleMatrix, role: Role) -> None:
    assert matrix.allows(role, Permission.REGISTRY_NAME_READ)
    assert matrix.allows(role, Permission.REGISTRY_ADDRESS_READ)
    assert not matrix.allows(role, Permission.REGISTRY_HEALTH_READ)
    assert not matrix.allows(role, Permission.REGISTRY_NIK_REVEAL)


def test_dukcapil_matches_persons_and_sees_no_family_and_no_address(matrix: RoleMatrix) -> None:
    assert matrix.allows(Role.DUKCAPIL_OFFICER, Permission.REGISTRY_PERSON_READ)
    assert matrix.allows(Role.DUKCAPIL_OFFICER, Permission.REGISTRY_PERSON_LOOKUP)
    assert not matrix.allows(Role.DUKCAPIL_OFFICER, Permission.REGISTRY_FAMILY_READ)
    assert not matrix.allows(Role.DUKCAPIL_OFFICER, Permission.REGISTRY_ADDRESS_READ)


def test_the_operator_of_the_server_loads_and_counts_but_reads_no_person(matrix: RoleMatrix) -> None:
    assert matrix.allows(Role.SYSTEM_OPERATOR, Permission.REGISTRY_IMPORT_RUN)
    assert matrix.allows(Role.SYSTEM_OPERATOR, Permission.INSIGHTS_SUMMARY_READ)
    assert not matrix.allows(Role.SYSTEM_OPERATOR, Permission.REGISTRY_PERSON_READ)
    assert not matrix.allows(Role.SYSTEM_OPERATOR, Permission.REGISTRY_NIK_REVEAL)


@pytest.mark.parametrize(("role", "inherited"), INHERITANCE)
def test_a_role_may_do_all_that_its_inherited_role_may(matrix: RoleMatrix, role: Role, inherited: Role) -> None:
    assert matrix.permissions(role) >= matrix.permissions(inherited)


def test_inheritance_does_not_run_backwards(matrix: RoleMatrix) -> None:
    assert (Role.PKH_FACILITATOR, Role.PSM) in INHERITANCE
    assert not matrix.allows(Role.PSM, Permission.REGISTRY_HEALTH_READ)
    assert (Role.MINISTRY_ADMIN, Role.MINISTRY_ANALYST) in INHERITANCE
    assert not matrix.allows(Role.MINISTRY_ANALYST, Permission.REGISTRY_NAME_READ)


def test_makers_are_not_checkers() -> None:
    parents: dict[Role, set[Role]] = {role: {role} for role in Role}
    for _ in INHERITANCE:
        for role, inherited in INHERITANCE:
            parents[role] |= parents[inherited]
    for role in Role:
        assert len(parents[role] & MAKERS_AND_CHECKERS) <= 1, role


@pytest.mark.parametrize(
    ("file", "line", "reason"),
    [
        ("registry.csv", "p, CAMAT, registry:family:read", "'CAMAT' is not a valid Role"),
        ("registry.csv", "p, PSM, registry:family:burn", "'registry:family:burn' is not a valid Permission"),
        ("registry.csv", "p, PSM, regions:region:read", "belongs in regions.csv"),
        ("registry.csv", "p, PSM, registry:name:read", "twice"),
        ("registry.csv", "P, PSM, registry:health:read", "a rule is"),
        ("registry.csv", "p, PSM", "a rule is"),
        ("registry.csv", "p, PSM, registry:health:read, deny", "a rule is"),
        ("registry.csv", "g, PSM, MINISTRY_ADMIN", "a rule is"),
        ("roles.csv", "g, PSM, CAMAT", "'CAMAT' is not a valid Role"),
        ("roles.csv", "p, PSM, registry:health:read", "a rule is"),
        ("regions.csv", ",", "a rule is"),
    ],
)
def test_a_rule_that_casbin_would_skip_or_misread_stops_the_start(
    folder: Path, file: str, line: str, reason: str
) -> None:
    append(folder / file, line)
    number = len((folder / file).read_text().splitlines())
    with pytest.raises(PolicyInvalid, match=reason) as refused:
        load_role_matrix(folder)
    assert str(refused.value).startswith(f"{file}:{number}: ")


def test_a_permission_that_nobody_has_stops_the_start(folder: Path) -> None:
    (folder / "insights.csv").write_text("# empty\n")
    with pytest.raises(PolicyInvalid, match="no role has insights:summary:read"):
        load_role_matrix(folder)


def test_the_files_decide(folder: Path) -> None:
    append(folder / "registry.csv", "p, BANK_OFFICER, registry:edition:read")
    changed = load_role_matrix(folder)
    assert changed.allows(Role.BANK_OFFICER, Permission.REGISTRY_EDITION_READ)
    assert not changed.allows(Role.BANK_OFFICER, Permission.REGISTRY_FAMILY_READ)
