import io
import json
import random
import re
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.base import DomainError
from app.domain.regions.models import RegionKind
from app.domain.registry.imports.formats.kesos_csv import read_kesos_csv
from app.domain.registry.imports.runs import FAMILY_VALUES
from app.domain.registry.imports.tables import FAMILY_NAMES, PERSON_NAMES
from app.domain.registry.seed.places import Village
from app.domain.registry.seed.sampling import write_sample
from app.tenants.region_path import RegionPath
from tests.imports.readers.staged import (
    TODAY,
    VILLAGE,
    csv_of,
    digest,
    home,
    kesos,
    kk_of,
    man,
    opened,
    parcels_of,
    reading_of,
    staged,
    zip_of,
)

NIK = man(1)["nik"]
WIFE = man(1, relationship="WIFE", nik="9933024102910002", name="SITI", sex="FEMALE", birth_date="1991-02-01")


def test_a_family_and_its_members_are_staged_with_sealed_numbers() -> None:
    full = home(
        1, decile="3", percentile="27", ranked_on="2026-10-01", address="Jl. Melati 5", rt="4", latitude="-7.4",
        longitude="109.2", floor="CERAMIC", has_car="false", cattle_count="2", last_pkh_on="2026-07-01",
    )  # fmt: skip
    found = staged(kesos([full], [man(1, working="TRUE", work_hours_per_week="40"), WIFE]))
    assert found.issues == []
    (family,) = found.families
    assert {name: value for name, value in family.items() if value is not None and name in FAMILY_VALUES} == {
        "decile": "3", "percentile": "27", "ranked_on": "2026-10-01", "address": "Jl. Melati 5", "rt": "004",
        "latitude": "-7.4", "longitude": "109.2", "floor": "CERAMIC", "has_car": "f", "cattle_count": "2",
        "last_pkh_on": "2026-07-01",
    }  # fmt: skip
    assert (family["regency_id"], family["village_low"], family["village_high"]) == ("3300", "3300000000", "3399999999")
    assert (family["line"], family["village_code"], family["village_id"]) == ("2", "33.02.01.2001", str(VILLAGE))
    assert (opened(family["kk_sealed"]), family["kk_masked"]) == (kk_of(1), "9933********0001")
    assert family["kk_digest"] == family["family_key"] == digest(kk_of(1))
    head, wife = found.persons
    assert (opened(head["nik_sealed"]), head["nik_digest"], head["nik_masked"]) == (
        NIK,
        digest(NIK),
        "9933********0001",
    )
    assert (head["nik_birth_date"], head["nik_sex"], head["nik_regency"]) == ("1990-02-01", "MALE", None)
    assert (head["name"], head["relationship"], head["presence"]) == ("PENDUDUK 1", "HEAD", "PRESENT")
    assert (head["working"], head["work_hours_per_week"]) == ("t", "40")
    assert (wife["line"], wife["family_key"], wife["nik_sex"]) == ("3", digest(kk_of(1)), "FEMALE")
    assert len({row["id"] for row in (family, head, wife)}) == 3


def test_in_one_file_the_row_of_the_head_is_the_family_too() -> None:
    text = csv_of([WIFE | {"village": "", "address": "elsewhere"}, man(1) | home(1, address="Jl. A")])
    found = staged(text.encode())
    assert [(row["line"], row["address"]) for row in found.families] == [("3", "Jl. A")]
    assert [row["line"] for row in found.persons] == ["2", "3"]
    assert staged(zip_of(data=text)).families[0]["address"] == "Jl. A"


def test_a_family_without_kk_is_joined_by_the_files_own_key() -> None:
    found = staged(
        kesos(
            [{"family_key": "A-17", "kk": "", "village": "3302012001"}],
            [man(1, kk="", family_key=" A-17 "), WIFE | {"kk": "0", "family_key": "A-17"}],
        )
    )
    assert found.issues == []
    assert {row["family_key"] for row in (*found.families, *found.persons)} == {found.families[0]["family_key"]}
    assert found.families[0]["kk_digest"] is None
    assert found.families[0]["village_id"] == str(VILLAGE)


def test_an_own_key_that_looks_like_a_kk_number_is_not_one() -> None:
    found = staged(kesos([home(1)], [man(1, kk="", family_key=kk_of(1))]))
    assert found.persons[0]["family_key"] != found.families[0]["family_key"]


def test_rows_may_come_in_any_order_columns_too_and_excel_may_have_touched_them() -> None:
    headers = ["Birth_Date", "SEX", " name ", "relationship", "nik", "kk"]
    row = {header: man(1)[header.strip().lower()] for header in headers} | {"nik": f"'{NIK}", "Birth_Date": "1/2/1990"}
    content = zip_of(
        families="\ufeff" + csv_of([home(1)]).replace(",", ";"), persons=csv_of([{}, row], headers).replace(",", ";")
    )
    found = staged(content)
    assert found.issues == []
    assert (found.persons[0]["birth_date"], found.persons[0]["line"]) == ("1990-02-01", "3")


def test_a_village_may_be_left_out_where_the_import_is_about_one() -> None:
    found = staged(kesos([{"kk": kk_of(1)}], [man(1)]), default_village=VILLAGE)
    assert (found.families[0]["village_code"], found.families[0]["village_id"]) == ("33.02.01.2001", str(VILLAGE))


@pytest.mark.parametrize(
    ("cell", "code", "village"),
    [
        ("", None, None),
        ("33.02.99.2001", "33.02.99.2001", None),
        ("3302012001", "3302012001", str(VILLAGE)),
        (NIK, "9933********0001", None),
        ("BUDI SANTOSO", "BU**********", None),
        ("3302\x00", "33***", None),
    ],
)
def test_a_village_that_is_not_known_is_staged_without_one_and_nothing_else_is_kept(
    cell: str, code: str | None, village: str | None
) -> None:
    (family,) = staged(kesos([home(1, village=cell)], [man(1)])).families
    assert (family["village_code"], family["village_id"]) == (code, village)


@pytest.mark.parametrize(
    ("cells", "column", "shown", "code"),
    [
        ({"nik": "123456789012345"}, "nik", "12*************", "NIK_NOT_16_DIGITS"),
        ({"nik": "9.933020102900001E+15"}, "nik", "9.****************", "NUMBER_ROUNDED"),
        ({"nik": "2033020102900001"}, "nik", "2033********0001", "NIK_PROVINCE_UNKNOWN"),
        ({"nik": "9900020102900001"}, "nik", "9900********0001", "NIK_REGION_ZERO"),
        ({"nik": "9933023002900001"}, "nik", "9933********0001", "NIK_DATE_IMPOSSIBLE"),
        ({"nik": "9933020102900000"}, "nik", "9933********0000", "NIK_SERIAL_ZERO"),
        ({"kk": ""}, "kk", "", "KK_MISSING"),
        ({"kk": "12345"}, "kk", "12***", "KK_NOT_16_DIGITS"),
        ({"kk": "9,93302E15"}, "kk", "9,********", "NUMBER_ROUNDED"),
        ({"name": " - "}, "name", " - ", "NAME_MISSING"),
        ({"name": "BU\x00DI"}, "name", "BU***", "TEXT_UNREADABLE"),
        ({"name": "B" * 201}, "name", "BB" + "*" * 16, "TEXT_TOO_LONG"),
        ({"relationship": ""}, "relationship", "", "CODE_MISSING"),
        ({"relationship": "KEPALA"}, "relationship", "KE****", "VALUE_UNKNOWN"),
        ({"sex": "X"}, "sex", "X", "VALUE_UNKNOWN"),
        ({"birth_date": "1899-12-31"}, "birth_date", "18********", "DATE_INVALID"),
        ({"birth_date": "1990-02-30"}, "birth_date", "19********", "DATE_INVALID"),
        ({"birth_date": "32874"}, "birth_date", "32***", "DATE_INVALID"),
        ({"birth_date": "2026-11-23"}, "birth_date", "20********", "BIRTH_DATE_IN_FUTURE"),
        ({"working": "1"}, "working", "1", "VALUE_UNKNOWN"),
        ({"work_hours_per_week": "169"}, "work_hours_per_week", "169", "NUMBER_INVALID"),
        ({"school_grade": "-1"}, "school_grade", "-1", "NUMBER_INVALID"),
        ({"health_insurance": "BPJS"}, "health_insurance", "BP**", "VALUE_UNKNOWN"),
    ],
)
def test_each_error_of_a_person_is_told_with_its_place(
    cells: dict[str, str], column: str, shown: str, code: str
) -> None:
    found = staged(kesos([home(1)], [man(2), man(1, **cells)]))
    assert found.told == [("PERSON", 3, column, shown, code, "ERROR")]
    assert [row["line"] for row in found.persons] == ["2", "3"]


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({"nik": ""}, ("nik", "", "NIK_ABSENT")),
        ({"nik": "0"}, ("nik", "0", "NIK_ABSENT")),
        ({"birth_date": ""}, ("birth_date", "", "BIRTH_DATE_MISSING")),
        ({"pregnant": "true"}, ("pregnant", "tr**", "PREGNANT_NOT_FEMALE")),
    ],
)
def test_each_doubt_about_a_person_is_a_warning(cells: dict[str, str], told: tuple[str, str, str]) -> None:
    found = staged(kesos([home(1)], [man(1, **cells)]))
    assert found.told == [("PERSON", 2, *told, "WARNING")]
    assert found.persons[0]["pregnant"] is None


@pytest.mark.parametrize(
    ("cells", "column", "shown", "code", "severity"),
    [
        ({"kk": "20330217081700001"}, "kk", "20***************", "KK_NOT_16_DIGITS", "ERROR"),
        ({"kk": "2033021708170001"}, "kk", "2033********0001", "KK_PROVINCE_UNKNOWN", "WARNING"),
        ({"kk": "9933023202170001"}, "kk", "9933********0001", "KK_DATE_IMPOSSIBLE", "WARNING"),
        ({"kk": ""}, "kk", "", "KK_MISSING", "ERROR"),
        ({"decile": "three"}, "decile", "th***", "NUMBER_INVALID", "ERROR"),
        ({"percentile": "3"}, "percentile", "3", "PERCENTILE_WITHOUT_DECILE", "ERROR"),
        ({"latitude": "-7.4"}, "latitude", "-7**", "COORDINATES_INVALID", "ERROR"),
        ({"latitude": "91", "longitude": "109"}, "latitude", "91", "COORDINATES_INVALID", "ERROR"),
        ({"latitude": "nan", "longitude": "109"}, "latitude", "nan", "COORDINATES_INVALID", "ERROR"),
        ({"latitude": "51.5", "longitude": "0"}, "latitude", "51**", "COORDINATES_ABROAD", "WARNING"),
        ({"floor": "1"}, "floor", "1", "VALUE_UNKNOWN", "ERROR"),
        ({"cattle_count": "2.5"}, "cattle_count", "2.5", "NUMBER_INVALID", "ERROR"),
        ({"last_pkh_on": "2026-13-01"}, "last_pkh_on", "20********", "DATE_INVALID", "ERROR"),
        ({"address": "\x1b[0m"}, "address", "\ufffd[**", "TEXT_UNREADABLE", "ERROR"),
    ],
)
def test_each_issue_of_a_family_is_told_with_its_place(
    cells: dict[str, str], column: str, shown: str, code: str, severity: str
) -> None:
    found = staged(kesos([home(1, **cells)], [man(1)]))
    assert found.told == [("FAMILY", 2, column, shown, code, severity)]
    assert len(found.families) == 1


def test_a_broken_row_is_staged_as_far_as_it_is_readable() -> None:
    found = staged(kesos([home(1)], [man(1, sex="?", nik="1", birth_date="soon")]))
    (person,) = found.persons
    assert (person["name"], person["relationship"], person["family_key"]) == ("PENDUDUK 1", "HEAD", digest(kk_of(1)))
    assert (person["sex"], person["birth_date"], person["nik_sealed"]) == (None, None, None)
    assert sorted(filter(None, found.codes)) == ["DATE_INVALID", "NIK_NOT_16_DIGITS", "VALUE_UNKNOWN"]


def test_a_row_with_a_cell_too_many_or_too_few_is_told() -> None:
    persons = csv_of([man(1)]) + ",".join([*man(2).values(), "extra"]) + "\n" + ",".join([*man(3).values()][:5]) + "\n"
    found = staged(zip_of(families=csv_of([home(1)]), persons=persons))
    assert [said for said in found.told if said[4] == "ROW_SHAPE"] == [
        ("PERSON", 3, "", "", "ROW_SHAPE", "ERROR"),
        ("PERSON", 4, "", "", "ROW_SHAPE", "ERROR"),
    ]
    assert len(found.persons) == 3


def test_lines_are_counted_as_an_editor_shows_them() -> None:
    found = staged(kesos([home(1, address="Jl. A\nNo. 5"), home(2, decile="x")], [man(1)]))
    assert [(said["subject"], said["line"]) for said in found.issues] == [("FAMILY", "4")]
    assert found.families[0]["address"] == "Jl. A No. 5"


def test_backslashes_and_invisible_characters_do_not_break_a_row() -> None:
    found = staged(kesos([home(1, address="C:\\temp\\N \u200b5")], [man(1, name="A\\\\")]))
    assert (found.families[0]["address"], found.persons[0]["name"]) == ("C:\\temp\\N 5", "A\\\\")


PERSONS = csv_of([man(1)])


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [
        (b"", "IMPORT_HEADER_MISSING", "nik, relationship, name, sex, birth_date, village, kk"),
        (zip_of(families="kk,village\n", persons="name,sex\n"), "IMPORT_HEADER_MISSING", "persons.csv lacks these columns"),
        (zip_of(families="kk\n", persons=PERSONS), "IMPORT_HEADER_MISSING", "families.csv lacks these columns: village"),
        (
            zip_of(families="kk,village,adress\n", persons=PERSONS),
            "IMPORT_HEADER_UNKNOWN",
            "The file families.csv has columns that are not known: adress (perhaps address?)",
        ),
        (zip_of(families="kk,village,KK\n", persons=PERSONS), "IMPORT_HEADER_REPEATED", "kk"),
        (zip_of(families="kk,village\n"), "IMPORT_MEMBER_MISSING", "persons.csv"),
        (zip_of(a=PERSONS, b=PERSONS), "IMPORT_MEMBER_MISSING", "families.csv, persons.csv"),
        (zip_of(families=csv_of([home(1)]), persons=PERSONS.splitlines()[0]), "IMPORT_NO_ROWS", "no rows"),
        (b"PK\x03\x04 no zip", "IMPORT_FILE_UNREADABLE", "broken, cut short or has a password"),
        (zip_of(families="kk,village\n", persons=PERSONS)[:-60], "IMPORT_FILE_UNREADABLE", "broken"),
        (b"MZ\x90\x00\x03", "IMPORT_FILE_UNREADABLE", "no csv in utf-8-sig"),
        (
            zip_of(families=csv_of([home(1)]), persons=PERSONS.encode() + b"\xe9"),
            "IMPORT_FILE_UNREADABLE",
            "persons.csv is no csv in utf-8-sig",
        ),
        (zip_of(families=csv_of([home(1)]), persons=PERSONS + '"open'), "IMPORT_FILE_UNREADABLE", "Line 3"),
        (b"x" * 2_000_000, "IMPORT_FILE_UNREADABLE", "a row longer than 1 MB"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_as_a_whole(content: bytes, code: str, told: str) -> None:
    with pytest.raises(DomainError) as refusal:
        staged(content)
    assert refusal.value.code == code
    assert told in refusal.value.english


def test_another_encoding_is_read_where_it_is_named() -> None:
    content = zip_of(families=csv_of([home(1)]), persons=csv_of([man(1, name="JOS\u00c9")]).encode("cp1252"))
    assert staged(content, encoding="cp1252").persons[0]["name"] == "JOS\u00c9"
    for encoding in ("utf-8-sig", "latin-99", "base64"):
        with pytest.raises(DomainError, match=encoding):
            staged(content, encoding=encoding)


def test_a_header_that_holds_a_number_of_somebody_is_not_repeated_in_the_refusal() -> None:
    with pytest.raises(DomainError) as refusal:
        staged(f"{NIK},name\n".encode())
    assert NIK not in refusal.value.english + refusal.value.indonesian


_ANY_CELL = st.one_of(
    st.text(max_size=40),
    st.integers(0, 10**16).map(str),
    st.from_regex(r"99[0-9]{14}", fullmatch=True),
    st.sampled_from(["", "0", "-", "true", "HEAD", "FEMALE", "\\N", "\\", "1990-02-01", "9.9E15", NIK]),
)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_cell_brings_the_reader_down_and_no_issue_tells_a_number(data: st.DataObject) -> None:
    rows = [
        {name: data.draw(_ANY_CELL) for name in data.draw(st.lists(st.sampled_from(names), max_size=12))} | fixed
        for names, fixed in ((FAMILY_NAMES, home(1)), (FAMILY_NAMES, {}), (PERSON_NAMES, man(1)), (PERSON_NAMES, {}))
    ]
    persons = csv_of([rows[2], rows[3], WIFE], PERSON_NAMES).encode("utf-8", "surrogatepass")
    families = csv_of([rows[0], rows[1]], FAMILY_NAMES).encode("utf-8", "surrogatepass")
    found = staged(zip_of(families=families, persons=persons))
    assert len(found.families) <= 2
    assert not re.search(r"\d{9,}", " ".join(said["value_masked"] or "" for said in found.issues))
    staged_text = json.dumps(
        [{name: value for name, value in row.items() if name == "nik_masked"} for row in found.persons]
    )
    assert NIK not in staged_text


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.binary(), st.binary().map(b"PK\x03\x04".__add__)))
def test_no_bytes_bring_the_reader_down(content: bytes) -> None:
    with pytest.raises(DomainError):
        staged(content)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    villages = [Village(VILLAGE + at, RegionKind.DESA, "Kabupaten Banyumas") for at in range(5)]
    path = tmp_path_factory.mktemp("sample") / "sample.zip"
    region = RegionPath.parse("33.02")
    done = write_sample(path, region=region, villages=villages, families=3_000, seed=3, today=TODAY)
    assert done.families == 3_000
    return path


def test_a_sample_of_the_synthetic_population_has_nothing_wrong_with_it(sample: Path) -> None:
    codes = {f"33.02.01.{2001 + at}": VILLAGE + at for at in range(5)}
    found = staged(sample.read_bytes(), village_of=codes.get)
    assert len(found.families) == 3_000
    assert set(found.codes) == {"NIK_ABSENT"}
    keys = {row["family_key"] for row in found.families}
    assert len(keys) == 3_000
    assert {row["family_key"] for row in found.persons} == keys
    assert {row["village_id"] for row in found.families} == set(map(str, codes.values()))
    assert len({row["nik_digest"] for row in found.persons if row["nik_digest"]}) > 8_000
    assert sum(row["percentile"] is not None for row in found.families) > 2_900
    with zipfile.ZipFile(sample) as archive:
        niks = [line.split(",")[4] for line in archive.read("persons.csv").decode().splitlines()[1:]]
    assert {nik[:2] for nik in niks if nik} == {"99"}


def test_the_same_sample_is_the_same_file(sample: Path, tmp_path: Path) -> None:
    villages = [Village(VILLAGE + at, RegionKind.DESA, "Kabupaten Banyumas") for at in range(5)]
    again = tmp_path / "again.zip"
    region = RegionPath.parse("33.02")
    write_sample(again, region=region, villages=villages, families=3_000, seed=3, today=TODAY)
    with zipfile.ZipFile(sample) as one, zipfile.ZipFile(again) as other:
        assert [one.read(name) for name in one.namelist()] == [other.read(name) for name in other.namelist()]
    assert [path.name for path in tmp_path.iterdir()] == ["again.zip"]


def _peak_of(rows: int) -> int:
    chance = random.Random(rows)  # noqa: S311  (order of rows, no secrets)
    order = list(range(1, rows + 1))
    chance.shuffle(order)
    families = csv_of([home(serial % 9999 + 1, address=f"Jl. {serial}") for serial in order])
    persons = csv_of(
        [man(serial % 9999 + 1, name=f"PENDUDUK {serial}", sex="?" if serial % 5 == 0 else "MALE") for serial in order]
    )
    content = io.BytesIO(zip_of(families=families, persons=persons))
    del families, persons
    tracemalloc.start()
    try:
        for _ in read_kesos_csv(content, "utf-8", reading_of()):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_file() -> None:
    small, large = _peak_of(5_000), _peak_of(15_000)
    assert large < small * 1.5
    assert large < 40_000_000


def test_progress_tells_how_much_of_the_file_was_read() -> None:
    persons = [man(serial % 9999 + 1) for serial in range(20_000)]
    shares = [parcel.read for parcel in parcels_of(kesos([home(1)], persons))]
    assert len(shares) > 4
    assert shares == sorted(shares)
    assert shares[0] < 0.5
    assert shares[-1] == 1
