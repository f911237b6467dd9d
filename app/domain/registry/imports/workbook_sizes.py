"""How large a workbook becomes in memory, found out before it is read.

Its reader keeps the whole rectangle around all cells of a sheet and a copy of the text of each, and where memory ends it takes the
process with it. It reads whatever part the workbook names, wherever it lies, and XML that is broken, too. So every part is looked at,
and a part that is no XML is refused where it could be read all the same. Nothing that is read here grows with the part either.
"""

import re
import zipfile
from array import array
from dataclasses import dataclass, field
from typing import IO, Final, NoReturn
from xml.parsers import expat

from app.domain.registry.imports.file_errors import SheetTooLarge, workbook_unreadable

MOST_CELLS: Final = 6_000_000
"""On one sheet, empty ones between the filled included: 100,000 persons of Regsosek's widest sheet. They take 200 MB."""
MOST_STRINGS: Final = 2_000_000
"""Different texts of a workbook: twenty for each of 100,000 persons. They take 110 MB and what is in them."""
MOST_TEXT: Final = 1 << 28
"""Bytes of the texts of the cells of one sheet, each as often as a cell shows it: forty for each of ``MOST_CELLS``."""
_MOST_DEFINED: Final = 200_000
"""Of ``_DEFINITIONS`` in one part; Excel has at most 65,490 formats of cells, and as many styles."""
_MOST_DEFINING: Final = 1 << 26
"""Bytes of a part that has any of them."""
_MOST_BYTES: Final = 1 << 29
"""Of all members of the zip together, unpacked."""
_MOST_ELEMENTS: Final = 1 << 25
"""Of all members together: five for each of ``MOST_CELLS``, and half a minute's work."""
_MOST_DEPTH: Final = 256
_MOST_NAMES: Final = 10_000
"""Of elements and attributes in a part; a sheet has a few dozen, and the parser keeps each."""
_LONGEST_TOKEN: Final = 1 << 20
"""Bytes of a tag or comment: the parser keeps it, and begins it anew with every piece that comes."""
_PIECE: Final = 1 << 16
_STRINGS: Final = "sharedstrings.xml"
_OF_OTHER_KINDS: Final = {"mimetype", "content.xml", "workbook.bin"}
"""Members of OpenDocument and of binary workbooks, which the reader would take a workbook for that has them, too."""
_LETTERS: Final = 26
_CELL: Final = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")
_ROW: Final = re.compile(r"[0-9]{1,7}")
_DEFINITIONS: Final = ("sheet", "definedName", "Relationship", "numFmt", "xf")
"""Of which the reader keeps each."""
_COUNTED: Final = ("sheetData", "row", "c", "v", "sst", "si", *_DEFINITIONS)
_READABLE: Final = re.compile(rb"sheetData|[/:]sst[\s>]|[<:](?:sheet|definedName|Relationship|numFmts|cellXfs)[\s/>]")
"""What the reader must find in a part to take cells, texts or definitions from it."""
_LONGEST_MARK: Final = 16
_WIDE_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


def refuse_giants(archive: zipfile.ZipFile) -> None:
    """Make sure that the workbook ``archive`` can be read.

    Raises:
        SheetTooLarge: it has more cells or text than one may have, or a cell far away from the others.
        FileUnreadable: a part of it is XML that no spreadsheet program writes, or of another kind of workbook.
    """
    members = archive.infolist()
    if any(_base(member) in _OF_OTHER_KINDS for member in members):
        raise workbook_unreadable()
    if sum(member.file_size for member in members) > _MOST_BYTES:
        raise _too_large()
    count = _Count()
    # The texts before the cells that show them.
    for member in sorted(members, key=lambda member: _base(member) != _STRINGS):
        try:
            with archive.open(member) as content:
                _Part(count).read(content)
        except expat.ExpatError:
            with archive.open(member) as content:
                _refuse_readable(content)


def _base(member: zipfile.ZipInfo) -> str:
    return member.filename.rpartition("/")[2].lower()


def _too_large() -> SheetTooLarge:
    return SheetTooLarge(MOST_CELLS, MOST_TEXT >> 20, MOST_STRINGS)


def _refuse_readable(content: IO[bytes]) -> None:
    tail = b""
    while piece := content.read(_PIECE):
        if _READABLE.search(tail + piece):
            raise workbook_unreadable()
        tail = piece[-_LONGEST_MARK:]


@dataclass(slots=True)
class _Count:
    """What the parts of a workbook have in common."""

    elements: int = 0
    lengths: "array[int]" = field(default_factory=lambda: array("L"))
    """Of the texts, in bytes, which cells show by their number."""
    longest: int = 0
    are_shown: bool = False


class _Part:
    """One part of a workbook: its cells and texts are counted as the reader places them.

    It is called for every element, so what is seldom is looked at once in a piece.
    """

    def __init__(self, count: _Count) -> None:
        self._count = count
        self._begun = self._ended = self._strings = self._defined = 0
        self._in_sheet = self._shows_string = False
        self._open = ""
        """``v`` or ``si`` while the text of one is kept."""
        self._kept: list[str] = []
        self._row, self._row_figures, self._column = 1, "1", 0
        self._cells = self._rows = self._columns = self._text = 0
        self._locals: dict[str, str] = {}
        """What is counted of the names seen so far, without their prefixes; nothing for the others."""
        self._column_of: dict[str, int] = {}
        self._begins = {
            "sheetData": self._begin_sheet,
            "row": self._begin_row,
            "c": self._begin_cell,
            "v": self._begin_value,
            "si": self._begin_string,
            **dict.fromkeys(_DEFINITIONS, self._begin_definition),
        }
        # Named by us: the reader knows no other encoding either, whatever the part says of itself.
        self._parser = parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype

    def read(self, content: IO[bytes]) -> None:
        """Count all of it.

        Raises:
            SheetTooLarge, FileUnreadable: as ``refuse_giants``.
            ExpatError: it is no XML in UTF-8.
        """
        parser, fed, before = self._parser, 0, self._count.elements
        while piece := content.read(_PIECE):
            # Marks of UTF-16 count more than what we have named.
            if not fed and (piece.startswith(_WIDE_MARKS) or b"\0" in piece[:2]):
                raise expat.ExpatError
            parser.Parse(piece)
            fed += len(piece)
            if (
                fed - parser.CurrentByteIndex > _LONGEST_TOKEN
                or len(parser.intern) > _MOST_NAMES
                or self._begun - self._ended > _MOST_DEPTH
            ):
                raise workbook_unreadable()
            self._count.elements = before + self._begun
            if self._count.elements > _MOST_ELEMENTS or (self._defined and fed > _MOST_DEFINING):
                raise _too_large()
        parser.Parse(b"", True)

    def _doctype(self, *_: object) -> NoReturn:
        raise workbook_unreadable()

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._begun += 1
        local = self._locals.get(name)
        if local is None:
            local = self._local(name)
        if self._open:
            # The reader counts within texts what it counts elsewhere.
            if local or self._open == "v":
                raise workbook_unreadable()
        elif begin := self._begins.get(local):
            begin(attributes)

    def _end(self, name: str) -> None:
        self._ended += 1
        local = self._locals[name]
        if not local:
            return
        if local == self._open:
            if local == "v":
                self._show()
            else:
                self._end_string()
            self._open = ""
            self._kept.clear()
        elif local == "row":
            self._row, self._column = self._row + 1, 0
            self._row_figures = str(self._row)
        elif local == "sst" and self._count.are_shown:
            # Texts of which the cells were counted without them.
            raise workbook_unreadable()

    def _characters(self, text: str) -> None:
        if self._open:
            self._kept.append(text)

    def _local(self, name: str) -> str:
        local = name.partition(":")[2] or name
        self._locals[name] = local if local in _COUNTED else ""
        return self._locals[name]

    def _begin_sheet(self, _: dict[str, str]) -> None:
        self._in_sheet = True

    def _begin_row(self, attributes: dict[str, str]) -> None:
        given = attributes.get("r")
        if given is not None and self._in_sheet:
            if not _ROW.fullmatch(given):
                raise workbook_unreadable()
            self._row = int(given)
            self._row_figures = str(self._row)

    def _begin_value(self, _: dict[str, str]) -> None:
        if self._shows_string:
            self._open = "v"

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        if not self._in_sheet:
            return
        self._cells += 1
        self._shows_string = attributes.get("t") == "s"
        row, given = self._row, attributes.get("r")
        if given is None:
            self._column += 1
        else:
            column = self._column_of.get(given.removesuffix(self._row_figures))
            if column is None:
                column, row = self._place(given)
            self._column = column
        if row > self._rows or self._column > self._columns:
            self._rows, self._columns = max(self._rows, row), max(self._columns, self._column)
        elif self._cells <= MOST_CELLS:
            return
        if max(self._cells, self._rows * self._columns) > MOST_CELLS:
            raise _too_large()

    def _place(self, given: str) -> tuple[int, int]:
        """The column and row that a cell names; its column is kept."""
        place = _CELL.fullmatch(given)
        if place is None:
            raise workbook_unreadable()
        column = 0
        for letter in place[1].upper():
            column = column * _LETTERS + ord(letter) - ord("A") + 1
        self._column_of[place[1]] = column
        return column, int(place[2])

    def _show(self) -> None:
        """Count the text of which a cell tells the number; the longest one where the number is no plain one, or came in
        pieces, of which the reader may leave some out."""
        count, number = self._count, "".join(self._kept)
        count.are_shown = True
        if len(self._kept) > 1 or not (number.isascii() and number.isdecimal()):
            self._text += count.longest
        elif (at := int(number)) < len(count.lengths):
            self._text += count.lengths[at]
        if self._text > MOST_TEXT:
            raise _too_large()

    def _begin_definition(self, _: dict[str, str]) -> None:
        self._defined += 1
        if self._defined > _MOST_DEFINED:
            raise _too_large()

    def _begin_string(self, _: dict[str, str]) -> None:
        if self._strings >= MOST_STRINGS:
            raise _too_large()
        self._open = "si"

    def _end_string(self) -> None:
        lengths, at = self._count.lengths, self._strings
        length = len("".join(self._kept).encode())
        if at < len(lengths):
            # The reader takes the texts of one part; whichever it is, they are no longer than this.
            lengths[at] = max(lengths[at], length)
        else:
            lengths.append(length)
        self._count.longest = max(self._count.longest, length)
        self._strings += 1
