"""A file is taken up by whoever may, for their own region, once."""

from uuid import UUID, uuid4

import pytest

from app.authz.roles import Role
from tests.imports.api.clerk import BANYUMAS, CILACAP, DISCARD, EDITION, START, VILLAGE, Imports

_NEEDS_WORKBOOK = {"format": "REGSOSEK_2022", "region": VILLAGE}


async def test_a_file_is_taken_up_and_its_check_is_queued(imports: Imports) -> None:
    clerk = await imports.clerk()
    given = await imports.start_input(clerk)
    answer = await clerk.does(START, **given)
    assert answer["__typename"] == "ImportStarted"
    started = answer["import"]
    assert (started["stage"], started["format"], started["mode"]) == ("UPLOADED", "KESOS_CSV", "ADDITION")
    assert (started["region"]["code"], started["createdBy"]) == (BANYUMAS, "Sari Wulandari")
    assert f"{started['edition']['scheme']}:{started['edition']['period']}" == EDITION
    assert (started["profile"], started["encoding"], started["acceptValid"]) == (None, "utf-8-sig", False)
    assert (started["validatedAt"], started["finishedAt"]) == (None, None)
    planted = imports.of(answer)
    row = await planted.row()
    assert (row["upload_id"], row["created_by"]) == (UUID(given["uploadId"]), clerk.principal_id)
    assert await planted.jobs() == [("IMPORT_CHECK", "QUEUED")]
    assert started["job"]["id"].endswith(str(row["job_id"]))


async def test_starting_is_kept_in_the_audit_trail(imports: Imports) -> None:
    clerk = await imports.clerk()
    planted = imports.of(await clerk.does(START, **await imports.start_input(clerk)))
    events = await imports.owner.fetch(
        "select * from audit_event where subject_type = 'Import' and $1 = any(subject_ids)", planted.uuid
    )
    assert [(event["action"], event["operation"], event["principal_id"]) for event in events] == [
        ("CHANGE", "importStart", clerk.principal_id)
    ]


async def test_sent_again_it_answers_the_first_import(imports: Imports) -> None:
    clerk = await imports.clerk()
    given = await imports.start_input(clerk)
    first, again = await clerk.does(START, **given), await clerk.does(START, **given)
    assert first == again
    assert await imports.of(first).jobs() == [("IMPORT_CHECK", "QUEUED")]


async def test_sent_again_after_the_file_has_gone_it_still_answers_the_first_import(imports: Imports) -> None:
    clerk = await imports.clerk()
    given = await imports.start_input(clerk)
    first = await clerk.does(START, **given)
    await imports.owner.execute("delete from upload where id = $1", UUID(given["uploadId"]))
    assert await clerk.does(START, **given) == first


@pytest.mark.parametrize(
    "changes", [{"region": VILLAGE}, {"edition": "DTSEN:2026-Q2"}, {"mode": "EDITION"}, {"encoding": "cp1252"}]
)
async def test_a_key_that_was_used_for_something_else_is_refused(imports: Imports, changes: dict[str, str]) -> None:
    clerk = await imports.clerk()
    given = await imports.start_input(clerk)
    planted = imports.of(await clerk.does(START, **given))
    answer = await clerk.does(START, **given | changes)
    assert (answer["__typename"], answer["code"]) == ("Conflict", "IDEMPOTENCY_KEY_REUSED")
    assert len(await planted.jobs()) == 1


async def test_a_key_of_somebody_else_is_refused_and_shows_nothing(imports: Imports) -> None:
    ministry, clerk = await imports.clerk(Role.MINISTRY_ADMIN, ""), await imports.clerk()
    of_ministry = await imports.start_input(ministry, "33.02")
    imports.of(await ministry.does(START, **of_ministry))
    given = await imports.start_input(clerk, idempotencyKey=of_ministry["idempotencyKey"])
    answer = await clerk.does(START, **given)
    assert (answer["__typename"], answer["code"]) == ("Conflict", "IDEMPOTENCY_KEY_REUSED")
    assert of_ministry["uploadId"] not in str(answer)


@pytest.mark.parametrize(
    ("changes", "code", "fields"),
    [
        ({"region": "3302"}, "REGION_CODE_MALFORMED", ["region"]),
        ({"region": "33.02.99"}, "REGION_UNKNOWN", ["region"]),
        ({"region": "33"}, "REGION_UNKNOWN", ["region"]),
        ({"region": CILACAP}, "REGION_UNKNOWN", ["region"]),
        ({"edition": "DTSEN:1999-Q1"}, "EDITION_UNKNOWN", ["edition"]),
        ({"edition": ""}, "EDITION_UNKNOWN", ["edition"]),
        ({"encoding": "klingon"}, "IMPORT_ENCODING_UNKNOWN", ["encoding"]),
        ({"encoding": "hex"}, "IMPORT_ENCODING_UNKNOWN", ["encoding"]),
        ({"encoding": "utf-8\0"}, "IMPORT_ENCODING_UNKNOWN", ["encoding"]),
        ({"format": "PROFILE"}, "IMPORT_PROFILE_WRONG", ["profile"]),
        ({"format": "PROFILE", "profile": "../../etc/passwd"}, "IMPORT_PROFILE_WRONG", ["profile"]),
        ({"profile": "none"}, "IMPORT_PROFILE_WRONG", ["profile"]),
        ({"format": "OPENSID"}, "IMPORT_VILLAGE_NEEDED", ["region"]),
        ({"mode": "EDITION", "region": "33.02.01"}, "IMPORT_EDITION_REGION_WRONG", ["mode", "region"]),
        ({"mode": "EDITION", "region": VILLAGE}, "IMPORT_EDITION_REGION_WRONG", ["mode", "region"]),
        (_NEEDS_WORKBOOK, "IMPORT_FORMAT_UNFIT", ["format"]),
        ({"uploadId": "berkas"}, "ID_INVALID", ["uploadId"]),
    ],
)
async def test_an_input_that_cannot_be_is_told_by_its_name(
    imports: Imports, changes: dict[str, str], code: str, fields: list[str]
) -> None:
    clerk = await imports.clerk()
    answer = await clerk.does(START, **await imports.start_input(clerk) | changes)
    assert (answer["__typename"], answer["code"], answer["fields"]) == ("InvalidInput", code, fields)
    assert answer["message"]
    assert not await imports.owner.fetchval(
        "select count(*) from registry_import where created_by = $1", clerk.principal_id
    )


async def test_a_file_of_a_village_is_not_imported_for_its_regency(imports: Imports) -> None:
    clerk = await imports.clerk()
    upload = await imports.upload(clerk, VILLAGE)
    answer = await clerk.does(START, **await imports.start_input(clerk, uploadId=upload))
    assert (answer["__typename"], answer["code"]) == ("InvalidInput", "IMPORT_REGION_BEYOND_UPLOAD")


async def test_a_file_of_a_regency_is_imported_for_one_of_its_villages(imports: Imports) -> None:
    clerk = await imports.clerk()
    upload = await imports.upload(clerk)
    answer = await clerk.does(START, **await imports.start_input(clerk, VILLAGE, uploadId=upload))
    assert answer["import"]["region"]["code"] == VILLAGE
    imports.of(answer)


async def test_a_region_beyond_the_callers_own_looks_like_one_that_is_not_there(imports: Imports) -> None:
    clerk = await imports.clerk()
    given = await imports.start_input(clerk)
    foreign = await clerk.does(START, **given | {"region": CILACAP})
    nowhere = await clerk.does(START, **given | {"region": "33.98"})
    assert foreign | {"message": foreign["message"].replace(CILACAP, "33.98")} == nowhere


async def test_somebody_elses_upload_looks_like_one_that_is_not_there(imports: Imports) -> None:
    clerk, colleague = await imports.clerk(), await imports.clerk()
    foreign = await clerk.does(START, **await imports.start_input(clerk, uploadId=await imports.upload(colleague)))
    nowhere = await clerk.does(START, **await imports.start_input(clerk, uploadId=str(uuid4())))
    lapsed = await clerk.does(START, **await imports.start_input(clerk, uploadId=await imports.upload(clerk, hours=-1)))
    assert foreign["__typename"] == "NotFound"
    assert foreign == nowhere == lapsed


@pytest.mark.parametrize("role", [Role.REGENCY_VERIFIER, Role.AUDITOR, Role.PSM])
async def test_whoever_may_not_import_is_told_so_and_nothing_happens(imports: Imports, role: Role) -> None:
    clerk = await imports.clerk(role, VILLAGE if role is Role.PSM else BANYUMAS)
    given = await imports.start_input(clerk)
    assert await clerk.caller.codes(START, i=given) == ["NOT_PERMITTED"]
    assert not await imports.owner.fetchval(
        "select count(*) from registry_import where created_by = $1", clerk.principal_id
    )


async def test_one_full_edition_of_a_region_at_a_time(imports: Imports) -> None:
    clerk = await imports.clerk()
    first = imports.of(await clerk.does(START, **await imports.start_input(clerk, mode="EDITION")))
    second = await imports.start_input(clerk, mode="EDITION")
    refused = await clerk.does(START, **second)
    assert (refused["__typename"], refused["code"]) == ("Conflict", "IMPORT_EDITION_IN_PROGRESS")
    addition = await clerk.does(START, **await imports.start_input(clerk))
    assert addition["__typename"] == "ImportStarted"
    imports.of(addition)
    await first.ends()
    await clerk.does(DISCARD, id=first.id)
    answer = await clerk.does(START, **second)
    assert answer["__typename"] == "ImportStarted"
    imports.of(answer)


async def test_a_province_is_imported_by_the_ministry(imports: Imports) -> None:
    ministry = await imports.clerk(Role.MINISTRY_ADMIN, "")
    answer = await ministry.does(START, **await imports.start_input(ministry, "33", mode="EDITION"))
    assert (answer["import"]["region"]["code"], answer["import"]["mode"]) == ("33", "EDITION")
    assert imports.of(answer).regency_id == 3300
    regency = await imports.clerk()
    assert (await regency.caller.query("query($id: ID!) { import(id: $id) { id } }", id=answer["import"]["id"])) == {
        "import": None
    }
