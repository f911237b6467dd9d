"""Files of banks: what is written is read, and what was changed on the way is not believed."""

import io
import re
from collections.abc import Callable
from datetime import date
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.bansos.models.payments import Bank, FileFormat, FileKind
from app.domain.bansos.payments.file_errors import (
    BankFileChecksumWrong,
    BankFileKindWrong,
    BankFileMalformed,
    BankFileTotalsWrong,
)
from app.domain.bansos.payments.files import BankFileReader, BankFileWriter, Header, Line, Totals, rows_of
from app.domain.base import DomainError
from tests.support.process import ROOT

ORDER = UUID("01a30000-0000-7000-8000-000000000001")
HEADER = Header(FileKind.TOP_UP_RESULT, Bank.BRI, ORDER, 1, date(2026, 7, 15))
LINES = [
    Line(UUID(int=1), "Tabc12345", "0042", 600_000, "OK"),
    Line(UUID(int=2), "T-x_y-67890", "9999", 1_200_000, "ACCOUNT_CLOSED"),
]
REFUSALS = (BankFileMalformed, BankFileTotalsWrong, BankFileChecksumWrong)
_TOKENS = st.text("ABCXYZabcxyz0189_-", min_size=8, max_size=40)


def written(lines: list[Line], format_: FileFormat = FileFormat.FIXED, header: Header = HEADER) -> bytes:
    target = io.BytesIO()
    writer = BankFileWriter(target, format_, header)
    writer.write(lines)
    writer.end()
    return target.getvalue()


def read(content: bytes) -> tuple[BankFileReader, list[Line]]:
    reading = BankFileReader.of(rows_of(io.BytesIO(content)))
    return reading, list(reading.lines())


lines_of_banks = st.lists(
    st.builds(
        Line,
        st.uuids(),
        _TOKENS,
        st.from_regex(r"[0-9]{4}", fullmatch=True),
        st.integers(1, 10**12),
        st.sampled_from(["OK", "DORMANT", "NAME_MISMATCH"]),
    ),
    max_size=20,
)


@given(lines_of_banks, st.sampled_from(FileFormat), st.sampled_from(Bank))
def test_what_is_written_is_read(lines: list[Line], format_: FileFormat, bank: Bank) -> None:
    header = HEADER._replace(bank=bank)
    reading, found = read(written(lines, format_, header))
    assert (reading.header, reading.format, found) == (header, format_, lines)
    assert reading.totals == Totals(len(lines), sum(line.amount for line in lines))


def test_the_contract_prints_what_is_written() -> None:
    blocks = re.findall(r"```\n(H.*?)```", (ROOT / "docs" / "bank-files.md").read_text(encoding="utf-8"), re.DOTALL)
    assert [block.encode() for block in blocks] == [written(LINES), written(LINES, FileFormat.CSV)]


def test_both_formats_hold_the_same() -> None:
    fixed, csv = (read(written(LINES, format_)) for format_ in FileFormat)
    assert fixed[1] == csv[1]
    assert fixed[0].header == csv[0].header


@pytest.mark.parametrize("format_", FileFormat)
def test_a_file_that_lost_or_gained_a_line_or_has_another_amount_is_not_believed(format_: FileFormat) -> None:
    rows = written(LINES, format_).splitlines(keepends=True)
    without_last = b"".join([*rows[:2], rows[3]])
    with pytest.raises(BankFileTotalsWrong):
        read(without_last)
    with pytest.raises(BankFileMalformed):
        read(b"".join([*rows[:3], rows[2], rows[3]]))
    with pytest.raises(BankFileTotalsWrong):
        read(b"".join(rows).replace(b"600000", b"600001", 1))
    with pytest.raises(BankFileChecksumWrong):
        read(b"".join(rows).replace(b"0042", b"0043", 1))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda rows: rows[:-1], 4),
        (lambda rows: [*rows, b"\n"], 5),
        (lambda rows: rows[1:], 1),
        (lambda rows: [rows[0].replace(b"KESOS1", b"KESOS2"), *rows[1:]], 1),
        (lambda rows: [rows[0].replace(b"20260715", b"20261315"), *rows[1:]], 1),
        (lambda rows: [rows[0].replace(b"20260715", b"2026-W01"), *rows[1:]], 1),
        (lambda rows: [rows[0], rows[1].replace(b"OK ", "ÖK".encode()), *rows[2:]], 2),
        (lambda rows: [rows[0], rows[1].replace(b"|0042|", b"|4200|0042|"), *rows[2:]], 2),
        (lambda rows: [rows[0], rows[2], rows[1], rows[3]], 2),
        (lambda rows: [rows[0], b"D" * 10_000 + b"\n", *rows[1:]], 2),
        (lambda _rows: [], 1),
        (lambda _rows: [b"NIK,nama\n"], 1),
    ],
)
def test_what_is_no_file_of_a_bank_is_refused_by_its_line(
    change: Callable[[list[bytes]], list[bytes]], line: int
) -> None:
    with pytest.raises(BankFileMalformed) as refused:
        read(b"".join(change(written(LINES).splitlines(keepends=True))))
    assert refused.value.line == line


def test_a_file_with_the_line_ends_of_windows_is_read() -> None:
    assert read(written(LINES).replace(b"\n", b"\r\n"))[1] == LINES


@given(st.integers(0, 10_000), st.integers(1, 255), st.sampled_from(FileFormat))
def test_no_changed_byte_of_a_line_goes_unnoticed(place: int, change: int, format_: FileFormat) -> None:
    content = bytearray(written(LINES, format_))
    begins, ends = content.index(b"\nD") + 1, content.index(b"\nT") + 1
    at = begins + place % (ends - begins)
    content[at] ^= change
    try:
        _, found = read(bytes(content))
    except REFUSALS:
        return
    # What still reads the same is the same: a line that ends otherwise.
    assert found == LINES


def test_what_went_out_is_no_answer() -> None:
    request = HEADER._replace(kind=FileKind.TOP_UP)
    reading, _ = read(written([line._replace(result="") for line in LINES], header=request))
    with pytest.raises(BankFileKindWrong):
        reading.answer_kind()


def test_a_refusal_shows_nothing_of_the_file() -> None:
    token = f"T{uuid4().hex}"
    content = written([LINES[0]._replace(token=token)]).replace(b"OK ", b"ok ", 1)
    with pytest.raises(DomainError) as refused:
        read(content)
    assert token not in f"{refused.value.indonesian}{refused.value.english}"
