"""Additions: what is new is added, what is there stays as it is."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest

from app.domain.insights.service import verify_summaries
from app.domain.registry.imports.errors import ImportHasErrors, ImportStageWrong, ImportUnknown
from app.domain.registry.imports.models import ImportMode
from app.tenants.region_path import RegionPath
from app.tenants.scope import TenantScope
from tests.imports.applying.office import (
    CHILD,
    FIRST_EDITION,
    SECOND_EDITION,
    WIFE,
    Family,
    Office,
    OfficeWork,
    Person,
    apply_all,
    family,
)


def homes(office: Office, number: int) -> list[Family]:
    """Families one by one in the villages of two regencies."""
    villages = [village for regency in office.regencies for village in office.villages[regency][:4]]
    return [
        family(
            f"KK {n}", villages[n % len(villages)], Person(f"Budi {n}"), Person(f"Siti {n}", WIFE), decile=n % 10 + 1
        )
        for n in range(number)
    ]


async def decide_same(
    office: Office, work: OfficeWork, line: int, *, person: UUID | None, other_line: int | None
) -> None:
    """Somebody decides that the person of ``line`` is a registered one, or that of another line."""
    await office.loader.execute(
        "insert into import_duplicate (regency_id, id, village_low, village_high, import_id, line, other_line, "
        "person_regency_id, person_id, score, decision) "
        "values ($1, gen_random_uuid(), $2, $3, $4, $5, $6, (select regency_id from person where id = $7), $7, 97, 'SAME_PERSON')",
        office.span.low // 1_000_000,
        *office.span_numbers,
        work.subject_id,
        line,
        other_line,
        person,
    )


async def person_id(office: Office, name: str) -> UUID:
    found: UUID = await office.loader.fetchval(
        "select id from person where name = $1 and village_id between $2 and $3", name, *office.span_numbers
    )
    return found


async def test_new_families_get_their_members_and_ranks(office: Office) -> None:
    here, there = office.villages[office.regencies[0]][:2]
    await office.apply(
        [
            family("A", here, Person("Budi"), Person("Siti", WIFE), Person("Adi", CHILD, nik=None), decile=3),
            family("B", there, Person("Joko")),
        ]
    )
    assert await office.families() == [
        ("A", here, "ACTIVE", 3, FIRST_EDITION),
        ("B", there, "ACTIVE", None, FIRST_EDITION),
    ]
    assert await office.people() == {
        "Adi": [(here, "A", "CHILD", 3, "PRESENT")],
        "Budi": [(here, "A", "HEAD", 1, "PRESENT")],
        "Joko": [(there, "B", "HEAD", 1, "PRESENT")],
        "Siti": [(here, "A", "WIFE", 2, "PRESENT")],
    }
    assert await office.ranks() == [("A", here, FIRST_EDITION, 3)]
    rows = await office.loader.fetch(
        "select head_name, name, identity_status::text from family f join person p on p.family_id = f.id "
        "where p.village_id = $1 order by name",
        here,
    )
    assert [tuple(row) for row in rows] == [
        ("Budi", "Adi", "NO_IDENTITY"),
        ("Budi", "Budi", "NIK_ISSUED"),
        ("Budi", "Siti", "NIK_ISSUED"),
    ]
    assert await verify_summaries(office.loader) == []


async def test_ids_are_those_that_were_staged(office: Office) -> None:
    work = await office.stage([family("A", office.villages[office.regencies[0]][0], Person("Budi"))])
    staged = await office.loader.fetchval("select id from staged_person where import_id = $1", work.subject_id)
    await apply_all(work, office.scope)
    assert await person_id(office, "Budi") == staged


async def test_whoever_is_registered_stays_as_they_are_and_new_members_join(office: Office) -> None:
    here = office.villages[office.regencies[0]][0]
    old = family("A", here, Person("Budi"), Person("Siti", WIFE), decile=3)
    await office.apply([old])
    await office.apply(
        [
            family(
                "A",
                here,
                replace(old.people[0], name="Budi Santoso", nik=old.people[0].number),
                Person("Bayi", CHILD, values={"member_no": 1}),
                decile=9,
                values={"address": "Jl. 2"},
            )
        ],
        edition=SECOND_EDITION,
    )
    assert await office.families() == [("A", here, "ACTIVE", 3, FIRST_EDITION)]
    assert await office.people() == {
        "Bayi": [(here, "A", "CHILD", 3, "PRESENT")],
        "Budi": [(here, "A", "HEAD", 1, "PRESENT")],
        "Siti": [(here, "A", "WIFE", 2, "PRESENT")],
    }
    assert await office.ranks() == [("A", here, FIRST_EDITION, 3)]


async def test_rejected_rows_are_left_out_and_a_family_goes_with_its_head(office: Office) -> None:
    here = office.villages[office.regencies[0]][0]
    await office.apply(
        [
            family("A", here, Person("Budi"), Person("Siti", WIFE, is_refused=True), Person("Adi", CHILD)),
            family("B", here, Person("Joko", is_refused=True), Person("Wati", WIFE), is_refused=True),
        ]
    )
    assert [row[0] for row in await office.families()] == ["A"]
    assert list(await office.people()) == ["Adi", "Budi"]


async def test_nothing_is_applied_while_nobody_has_accepted_the_rejected_rows(office: Office) -> None:
    here = office.villages[office.regencies[0]][0]
    work = await office.stage(
        [family("A", here, Person("Budi"), Person("Siti", WIFE, is_refused=True))], accept_valid=False
    )
    with pytest.raises(ImportHasErrors):
        await apply_all(work, office.scope)
    assert await office.families() == []


@pytest.mark.parametrize("stage", ["VALIDATED", "PARSED", "DISCARDED"])
async def test_nothing_is_applied_without_a_decision(office: Office, stage: str) -> None:
    work = await office.stage(homes(office, 3))
    await office.loader.execute("update registry_import set stage = $2 where id = $1", work.subject_id, stage)
    with pytest.raises(ImportStageWrong):
        await apply_all(work, office.scope)
    assert await office.families() == []


async def test_an_import_of_others_does_not_exist(office: Office) -> None:
    work = await office.stage(homes(office, 3))
    with pytest.raises(ImportUnknown):
        await apply_all(work, TenantScope.of([RegionPath.of_id(office.regencies[0])]))
    assert await office.families() == []


async def test_who_is_decided_to_be_registered_is_not_added(office: Office) -> None:
    here = office.villages[office.regencies[0]][0]
    await office.apply([family("A", here, Person("Siti"))])
    work = await office.stage(
        [family("B", here, Person("Joko"), Person("Sitti", WIFE, nik=None), Person("Adi", CHILD))]
    )
    await decide_same(office, work, 3, person=await person_id(office, "Siti"), other_line=None)
    await apply_all(work, office.scope)
    assert list(await office.people()) == ["Adi", "Joko", "Siti"]


async def test_a_family_whose_head_is_decided_to_be_registered_elsewhere_is_not_added(office: Office) -> None:
    here = office.villages[office.regencies[0]][0]
    await office.apply([family("A", here, Person("Siti"))])
    work = await office.stage([family("B", here, Person("Sitti", nik=None), Person("Adi", CHILD))])
    await decide_same(office, work, 2, person=await person_id(office, "Siti"), other_line=None)
    await apply_all(work, office.scope)
    assert list(await office.people()) == ["Siti"]
    assert [row[0] for row in await office.families()] == ["A"]


async def test_of_two_lines_that_are_one_person_the_first_is_added(office: Office) -> None:
    here = office.villages[office.regencies[0]][0]
    work = await office.stage(
        [
            family("A", here, Person("Budi"), Person("Siti", WIFE)),
            family("B", here, Person("Joko"), Person("Sitti", WIFE)),
        ]
    )
    await decide_same(office, work, 6, person=None, other_line=3)
    await apply_all(work, office.scope)
    assert list(await office.people()) == ["Budi", "Joko", "Siti"]


async def test_in_an_edition_who_is_decided_to_be_registered_moves_to_the_family(office: Office) -> None:
    here = office.villages[office.regencies[0]][0]
    await office.apply([family("A", here, Person("Budi"), Person("Siti", WIFE, nik=None))])
    siti = await person_id(office, "Siti")
    work = await office.stage(
        [family("A", here, Person("Budi")), family("B", here, Person("Joko"), Person("Sitti", WIFE, nik=None))],
        ImportMode.EDITION,
        edition=SECOND_EDITION,
    )
    await decide_same(office, work, 5, person=siti, other_line=None)
    await apply_all(work, office.scope)
    assert await person_id(office, "Sitti") == siti
    assert (await office.people())["Sitti"] == [(here, "B", "WIFE", 2, "PRESENT")]


async def test_progress_is_told_in_families_and_ends_with_all(office: Office) -> None:
    work = await office.apply(homes(office, 20))
    assert work.told[0] == (0, 20)
    assert work.told[-1] == (20, 20)
    assert [done for done, _ in work.told] == sorted(done for done, _ in work.told)


async def test_when_it_is_over_what_was_staged_is_gone_and_what_was_said_stays(office: Office) -> None:
    file = homes(office, 5)
    file[0] = replace(file[0], people=(file[0].people[0], replace(file[0].people[1], is_refused=True)))
    work = await office.apply(file)
    left = {
        table: await office.loader.fetchval(f"select count(*) from {table} where import_id = $1", work.subject_id)  # noqa: S608  (our own words)
        for table in ("staged_family", "staged_person", "import_issue", "import_batch")
    }
    assert left["staged_family"] == left["staged_person"] == 0
    assert left["import_issue"] == 1
    row = await office.loader.fetchrow(
        "select stage, finished_at is not null as over, version from registry_import where id = $1", work.subject_id
    )
    assert tuple(row) == ("APPLIED", True, 2)


async def test_each_regency_finds_the_import_in_its_audit_trail_once(office: Office) -> None:
    work = await office.apply(homes(office, 20))
    await apply_all(work, office.scope)
    rows = await office.loader.fetch(
        "select action::text, operation, subject_type, row_count, village_low, village_high from audit_event "
        "where request_id = $1 order by village_low",
        str(work.job_id),
    )
    assert [tuple(row) for row in rows] == [
        ("CHANGE", "importApply", "Import", rows_of, regency * 1_000_000, regency * 1_000_000 + 999_999)
        for regency, rows_of in zip(office.regencies, (36, 24), strict=True)
    ]


async def staged_rows(office: Office, work: OfficeWork) -> list[int]:
    """How many families and persons of an import are staged."""
    return [
        await office.loader.fetchval(f"select count(*) from {table} where import_id = $1", work.subject_id)  # noqa: S608  (our own words)
        for table in ("staged_family", "staged_person")
    ]


async def test_what_another_import_has_staged_stays(office: Office) -> None:
    village = office.villages[office.regencies[0]][0]
    first = await office.stage([family("KK 1", village, Person("Budi"))])
    second = await office.stage([family("KK 2", village, Person("Siti"))])
    await apply_all(first, office.scope)
    assert (await staged_rows(office, first), await staged_rows(office, second)) == ([0, 0], [1, 1])
    await apply_all(second, office.scope)
    assert await staged_rows(office, second) == [0, 0]
    assert list(await office.people()) == ["Budi", "Siti"]


async def test_whoever_reads_staged_rows_is_not_waited_for(office: Office) -> None:
    work = await office.stage(homes(office, 4))
    async with office.loader.transaction():
        assert await staged_rows(office, work) == [4, 8]
        async with asyncio.timeout(60):
            await apply_all(work, office.scope)
    assert await staged_rows(office, work) == [0, 0]
