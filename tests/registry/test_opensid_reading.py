from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from app.domain.base import DomainError
from app.domain.registry.enums import (
    Difficulty,
    EducationLevel,
    FamilyRelationship,
    HealthInsurance,
    Industry,
    MaritalStatus,
    NoNikReason,
    Presence,
    SchoolParticipation,
    Sex,
    WorkPosition,
)
from app.domain.registry.errors import FileUnreadable, FileWithoutRows, HeaderMissing, HeaderRepeated
from app.domain.registry.imports.reading_findings import masked
from app.domain.registry.opensid import codes
from app.domain.registry.opensid.reader import ParsedFile, parse_opensid
from app.domain.registry.opensid.report import RowIssue
from tests.registry.opensid_files import FORM, HEADERS, SAMPLE, csv_of, row_of, xlsx_of

needs_sample = pytest.mark.skipif(not SAMPLE.exists(), reason="the sample of ../shared/data is not on this machine")
needs_form = pytest.mark.skipif(not FORM.exists(), reason="the form of ../shared/data is not on this machine")


def issues_of(parsed: ParsedFile) -> list[tuple[int, str, str, str]]:
    return [(issue.line, issue.column, issue.value, issue.code) for issue in parsed.errors]


def warnings_of(parsed: ParsedFile) -> list[tuple[int, str, str, str]]:
    return [(issue.line, issue.column, issue.value, issue.code) for issue in parsed.warnings]


@needs_sample
def test_the_sample_reads_without_a_doubt() -> None:
    parsed = parse_opensid(SAMPLE)
    assert (len(parsed.rows), parsed.broken, parsed.errors, parsed.warnings) == (97, (), (), ())
    assert len({row.kk for row in parsed.rows}) == 37
    assert (parsed.rows[0].line, parsed.rows[-1].line) == (2, 98)


@needs_sample
def test_the_sample_as_a_workbook_reads_as_the_csv_does() -> None:
    header, *lines = SAMPLE.read_text(encoding="utf-8").splitlines()
    rows: list[dict[str, object]] = []
    for line in lines:
        row: dict[str, object] = dict(zip(header.split(","), line.split(","), strict=True))
        row |= {name: int(str(row[name])) for name in ("sex", "kk_level", "pekerjaan_id", "rt")}
        rows.append(row | {"tanggallahir": date.fromisoformat(str(row["tanggallahir"]))})
    assert parse_opensid(xlsx_of(*rows)) == parse_opensid(SAMPLE)


@needs_form
def test_the_empty_form_is_told_to_hold_nobody() -> None:
    with pytest.raises(FileWithoutRows, match="holds no rows") as refusal:
        parse_opensid(FORM)
    assert refusal.value.code == "IMPORT_NO_ROWS"


@needs_form
def test_every_code_of_the_form_is_known_and_no_other() -> None:
    lists = CalamineWorkbook.from_path(FORM).get_sheet_by_name("Kode Data").to_python()
    known = {
        "sex": codes.SEX,
        "pendidikan_kk_id": codes.DIPLOMA,
        "pendidikan_sedang_id": codes.SCHOOLING,
        "pekerjaan_id": codes.OCCUPATION,
        "status_kawin": codes.MARITAL_STATUS,
        "kk_level": codes.RELATIONSHIP,
        "cacat_id": codes.DISABILITY,
        "hamil": codes.PREGNANT,
        "ktp_el": codes.HAS_IDENTITY_CARD,
        "status_rekam": codes.NO_NIK_REASON,
        "status_dasar": {*codes.PRESENCE, codes.STATUS_NOT_VALID},
        "id_asuransi": codes.HEALTH_INSURANCE,
    }
    for at, title in enumerate(lists[0]):
        if title in known:
            printed = {int(code) for row in lists[1:] if isinstance(code := row[at + 1], float)}
            assert printed == set(known.pop(str(title))), title
    assert known == {}


def test_a_full_row_is_mapped() -> None:
    row = row_of(
        1,
        alamat="Jl. Melati 5",
        rw="002",
        nama="  Siti\tPenduduk ",
        sex="2",
        tanggallahir="01/02/1990",
        kk_level="3",
        status_kawin="2",
        pendidikan_kk_id="5",
        pendidikan_sedang_id="18",
        pekerjaan_id="65",
        akta_lahir="AL-1",
        cacat_id="2",
        hamil="1",
        ktp_el="2",
        id_asuransi="2",
        lat="-8,4912",
        lng="116.0421",
    )
    (read,) = parse_opensid(csv_of(row)).rows
    assert (read.name, read.sex, read.relationship) == ("Siti Penduduk", Sex.FEMALE, FamilyRelationship.WIFE)
    assert (read.birth_date, read.presence, read.temporary_id) == (date(1990, 2, 1), Presence.PRESENT, None)
    assert read.attributes == {
        "birth_place": "MATARAM",
        "marital_status": MaritalStatus.MARRIED,
        "pregnant": True,
        "has_birth_certificate": True,
        "has_identity_card": True,
        "school_participation": SchoolParticipation.LEFT,
        "education_level": None,
        "highest_diploma": EducationLevel.UPPER_SECONDARY,
        "working": True,
        "industry": Industry.EDUCATION,
        "work_position": None,
        "own_business": None,
        "health_insurance": HealthInsurance.PBI_JK,
        "difficulty_seeing": Difficulty.MUCH,
    }
    assert read.family == {
        "address": "Jl. Melati 5",
        "hamlet": "MANGSIT",
        "rw": "002",
        "rt": "004",
        "latitude": -8.4912,
        "longitude": 116.0421,
    }


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("1", codes.Occupation(working=False)),
        ("5", codes.Occupation(True, None, WorkPosition.CIVIL_SERVANT)),
        ("6", codes.Occupation(True, Industry.GOVERNMENT, WorkPosition.CIVIL_SERVANT)),
        ("9", codes.Occupation(working=True)),
        ("15", codes.Occupation(True, None, WorkPosition.EMPLOYEE)),
        ("48", codes.Occupation(True, Industry.GOVERNMENT, WorkPosition.CIVIL_SERVANT)),
        ("88", codes.Occupation(working=True, own_business=True)),
        ("89", codes.Occupation(working=None)),
        ("", codes.Occupation(working=None)),
    ],
)
def test_an_occupation_says_what_it_says_and_no_more(code: str, expected: codes.Occupation) -> None:
    (read,) = parse_opensid(csv_of(row_of(1, pekerjaan_id=code))).rows
    columns = ("working", "industry", "work_position", "own_business")
    assert tuple(read.attributes[column] for column in columns) == expected


@pytest.mark.parametrize(
    ("diploma", "schooling", "expected"),
    [
        ("1", "18", (SchoolParticipation.NEVER, None)),
        ("3", "18", (SchoolParticipation.LEFT, None)),
        ("", "18", (None, None)),
        ("1", "", (SchoolParticipation.NEVER, None)),
        ("3", "", (None, None)),
        ("2", "4", (SchoolParticipation.ATTENDING, EducationLevel.PRIMARY)),
        ("2", "5", (SchoolParticipation.LEFT, EducationLevel.PRIMARY)),
        ("1", "17", (None, None)),
    ],
)
def test_schooling_needs_the_diploma_to_tell_never_from_left(
    diploma: str, schooling: str, expected: tuple[object, object]
) -> None:
    (read,) = parse_opensid(csv_of(row_of(1, pendidikan_kk_id=diploma, pendidikan_sedang_id=schooling))).rows
    assert (read.attributes["school_participation"], read.attributes["education_level"]) == expected


@pytest.mark.parametrize(
    ("column", "value", "shown", "code"),
    [
        ("nama", "", "", "NAME_MISSING"),
        ("nama", "BUDI\x00", "BU***", "TEXT_UNREADABLE"),
        ("nama", "\ud800BUDI", "\ufffdB***", "TEXT_UNREADABLE"),
        ("alamat", "J" * 201, f"JJ{'*' * 16}", "TEXT_TOO_LONG"),
        ("no_kk", "", "", "KK_MISSING"),
        ("no_kk", "0", "0", "KK_MISSING"),
        ("no_kk", "5,20114E+15", "5,*********", "NUMBER_ROUNDED"),
        ("nik", "9.90101E+15", "9.*********", "NUMBER_ROUNDED"),
        ("sex", "", "", "CODE_MISSING"),
        ("sex", "3", "3", "CODE_UNKNOWN"),
        ("sex", "PEREMPUAN", "PE*******", "CODE_UNKNOWN"),
        ("kk_level", "", "", "CODE_MISSING"),
        ("kk_level", "12", "12", "CODE_UNKNOWN"),
        ("kk_level", "\u0661", "\u0661", "CODE_UNKNOWN"),  # an Arabic 1
        ("status_kawin", "5", "5", "CODE_UNKNOWN"),
        ("pendidikan_kk_id", "11", "11", "CODE_UNKNOWN"),
        ("pendidikan_sedang_id", "19", "19", "CODE_UNKNOWN"),
        ("pekerjaan_id", "90", "90", "CODE_UNKNOWN"),
        ("cacat_id", "8", "8", "CODE_UNKNOWN"),
        ("hamil", "3", "3", "CODE_UNKNOWN"),
        ("ktp_el", "3", "3", "CODE_UNKNOWN"),
        ("status_rekam", "9", "9", "CODE_UNKNOWN"),
        ("status_dasar", "5", "5", "CODE_UNKNOWN"),
        ("status_dasar", "9", "9", "STATUS_NOT_VALID"),
        ("id_asuransi", "5", "5", "CODE_UNKNOWN"),
        ("tanggallahir", "30-02-1990", "30********", "DATE_INVALID"),
        ("tanggallahir", "1899-12-31", "18********", "DATE_INVALID"),
        ("tanggallahir", "1 Maret 1990", "1 **********", "DATE_INVALID"),
        ("tanggallahir", "32905", "32***", "DATE_INVALID"),
        ("lat", "-8.49", "-8***", "COORDINATES_INVALID"),  # without a longitude
    ],
)
def test_each_error_of_a_cell_is_told_with_its_place(column: str, value: str, shown: str, code: str) -> None:
    parsed = parse_opensid(csv_of(row_of(1), row_of(2, **{column: value})))
    assert issues_of(parsed) == [(3, column, shown, code)]
    assert [row.line for row in parsed.rows] == [2]
    assert [row.line for row in parsed.broken] == [3]


def test_an_error_has_its_text_in_both_languages() -> None:
    (issue,) = parse_opensid(csv_of(row_of(1, sex="9"))).errors
    assert issue == RowIssue(
        line=2,
        column="sex",
        value="9",
        code="CODE_UNKNOWN",
        indonesian='Kode tidak dikenal; lihat daftar kode formatnya (OpenSID: lembar "Kode Data" pada formulir).',
        english='Unknown code; see the code list of the format (OpenSID: the sheet "Kode Data" of its form).',
    )


def test_a_row_is_told_all_its_errors() -> None:
    parsed = parse_opensid(csv_of(row_of(1, nama="", sex="7", kk_level="")))
    assert [issue.code for issue in parsed.errors] == ["NAME_MISSING", "CODE_MISSING", "CODE_UNKNOWN"]


@pytest.mark.parametrize(
    ("cells", "column", "shown", "code"),
    [
        ({"nik": ""}, "nik", "", "NIK_ABSENT"),
        ({"nik": "0"}, "nik", "0", "NIK_ABSENT"),
        ({"nik": "0520114200600001"}, "nik", "0520********0001", "NIK_ABSENT"),
        ({"tanggallahir": ""}, "tanggallahir", "", "BIRTH_DATE_MISSING"),
        ({"tanggallahir": "0000-00-00"}, "tanggallahir", "00********", "BIRTH_DATE_MISSING"),
        ({"hamil": "1"}, "hamil", "1", "PREGNANT_NOT_FEMALE"),
        ({"cacat_id": "4"}, "cacat_id", "4", "DISABILITY_UNSPECIFIC"),
        ({"lat": "51.5", "lng": "-0.1"}, "lat", "51**", "COORDINATES_ABROAD"),
        ({"lat": "0", "lng": "0"}, "lat", "0", "COORDINATES_ABROAD"),
    ],
)
def test_each_doubt_is_told_and_the_row_is_kept(cells: dict[str, str], column: str, shown: str, code: str) -> None:
    parsed = parse_opensid(csv_of(row_of(1, **cells)))
    assert warnings_of(parsed) == [(2, column, shown, code)]
    assert len(parsed.rows) == 1


def test_a_provisional_nik_is_no_nik() -> None:
    (read,) = parse_opensid(csv_of(row_of(1, nik="0520114200600001", status_rekam="2"))).rows
    assert (read.nik, read.temporary_id, read.no_nik_reason) == (None, "0520114200600001", NoNikReason.NOT_RECORDED)


def test_marks_of_spreadsheets_and_invisible_characters_are_taken_off() -> None:
    plain = parse_opensid(csv_of(row_of(1)))
    row = row_of(1)
    marked = row | {"nik": f"'{row['nik']}", "no_kk": f"\u200b{row['no_kk']}\u00a0", "rt": "4", "sex": "1.0"}
    assert parse_opensid(csv_of(marked)) == plain


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_are_recognised(delimiter: str) -> None:
    assert parse_opensid(csv_of(row_of(1), delimiter=delimiter)) == parse_opensid(csv_of(row_of(1)))


def test_headers_are_recognised_in_any_order_and_case() -> None:
    headers = [f" {header.upper()} " for header in reversed(HEADERS)]
    row = {f" {header.upper()} ": value for header, value in row_of(1).items()}
    assert parse_opensid(csv_of(row, headers=headers)) == parse_opensid(csv_of(row_of(1)))


def test_the_columns_that_are_not_needed_may_be_left_out() -> None:
    needed = ["nama", "no_kk", "nik", "sex", "tanggallahir", "kk_level"]
    assert len(parse_opensid(csv_of(row_of(1), headers=needed)).rows) == 1


def test_a_missing_header_is_one_error_that_names_it() -> None:
    headers = [header for header in HEADERS if header not in {"nik", "kk_level"}]
    with pytest.raises(HeaderMissing) as refusal:
        parse_opensid(csv_of(row_of(1), headers=headers))
    assert refusal.value.columns == ("nik", "kk_level")
    assert refusal.value.indonesian.startswith("Berkas tidak memiliki kolom: nik, kk_level.")


def test_a_repeated_header_is_refused_unless_the_column_is_not_read() -> None:
    with pytest.raises(HeaderRepeated, match="more than once: nama"):
        parse_opensid(csv_of(row_of(1), headers=[*HEADERS, "NAMA"]))
    assert parse_opensid(csv_of(row_of(1), headers=[*HEADERS, "suku"])).errors == ()


def test_a_row_with_a_comma_too_many_is_refused() -> None:
    content = csv_of(row_of(1)).replace(b"MANGSIT", b"MANGSIT, LOCO")
    assert issues_of(parse_opensid(content))[0] == (2, "", "", "ROW_SHAPE")


def test_lines_are_counted_as_an_editor_shows_them() -> None:
    content = csv_of(row_of(1, alamat="Jl. Melati\nNo. 5"), {}, row_of(2, sex="8"))
    assert issues_of(parse_opensid(content)) == [(5, "sex", "8", "CODE_UNKNOWN")]


def test_utf8_with_and_without_mark_is_read_and_cp1252_only_when_named() -> None:
    row = row_of(1, nama="JOS\u00c9 PENDUDUK")
    (read,) = parse_opensid(csv_of(row, encoding="utf-8-sig")).rows
    assert parse_opensid(csv_of(row)).rows == (read,)
    assert parse_opensid(csv_of(row, encoding="cp1252"), encoding="cp1252").rows == (read,)
    with pytest.raises(FileUnreadable, match="cp1252"):
        parse_opensid(csv_of(row, encoding="cp1252"))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "IMPORT_HEADER_MISSING"),
        (b"\n\n", "IMPORT_HEADER_MISSING"),
        (b"MZ\x90\x00\x03\x00\x00\x00", "IMPORT_FILE_UNREADABLE"),
        (b"PK\x03\x04 no workbook", "IMPORT_FILE_UNREADABLE"),
        (csv_of(), "IMPORT_NO_ROWS"),
        (csv_of({}, {}), "IMPORT_NO_ROWS"),
        (csv_of(row_of(1)) + b'"an open quote', "IMPORT_FILE_UNREADABLE"),
    ],
)
def test_what_is_no_such_file_is_refused_as_a_whole(content: bytes, code: str) -> None:
    with pytest.raises(DomainError) as refusal:
        parse_opensid(content)
    assert refusal.value.code == code


def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(FileUnreadable):
        parse_opensid(csv_of(row_of(1)), encoding="latin-99")


def test_a_nik_stored_as_a_figure_is_refused_because_its_last_digits_are_lost() -> None:
    row: dict[str, object] = dict(row_of(1))
    parsed = parse_opensid(xlsx_of(row | {"nik": 9901010102900001, "no_kk": 5201141708170001}))
    assert issues_of(parsed) == [
        (2, "no_kk", "5.**********", "NUMBER_ROUNDED"),
        (2, "nik", "9.**********", "NUMBER_ROUNDED"),
    ]


def test_dates_and_figures_of_a_workbook_are_read_as_its_owner_sees_them() -> None:
    row: dict[str, object] = dict(row_of(1))
    cells = row | {"tanggallahir": datetime(1990, 2, 1), "sex": 1.0, "rt": 4, "nik": 0}  # noqa: DTZ001
    (read,) = parse_opensid(xlsx_of(cells)).rows
    assert (read.birth_date, read.sex, read.family["rt"], read.nik) == (date(1990, 2, 1), Sex.MALE, "004", None)


def test_rows_below_the_mark_of_the_form_are_not_read() -> None:
    parsed = parse_opensid(csv_of(row_of(1), {"dusun": "###", "rw": "Isi di atas"}, row_of(2)))
    assert [row.line for row in parsed.rows] == [2]


def test_a_file_and_its_content_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / "penduduk.csv"
    path.write_bytes(csv_of(row_of(1)))
    assert parse_opensid(path) == parse_opensid(path.read_bytes())


@given(st.text())
def test_a_masked_value_tells_no_more_than_its_edges(value: str) -> None:
    shown = masked(value)
    assert shown.isprintable()
    assert len(value) <= 3 or shown.count("*") >= min(len(value) - 2, 8)


@given(st.one_of(st.binary(), st.binary().map(b"PK\x03\x04".__add__)))
def test_no_bytes_bring_the_reader_down(content: bytes) -> None:
    with pytest.raises(DomainError):
        parse_opensid(content)
