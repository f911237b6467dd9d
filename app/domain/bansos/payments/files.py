"""Files between Kesos and a bank, as docs/bank-files.md has them: a header, lines, and a trailer that proves them.

Both formats hold the same records. In FIXED every column has its width and a bar stands between two of them; in CSV the values stand
unpadded between commas. The checksum is that of the lines as they are written, so it differs between the two. Nothing in a file needs
quoting: there are digits and codes in it, and no name.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

from app.domain.bansos.models.payments import Bank, FileFormat, FileKind
from app.domain.bansos.payments.file_errors import (
    BankFileChecksumWrong,
    BankFileKindWrong,
    BankFileMalformed,
    BankFileTotalsWrong,
)

OK: Final = "OK"
"""The result of a line that went well; every other code says why it did not."""
ANSWERS: Final = {FileKind.ACCOUNT_CHECK: FileKind.ACCOUNT_RESULT, FileKind.TOP_UP: FileKind.TOP_UP_RESULT}
"""What a bank answers to each file that goes out."""
_VERSION: Final = "KESOS1"
_LONGEST_LINE: Final = 300
_SEPARATORS: Final = {FileFormat.FIXED: "|", FileFormat.CSV: ","}
_UUID: Final = re.compile(r"[0-9a-f]{32}")
_NUMBER: Final = re.compile(r"[0-9]+")
_DAY: Final = re.compile(r"[0-9]{8}")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{8,40}")
_LAST_FOUR: Final = re.compile(r"[0-9]{4}")
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,19}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class _Align(StrEnum):
    TEXT = "<"
    NUMBER = "0>"


class _Column(NamedTuple):
    width: int
    align: _Align = _Align.TEXT


_HEADER: Final = (_Column(1), _Column(6), _Column(14), _Column(7), _Column(32), _Column(6, _Align.NUMBER), _Column(8))
_LINE: Final = (
    _Column(1),
    _Column(8, _Align.NUMBER),
    _Column(32),
    _Column(40),
    _Column(4),
    _Column(15, _Align.NUMBER),
    _Column(20),
)
_TRAILER: Final = (_Column(1), _Column(8, _Align.NUMBER), _Column(18, _Align.NUMBER), _Column(64))


class Header(NamedTuple):
    """What a file is about. ``number`` says the how many-th it is of its kind for the order."""

    kind: FileKind
    bank: Bank
    order_id: UUID
    number: int
    made_on: date


class Line(NamedTuple):
    """One entitlement and the card of its family; ``result`` is empty in files that go out."""

    entitlement_id: UUID
    token: str
    last_four: str
    amount: int
    result: str = ""


class Totals(NamedTuple):
    """What a file holds: so many lines, and so many rupiah."""

    lines: int
    amount: int


class _Target(Protocol):
    def write(self, data: bytes, /) -> Any: ...


class _Source(Protocol):
    def readline(self, most: int, /) -> bytes: ...


def rows_of(file: _Source) -> Iterator[bytes]:
    """The lines of ``file``; one that is too long to be of a bank's file comes in parts, which nobody takes for lines."""
    return iter(lambda: file.readline(_LONGEST_LINE + 1), b"")


class BankFileWriter:
    """Writes a file in one go: header, lines as they come, trailer."""

    def __init__(self, target: _Target, format_: FileFormat, header: Header) -> None:
        """Write into ``target``, the header first."""
        self._target, self._format = target, format_
        self._digest = sha256()
        self._lines = self._amount = 0
        values = ("H", _VERSION, header.kind.value, header.bank.value, header.order_id.hex, str(header.number))
        self._put(_HEADER, (*values, header.made_on.strftime("%Y%m%d")))

    def _put(self, columns: Sequence[_Column], values: Sequence[str]) -> bytes:
        separator = _SEPARATORS[self._format]
        if self._format is FileFormat.FIXED:
            values = [f"{value:{column.align}{column.width}}" for value, column in zip(values, columns, strict=True)]
        written = f"{separator.join(values)}\n".encode("ascii")
        self._target.write(written)
        return written

    def write(self, lines: Iterable[Line]) -> None:
        """Add ``lines``."""
        for line in lines:
            self._lines += 1
            self._amount += line.amount
            values = ("D", str(self._lines), line.entitlement_id.hex, line.token, line.last_four, str(line.amount))
            self._digest.update(self._put(_LINE, (*values, line.result)))

    def end(self) -> Totals:
        """Write the trailer; what the file holds."""
        self._put(_TRAILER, ("T", str(self._lines), str(self._amount), self._digest.hexdigest()))
        return Totals(self._lines, self._amount)


@dataclass(slots=True)
class BankFileReader:
    """Reads a file: ``header`` at once, the lines as they are asked for, and at their end whether the trailer proves them.

    Who takes the lines must not act on them before the last one has come.
    """

    format: FileFormat
    header: Header
    totals: Totals
    _rows: Iterator[tuple[int, bytes]]

    @classmethod
    def of(cls, rows: Iterable[bytes]) -> "BankFileReader":
        """Begin to read ``rows``, the lines of a file.

        Raises:
            BankFileMalformed: it does not begin with a header.
        """
        numbered = enumerate(rows, 1)
        first = next(numbered, (1, b""))[1]
        format_ = FileFormat.FIXED if first[1:2] == b"|" else FileFormat.CSV
        return cls(format_, _header(_values(first, 1, _HEADER, format_)), Totals(0, 0), numbered)

    def answer_kind(self) -> FileKind:
        """The kind of an answer.

        Raises:
            BankFileKindWrong: it is none.
        """
        if self.header.kind not in ANSWERS.values():
            raise BankFileKindWrong(self.header.kind)
        return self.header.kind

    def lines(self) -> Iterator[Line]:
        """The lines, to the end of the file.

        Raises:
            BankFileMalformed: a line is not what it should be, or the trailer is missing, or something follows it.
            BankFileTotalsWrong, BankFileChecksumWrong: the trailer tells of other lines.
        """
        digest, found = sha256(), Totals(0, 0)
        answered = self.header.kind in ANSWERS.values()
        number = 1
        for number, row in self._rows:
            if row[:1] == b"T":
                self._check(_values(row, number, _TRAILER, self.format), number, found, digest.hexdigest())
                self.totals = found
                return
            values = _values(row, number, _LINE, self.format)
            line = _line(values, number, found.lines + 1, answered=answered)
            digest.update(row.rstrip(b"\r\n") + b"\n")
            found = Totals(found.lines + 1, found.amount + line.amount)
            yield line
        raise BankFileMalformed(number + 1)

    def _check(self, values: list[str], number: int, found: Totals, digest: str) -> None:
        mark, lines, amount, told = values
        if mark != "T" or not _NUMBER.fullmatch(lines) or not _NUMBER.fullmatch(amount) or not _DIGEST.fullmatch(told):
            raise BankFileMalformed(number)
        if next(self._rows, None) is not None:
            raise BankFileMalformed(number + 1)
        if (int(lines), int(amount)) != found:
            raise BankFileTotalsWrong(
                lines=found.lines, amount=found.amount, lines_told=int(lines), amount_told=int(amount)
            )
        if told != digest:
            raise BankFileChecksumWrong


def _values(row: bytes, number: int, columns: Sequence[_Column], format_: FileFormat) -> list[str]:
    """The values of a record, unpadded."""
    if len(row) > _LONGEST_LINE or not row.isascii():
        raise BankFileMalformed(number)
    values = row.decode("ascii").rstrip("\r\n").split(_SEPARATORS[format_])
    if len(values) != len(columns):
        raise BankFileMalformed(number)
    if format_ is FileFormat.FIXED:
        if any(len(value) != column.width for value, column in zip(values, columns, strict=True)):
            raise BankFileMalformed(number)
        values = [value.rstrip(" ") for value in values]
    elif any(len(value) > column.width for value, column in zip(values, columns, strict=True)):
        raise BankFileMalformed(number)
    return values


def _header(values: list[str]) -> Header:
    mark, version, kind, bank, order, number, made_on = values
    is_good = _UUID.fullmatch(order) and _NUMBER.fullmatch(number) and _DAY.fullmatch(made_on)
    if mark != "H" or version != _VERSION or not is_good:
        raise BankFileMalformed(1)
    try:
        return Header(FileKind(kind), Bank(bank), UUID(hex=order), int(number), date.fromisoformat(made_on))
    except ValueError:
        raise BankFileMalformed(1) from None


def _line(values: list[str], number: int, sequence: int, *, answered: bool) -> Line:
    mark, told, entitlement, token, last_four, amount, result = values
    is_good = (
        mark == "D"
        and _NUMBER.fullmatch(told) is not None
        and int(told) == sequence
        and _UUID.fullmatch(entitlement) is not None
        and _TOKEN.fullmatch(token) is not None
        and _LAST_FOUR.fullmatch(last_four) is not None
        and _NUMBER.fullmatch(amount) is not None
        and (_CODE.fullmatch(result) is not None if answered else not result)
    )
    if not is_good:
        raise BankFileMalformed(number)
    return Line(UUID(hex=entitlement), token, last_four, int(amount), result)
