"""Files as people send them, good and bad."""

import io
import stat
import zipfile
import zlib
from collections.abc import Mapping

import xlsxwriter  # type: ignore[import-untyped]  # it ships no types

CSV = b"nik;nama\n9901010102900001;SITI\n"
CHUNK = 1_000_000


def workbook(rows: int = 3) -> bytes:
    """A workbook of one sheet."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Data Penduduk")
        for row in range(rows):
            sheet.write_row(row, 0, ["nama", row])
    return made.getvalue()


def zipped(members: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def changed_workbook(**members: bytes) -> bytes:
    """The workbook with members replaced or added; ``__`` in a name stands for a slash, and ``_`` for a dot."""
    named = {name.replace("__", "/").replace("_", "."): content for name, content in members.items()}
    with zipfile.ZipFile(io.BytesIO(workbook())) as archive:
        present = {name: archive.read(name) for name in archive.namelist()}
    return zipped(present | named)


def special(kind: int) -> bytes:
    """A zip whose only member is no plain file but, say, a symbolic link."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        member = zipfile.ZipInfo("families.csv")
        member.create_system = 3
        member.external_attr = (kind | 0o777) << 16
        archive.writestr(member, CSV)
    return made.getvalue()


LINK = special(stat.S_IFLNK)


def encrypted_zip() -> bytes:
    """A zip that says that its member is encrypted."""
    content = bytearray(zipped({"families.csv": CSV}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def lying(content: bytes, name: bytes, said: int, *, checked: int = 0) -> bytes:
    """An archive whose directory says that the member ``name`` has ``said`` bytes, and the checksum of ``checked`` more than these."""
    changed = bytearray(content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        begins = archive.read(name.decode())[: said + checked]
    at = changed.rindex(b"PK\x01\x02", 0, changed.rindex(name))
    changed[at + 16 : at + 20] = zlib.crc32(begins).to_bytes(4, "little")
    changed[at + 24 : at + 28] = said.to_bytes(4, "little")
    return bytes(changed)


def spoilt(content: bytes) -> bytes:
    """``content`` with a byte changed in what its first member is compressed to."""
    return content[:70] + bytes([content[70] ^ 0xFF]) + content[71:]


def compound(*, encrypted: bool) -> bytes:
    """What Office wrote before 2007; and what it writes around a workbook with a password."""
    header = bytearray(512)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    header[30:32] = (9).to_bytes(2, "little")
    header[48:52] = (200).to_bytes(4, "little")
    directory = ("EncryptedPackage" if encrypted else "Workbook").encode("utf-16-le").ljust(512, b"\0")
    return bytes(header) + bytes(200 * 512) + directory


def without_end(content: bytes) -> bytes:
    return content[:-30]


def long_directory(size: int) -> bytes:
    """An archive that says that its directory takes all of it, which is ``size`` bytes and a little more."""
    body = zipped({"a.csv": b"a,b\n" * (size // 4)}, zipfile.ZIP_STORED)
    end = bytearray(body[-22:])
    end[12:16] = (len(body) - 22).to_bytes(4, "little")
    end[16:20] = (0).to_bytes(4, "little")
    return body[:-22] + bytes(end)


EXE = b"MZ\x90\0\x03\0\0\0" + bytes(52) + b"\x40\0\0\0PE\0\0" + bytes(200)
ENTITIES = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'

SHEET = b"xl/worksheets/sheet2.xml"
LARGE_SHEET = changed_workbook(xl__worksheets__sheet2_xml=b"<a/>" * CHUNK)

UNSUPPORTED: Mapping[str, bytes] = {
    "a program": EXE,
    "a program for Linux": b"\x7fELF\x02\x01\x01" + bytes(100),
    "a PDF": b"%PDF-1.7\n1 0 obj\n<< /Type, /Catalog >>\n",
    "a web page": b"\n<!DOCTYPE html><html><table><tr><td>nik,nama</td></tr></table></html>",
    "XML": b'\xef\xbb\xbf<?xml version="1.0"?><Workbook a="1,2"/>',
    "JSON": b'{"nik": "1", "nama": "b"}',
    "an old workbook": compound(encrypted=False),
    "a workbook with a password": compound(encrypted=True),
    "a zip with a password": encrypted_zip(),
    "gzip": b"\x1f\x8b\x08\0" + bytes(60),
    "RAR": b"Rar!\x1a\x07\x01\0" + bytes(60),
    "7z": b"7z\xbc\xaf\x27\x1c\0\x04" + bytes(60),
    "a picture": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(60),
    "prose": b"Selamat pagi\nBerikut data, yang diminta\n",
    "a form": b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\na,b\r\n--x--\r\n',
    "a script": b"#!/bin/sh\necho a,b\n",
    "text with NUL": b"nik,nama\n1,\x00\n",
    "a zip of a program": zipped({"families.csv": EXE}),
    "a zip of a zip": zipped({"families.zip": zipped({"families.csv": CSV})}),
    "a zip of nothing but folders": zipped({"data/": b""}),
    "a document": zipped({"[Content_Types].xml": b"wordprocessingml.document.main+xml", "word/document.xml": b"<a/>"}),
    "a binary workbook": zipped(
        {"[Content_Types].xml": b"ms-excel.sheet.binary.macroEnabled.main", "xl/workbook.bin": b"a"}
    ),
    "an OpenDocument": zipped({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b"<a/>"}),
}
UNSAFE: Mapping[str, bytes] = {
    "a zip bomb": zipped({"families.csv": b"a,b\n" + bytes(20) * CHUNK}),
    "a workbook bomb": changed_workbook(xl__worksheets__sheet2_xml=bytes(30) * CHUNK),
    "a workbook that says it is small": lying(LARGE_SHEET, SHEET, 400, checked=1),
    "a directory as long as the file": long_directory(2_000_000),
    "many members": zipped({f"{number}.csv": b"" for number in range(2_001)}, zipfile.ZIP_STORED),
    "many files": zipped({f"{number}.csv": CSV for number in range(17)}),
    "many sheets": changed_workbook(**{f"xl__worksheets__sheet{number}_xml": b"<a/>" for number in range(257)}),
    "a name that leads up": zipped({"../families.csv": CSV}),
    "a name that leads to the root": zipped({"/families.csv": CSV}),
    "a name for Windows": zipped({"C:\\families.csv": CSV}),
    "a name with a control character": zipped({"families\x1b.csv": CSV}),
    "a name without end": zipped({"a" * 300 + ".csv": CSV}),
    "folders without end": zipped({"a/" * 9 + "families.csv": CSV}),
    "two of one name": zipped({"families.csv": CSV, "FAMILIES.csv": CSV}),
    "a link": LINK,
    "a compression that few read": zipped({"families.csv": CSV * 100}, zipfile.ZIP_LZMA),
    "entities": changed_workbook(xl__workbook_xml=ENTITIES),
}
DAMAGED: Mapping[str, bytes] = {
    "a workbook that is cut": without_end(workbook()),
    "a zip that is cut": zipped({"families.csv": CSV * 1_000})[:200],
    "a head of a zip": b"PK\x03\x04",
    "a workbook with other bytes": spoilt(workbook()),
    "a workbook that says it is small and has the checksum for it": lying(LARGE_SHEET, SHEET, 400),
    "a workbook that says it is large": lying(workbook(), b"xl/workbook.xml", 100_000),
}
GOOD: Mapping[str, tuple[bytes, str]] = {
    "CSV with semicolons": (CSV, "CSV"),
    "CSV with commas and a mark": (b"\xef\xbb\xbfnik,nama\r\n1,SITI\r\n", "CSV"),
    "CSV with tabs in UTF-16": ("nik\tnama\n1\tSITI\n".encode("utf-16"), "CSV"),
    "CSV of Windows": ("nik,nama\n1,Andr\xe9\n".encode("cp1252"), "CSV"),
    "a workbook": (workbook(), "WORKBOOK"),
    "a zip": (zipped({"families.csv": b"a,b\n", "persons.csv": b"c,d\n"}), "ZIP"),
    "CSV with bars": (b"nik|nama\n1|SITI\n", "CSV"),
    "a zip of one file from a Mac": (zipped({"data.csv": CSV, "__MACOSX/._data.csv": b"\0"}), "ZIP"),
    "a zip of a folder from a Mac": (
        zipped(
            {
                "data/": b"",
                "data/families.csv": b"a,b\n",
                "data/.DS_Store": b"\0",
                "__MACOSX/data/._families.csv": b"\0",
            }
        ),
        "ZIP",
    ),
}
