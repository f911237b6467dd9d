"""Zip files and workbooks, which are zip files too: what is in them, and that unpacking them is harmless.

Nothing that an archive says of itself is believed before it is bounded: not how long its directory is, not how many members it has, not
how large they are. What a workbook unpacks to is counted, because whoever reads it later unpacks it into memory.
"""

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from app.domain.uploads.errors import UploadDamaged, UploadTypeUnsupported, UploadUnsafe
from app.domain.uploads.models import UploadKind

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MOST_DIRECTORY_BYTES: Final = 1_048_576
MOST_MEMBERS: Final = 2_000
MOST_FILES: Final = 16
"""CSV files in a zip."""
MOST_SHEETS: Final = 256
MOST_WORKBOOK_BYTES: Final = 1_073_741_824
"""Of a workbook, unpacked."""
MOST_UNPACKED_BYTES: Final = 34_359_738_368
"""Of the CSV files of a zip, which are read as a stream."""
MOST_RATIO: Final = 200
_RATIO_COUNTS_FROM: Final = 16_777_216
_MOST_DEPTH: Final = 8
_LONGEST_NAME: Final = 240
_PIECE: Final = MOST_DIRECTORY_BYTES
_ALL: Final = 1 << 62
_HEAD: Final = 65_536
_ENCRYPTED_FLAG: Final = 1
_COMPRESSIONS: Final = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f\\:]+")
_CONTENT_TYPES: Final = "[Content_Types].xml"
_SHEET: Final = re.compile(r"xl/(work|chart|dialog|macro)sheets/[^/]+\.xml", re.IGNORECASE)
_DOCTYPE: Final = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
_WORKBOOK_PARTS: Final = (b"spreadsheetml.sheet.main+xml", b"ms-excel.sheet.macroEnabled.main+xml")
_SCRAP: Final = re.compile(r"__MACOSX/.*|(.*/)?\.[^/]*")

_ENCRYPTED: Final = (
    "Zip ini dilindungi kata sandi: buat tanpa kata sandi.",
    "This zip is protected by a password: make it without one.",
)
_OTHER_OFFICE: Final = (
    "Ini dokumen Office lain (misalnya .xlsb, .ods, .docx): simpan sebagai .xlsx.",
    "This is another office document (such as .xlsb, .ods, .docx): save it as .xlsx.",
)
_NOT_CSV: Final = ("Zip ini memuat berkas selain CSV.", "This zip holds files other than CSV.")

TextExamination = Callable[[bytes], None]
"""Raises where the first bytes of a file are not those of a table."""


class _Bounded(io.RawIOBase):
    """``file``, of which nobody reads more than ``MOST_DIRECTORY_BYTES`` at once: zipfile reads as many as an archive tells it to."""

    def __init__(self, file: io.RawIOBase) -> None:
        super().__init__()
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        # Without a size it asks for the end of the archive, which is a record and a comment of 64 KiB at most.
        found = self._file.read(min(size if size >= 0 else _ALL, MOST_DIRECTORY_BYTES + 1)) or b""
        if len(found) > MOST_DIRECTORY_BYTES:
            raise UploadUnsafe("Daftar isi arsip ini terlalu panjang.", "The directory of this archive is too long.")
        return found

    def readinto(self, buffer: "WriteableBuffer") -> int:
        return self._file.readinto(buffer) or 0


def is_scrap(name: str) -> bool:
    """Whether a member of a zip is what a Mac puts beside the files that somebody packs. Whoever reads a zip passes over it."""
    return _SCRAP.fullmatch(name) is not None


def examine_archive(file: io.RawIOBase, examine_text: TextExamination) -> UploadKind:
    """What the archive ``file`` is: a workbook, or a zip of CSV files of which ``examine_text`` sees the first bytes.

    Raises:
        UploadTypeUnsupported: it is another archive, or encrypted.
        UploadUnsafe: a bound is passed.
        UploadDamaged: it cannot be read to its end.
    """
    try:
        with zipfile.ZipFile(_Bounded(file)) as archive:
            members = archive.infolist()
            _examine_members(members)
            if _is_workbook(archive):
                _examine_workbook(archive, members)
                return UploadKind.WORKBOOK
            _examine_files(archive, members, examine_text)
            return UploadKind.ZIP
    except (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, EOFError, ValueError) as error:
        raise UploadDamaged from error


def _examine_members(members: Sequence[zipfile.ZipInfo]) -> None:
    if len(members) > MOST_MEMBERS:
        raise UploadUnsafe(
            f"Arsip ini memuat lebih dari {MOST_MEMBERS} berkas.",
            f"This archive holds more than {MOST_MEMBERS} files.",
        )
    if len({member.filename.casefold() for member in members}) < len(members):
        raise UploadUnsafe("Dua berkas dalam arsip ini bernama sama.", "Two files in this archive have the same name.")
    for member in members:
        if member.flag_bits & _ENCRYPTED_FLAG:
            raise UploadTypeUnsupported(*_ENCRYPTED)
        if not _is_harmless(member):
            raise UploadUnsafe(
                "Arsip ini memuat nama atau jenis berkas yang tidak wajar.",
                "This archive holds a file with an unreasonable name or of an unreasonable kind.",
            )
    packed = sum(member.compress_size for member in members)
    unpacked = sum(member.file_size for member in members)
    if unpacked > MOST_UNPACKED_BYTES or (unpacked > _RATIO_COUNTS_FROM and unpacked > packed * MOST_RATIO):
        raise _too_much()


def _is_harmless(member: zipfile.ZipInfo) -> bool:
    name = member.orig_filename
    parts = name.rstrip("/").split("/")
    kind = stat.S_IFMT(member.external_attr >> 16)
    return (
        len(name) <= _LONGEST_NAME
        and _NAME.fullmatch(name) is not None
        and len(parts) <= _MOST_DEPTH
        and not any(part in {"", ".", ".."} for part in parts)
        and kind in {0, stat.S_IFREG, stat.S_IFDIR}
        and member.compress_type in _COMPRESSIONS
        and (member.compress_type == zipfile.ZIP_DEFLATED or member.compress_size == member.file_size)
    )


def _is_workbook(archive: zipfile.ZipFile) -> bool:
    try:
        types = archive.getinfo(_CONTENT_TYPES)
    except KeyError:
        return False
    content = _piece(archive, types, _PIECE)
    if not any(part in content for part in _WORKBOOK_PARTS):
        raise UploadTypeUnsupported(*_OTHER_OFFICE)
    return True


def _examine_workbook(archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo]) -> None:
    sheets = sum(_SHEET.fullmatch(member.filename) is not None for member in members)
    if sheets > MOST_SHEETS:
        raise UploadUnsafe(
            f"Buku kerja ini memuat lebih dari {MOST_SHEETS} lembar.",
            f"This workbook holds more than {MOST_SHEETS} sheets.",
        )
    if sum(member.file_size for member in members) > MOST_WORKBOOK_BYTES:
        raise _too_much()
    for member in members:
        _unpack(archive, member)


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Make sure that ``member`` is as large as the directory says, has its checksum, and declares no entities."""
    said = member.file_size
    # zipfile stops where a member should end, so whether it goes on is seen only where it should end later.
    member.file_size = said + 1
    unpacked = 0
    try:
        with archive.open(member) as content:
            while piece := content.read(_PIECE):
                if not unpacked and _DOCTYPE.search(piece[:_HEAD]):
                    raise UploadUnsafe("Buku kerja ini memuat entitas XML.", "This workbook declares XML entities.")
                unpacked += len(piece)
                if unpacked > said:
                    raise _too_much()
    finally:
        member.file_size = said
    if unpacked < said:
        raise UploadDamaged


def _examine_files(archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo], examine_text: TextExamination) -> None:
    files = [member for member in members if not (member.is_dir() or is_scrap(member.filename))]
    if any(member.filename in {"mimetype", "META-INF/MANIFEST.MF"} for member in files):
        raise UploadTypeUnsupported(*_OTHER_OFFICE)
    if not files or any(not member.filename.lower().endswith(".csv") for member in files):
        raise UploadTypeUnsupported(*_NOT_CSV)
    if len(files) > MOST_FILES:
        raise UploadUnsafe(
            f"Zip ini memuat lebih dari {MOST_FILES} berkas CSV.", f"This zip holds more than {MOST_FILES} CSV files."
        )
    for member in files:
        examine_text(_piece(archive, member, _HEAD))


def _piece(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    with archive.open(member) as content:
        return content.read(most)


def _too_much() -> UploadUnsafe:
    return UploadUnsafe(
        "Arsip ini membesar melebihi batas bila dibuka.", "This archive unpacks to more than is reasonable."
    )
