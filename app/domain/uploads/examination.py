"""What a file is, told by its content and not by its name, and whether it may be unpacked.

A few kinds are accepted and everything else is refused; what a refused file seems to be only makes the message more helpful.
"""

import io
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import puremagic

from app.domain.uploads.archives import examine_archive
from app.domain.uploads.errors import UploadEmpty, UploadTypeUnsupported
from app.domain.uploads.models import UploadKind

HEAD_BYTES: Final = 65_536
_ARCHIVE: Final = b"PK\x03\x04"
_ARCHIVE_WITHOUT_MEMBERS: Final = b"PK\x05\x06"
_COMPOUND: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE: Final = "EncryptedPackage".encode("utf-16-le")
_COMPOUND_SECTOR: Final = 512
_WIDE_MARKS: Final = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_TEXT_CONTROLS: Final = b"\t\n\v\f\r\x1a"
_NOT_TEXT: Final = bytes(byte for byte in range(32) if byte not in _TEXT_CONTROLS) + b"\x7f"
_SEPARATORS: Final = (b",", b";", b"\t", b"|")
_MARKUP: Final = (b"<", b"{", b"[", b"%PDF", b"#!")
_FORM_BOUNDARY: Final = b"--"

_ADVICE: Final[Mapping[str, tuple[str, str]]] = {
    "application/pdf": (
        "Ini PDF; data di dalamnya tidak dapat dibaca dengan pasti: minta berkas aslinya.",
        "This is a PDF, whose data cannot be read for sure: ask for the original.",
    ),
    "text/html": (
        "Ini HTML atau XML walaupun mungkin bernama .xls: buka dengan aplikasi lembar kerja dan simpan sebagai .xlsx.",
        "This is HTML or XML, even if its name ends in .xls: open it in a spreadsheet program and save it as .xlsx.",
    ),
    "application/json": ("Ini JSON, bukan tabel.", "This is JSON and no table."),
    "application/x-gzip": ("Ini gzip: buka dahulu kompresinya.", "This is gzip: unpack it first."),
    "application/vnd.rar": ("Ini RAR: buka dahulu arsipnya.", "This is RAR: unpack it first."),
    "application/x-7z-compressed": ("Ini 7z: buka dahulu arsipnya.", "This is 7z: unpack it first."),
    "application/vnd.microsoft.portable-executable": (
        "Ini program Windows, bukan data; jangan dijalankan.",
        "This is a Windows program and no data; do not run it.",
    ),
}
_ENCRYPTED: Final = (
    "Buku kerja ini dilindungi kata sandi: simpan tanpa kata sandi.",
    "This workbook is protected by a password: save it without one.",
)
_OLD_WORKBOOK: Final = (
    "Ini format Office lama (.xls): buka dan simpan sebagai .xlsx.",
    "This is an old Office format (.xls): open it and save it as .xlsx.",
)
_FORM: Final = (
    "Ini formulir multipart: kirim isi berkas saja sebagai isi permintaan (curl --data-binary @berkas).",
    "This is a multipart form: send the file alone as the body (curl --data-binary @file).",
)
_NO_TABLE: Final = (
    "Teks ini bukan tabel: baris pertamanya tidak memuat koma, titik koma, tab, atau garis tegak.",
    "This text is no table: its first line holds no comma, semicolon, tab or vertical bar.",
)
_UNKNOWN: Final = ("Jenis berkas ini tidak dapat dibaca.", "This kind of file cannot be read.")


def examine_head(head: bytes) -> None:
    """Look at the first bytes of a file that is still coming, up to ``HEAD_BYTES``, so that a wrong one is refused early.

    Raises:
        UploadEmpty: there is nothing.
        UploadTypeUnsupported: it is of a kind that is not read.
    """
    if not head or head.startswith(_ARCHIVE_WITHOUT_MEMBERS):
        raise UploadEmpty
    # What a compound file is stands further on than its head.
    if not head.startswith((_ARCHIVE, _COMPOUND)):
        examine_text(head)


def examine(file: io.RawIOBase) -> UploadKind:
    """What ``file`` is, the whole of it being there. A workbook is unpacked once, to see that it is as large as it says.

    Raises:
        UploadEmpty, UploadTypeUnsupported, UploadUnsafe, UploadDamaged: it cannot be taken.
    """
    head = _at(file, 0, HEAD_BYTES)
    examine_head(head)
    if head.startswith(_COMPOUND):
        raise UploadTypeUnsupported(*(_ENCRYPTED if _is_encrypted(file, head) else _OLD_WORKBOOK))
    if head.startswith(_ARCHIVE):
        return examine_archive(file, examine_text)
    return UploadKind.CSV


def examine_text(head: bytes) -> None:
    """Make sure that a file that begins with ``head`` is a table of text.

    Raises:
        UploadTypeUnsupported: it is none.
    """
    text = _as_ascii(head)
    begins = text.lstrip()
    if begins.startswith(_FORM_BOUNDARY) and b"content-disposition" in begins[:1_024].lower():
        raise UploadTypeUnsupported(*_FORM)
    if text.translate(None, _NOT_TEXT) != text or begins.startswith(_MARKUP):
        raise UploadTypeUnsupported(*_what_it_is(head, begins))
    first = begins.split(b"\n", 1)[0].split(b"\r", 1)[0]
    if not any(separator in first for separator in _SEPARATORS):
        raise UploadTypeUnsupported(*_NO_TABLE)


def _as_ascii(head: bytes) -> bytes:
    """``head`` in an encoding in which the characters that matter here are those of ASCII."""
    wide = _WIDE_MARKS.get(head[:2])
    if wide is not None:
        return head[2:].decode(wide, errors="ignore").encode()
    return head.removeprefix(b"\xef\xbb\xbf")


def _what_it_is(head: bytes, begins: bytes) -> tuple[str, str]:
    if begins.startswith((b"{", b"[")):
        return _ADVICE["application/json"]
    if begins.startswith(b"<"):
        return _ADVICE["text/html"]
    with suppress(puremagic.PureError):
        for found in puremagic.magic_string(head):
            if found.mime_type in _ADVICE:
                return _ADVICE[found.mime_type]
    return _UNKNOWN


def _is_encrypted(file: io.RawIOBase, head: bytes) -> bool:
    """Whether a compound file holds an encrypted workbook: its directory, whose sector the header names, says so."""
    sector = 1 << min(int.from_bytes(head[30:32], "little"), 12)
    directory = (int.from_bytes(head[48:52], "little") + 1) * max(sector, _COMPOUND_SECTOR)
    return _ENCRYPTED_PACKAGE in _at(file, directory, HEAD_BYTES)


def _at(file: io.RawIOBase, offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length) or b""
