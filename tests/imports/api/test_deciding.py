"""What was checked is applied, checked again or discarded by somebody's decision; each fits the present state or is refused."""

import asyncio
from collections import Counter
from uuid import UUID, uuid4

import pytest
from uuid_utils.compat import uuid7

from app.authz.roles import Role
from tests.imports.api.clerk import (
    APPLY,
    BANYUMAS,
    CHECK,
    CILACAP,
    DECIDE,
    DISCARD,
    START,
    VILLAGE,
    Imports,
    Planted,
)

_DUPLICATE = """
insert into import_duplicate (regency_id, id, village_low, village_high, import_id, line, other_line, score)
select regency_id, $2, village_low, village_high, id, 3, 7, 92 from registry_import where id = $1
"""
DOCUMENTS = {"importApply": APPLY, "importCheck": CHECK, "importDiscard": DISCARD}


async def duplicate_of(planted: Planted) -> str:
    """The node id of a new probable duplicate."""
    identifier = uuid7()
    await planted.owner.execute(_DUPLICATE, planted.uuid, identifier)
    return f"ImportDuplicate:{planted.regency_id}:{identifier}"


async def test_what_was_previewed_is_applied(imports: Imports) -> None:
    planted, clerk = await imports.plant(), await imports.clerk()
    answer = await clerk.does(APPLY, id=planted.id, version=1)
    assert answer["__typename"] == "ImportApplying"
    assert (answer["import"]["stage"], answer["import"]["version"]) == ("APPLYING", 2)
    assert await planted.jobs() == [("IMPORT_APPLY", "QUEUED")]
    events = await imports.owner.fetch(
        "select operation, principal_id from audit_event where subject_type = 'Import' and $1 = any(subject_ids)",
        planted.uuid,
    )
    assert [tuple(event) for event in events] == [("importApply", clerk.principal_id)]


async def test_rejected_rows_are_left_out_only_where_somebody_says_so(imports: Imports) -> None:
    planted, clerk = await imports.plant(), await imports.clerk()
    await planted.has(families_rejected=1, persons_rejected=3)
    refused = await clerk.does(APPLY, id=planted.id, version=1)
    assert (refused["__typename"], refused["code"]) == ("Refused", "IMPORT_HAS_ERRORS")
    assert refused["message"].startswith("4 baris ditolak")
    assert await planted.jobs() == []
    answer = await clerk.does(APPLY, id=planted.id, version=1, acceptValid=True)
    assert (answer["import"]["stage"], answer["import"]["acceptValid"]) == ("APPLYING", True)


@pytest.mark.parametrize("accept_valid", [True, False])
async def test_nothing_is_applied_of_a_file_without_a_valid_row(imports: Imports, accept_valid: bool) -> None:
    planted, clerk = await imports.plant(), await imports.clerk()
    await planted.has(families_accepted=0, persons_accepted=0, persons_rejected=3)
    answer = await clerk.does(APPLY, id=planted.id, version=1, acceptValid=accept_valid)
    assert (answer["__typename"], answer["code"]) == ("Refused", "IMPORT_EMPTY")
    assert (await planted.row())["stage"] == "VALIDATED"


async def test_another_preview_than_the_one_decided_upon_is_not_applied(imports: Imports) -> None:
    planted, clerk = await imports.plant(), await imports.clerk()
    await planted.has(version=5)
    answer = await clerk.does(APPLY, id=planted.id, version=4)
    assert (answer["__typename"], answer["code"]) == ("Conflict", "IMPORT_CHANGED")
    assert await planted.jobs() == []


async def test_what_stopped_is_taken_up_where_it_stood(imports: Imports) -> None:
    planted, clerk = await imports.plant(), await imports.clerk()
    await planted.has(persons_rejected=3)
    await clerk.does(APPLY, id=planted.id, version=1, acceptValid=True)
    await planted.ends("FAILED")
    answer = await clerk.does(APPLY, id=planted.id, version=2)
    assert (answer["__typename"], answer["import"]["acceptValid"]) == ("ImportApplying", True)
    assert await planted.jobs() == [("IMPORT_APPLY", "FAILED"), ("IMPORT_APPLY", "QUEUED")]


async def test_two_imports_are_not_applied_to_the_same_villages_at_once(imports: Imports) -> None:
    regency, village, neighbour = await imports.plant(), await imports.plant(VILLAGE), await imports.plant(CILACAP)
    clerk = await imports.clerk()
    await clerk.does(APPLY, id=regency.id, version=1)
    answer = await clerk.does(APPLY, id=village.id, version=1)
    assert (answer["__typename"], answer["code"]) == ("Conflict", "IMPORT_OTHER_APPLYING")
    elsewhere = await (await imports.clerk(code=CILACAP)).does(APPLY, id=neighbour.id, version=1)
    assert elsewhere["__typename"] == "ImportApplying"


@pytest.mark.parametrize("province_first", [True, False])
async def test_an_import_that_one_does_not_see_is_not_overlooked(imports: Imports, province_first: bool) -> None:
    province, regency, elsewhere = await imports.plant("33"), await imports.plant(), await imports.plant("31.71")
    ministry, clerk = await imports.clerk(Role.MINISTRY_ADMIN, ""), await imports.clerk()
    deciding = [(ministry, province), (clerk, regency)]
    (first, one), (second, other) = deciding if province_first else deciding[::-1]
    assert (await first.does(APPLY, id=one.id, version=1))["__typename"] == "ImportApplying"
    answer = await second.does(APPLY, id=other.id, version=1)
    assert (answer["__typename"], answer["code"]) == ("Conflict", "IMPORT_OTHER_APPLYING")
    assert await other.jobs() == []
    apart = await (await imports.clerk(code="31.71")).does(APPLY, id=elsewhere.id, version=1)
    assert apart["__typename"] == "ImportApplying"
    await one.has(stage="APPLIED")
    assert (await second.does(APPLY, id=other.id, version=1))["__typename"] == "ImportApplying"


async def test_of_imports_that_are_applied_at_the_same_moment_one_is(imports: Imports) -> None:
    ministry, clerk = await imports.clerk(Role.MINISTRY_ADMIN, ""), await imports.clerk()
    deciding = [(ministry, await imports.plant("33"))]
    deciding += [(clerk, await imports.plant(code)) for code in (BANYUMAS, VILLAGE, VILLAGE)]
    answers = await asyncio.gather(*(each.does(APPLY, id=planted.id, version=1) for each, planted in deciding))
    # Of those that overlap: the two of the village lie in the regency, and all in the province.
    assert Counter(answer.get("code") for answer in answers) == {None: 1, "IMPORT_OTHER_APPLYING": 3}


async def test_a_file_is_checked_again_after_the_registry_has_changed(imports: Imports) -> None:
    planted, clerk = await imports.plant(), await imports.clerk()
    await clerk.does(APPLY, id=planted.id, version=1)
    await planted.ends("FAILED")
    answer = await clerk.does(CHECK, id=planted.id)
    assert answer["__typename"] == "ImportChecking"
    assert (answer["import"]["stage"], answer["import"]["version"]) == ("UPLOADED", 3)
    assert await planted.jobs() == [("IMPORT_APPLY", "FAILED"), ("IMPORT_CHECK", "QUEUED")]


async def test_what_cannot_be_applied_to_its_end_is_checked_again_however_old_its_file_is(imports: Imports) -> None:
    stuck, other = await imports.plant(stage="APPLYING"), await imports.plant(VILLAGE)
    clerk = await imports.clerk()
    await imports.owner.execute("update upload set expires_at = now() where id = $1", stuck.upload_id)
    refused = await clerk.does(APPLY, id=other.id, version=1)
    assert refused["code"] == "IMPORT_OTHER_APPLYING"
    assert (await clerk.does(CHECK, id=stuck.id))["__typename"] == "ImportChecking"
    await stuck.ends("FAILED")
    assert (await clerk.does(APPLY, id=other.id, version=1))["__typename"] == "ImportApplying"
    assert (await clerk.does(DISCARD, id=stuck.id))["__typename"] == "ImportDiscarded"


async def test_a_file_that_is_gone_is_not_checked_again(imports: Imports) -> None:
    planted, clerk = await imports.plant(), await imports.clerk()
    await imports.owner.execute("delete from upload where id = $1", planted.upload_id)
    answer = await clerk.does(CHECK, id=planted.id)
    assert (answer["__typename"], answer["code"]) == ("NotFound", "IMPORT_FILE_UNSEEN")
    assert (await planted.row())["stage"] == "VALIDATED"


async def test_whoever_does_not_see_the_file_of_an_import_is_told_who_can_check_it_again(imports: Imports) -> None:
    ministry, clerk = await imports.clerk(Role.MINISTRY_ADMIN, ""), await imports.clerk()
    given = await imports.start_input(ministry, "33", region=BANYUMAS)
    planted = imports.of(await ministry.does(START, **given))
    await planted.ends("FAILED")
    answer = await clerk.does(CHECK, id=planted.id)
    assert (answer["__typename"], answer["code"]) == ("NotFound", "IMPORT_FILE_UNSEEN")
    assert "berwenang mengimpor untuk seluruh wilayah unggahan itu" in answer["message"]
    assert "Unggah" not in answer["message"]
    assert await planted.jobs() == [("IMPORT_CHECK", "FAILED")]
    assert (await ministry.does(CHECK, id=planted.id))["__typename"] == "ImportChecking"


async def test_what_another_import_stopped_at_is_told_to_be_taken_up_by_whoever_started_it(imports: Imports) -> None:
    await imports.plant("33", stage="APPLYING")
    planted, clerk = await imports.plant(), await imports.clerk()
    answer = await clerk.does(APPLY, id=planted.id, version=1)
    assert answer["code"] == "IMPORT_OTHER_APPLYING"
    assert "Jika impor itu terhenti, yang memulainya harus menerapkan atau memeriksanya lagi." in answer["message"]


async def test_what_is_discarded_is_over_and_is_cleared_away(imports: Imports) -> None:
    planted, clerk = await imports.plant(), await imports.clerk()
    answer = await clerk.does(DISCARD, id=planted.id)
    assert (answer["__typename"], answer["import"]["stage"]) == ("ImportDiscarded", "DISCARDED")
    assert answer["import"]["finishedAt"] is not None
    assert await planted.jobs() == [("IMPORT_CHECK", "QUEUED")]
    await planted.ends()
    for name, given in {"importApply": {"version": 2}, "importCheck": {}, "importDiscard": {}}.items():
        again = await clerk.does(DOCUMENTS[name], id=planted.id, **given)
        assert (again["__typename"], again["code"]) == ("Conflict", "IMPORT_STAGE_WRONG"), name


@pytest.mark.parametrize("state", ["QUEUED", "RUNNING"])
@pytest.mark.parametrize("name", sorted(DOCUMENTS))
async def test_nothing_is_decided_while_a_job_works_on_it(imports: Imports, name: str, state: str) -> None:
    clerk = await imports.clerk()
    planted = imports.of(await clerk.does(START, **await imports.start_input(clerk)))
    await imports.owner.execute("update job set state = $2 where subject_id = $1", planted.uuid, state)
    given = {"version": 1} if name == "importApply" else {}
    answer = await clerk.does(DOCUMENTS[name], id=planted.id, **given)
    assert (answer["__typename"], answer["code"]) == ("Conflict", "IMPORT_BUSY")


@pytest.mark.parametrize(
    ("stage", "refused"),
    [
        ("UPLOADED", {"importApply"}),
        ("PARSED", {"importApply"}),
        ("VALIDATED", set()),
        ("APPLYING", {"importDiscard"}),
        ("APPLIED", {"importApply", "importCheck", "importDiscard"}),
    ],
)
@pytest.mark.parametrize("name", sorted(DOCUMENTS))
async def test_a_decision_fits_the_stage_or_is_refused(
    imports: Imports, name: str, stage: str, refused: set[str]
) -> None:
    planted, clerk = await imports.plant(stage=stage), await imports.clerk()
    answer = await clerk.does(DOCUMENTS[name], id=planted.id, **({"version": 1} if name == "importApply" else {}))
    if name in refused:
        assert (answer["__typename"], answer["code"]) == ("Conflict", "IMPORT_STAGE_WRONG")
        assert await planted.jobs() == []
    else:
        assert "import" in answer


async def test_a_probable_duplicate_is_decided_and_decided_otherwise(imports: Imports) -> None:
    planted, clerk = await imports.plant(), await imports.clerk()
    duplicate = await duplicate_of(planted)
    answer = await clerk.does(DECIDE, id=duplicate, decision="SAME_PERSON")
    assert (answer["__typename"], answer["duplicate"]["decision"]) == ("ImportDuplicateDecided", "SAME_PERSON")
    assert answer["duplicate"]["decidedAt"] is not None
    answer = await clerk.does(DECIDE, id=duplicate, decision="DIFFERENT_PERSON")
    assert answer["duplicate"]["decision"] == "DIFFERENT_PERSON"
    decided_by = await imports.owner.fetchval(
        "select decided_by from import_duplicate where import_id = $1", planted.uuid
    )
    assert decided_by == clerk.principal_id


@pytest.mark.parametrize("stage", ["APPLYING", "APPLIED", "DISCARDED"])
async def test_nothing_is_decided_of_duplicates_once_it_is_applied_or_over(imports: Imports, stage: str) -> None:
    planted, clerk = await imports.plant(stage=stage), await imports.clerk()
    answer = await clerk.does(DECIDE, id=await duplicate_of(planted), decision="SAME_PERSON")
    assert (answer["__typename"], answer["code"]) == ("Conflict", "IMPORT_STAGE_WRONG")


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
async def test_an_import_of_a_neighbour_looks_like_one_that_is_not_there(imports: Imports, name: str) -> None:
    planted, clerk = await imports.plant(CILACAP), await imports.clerk()
    given = {"version": 1} if name == "importApply" else {}
    foreign = await clerk.does(DOCUMENTS[name], id=planted.id, **given)
    nowhere = await clerk.does(DOCUMENTS[name], id=f"Import:3301:{uuid4()}", **given)
    assert foreign["__typename"] == "NotFound"
    assert foreign == nowhere
    assert (await planted.row())["version"] == 1


async def test_a_duplicate_of_a_neighbour_looks_like_one_that_is_not_there(imports: Imports) -> None:
    duplicate, clerk = await duplicate_of(await imports.plant(CILACAP)), await imports.clerk()
    foreign = await clerk.does(DECIDE, id=duplicate, decision="SAME_PERSON")
    nowhere = await clerk.does(DECIDE, id=f"ImportDuplicate:3301:{uuid4()}", decision="SAME_PERSON")
    assert foreign["__typename"] == "NotFound"
    assert foreign == nowhere


@pytest.mark.parametrize("role", [Role.REGENCY_VERIFIER, Role.AUDITOR, Role.PROVINCE_OFFICER])
async def test_whoever_reads_imports_need_not_decide_about_them(imports: Imports, role: Role) -> None:
    planted = await imports.plant()
    clerk = await imports.clerk(role, "33" if role is Role.PROVINCE_OFFICER else BANYUMAS)
    for name, document in DOCUMENTS.items():
        given = {"version": 1} if name == "importApply" else {}
        assert await clerk.caller.codes(document, i={"id": planted.id, **given}) == ["NOT_PERMITTED"]
    deciding = {"id": await duplicate_of(planted), "decision": "SAME_PERSON"}
    assert await clerk.caller.codes(DECIDE, i=deciding) == ["NOT_PERMITTED"]
    assert (await planted.row())["version"] == 1
    seen = await clerk.caller.query("query($id: ID!) { import(id: $id) { stage } }", id=planted.id)
    assert seen == {"import": {"stage": "VALIDATED"}}


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
async def test_an_id_of_something_else_is_told_by_its_name(imports: Imports, name: str) -> None:
    clerk = await imports.clerk()
    given = {"version": 1} if name == "importApply" else {}
    answer = await clerk.does(DOCUMENTS[name], id=f"Family:3302:{UUID(int=7)}", **given)
    assert (answer["__typename"], answer["code"], answer["fields"]) == ("InvalidInput", "ID_INVALID", ["id"])
