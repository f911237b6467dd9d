from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import asyncpg
import pytest
import pytest_asyncio

from app.domain.registry.errors import ImportConflict, ImportRejected, ImportTargetUnknown
from app.domain.registry.opensid.reader import parse_opensid
from app.domain.registry.opensid.report import ImportReport, RowIssue
from app.domain.registry.opensid.service import import_opensid
from app.domain.registry.sealing import Seal
from app.tenants.region_path import RegionLevel, RegionPath
from app.tenants.scope import TenantScope
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader
from tests.registry.conftest import Place
from tests.registry.opensid_files import CHILD, SAMPLE, TEST_PROVINCES, WIFE, csv_of, kk_of, row_of

TODAY = date(2026, 11, 21)

needs_sample = pytest.mark.skipif(not SAMPLE.exists(), reason="the sample of ../shared/data is not on this machine")


@dataclass
class Office:
    """Imports files as kesos_app does, and looks at the tables past row-level security."""

    place: Place
    database: Database
    server: DatabaseServer
    seal: Seal
    edition_id: int

    async def imports(
        self,
        content: bytes,
        *,
        village: RegionPath | None = None,
        scope: RegionPath | None = None,
        accept_valid: bool = False,
        test_provinces: frozenset[str] = TEST_PROVINCES,
        edition_id: int | None = None,
    ) -> ImportReport:
        async with self.database.write(TenantScope.of([scope or self.place.regency])) as session:
            return await import_opensid(
                session,
                parse_opensid(content),
                village=village or self.place.village,
                edition_id=edition_id or self.edition_id,
                seal=self.seal,
                accept_valid=accept_valid,
                today=TODAY,
                test_provinces=test_provinces,
            )

    async def refusal_of(self, content: bytes, **options: object) -> ImportReport:
        before = await self.stored()
        with pytest.raises(ImportRejected) as refusal:
            await self.imports(content, **options)  # type: ignore[arg-type]
        assert await self.stored() == before
        assert (refusal.value.report.families_created, refusal.value.report.persons_created) == (0, 0)
        return refusal.value.report

    async def families(self) -> list[asyncpg.Record]:
        """The families of the regency with the transaction that wrote each."""
        return await self._rows("select xmin::text, f.* from family f where regency_id = $1 order by id")

    async def persons(self) -> list[asyncpg.Record]:
        """The persons of the regency, by family and number."""
        return await self._rows(
            "select xmin::text, p.* from person p where regency_id = $1 order by family_id, member_no"
        )

    async def stored(self) -> list[asyncpg.Record]:
        return await self.families() + await self.persons()

    async def totals(self) -> asyncpg.Record:
        (village,) = await self._rows(
            "select * from registry_summary where regency_id = $1 and depth = 4 order by region_id"
        )
        return village

    async def _rows(self, statement: str) -> list[asyncpg.Record]:
        async with open_loader(self.server) as loader:
            rows: list[asyncpg.Record] = await loader.fetch(statement, self.place.regency.id)
        return rows


@pytest_asyncio.fixture
async def office(place: Place, database: Database, server: DatabaseServer, seal: Seal, edition_id: int) -> Office:
    return Office(place, database, server, seal, edition_id)


def told(issues: tuple[RowIssue, ...]) -> list[tuple[int, str, str, str]]:
    return [(issue.line, issue.column, issue.value, issue.code) for issue in issues]


def counts(report: ImportReport) -> tuple[int, int, int, int]:
    return report.families_created, report.persons_created, report.families_unchanged, report.persons_unchanged


def family_of_three(**head: str) -> list[dict[str, str]]:
    return [
        row_of(1, **head),
        row_of(2, no_kk=kk_of(1), sex="2", nik="9901014102900002", kk_level=WIFE, status_kawin="2"),
        row_of(3, no_kk=kk_of(1), nik="9901010506150003", tanggallahir="2015-06-05", kk_level=CHILD),
    ]


@needs_sample
async def test_the_sample_is_registered_and_a_second_import_changes_nothing(office: Office) -> None:
    report = await office.imports(SAMPLE.read_bytes())
    assert counts(report) == (37, 97, 0, 0)
    assert report.rejected == ()
    assert Counter(issue.code for issue in report.warnings) == {"KK_DATE_IMPOSSIBLE": 37, "KK_ISSUED_ELSEWHERE": 37}

    before = await office.stored()
    again = await office.imports(SAMPLE.read_bytes())
    assert counts(again) == (0, 0, 37, 97)
    assert (again.rejected, again.warnings) == ((), report.warnings)
    assert await office.stored() == before


@needs_sample
async def test_where_synthetic_persons_are_not_admitted_every_row_of_the_sample_is_refused(office: Office) -> None:
    report = await office.refusal_of(SAMPLE.read_bytes(), test_provinces=frozenset())
    assert report.rows_rejected == 97
    unknown = [issue for issue in report.rejected if issue.code == "NIK_PROVINCE_UNKNOWN"]
    assert [issue.line for issue in unknown] == list(range(2, 99))
    assert told((unknown[0],)) == [(2, "nik", "9901********0001", "NIK_PROVINCE_UNKNOWN")]

    accepting = await office.imports(SAMPLE.read_bytes(), test_provinces=frozenset(), accept_valid=True)
    assert counts(accepting) == (0, 0, 0, 0)
    assert await office.stored() == []


async def test_a_family_is_stored_with_its_members_in_file_order(office: Office) -> None:
    wife, head, child = (family_of_three(alamat="Jl. Melati 5")[at] for at in (1, 0, 2))
    assert counts(await office.imports(csv_of(wife, head, child))) == (1, 3, 0, 0)

    (family,) = await office.families()
    persons = await office.persons()
    stored = {name: family[name] for name in ("village_id", "head_name", "address", "hamlet", "rw", "rt", "status")}
    assert stored == {
        "village_id": office.place.village.id,
        "head_name": "PENDUDUK 001",
        "address": "Jl. Melati 5",
        "hamlet": "MANGSIT",
        "rw": None,
        "rt": "004",
        "status": "ACTIVE",
    }
    assert family["edition_id"] == office.edition_id
    assert office.seal.unseal(family["kk_sealed"]) == kk_of(1)
    assert (family["kk_digest"], family["kk_masked"]) == (office.seal.digest(kk_of(1)), "9901********0001")
    assert [(person["member_no"], person["relationship"], person["name"]) for person in persons] == [
        (1, "WIFE", "PENDUDUK 002"),
        (2, "HEAD", "PENDUDUK 001"),
        (3, "CHILD", "PENDUDUK 003"),
    ]
    assert {person["family_id"] for person in persons} == {family["id"]}
    assert {person["identity_status"] for person in persons} == {"NIK_ISSUED"}
    assert {person["no_nik_reason"] for person in persons} == {None}
    assert office.seal.unseal(persons[0]["nik_sealed"]) == "9901014102900002"
    assert persons[0]["nik_masked"] == "9901********0002"


async def test_the_summary_counts_what_was_registered(office: Office) -> None:
    await office.imports(csv_of(*family_of_three(), row_of(9, nik="")))
    village = await office.totals()
    assert (village["families"], village["persons"]) == (2, 4)
    assert (village["persons_nik_issued"], village["persons_no_identity"]) == (3, 1)


async def test_a_person_without_nik_is_registered_once(office: Office) -> None:
    content = csv_of(
        row_of(1),
        row_of(2, no_kk=kk_of(1), nik="0", kk_level=CHILD, status_rekam="2"),
        row_of(3, no_kk=kk_of(1), nik="0520114200600001", kk_level=CHILD, tanggallahir=""),
    )
    report = await office.imports(content)
    assert counts(report) == (1, 3, 0, 0)
    persons = await office.persons()
    identity = ("nik_digest", "identity_status", "no_nik_reason", "temporary_id")
    assert [tuple(person[name] for name in identity) for person in persons[1:]] == [
        (None, "NO_IDENTITY", "NOT_RECORDED", None),
        (None, "NO_IDENTITY", "OTHER", "0520114200600001"),
    ]
    before = await office.stored()
    assert counts(await office.imports(content)) == (0, 0, 1, 3)
    assert await office.stored() == before


async def test_changed_values_are_told_and_the_stored_ones_stay(office: Office) -> None:
    await office.imports(csv_of(*family_of_three()))
    before = await office.stored()
    head, wife, child = family_of_three(alamat="Jl. Baru 1", pekerjaan_id="9")
    wife |= {"nama": "SITI BARU", "status_kawin": ""}
    child |= {"nik": "9901010506150033", "status_dasar": "2"}
    report = await office.imports(csv_of(head, wife, child))
    assert counts(report) == (0, 0, 1, 3)
    assert told(report.warnings) == [
        (2, "alamat", "Jl********", "CHANGED"),
        (2, "pekerjaan_id", "Tr**", "CHANGED"),
        (3, "nama", "SI*******", "CHANGED"),
        (4, "nik", "9901********0033", "CHANGED"),
        (4, "status_dasar", "DE******", "CHANGED"),
    ]
    assert await office.stored() == before


async def test_a_nik_issued_since_is_told_and_makes_no_second_person(office: Office) -> None:
    await office.imports(csv_of(row_of(1, nik="")))
    before = await office.stored()
    report = await office.imports(csv_of(row_of(1)))
    assert told(report.warnings) == [(2, "nik", "9901********0001", "CHANGED")]
    assert await office.stored() == before


async def test_a_new_member_joins_a_registered_family(office: Office) -> None:
    await office.imports(csv_of(*family_of_three()[:2]))
    assert counts(await office.imports(csv_of(*family_of_three()))) == (0, 1, 1, 2)
    members = [(member["member_no"], member["relationship"]) for member in await office.persons()]
    assert members == [(1, "HEAD"), (2, "WIFE"), (3, "CHILD")]
    assert len(await office.families()) == 1


async def test_a_person_or_family_that_left_the_file_stays(office: Office) -> None:
    await office.imports(csv_of(*family_of_three(), row_of(9)))
    before = await office.stored()
    assert counts(await office.imports(csv_of(row_of(9)))) == (0, 0, 1, 1)
    assert await office.stored() == before


HEAD_OF_OTHERS = row_of(50)
REJECTIONS: Mapping[str, tuple[list[dict[str, str]], list[tuple[int, str, str, str]]]] = {
    "no head": (
        [row_of(1, kk_level=WIFE), row_of(2, no_kk=kk_of(1), kk_level=CHILD)],
        [(2, "kk_level", "", "KK_HEAD_MISSING"), (3, "kk_level", "", "KK_HEAD_MISSING")],
    ),
    "two heads": (
        [row_of(1), row_of(2, no_kk=kk_of(1))],
        [(2, "kk_level", "", "KK_HEAD_DUPLICATE"), (3, "kk_level", "", "KK_HEAD_DUPLICATE")],
    ),
    "a head that cannot be read": (
        [row_of(1, sex="7"), row_of(2, no_kk=kk_of(1), kk_level=CHILD)],
        [(2, "sex", "7", "CODE_UNKNOWN"), (3, "kk_level", "", "KK_HEAD_REJECTED")],
    ),
    "a head whose NIK is wrong": (
        [row_of(1, kk_level=CHILD), row_of(2, no_kk=kk_of(1), nik="9901013002900002")],
        [(2, "kk_level", "", "KK_HEAD_REJECTED"), (3, "nik", "9901********0002", "NIK_DATE_IMPOSSIBLE")],
    ),
    "a NIK of 15 digits": (
        [row_of(1, nik="990101010290001")],
        [(2, "nik", "99*************", "NIK_NOT_16_DIGITS")],
    ),
    "a NIK with serial 0000": (
        [row_of(1, nik="9901010102900000")],
        [(2, "nik", "9901********0000", "NIK_SERIAL_ZERO")],
    ),
    "a NIK of district 00": (
        [row_of(1, nik="9901000102900001")],
        [(2, "nik", "9901********0001", "NIK_REGION_ZERO")],
    ),
    "a KK of 15 digits": (
        [row_of(1, no_kk="520114170817001")],
        [(2, "no_kk", "52*************", "KK_NOT_16_DIGITS")],
    ),
    "one NIK on three rows": (
        [row_of(1), row_of(2, nik="9901010102900001"), row_of(3, nik="9901010102900001")],
        [(3, "nik", "9901********0001", "NIK_REPEATED"), (4, "nik", "9901********0001", "NIK_REPEATED")],
    ),
    "one person without NIK twice": (
        [row_of(1), row_of(1, nik="", kk_level=CHILD)],
        [(3, "nama", "PE**********", "PERSON_REPEATED")],
    ),
    "a birth date to come": (
        [row_of(1, tanggallahir="2026-11-22")],
        [(2, "tanggallahir", "20********", "BIRTH_DATE_IN_FUTURE")],
    ),
    "a family that is gone": (
        [row_of(1, status_dasar="3"), row_of(2, no_kk=kk_of(1), kk_level=WIFE, status_dasar="2")],
        [(2, "status_dasar", "", "KK_NOBODY_PRESENT"), (3, "status_dasar", "", "KK_NOBODY_PRESENT")],
    ),
}


@pytest.mark.parametrize(("rows", "expected"), REJECTIONS.values(), ids=REJECTIONS)
async def test_each_error_of_a_family_is_told_and_nothing_is_stored(
    office: Office, rows: list[dict[str, str]], expected: list[tuple[int, str, str, str]]
) -> None:
    report = await office.refusal_of(csv_of(*rows, HEAD_OF_OTHERS))
    assert told(report.rejected) == expected


@pytest.mark.parametrize(("rows", "expected"), REJECTIONS.values(), ids=REJECTIONS)
async def test_with_accept_valid_the_other_families_are_stored(
    office: Office, rows: list[dict[str, str]], expected: list[tuple[int, str, str, str]]
) -> None:
    report = await office.imports(csv_of(*rows, HEAD_OF_OTHERS), accept_valid=True)
    assert told(report.rejected) == expected
    assert report.persons_created == len(rows) + 1 - report.rows_rejected
    stored = await office.persons()
    assert "PENDUDUK 050" in {person["name"] for person in stored}
    assert len(stored) == report.persons_created


async def test_with_accept_valid_a_family_keeps_its_valid_members(office: Office) -> None:
    head, wife, child = family_of_three()
    report = await office.imports(csv_of(head, wife | {"nik": "1"}, child), accept_valid=True)
    assert counts(report) == (1, 2, 0, 0)
    assert told(report.rejected) == [(3, "nik", "1", "NIK_NOT_16_DIGITS")]
    mended = await office.imports(csv_of(head, wife, child))
    assert counts(mended) == (0, 1, 1, 2)


async def test_a_nik_of_a_living_person_elsewhere_is_a_duplicate(office: Office) -> None:
    await office.imports(csv_of(row_of(1)), village=office.place.neighbour)
    report = await office.refusal_of(csv_of(row_of(2, nik="9901010102900001"), HEAD_OF_OTHERS))
    assert told(report.rejected) == [(2, "nik", "9901********0001", "DUPLICATE")]
    assert report.rejected[0].indonesian == "NIK ini sudah terdaftar pada orang yang masih hidup di keluarga lain."


async def test_a_nik_of_a_dead_person_elsewhere_is_free(office: Office) -> None:
    head, wife, child = family_of_three()
    await office.imports(csv_of(head, wife, child | {"status_dasar": "2"}))
    report = await office.imports(csv_of(row_of(9, nik=child["nik"], tanggallahir=child["tanggallahir"])))
    assert counts(report) == (1, 1, 0, 0)


async def test_a_kk_registered_in_another_village_is_refused_whole(office: Office) -> None:
    await office.imports(csv_of(*family_of_three()), village=office.place.neighbour)
    report = await office.refusal_of(csv_of(*family_of_three()))
    assert {(issue.line, issue.code) for issue in report.rejected} == {
        (line, "KK_REGISTERED_ELSEWHERE") for line in (2, 3, 4)
    }
    assert all("*" in issue.value and issue.column == "no_kk" for issue in report.rejected)


async def test_another_head_of_a_registered_family_is_refused(office: Office) -> None:
    await office.imports(csv_of(*family_of_three()))
    head, wife, _ = family_of_three()
    report = await office.refusal_of(csv_of(row_of(7, no_kk=kk_of(1)), head | {"kk_level": CHILD}, wife))
    assert [(issue.line, issue.code) for issue in report.rejected] == [
        (2, "KK_HEAD_DIFFERS"),
        (3, "KK_HEAD_REJECTED"),
        (4, "KK_HEAD_REJECTED"),
    ]


async def test_a_number_registered_out_of_sight_stops_the_import_without_telling_where(office: Office) -> None:
    await office.imports(csv_of(row_of(1)), village=office.place.neighbour)
    before = await office.stored()
    for row in (row_of(1), row_of(2, nik="9901010102900001")):
        with pytest.raises(ImportConflict) as refusal:
            await office.imports(csv_of(HEAD_OF_OTHERS, row), scope=office.place.village, accept_valid=True)
        assert refusal.value.__cause__ is None
        assert "9901" not in refusal.value.english
        assert office.place.neighbour.code not in refusal.value.english
    assert await office.stored() == before


async def test_a_target_that_is_not_there_or_not_in_scope_is_refused_alike(office: Office) -> None:
    place = office.place
    no_village = RegionPath.of_id(place.village.id // 1000 * 1000 + 999)
    content = csv_of(row_of(1))
    for village, scope in (
        (place.village.ancestor(RegionLevel.DISTRICT), place.regency),
        (no_village, place.regency),
        (place.village, RegionPath.parse("31.71")),
        (place.village, place.neighbour),
    ):
        with pytest.raises(ImportTargetUnknown):
            await office.imports(content, village=village, scope=scope)
    with pytest.raises(ImportTargetUnknown):
        await office.imports(content, edition_id=999)
    assert await office.stored() == []


async def test_warnings_of_the_numbers_are_told(office: Office) -> None:
    row = row_of(1, nik="3302014102900001", no_kk="3302019912000001", tanggallahir="1990-02-02")
    report = await office.imports(csv_of(row))
    assert told(report.warnings) == [
        (2, "nik", "3302********0001", "NIK_BIRTH_DATE_DIFFERS"),
        (2, "nik", "3302********0001", "NIK_ISSUED_ELSEWHERE"),
        (2, "nik", "3302********0001", "NIK_SEX_DIFFERS"),
        (2, "no_kk", "3302********0001", "KK_DATE_IMPOSSIBLE"),
        (2, "no_kk", "3302********0001", "KK_ISSUED_ELSEWHERE"),
    ]


async def test_no_report_holds_a_whole_number_or_name(office: Office) -> None:
    head, wife, child = family_of_three(sex="9")
    report = await office.refusal_of(csv_of(head, wife, child | {"nik": "9901013002150003"}))
    for number in (head["nik"], wife["nik"], "9901013002150003", kk_of(1), head["nama"]):
        assert number not in repr(report)
        assert number not in repr(parse_opensid(csv_of(head, wife, child)))
