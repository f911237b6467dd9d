"""A preview: what was counted, what was found in which row, and who is told what of it."""

from collections.abc import AsyncIterator
from pathlib import Path
from shutil import copytree
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from uuid_utils.compat import uuid7

from app.authz.enforcer import POLICY_FOLDER
from app.authz.roles import Role
from app.domain.registry.imports.findings import FINDINGS
from app.settings import Settings
from app.tenants.server import DatabaseServer
from tests.imports.api.clerk import BANYUMAS, CILACAP, VILLAGE, Clerk, Imports, Planted
from tests.support.client import ApiClient, Json, api_with_policies

ROWS = """query($id: ID!, $first: Int = 25, $after: String, $filter: ImportRowFilter) { import(id: $id) {
  rows(first: $first, after: $after, filter: $filter) {
    totalCount pageInfo { hasNextPage endCursor } nodes { subject line columnName code severity value otherLine message } } } }"""
LIST = """query($region: String, $filter: ImportFilter, $first: Int = 100, $after: String) {
  imports(region: $region, filter: $filter, first: $first, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } }"""
REPEATED = FINDINGS["FAMILY_REPEATED"]
COPIED = """
insert into {table} (regency_id, import_id, village_low, village_high, {columns})
select regency_id, id, village_low, village_high, {values} from registry_import where id = $1
"""


async def says(planted: Planted, table: str, **columns: Any) -> None:
    """Add a row about the import to ``table``."""
    values = ", ".join(f"${number}" for number, _ in enumerate(columns, 2))
    statement = COPIED.format(table=table, columns=", ".join(columns), values=values)
    await planted.owner.execute(statement, planted.uuid, *columns.values())


async def rows_of(clerk: Clerk, planted: Planted, **variables: Any) -> Json:
    rows: Json = (await clerk.caller.query(ROWS, id=planted.id, **variables))["import"]["rows"]
    return rows


@pytest_asyncio.fixture(scope="module")
async def reticent(
    api_settings: Settings, server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ApiClient]:
    """The API under policies in which a verifier may not read names."""
    folder: Path = tmp_path_factory.mktemp("policies")
    copytree(POLICY_FOLDER, folder, dirs_exist_ok=True)
    registry, allowed = folder / "registry.csv", "p, REGENCY_VERIFIER, registry:name:read\n"
    assert allowed in registry.read_text()
    registry.write_text(registry.read_text().replace(allowed, ""))
    async with api_with_policies(api_settings, server, folder) as client:
        yield client


@pytest.fixture
async def clerk(imports: Imports) -> Clerk:
    return await imports.clerk()


@pytest.fixture
async def planted(imports: Imports) -> Planted:
    """An import with findings of all kinds."""
    planted = await imports.plant()
    await planted.issue(2, "NIK_SERIAL_ZERO")
    await planted.issue(9, "NIK_SERIAL_ZERO", value="3302********0000")
    await planted.issue(3, "NIK_SEX_DIFFERS", "WARNING", column="sex", value="FEMALE")
    await planted.issue(3, "NIK_BIRTH_DATE_DIFFERS", "WARNING", column="birth_date", value="")
    await planted.issue(7, "FAMILY_REPEATED", subject="FAMILY", column="", value="", other_line=4)
    return planted


async def test_findings_come_by_subject_and_line_with_a_text_for_people(clerk: Clerk, planted: Planted) -> None:
    rows = await rows_of(clerk, planted)
    assert rows["totalCount"] == 5
    assert [(row["subject"], row["line"], row["code"]) for row in rows["nodes"]] == [
        ("FAMILY", 7, "FAMILY_REPEATED"),
        ("PERSON", 2, "NIK_SERIAL_ZERO"),
        ("PERSON", 3, "NIK_BIRTH_DATE_DIFFERS"),
        ("PERSON", 3, "NIK_SEX_DIFFERS"),
        ("PERSON", 9, "NIK_SERIAL_ZERO"),
    ]
    repeated, serial = rows["nodes"][:2]
    assert (repeated["columnName"], repeated["value"], repeated["otherLine"]) == (None, None, 4)
    assert repeated["message"] == REPEATED.indonesian.replace("{line}", "4")
    assert serial | {"message": None} == {
        "subject": "PERSON",
        "line": 2,
        "columnName": "nik",
        "code": "NIK_SERIAL_ZERO",
        "severity": "ERROR",
        "value": "3302********0001",
        "otherLine": None,
        "message": None,
    }
    assert serial["message"] == "Nomor urut NIK tidak boleh 0000."


async def test_findings_are_told_in_english_to_whoever_prefers_it(clerk: Clerk, planted: Planted) -> None:
    response = await clerk.caller.post(ROWS, {"id": planted.id}, accept_language="en")
    messages = [row["message"] for row in response.json()["data"]["import"]["rows"]["nodes"]]
    assert messages[:2] == [
        REPEATED.english.replace("{line}", "4"),
        "The serial number of a NIK is never 0000.",
    ]


async def test_a_finding_of_another_version_shows_its_code(clerk: Clerk, imports: Imports) -> None:
    planted = await imports.plant()
    await planted.issue(1, "FOUND_BY_A_LATER_VERSION")
    assert (await rows_of(clerk, planted))["nodes"][0]["message"] == "FOUND_BY_A_LATER_VERSION"


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        ({}, [7, 2, 3, 3, 9]),
        ({"severities": ["ERROR"]}, [7, 2, 9]),
        ({"severities": ["WARNING", "ERROR"], "subject": "PERSON"}, [2, 3, 3, 9]),
        ({"codes": ["NIK_SERIAL_ZERO", "FAMILY_REPEATED"]}, [7, 2, 9]),
        ({"codes": []}, []),
        ({"subject": "FAMILY"}, [7]),
        ({"lines": {"from": 3, "to": 7}}, [7, 3, 3]),
        ({"lines": {"from": 8}}, [9]),
        ({"lines": {"to": 2}, "severities": ["ERROR"], "codes": ["NIK_SERIAL_ZERO"], "subject": "PERSON"}, [2]),
    ],
)
async def test_findings_are_filtered(clerk: Clerk, planted: Planted, given: Json, lines: list[int]) -> None:
    rows = await rows_of(clerk, planted, filter=given)
    assert [row["line"] for row in rows["nodes"]] == lines
    assert rows["totalCount"] == len(lines)


async def test_pages_of_findings_hold_each_once(clerk: Clerk, planted: Planted) -> None:
    seen, after = [], None
    for _ in range(5):
        page = await rows_of(clerk, planted, first=1, after=after)
        seen += [(row["line"], row["code"]) for row in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert not page["pageInfo"]["hasNextPage"]
    assert seen == [(row["line"], row["code"]) for row in (await rows_of(clerk, planted))["nodes"]]


async def test_findings_are_counted_by_code_with_errors_first(clerk: Clerk, planted: Planted) -> None:
    found = await clerk.caller.query(
        "query($id: ID!) { import(id: $id) { issueCounts { code severity count message } } }", id=planted.id
    )
    counts = found["import"]["issueCounts"]
    assert [(each["code"], each["severity"], each["count"]) for each in counts] == [
        ("NIK_SERIAL_ZERO", "ERROR", 2),
        ("FAMILY_REPEATED", "ERROR", 1),
        ("NIK_BIRTH_DATE_DIFFERS", "WARNING", 1),
        ("NIK_SEX_DIFFERS", "WARNING", 1),
    ]
    assert counts[1]["message"] == REPEATED.indonesian.replace("{line}", "…")


async def test_a_preview_counts_families_and_persons(clerk: Clerk, planted: Planted) -> None:
    await planted.has(families_left=3, families_moved=1, persons_new=4, rows_with_warnings=2, probable_duplicates=6)
    found = await clerk.caller.query(
        """query($id: ID!) { import(id: $id) { counts { families { staged accepted rejected new same changed moved left }
        persons { staged accepted rejected new same changed moved } rowsWithWarnings probableDuplicates } } }""",
        id=planted.id,
    )
    assert found["import"]["counts"] == {
        "families": {
            "staged": 2,
            "accepted": 2,
            "rejected": 0,
            "new": 0,
            "same": 0,
            "changed": 0,
            "moved": 1,
            "left": 3,
        },
        "persons": {"staged": 5, "accepted": 5, "rejected": 0, "new": 4, "same": 0, "changed": 0, "moved": 0},
        "rowsWithWarnings": 2,
        "probableDuplicates": 6,
    }


async def test_a_refresh_shows_who_joins_who_changes_and_who_leaves(clerk: Clerk, planted: Planted) -> None:
    here, elsewhere, gone = uuid7(), uuid7(), uuid7()
    village = 3302012001
    for line in (2, 4, 6, 7):
        await says(planted, "staged_family", line=line, id=uuid7(), family_key=b"k", village_id=village, decile=line)
    await says(
        planted, "import_match", subject="FAMILY", line=2, registered_regency_id=3302, registered_id=here,
        outcome="CHANGED", changed=["rt", "floor"],
    )  # fmt: skip
    await says(
        planted, "import_match", subject="PERSON", line=5, registered_regency_id=3404, registered_id=elsewhere,
        outcome="MOVED",
    )  # fmt: skip
    await says(
        planted, "import_departure", family_regency_id=3302, family_id=gone, family_village_id=village,
        reason="NOT_IN_EDITION",
    )  # fmt: skip
    found = (
        await clerk.caller.query(
            """query($id: ID!) { import(id: $id) {
              newFamilies { totalCount nodes { line decile village { code } } }
              changes { nodes { subject line outcome changed registeredId } }
              moved: changes(filter: {outcomes: [MOVED], subject: PERSON}) { nodes { line } }
              families: changes(filter: {subject: FAMILY}) { totalCount }
              departures { nodes { familyId reason village { code } } } } }""",
            id=planted.id,
        )
    )["import"]
    # Line 7 is rejected, line 2 is registered.
    assert found["newFamilies"] == {
        "totalCount": 2,
        "nodes": [
            {"line": 4, "decile": 4, "village": {"code": VILLAGE}},
            {"line": 6, "decile": 6, "village": {"code": VILLAGE}},
        ],
    }
    assert found["changes"]["nodes"] == [
        {
            "subject": "FAMILY",
            "line": 2,
            "outcome": "CHANGED",
            "changed": ["rt", "floor"],
            "registeredId": f"Family:3302:{here}",
        },
        # Where somebody is registered beyond the region of the import is not told.
        {"subject": "PERSON", "line": 5, "outcome": "MOVED", "changed": [], "registeredId": None},
    ]
    assert found["moved"]["nodes"] == [{"line": 5}]
    assert found["families"]["totalCount"] == 1
    assert found["departures"]["nodes"] == [
        {"familyId": f"Family:3302:{gone}", "reason": "NOT_IN_EDITION", "village": {"code": VILLAGE}}
    ]


class TestDuplicates:
    QUERY = """query($id: ID!, $filter: ImportDuplicateFilter) { import(id: $id) { duplicates(filter: $filter) {
      nodes { id line otherLine personId score decision } } } }"""
    NAMES = "query Pratinjau($id: ID!) { import(id: $id) { duplicates { nodes { name otherName } } } }"

    @pytest.fixture
    async def staged(self, planted: Planted) -> list[UUID]:
        """Two lines who may be one person, and one who may be somebody registered; the ids of the two."""
        ids = [UUID(int=uuid7().int) for _ in range(2)]
        for line, person, name in zip((3, 8), ids, ("SITI AMINAH", "SITI AMINA"), strict=True):
            await says(planted, "staged_person", line=line, id=person, family_key=b"k", name=name)
        await says(planted, "import_duplicate", id=uuid7(), line=3, other_line=8, score=95)
        await says(
            planted, "import_duplicate", id=uuid7(), line=5, person_regency_id=3302, person_id=ids[0], score=88,
            decision="SAME_PERSON",
        )  # fmt: skip
        return ids

    async def test_they_come_by_line_with_what_was_decided(
        self, clerk: Clerk, planted: Planted, staged: list[UUID]
    ) -> None:
        found = (await clerk.caller.query(self.QUERY, id=planted.id))["import"]["duplicates"]["nodes"]
        assert [each | {"id": None} for each in found] == [
            {"id": None, "line": 3, "otherLine": 8, "personId": None, "score": 95, "decision": None},
            {
                "id": None,
                "line": 5,
                "otherLine": None,
                "personId": f"Person:3302:{staged[0]}",
                "score": 88,
                "decision": "SAME_PERSON",
            },
        ]
        again = await clerk.caller.query(
            "query($id: ID!) { node(id: $id) { ... on ImportDuplicate { line score } } }", id=found[0]["id"]
        )
        assert again == {"node": {"line": 3, "score": 95}}

    @pytest.mark.parametrize(("decided", "lines"), [(True, [5]), (False, [3])])
    async def test_they_are_filtered_by_decision(
        self, clerk: Clerk, planted: Planted, staged: list[UUID], decided: bool, lines: list[int]
    ) -> None:
        assert staged
        found = await clerk.caller.query(self.QUERY, id=planted.id, filter={"decided": decided})
        assert [each["line"] for each in found["import"]["duplicates"]["nodes"]] == lines

    async def test_names_are_for_those_who_may_read_names_and_reading_them_is_kept(
        self, clerk: Clerk, planted: Planted, staged: list[UUID], imports: Imports
    ) -> None:
        found = (await clerk.caller.query(self.NAMES, id=planted.id))["import"]["duplicates"]["nodes"]
        assert found == [{"name": "SITI AMINAH", "otherName": "SITI AMINA"}, {"name": None, "otherName": None}]
        (event,) = await imports.owner.fetch("select * from audit_event where $1 = any(subject_ids)", staged[0])
        assert (event["action"], event["operation"], event["permission"]) == ("READ", "Pratinjau", "registry:name:read")
        assert (set(event["subject_ids"]), event["row_count"]) == (set(staged), 2)
        assert event["principal_id"] == clerk.principal_id

    async def test_whoever_may_not_read_names_is_refused_them(
        self,
        planted: Planted,
        staged: list[UUID],
        imports: Imports,
        reticent: ApiClient,
    ) -> None:
        verifier = await Imports(reticent, imports.owner).clerk(Role.REGENCY_VERIFIER)
        assert await verifier.caller.codes(self.NAMES, id=planted.id) == ["NOT_PERMITTED"]
        assert await verifier.caller.codes(self.QUERY, id=planted.id) == []
        told = "select count(*) from audit_event where action = 'READ' and $1 = any(subject_ids)"
        assert await imports.owner.fetchval(told, staged[0]) == 0


class TestLists:
    async def test_imports_come_newest_first_and_page_by_page(self, imports: Imports, clerk: Clerk) -> None:
        made = [(await imports.plant(VILLAGE)).id for _ in range(3)]
        found = await clerk.caller.query(LIST, region=VILLAGE, first=2)
        assert [each["id"] for each in found["imports"]["nodes"]] == made[:0:-1]
        rest = await clerk.caller.query(LIST, region=VILLAGE, first=2, after=found["imports"]["pageInfo"]["endCursor"])
        assert made[0] in [each["id"] for each in rest["imports"]["nodes"]]

    async def test_imports_are_filtered_by_stage_and_format(self, imports: Imports, clerk: Clerk) -> None:
        waiting, over = await imports.plant(VILLAGE), await imports.plant(VILLAGE, stage="APPLIED")

        async def ids(**given: Any) -> list[str]:
            found = await clerk.caller.query(LIST, region=VILLAGE, filter=given)
            return [each["id"] for each in found["imports"]["nodes"]]

        assert waiting.id in await ids(stages=["VALIDATED"])
        assert over.id not in await ids(stages=["VALIDATED"])
        assert {waiting.id, over.id} <= set(await ids(stages=["VALIDATED", "APPLIED"], formats=["KESOS_CSV"]))
        assert await ids(formats=["OPENSID"]) == []

    async def test_an_import_of_a_larger_region_is_not_a_smaller_offices_to_see(self, imports: Imports) -> None:
        province, regency, neighbour = await imports.plant("33"), await imports.plant(), await imports.plant(CILACAP)
        seen: dict[str, set[str]] = {}
        for name, role, code in (
            ("regency", Role.REGENCY_ADMIN, BANYUMAS),
            ("province", Role.PROVINCE_OFFICER, "33"),
        ):
            reader = await imports.clerk(role, code)
            found = await reader.caller.query(LIST, first=100)
            seen[name] = {each["id"] for each in found["imports"]["nodes"]} & {province.id, regency.id, neighbour.id}
        assert seen == {"regency": {regency.id}, "province": {province.id, regency.id, neighbour.id}}

    async def test_an_import_of_a_neighbour_is_found_by_none_of_the_ways(self, imports: Imports, clerk: Clerk) -> None:
        foreign = await imports.plant(CILACAP)
        await foreign.issue(1, "NIK_SERIAL_ZERO")
        found = await clerk.caller.query(
            "query($id: ID!) { import(id: $id) { id } node(id: $id) { id } nodes(ids: [$id]) { id } }", id=foreign.id
        )
        assert found == {"import": None, "node": None, "nodes": [None]}
        own = await (await imports.clerk(code=CILACAP)).caller.query(
            "query($id: ID!) { import(id: $id) { rows { totalCount } } node(id: $id) { id } }", id=foreign.id
        )
        assert own == {"import": {"rows": {"totalCount": 1}}, "node": {"id": foreign.id}}

    @pytest.mark.parametrize("role", [Role.PSM, Role.BANK_OFFICER, Role.MINISTRY_ANALYST])
    async def test_whoever_may_not_read_imports_is_told_so(self, imports: Imports, role: Role) -> None:
        planted = await imports.plant(VILLAGE)
        reader = await imports.clerk(role, {Role.PSM: VILLAGE, Role.BANK_OFFICER: BANYUMAS}.get(role, ""))
        assert await reader.caller.codes(LIST) == ["NOT_PERMITTED"]
        assert await reader.caller.codes("query($id: ID!) { import(id: $id) { id } }", id=planted.id) == [
            "NOT_PERMITTED"
        ]
        assert (await reader.caller.query("query($id: ID!) { node(id: $id) { id } }", id=planted.id)) == {"node": None}

    @pytest.mark.parametrize(
        "given", ["Import:3302", "Family:3302:01c00000-0000-7000-8000-000000000001", "", "Import:33:1"]
    )
    async def test_an_id_that_is_none_is_refused(self, clerk: Clerk, given: str) -> None:
        assert await clerk.caller.codes("query($id: ID!) { import(id: $id) { id } }", id=given) == ["ID_INVALID"]
