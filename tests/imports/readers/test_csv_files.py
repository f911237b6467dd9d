"""Csv files, alone and in zips, as people pack them."""

import csv
import io

import pytest

from app.domain.base import DomainError
from app.domain.registry.imports.csv_files import open_csv
from app.domain.uploads.examination import examine
from app.domain.uploads.models import UploadKind
from tests.imports.readers.staged import csv_of, digest, home, kesos, kk_of, man, staged, zip_of, zip_of_files


def test_the_files_of_a_zip_may_lie_in_a_folder_beside_what_a_mac_puts_there() -> None:
    scrap = {"data/.DS_Store": b"\0", "__MACOSX/data/._families.csv": b"\0\5", "__MACOSX/._data.csv": b"\0\5"}
    families, persons = csv_of([home(1)]), csv_of([man(1)])
    folder = scrap | {"data/Families.csv": families, "data/persons.csv": persons}
    assert staged(zip_of_files(folder)).families[0]["kk_digest"] == digest(kk_of(1))
    one = scrap | {"data.csv": csv_of([man(1) | home(1)])}
    assert len(staged(zip_of_files(one)).persons) == 1


def test_two_files_of_one_name_in_a_zip_are_refused_and_both_are_named() -> None:
    families, persons = (csv_of([home(1)]), csv_of([home(2)])), csv_of([man(1), man(2)])
    files = {"a/families.csv": families[0], "a/persons.csv": persons, "b/Families.CSV": families[1]}
    with pytest.raises(DomainError) as refusal:
        staged(zip_of_files(files))
    assert refusal.value.code == "IMPORT_MEMBER_REPEATED"
    assert refusal.value.english == (
        "Two files in the zip have the same name: a/families.csv and b/Families.CSV. Join them, or send each in a zip of its "
        "own."
    )
    assert refusal.value.indonesian == (
        "Dua berkas dalam zip bernama sama: a/families.csv dan b/Families.CSV. Gabungkan keduanya, atau kirim masing-masing "
        "sebagai zip tersendiri."
    )


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_cells_may_be_separated_by_whatever_an_upload_may_have(separator: str) -> None:
    content = csv_of([man(1) | home(1)]).replace(",", separator).encode()
    assert examine(io.BytesIO(content)) is UploadKind.CSV  # type: ignore[arg-type]  # read and seek are all that is needed
    assert [row["name"] for row in staged(content).persons] == ["PENDUDUK 1"]


def test_rows_without_anything_in_them_are_passed_over() -> None:
    families, persons = csv_of([home(1), {"kk": " "}, {}]), csv_of([{}, man(1), {"nik": " "}])
    found = staged(zip_of(families=families, persons=persons))
    assert (found.issues, len(found.families), len(found.persons)) == ([], 1, 1)
    assert staged(kesos([home(1), {"village": "33.02.01.2001"}], [man(1)])).codes == ["KK_MISSING"]


def test_of_very_many_headers_the_first_are_named() -> None:
    unknown = ",".join(f"x{number}" for number in range(20_000))
    with pytest.raises(DomainError) as refusal:
        staged(f"nik,{unknown}\n".encode())
    assert refusal.value.english == (
        f"The file has columns that are not known: {'; '.join(f'x{number}' for number in range(20))}; .... Mend the name, or "
        "leave the column out."
    )
    with pytest.raises(DomainError) as refusal:
        staged((",".join(["kk"] * 300_000) + "\n").encode())
    assert refusal.value.english == "These columns stand more than once: kk."


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        pytest.param(b'nik,kk\n"a' + b'a\n","aaaaaaa' * 400_000, "utf-8-sig", id="quotes are open at each line end"),
        pytest.param(
            "nik,kk\n".encode("utf-16") + b"\n" * 4_000_000, "utf-16", id="letters have the bytes of line ends"
        ),
        pytest.param("nik,kk\n".encode("cp037") + b"\n\xc1" * 2_000_000, "cp037", id="line ends are other bytes"),
        pytest.param(b"nik,kk\n+" + b"KgoqCioKKgo" * 400_000, "utf-7", id="letters are kept until the last of them"),
        pytest.param("\u0a0a".encode("utf-16") * 2_000_000, "utf-16", id="it is the first"),
    ],
)
def test_a_row_without_end_is_refused_before_it_is_read(content: bytes, encoding: str) -> None:
    source = io.BytesIO(content)
    with pytest.raises(DomainError) as refusal, open_csv(source, encoding) as rows:
        list(rows)
    assert (refusal.value.code, refusal.value.english) == (
        "IMPORT_FILE_UNREADABLE",
        "The file is no csv: it has a row longer than 1 MB.",
    )
    assert refusal.value.indonesian == "Berkas bukan csv: ada baris yang lebih panjang daripada 1 MB."
    assert source.tell() < 1_200_000


def test_rows_of_many_lines_are_bounded_each_for_itself() -> None:
    cells = ["1", "x\n" * 60_000, "y\n" * 60_000, "z\n" * 60_000]
    content = io.StringIO()
    csv.writer(content).writerows([cells] * 12)
    with open_csv(io.BytesIO(content.getvalue().encode()), "utf-8") as rows:
        assert [row for _, row in rows] == [cells] * 12
