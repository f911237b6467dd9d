import io
import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.base import DomainError
from app.domain.regions.models import CodeNamespace
from app.domain.registry.imports.formats.profile import Profile
from app.domain.registry.imports.models import ImportFormat
from app.domain.registry.imports.profiles import known_profiles, load_profile
from tests.imports.readers.staged import VILLAGE, Staged, csv_of, digest, kk_of, man, staged, zip_of, zip_of_files

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "mapping-profile.toml"
TEXT = EXAMPLE.read_text(encoding="utf-8")
FAMILY_HEADERS = [
    "ID Keluarga",
    "No. KK",
    "Kode Desa BPS",
    "Alamat",
    "RT",
    "Desil",
    "Lantai",
    "Atap",
    "Internet",
    "PKH terakhir",
]
PERSON_HEADERS = ["ID Keluarga", "No. KK", "NIK", "Nama", "Hubungan", "JK", "Tgl Lahir", "Tempat Lahir", "Bekerja"]
FAMILY: list[object] = ["K1", kk_of(1), "3302010001", "Jl. Melati", 4, 3, 1, "Genteng", "Ya", "07/2026"]
HEAD: list[object] = ["K1", kk_of(1), man(1)["nik"], "BUDI", "Kepala keluarga", "L", "01/02/1990", "Banyumas", "Ya"]
ONE_CSV = """
name = "satu csv"
[families]
kk = "kk"
columns = { address = "alamat" }
[persons]
kk = "kk"
nik = "nik"
columns = { name = "nama", relationship = "shdk", sex = "jk", birth_date = "lahir" }
"""


def workbook_of(families: Sequence[Sequence[object]], persons: Sequence[Sequence[object]]) -> bytes:
    workbook = openpyxl.Workbook()
    workbook.active.title = "Keluarga"
    for row in (["DATA KELUARGA"], [None, "Tahun 2026"], FAMILY_HEADERS, *families):
        workbook["Keluarga"].append(row)
    workbook.create_sheet("ANGGOTA ")
    for row in (PERSON_HEADERS, *persons):
        workbook["ANGGOTA "].append(row)
    content = io.BytesIO()
    workbook.save(content)
    return content.getvalue()


def read(content: bytes, profile: Profile | None = None, **reading: object) -> Staged:
    return staged(content, ImportFormat.PROFILE, profile=profile or load_profile(EXAMPLE), **reading)


def test_the_example_of_the_documentation_reads_a_workbook() -> None:
    wife = ["K1", kk_of(1), man(2)["nik"], "SITI", "Istri", "P", datetime(1991, 2, 1), "Cilacap", "Tidak"]  # noqa: DTZ001
    found = read(workbook_of([FAMILY], [HEAD, wife]))
    assert found.issues == []
    (family,) = found.families
    assert (family["line"], family["village_code"], family["village_id"]) == ("4", "3302010001", str(VILLAGE + 2))
    assert (family["kk_digest"], family["address"], family["rt"], family["decile"]) == (
        digest(kk_of(1)),
        "Jl. Melati",
        "004",
        "3",
    )
    assert (family["floor"], family["roof"], family["internet"], family["last_pkh_on"]) == (
        "CERAMIC",
        "TILE",
        "t",
        "2026-07-01",
    )
    assert [
        (row["line"], row["name"], row["relationship"], row["sex"], row["birth_date"], row["working"])
        for row in found.persons
    ] == [("2", "BUDI", "HEAD", "MALE", "1990-02-01", "t"), ("3", "SITI", "WIFE", "FEMALE", "1991-02-01", "f")]
    assert {row["family_key"] for row in found.persons} == {family["family_key"]}
    assert load_profile(EXAMPLE).namespace is CodeNamespace.BPS


def test_families_without_kk_are_joined_by_the_columns_that_the_profile_names() -> None:
    found = read(workbook_of([["K1", None, *FAMILY[2:]]], [["K1", None, *HEAD[2:]]]))
    assert found.issues == []
    assert found.families[0]["family_key"] == found.persons[0]["family_key"]
    assert found.families[0]["kk_digest"] is None


def test_issues_name_the_columns_of_the_file() -> None:
    family = [*FAMILY[:6], 7, "Rumbia", "Mungkin", "13/2026"]
    head = ["K1", kk_of(1), 9933020102900001, "BUDI", "Paman", "L", date(1899, 12, 31), None, None]
    found = read(workbook_of([family], [head]))
    assert found.told == [
        ("FAMILY", 4, "Lantai", "7", "VALUE_UNKNOWN", "ERROR"),
        ("FAMILY", 4, "Atap", "Ru****", "ANSWER_UNREADABLE", "WARNING"),
        ("FAMILY", 4, "Internet", "Mu*****", "VALUE_UNKNOWN", "ERROR"),
        ("FAMILY", 4, "PKH terakhir", "13*****", "DATE_INVALID", "ERROR"),
        ("PERSON", 2, "Tgl Lahir", "00******", "DATE_INVALID", "ERROR"),
        ("PERSON", 2, "Hubungan", "Pa***", "VALUE_UNKNOWN", "ERROR"),
        ("PERSON", 2, "NIK", "9.**********", "NUMBER_ROUNDED", "ERROR"),
    ]


def test_a_code_that_says_nothing_is_no_value_and_no_issue() -> None:
    found = read(workbook_of([[*FAMILY[:6], 9, *FAMILY[7:]]], [HEAD]))
    assert (found.issues, found.families[0]["floor"]) == ([], None)


def test_one_csv_is_both_tables() -> None:
    rows = [
        {
            "kk": kk_of(1),
            "nik": man(1)["nik"],
            "nama": "BUDI",
            "shdk": "HEAD",
            "jk": "MALE",
            "lahir": "1990-02-01",
            "alamat": "Jl. A",
        }
    ]
    found = read(csv_of(rows).encode(), load_profile(ONE_CSV), default_village=VILLAGE)
    assert found.issues == []
    assert (found.families[0]["address"], found.persons[0]["name"]) == ("Jl. A", "BUDI")


def test_a_zip_of_csv_files_has_them_for_sheets() -> None:
    profile = load_profile(
        ONE_CSV.replace("[families]", '[families]\nsheet = "kk.csv"').replace(
            "[persons]", '[persons]\nsheet = "jiwa.csv"'
        )
    )
    persons = [
        {"kk": kk_of(1), "nik": man(1)["nik"], "nama": "BUDI", "shdk": "HEAD", "jk": "MALE", "lahir": "1990-02-01"}
    ]
    found = read(
        zip_of(KK=csv_of([{"kk": kk_of(1), "alamat": "Jl. A"}]), jiwa=csv_of(persons)), profile, default_village=VILLAGE
    )
    assert (len(found.families), len(found.persons), found.issues) == (1, 1, [])


def test_a_zip_of_one_csv_needs_no_sheet_and_scrap_beside_it_is_none() -> None:
    row = {"kk": kk_of(1), "nik": man(1)["nik"], "nama": "BUDI", "shdk": "HEAD", "jk": "MALE", "lahir": "1990-02-01"}
    row["alamat"] = "Jl. A"
    content: dict[str, str | bytes] = {".DS_Store": b"\0", "__MACOSX/._a.csv": b"\0", "data/a.csv": csv_of([row])}
    found = read(zip_of_files(content), load_profile(ONE_CSV), default_village=VILLAGE)
    assert (len(found.families), found.persons[0]["name"], found.issues) == (1, "BUDI", [])


def test_of_several_csv_files_in_a_zip_the_profile_must_say_which() -> None:
    with pytest.raises(DomainError) as refusal:
        read(zip_of(a="kk\n", b="kk\n"), load_profile(ONE_CSV), default_village=VILLAGE)
    assert (refusal.value.code, refusal.value.english, refusal.value.indonesian) == (
        "IMPORT_MEMBER_UNNAMED",
        "The zip holds several csv files: a.csv, b.csv. Name in the profile which to read (sheet), or send a single csv.",
        "Zip berisi beberapa csv: a.csv, b.csv. Sebutkan di profil mana yang dibaca (sheet), atau kirim satu csv saja.",
    )


def test_two_files_of_one_name_in_a_zip_are_refused() -> None:
    with pytest.raises(DomainError) as refusal:
        read(zip_of_files({"a/jiwa.csv": "kk\n", "b/Jiwa.csv": "kk\n"}), load_profile(ONE_CSV), default_village=VILLAGE)
    assert refusal.value.code == "IMPORT_MEMBER_REPEATED"
    assert "a/jiwa.csv and b/Jiwa.csv" in refusal.value.english


def test_of_very_many_files_in_a_zip_the_first_are_named() -> None:
    with pytest.raises(DomainError) as refusal:
        read(zip_of(**{f"a{number:03}": "kk\n" for number in range(400)}))
    assert refusal.value.code == "IMPORT_SHEET_MISSING"
    assert refusal.value.english.endswith("a018.csv, a019.csv, ....")


def workbook_without(sheet: str) -> bytes:
    workbook = openpyxl.load_workbook(io.BytesIO(workbook_of([FAMILY], [HEAD])))
    del workbook[sheet]
    content = io.BytesIO()
    workbook.save(content)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [
        (
            workbook_without("ANGGOTA "),
            "IMPORT_SHEET_MISSING",
            "lacks these sheets: Anggota. Its sheets are: Keluarga.",
        ),
        (workbook_of([], []), "IMPORT_NO_ROWS", "no rows"),
        (b"a,b\n", "IMPORT_SHEET_MISSING", "Keluarga"),
        (b"PK\x03\x04", "IMPORT_FILE_UNREADABLE", ""),
    ],
)
def test_a_file_that_is_not_as_the_profile_says_is_refused(content: bytes, code: str, told: str) -> None:
    with pytest.raises(DomainError) as refusal:
        read(content)
    assert refusal.value.code == code
    assert told in refusal.value.english


def test_a_column_that_the_profile_names_and_the_sheet_lacks_is_named() -> None:
    with pytest.raises(DomainError) as refusal:
        read(workbook_of([FAMILY], [HEAD]), load_profile(TEXT.replace('"Tempat Lahir"', '"Kota Lahir"')))
    assert (
        refusal.value.english == "Anggota lacks these columns: Kota Lahir. Its first row must hold the column headers."
    )


def test_a_file_without_villages_needs_an_import_of_one_village() -> None:
    with pytest.raises(DomainError) as refusal:
        read(b"kk\n", load_profile(ONE_CSV))
    assert refusal.value.code == "IMPORT_VILLAGE_NEEDED"


@pytest.mark.parametrize(
    ("replaced", "by", "told"),
    [
        ('village_codes = "BPS"', 'village_codes = "PODES"', "village_codes is KEMENDAGRI or BPS"),
        ('kk = "No. KK"\nkey = ["ID Keluarga"]\nnik', "nik", "name the column of the KK number as `kk`"),
        ('nik = "NIK"', "", "persons.nik: is missing: add it"),
        ('address = "Alamat"', 'adress = "Alamat"', "'adress' is no column of ours"),
        ('name = "Nama"', "", "[persons.columns] lacks name"),
        ('"CERAMIC"', '"KERAMIK"', "the code '1' of 'floor' cannot mean 'KERAMIK'; it may mean MARBLE_GRANITE, CERAMIC"),
        ('Istri = "WIFE"', 'Istri = "SPOUSE"', "the code 'Istri' of 'relationship' cannot mean 'SPOUSE'"),
        ('codes = "hubungan"', 'codes = "shdk"', "uses the code list 'shdk': add [codes.shdk]"),
        ('dates = "%m/%Y"', 'dates = "yyyy"', "'yyyy' is no way to write a date"),
        ('sheet = "Anggota"', 'lembar = "Anggota"', "persons.lembar: is not known"),
        ("header_row = 3", "header_row = 0", "families.header_row: Input should be greater than or equal to 1"),
        ('key = ["ID Keluarga"]   #', "#", "name equally many columns"),
        ("[persons]", "[persons", "it is no TOML"),
    ],
)  # fmt: skip
def test_a_profile_that_cannot_be_used_says_what_to_do(replaced: str, by: str, told: str) -> None:
    assert replaced in TEXT
    with pytest.raises(DomainError) as refusal:
        load_profile(TEXT.replace(replaced, by, 1))
    assert refusal.value.code == "IMPORT_PROFILE_INVALID"
    assert told in refusal.value.english


def test_profiles_that_ship_are_found_by_name_and_are_valid() -> None:
    for name in known_profiles():
        assert load_profile(name).name
    with pytest.raises(DomainError) as refusal:
        load_profile("no-such-profile")
    assert refusal.value.code == "IMPORT_PROFILE_UNKNOWN"
    with pytest.raises(DomainError):
        load_profile("../../../etc/passwd")


_CELL = st.one_of(
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=30),
    st.integers(0, 10**15),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
)


@settings(max_examples=30, deadline=None)
@given(family=st.lists(_CELL, min_size=10, max_size=10), person=st.lists(_CELL, min_size=9, max_size=9))
def test_no_cell_of_a_workbook_brings_the_reader_down(family: list[object], person: list[object]) -> None:
    found = read(workbook_of([FAMILY, family], [HEAD, person]))
    assert not re.search(r"\d{9,}", " ".join(said["value_masked"] or "" for said in found.issues))
