"""Csv files as streams: however long one is, a few kilobytes of it are in memory."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import IO, Final, cast

from app.domain.registry.errors import FileUnreadable
from app.domain.registry.imports.file_errors import wrong_encoding

DELIMITERS: Final = ",;\t|"
_LONGEST_ROW: Final = 1 << 20
"""Bytes; a row of any format has a few hundred."""


class _Bytes(io.BufferedIOBase):
    """Bytes of a source, refused where too many are read for one row. It leaves the source open.

    Bytes and not letters, of which a decoder may keep as many as it likes before it hands out the first.
    """

    def __init__(self, source: IO[bytes]) -> None:
        super().__init__()
        self._source = source
        self.of_row = 0
        """Bytes read since whoever reads rows began one."""

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1, /) -> bytes:
        chunk = self._source.read(size)
        self.of_row += len(chunk)
        if self.of_row > _LONGEST_ROW:
            raise FileUnreadable(
                "Berkas bukan csv: ada baris yang lebih panjang daripada 1 MB.",
                "The file is no csv: it has a row longer than 1 MB.",
            )
        return chunk

    def read(self, size: int | None = -1, /) -> bytes:
        return self.read1(-1 if size is None else size)


class CsvRows:
    """The rows of a csv file, each with the number of the line where it begins, counted from 1."""

    def __init__(self, source: _Bytes, lines: Iterator[str], encoding: str, name: str) -> None:
        self._source = source
        self._encoding = encoding
        self._name = name
        first = next(lines, "")
        self._delimiter = max(DELIMITERS, key=first.count)
        self._lines = chain([first] if first else [], lines)
        self._line = ""
        self._reader = csv.reader(iter(self._next_line, ""), delimiter=self._delimiter, strict=True)

    def _next_line(self) -> str:
        """For the reader: the line that is in hand, and those after it while quotes are open."""
        line, self._line = self._line, ""
        return line or next(self._lines, "")

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        source, reader, delimiter, longest = self._source, self._reader, self._delimiter, csv.field_size_limit()
        begins, plain = 1, 0
        try:
            for line in self._lines:
                if '"' not in line and len(line) <= longest:
                    # Half the work of the reader, which looks at each character.
                    whole = line.rstrip("\r\n")
                    yield begins, whole.split(delimiter) if whole else []
                    plain += 1
                else:
                    self._line = line
                    yield begins, next(reader)
                begins = plain + reader.line_num + 1
                source.of_row = 0
        except UnicodeError:
            raise wrong_encoding(self._encoding, self._name) from None
        except csv.Error:
            raise FileUnreadable(
                f"Baris {begins} tidak dapat dibaca sebagai csv; periksa tanda kutipnya.",
                f"Line {begins} cannot be read as csv; look at its quotes.",
            ) from None


@contextmanager
def open_csv(source: IO[bytes], encoding: str, name: str = "") -> Iterator[CsvRows]:
    """Read ``source``, which stays open, as csv with commas, semicolons, tabs or bars.

    Args:
        source: of bytes.
        encoding: another one than UTF-8 is never guessed.
        name: of the file within a zip.

    Raises:
        FileUnreadable: not text in ``encoding``, on opening and while reading; or no csv, while reading.
    """
    # Lone surrogates pass here so that the row that holds one is named; other broken bytes are the whole file's.
    errors = "surrogatepass" if encoding.lower().startswith("utf") else "strict"
    try:
        content = _Bytes(source)
        lines = io.TextIOWrapper(cast("IO[bytes]", content), encoding, errors, newline="")
        rows = CsvRows(content, lines, encoding, name)
    except (UnicodeError, LookupError):
        raise wrong_encoding(encoding, name) from None
    try:
        yield rows
    finally:
        lines.close()
