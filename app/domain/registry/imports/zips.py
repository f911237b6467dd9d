"""Zips of csv files."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, Final

from app.domain.registry.errors import FileUnreadable
from app.domain.registry.imports.file_errors import MemberRepeated
from app.domain.registry.imports.workbooks import sheet_key
from app.domain.uploads.archives import is_scrap

_BROKEN: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)
_ENCRYPTED: Final = 1
"""Flag of a member that has a password."""


def _unreadable() -> FileUnreadable:
    return FileUnreadable(
        "Zip tidak dapat dibaca: rusak, terpotong, atau berkata sandi. Buat ulang tanpa kata sandi.",
        "The zip cannot be read: it is broken, cut short or has a password. Make it again without a password.",
    )


@contextmanager
def open_zip(source: BinaryIO) -> Iterator[zipfile.ZipFile]:
    """Open a zip; what its members break with while they are read is told as well.

    Raises:
        FileUnreadable: it is broken or uses a compression that is not known.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            yield archive
    except _BROKEN:
        raise _unreadable() from None


def csv_members(archive: zipfile.ZipFile) -> dict[str, str]:
    """The csv files of a zip in whatever folder, scrap left out: from the name without the folder, as ``sheet_key`` has it, to
    the whole.

    Raises:
        MemberRepeated: two of them have one name.
    """
    found: dict[str, str] = {}
    for name in archive.namelist():
        if name.lower().endswith(".csv") and not is_scrap(name):
            key = sheet_key(name.rpartition("/")[2])
            if key in found:
                raise MemberRepeated(found[key], name)
            found[key] = name
    return found


@contextmanager
def open_member(archive: zipfile.ZipFile, name: str) -> Iterator[IO[bytes]]:
    """Open a member of a zip, of which nothing but a few kilobytes is in memory at a time.

    Raises:
        FileUnreadable: it has a password.
    """
    if archive.getinfo(name).flag_bits & _ENCRYPTED:
        raise _unreadable()
    with archive.open(name) as member:
        yield member
