"""`kesos import file`, `list` and `show`: a file taken in at a terminal."""

import zipfile
from pathlib import Path
from typing import Final

import pytest

from tests.cli.terminal import ROOT, Terminal

FILE: Final = ROOT / "docs" / "examples" / "keluarga.csv"
PROFILE_OPTIONS: Final = ("--region", "33.05", "--format", "profile")


@pytest.fixture(scope="module")
def office(shared_folder: Path) -> Terminal:
    """A terminal beside a database that is ready."""
    terminal = Terminal(shared_folder)
    assert terminal.kesos("migrate").code == 0
    return terminal


def imported(office: Terminal, *options: str) -> tuple[int, str, str]:
    ended = office.kesos("import", "file", str(FILE), "--region", "33.05", "--format", "kesos-csv", *options)
    return ended.code, ended.out, ended.err


def test_a_file_is_checked_and_applied_only_where_that_is_said(office: Terminal) -> None:
    code, out, _ = imported(office)
    assert code == 0
    assert "families: 3 read, 2 accepted (2 new, 0 same, 0 changed, 0 moved), 1 rejected" in out
    assert "The serial number of a NIK is never 0000. [NIK_SERIAL_ZERO]" in out
    assert out.endswith("Nothing is registered yet: add --apply, or let somebody decide with importApply.\n")
    code, out, err = imported(office, "--apply")
    assert code == 1
    assert err.endswith("kesos: 2 rows are rejected: correct the file, or add --accept-valid.\n")
    assert "(2 new," in out
    code, out, _ = imported(office, "--apply", "--accept-valid")
    assert (code, out.splitlines()[-1]) == (0, "Applied.")
    assert "(0 new, 2 same," in imported(office)[1]


def test_imports_are_listed_and_shown(office: Terminal) -> None:
    imported(office)
    (line,) = office.kesos("import", "list", "--region", "33.05", "--most", "1").out.splitlines()
    identifier, *_, stage, _operator, _server = line.split()
    assert stage == "VALIDATED"
    shown = office.kesos("import", "show", identifier)
    assert shown.out.startswith("KESOS_CSV of 33.05, addition: VALIDATED\n")
    assert "[NIK_SERIAL_ZERO]" not in office.kesos("import", "show", identifier, "--issues", "0").out
    assert office.kesos("import", "list", "--region", "33.06").out == ""


def test_a_sample_as_of_a_day_is_of_that_day_and_the_same_each_time(office: Terminal, tmp_path: Path) -> None:
    def persons(name: str, *as_of: str) -> bytes:
        file = tmp_path / name
        made = office.kesos("sample", "kesos-csv", "--region", "33.02", "--families", "50", "--out", str(file), *as_of)
        assert made.code == 0
        with zipfile.ZipFile(file) as archive:
            return archive.read("persons.csv")

    first = persons("one.zip", "--as-of", "2026-01-31")
    assert persons("two.zip", "--as-of", "2026-01-31") == first
    assert persons("three.zip", "--as-of", "2026-02-01") != first
    assert persons("four.zip") != first


def test_what_cannot_be_is_said_in_one_sentence(office: Terminal, tmp_path: Path) -> None:
    wrong = office.kesos("import", "file", str(FILE), "--region", "33.05", "--format", "excel")
    assert (wrong.code, wrong.err) == (
        1,
        "kesos: --format is one of kesos-csv, opensid, regsosek-2022, profile.\n",
    )
    nobody = office.kesos("import", "show", "01a20119-177e-77f9-9a07-0ded1b42d966")
    assert nobody.err.endswith("`kesos import list` tells which there are.\n")
    assert office.kesos("import", "show", "x").code == 1
    kept = set((office.data_dir / "files").glob("*"))
    unfit = office.kesos("import", "file", str(FILE), "--region", "33.05", "--format", "opensid")
    assert unfit.code == 1
    assert "33.02.01.2001" in unfit.err
    assert set((office.data_dir / "files").glob("*")) == kept
    profile = tmp_path / "profil.toml"
    profile.write_text("tidak = 'ada'\n")
    refused = office.kesos("import", "file", str(FILE), *PROFILE_OPTIONS, "--profile", str(profile))
    assert refused.code == 1
