from collections import Counter

import pytest

from app.domain.base import DomainError
from app.domain.registry.imports.models import ImportFormat
from app.domain.registry.opensid.reader import parse_opensid
from tests.imports.readers.staged import Staged, digest, staged
from tests.registry.opensid_files import CHILD, SAMPLE, WIFE, csv_of, kk_of, row_of, xlsx_of

SENGGIGI = 5201142005


def read(content: bytes, **reading: object) -> Staged:
    return staged(content, ImportFormat.OPENSID, **{"default_village": SENGGIGI} | reading)


def test_the_real_sample_is_staged_with_the_findings_of_the_importer() -> None:
    found = read(SAMPLE.read_bytes())
    assert (len(found.families), len(found.persons)) == (37, 97)
    assert {row["village_id"] for row in found.families} == {str(SENGGIGI)}
    assert {row["kk_regency"] for row in found.families} == {"5201"}
    assert Counter(found.codes) == {"KK_DATE_IMPOSSIBLE": 37}
    assert {row["family_key"] for row in found.persons} == {row["family_key"] for row in found.families}
    assert read(SAMPLE.read_bytes(), test_provinces=frozenset()).codes.count("NIK_PROVINCE_UNKNOWN") == 97


def test_rows_are_staged_as_the_landed_reader_reads_them() -> None:
    rows = [
        row_of(1, alamat="", kk_level=CHILD, nik="0520114200600001", status_rekam="2"),
        row_of(2, no_kk=kk_of(1), alamat="Jl. A", rt="7"),
    ]
    content = csv_of(*rows)
    found = read(content)
    first, second = parse_opensid(content).rows
    assert [row["line"] for row in found.persons] == [str(first.line), str(second.line)]
    assert (found.persons[0]["temporary_id"], found.persons[0]["no_nik_reason"]) == ("0520114200600001", "NOT_RECORDED")
    assert (found.persons[1]["temporary_id"], found.persons[1]["no_nik_reason"]) == (None, None)
    (family,) = found.families
    assert (family["line"], family["address"], family["rt"], family["hamlet"]) == ("3", "Jl. A", "007", "MANGSIT")
    assert family["family_key"] == digest(kk_of(1))


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({"sex": "9"}, [("PERSON", 3, "sex", "9", "CODE_UNKNOWN", "ERROR")]),
        ({"tanggallahir": "1899-12-31"}, [("PERSON", 3, "tanggallahir", "18********", "DATE_INVALID", "ERROR")]),
        ({"nik": "9.90101E+15"}, [("PERSON", 3, "nik", "9.*********", "NUMBER_ROUNDED", "ERROR")]),
        ({"nik": "990101010290000"}, [("PERSON", 3, "nik", "99*************", "NIK_NOT_16_DIGITS", "ERROR")]),
        ({"no_kk": "0"}, [("PERSON", 3, "no_kk", "0", "KK_MISSING", "ERROR")]),
        (
            {"no_kk": "12"},
            [
                ("PERSON", 3, "no_kk", "12", "KK_NOT_16_DIGITS", "ERROR"),
                ("FAMILY", 3, "no_kk", "12", "KK_NOT_16_DIGITS", "ERROR"),
            ],
        ),
        ({"nik": "0"}, [("PERSON", 3, "nik", "0", "NIK_ABSENT", "WARNING")]),
        ({"hamil": "1"}, [("PERSON", 3, "hamil", "1", "PREGNANT_NOT_FEMALE", "WARNING")]),
    ],
)
def test_each_issue_is_that_of_the_landed_importer(
    cells: dict[str, str], told: list[tuple[str, int, str, str, str, str]]
) -> None:
    found = read(csv_of(row_of(1), row_of(2, **cells)))
    assert found.told == told
    assert len(found.persons) == 2


def test_a_broken_row_keeps_its_family_and_that_it_is_the_head() -> None:
    found = read(csv_of(row_of(1, sex="9"), row_of(2, no_kk=kk_of(1), kk_level=WIFE, sex="2")))
    assert [(row["relationship"], row["family_key"]) for row in found.persons] == [
        ("HEAD", digest(kk_of(1))),
        ("WIFE", digest(kk_of(1))),
    ]


def test_a_workbook_is_read_as_well() -> None:
    assert len(read(xlsx_of(dict(row_of(1)))).persons) == 1


@pytest.mark.parametrize(
    ("content", "reading", "code"),
    [
        (csv_of(row_of(1)), {"default_village": None}, "IMPORT_VILLAGE_NEEDED"),
        (csv_of(), {}, "IMPORT_NO_ROWS"),
        (csv_of(row_of(1), headers=["nama"]), {}, "IMPORT_HEADER_MISSING"),
        (b"MZ\x90\x00", {}, "IMPORT_FILE_UNREADABLE"),
        (csv_of(row_of(1, nama="JOS\u00c9"), encoding="cp1252"), {}, "IMPORT_FILE_UNREADABLE"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_as_a_whole(
    content: bytes, reading: dict[str, object], code: str
) -> None:
    with pytest.raises(DomainError) as refusal:
        read(content, **reading)
    assert refusal.value.code == code
