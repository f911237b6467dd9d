"""What is wrong with a whole file: nothing of it is read."""

import difflib
from collections.abc import Collection, Sequence

from app.domain.base import DomainError
from app.domain.registry.errors import FileUnreadable, FileWithoutRows, HeaderMissing, HeaderRepeated

__all__ = [
    "FileTooLarge",
    "FileUnreadable",
    "FileWithoutRows",
    "HeaderMissing",
    "HeaderRepeated",
    "HeaderUnknown",
    "MemberMissing",
    "MemberRepeated",
    "MemberUnnamed",
    "SheetMissing",
    "SheetTooLarge",
    "VillageNeeded",
    "workbook_unreadable",
    "wrong_encoding",
]

_LONGEST_NAME = 60
_MOST_NAMES = 20


def shown(name: str) -> str:
    """A header or sheet name of a file as a message may repeat it: short, printable, and without a NIK or KK in it."""
    printable = "".join(character if character.isprintable() else "?" for character in name)
    if sum(character.isdigit() for character in printable) > 8:
        return "***"
    return printable if len(printable) <= _LONGEST_NAME else printable[:_LONGEST_NAME] + "..."


def _listed(names: Sequence[str]) -> str:
    """Names of a file as one sentence may hold them: a broken file has thousands."""
    return ", ".join(map(shown, names[:_MOST_NAMES])) + (", ..." if len(names) > _MOST_NAMES else "")


def wrong_encoding(encoding: str, place: str = "") -> FileUnreadable:
    """The text is not in the encoding that was named."""
    advice = (
        "Csv dari Excel lama biasanya memakai cp1252: sebutkan penyandiannya.",
        "A csv of an old Excel is usually in cp1252: name the encoding.",
    )
    if place:
        return FileUnreadable(
            f"{place} bukan csv dengan penyandian {encoding}. {advice[0]}",
            f"{place} is no csv in {encoding}. {advice[1]}",
        )
    return FileUnreadable(
        f"Berkas bukan xlsx, xlsm, zip, atau csv dengan penyandian {encoding}. {advice[0]}",
        f"The file is no xlsx, no xlsm, no zip and no csv in {encoding}. {advice[1]}",
    )


def workbook_unreadable() -> FileUnreadable:
    """A workbook is broken, has a password, or is none."""
    return FileUnreadable(
        "Buku kerja tidak dapat dibaca; simpan ulang sebagai xlsx tanpa kata sandi.",
        "The workbook cannot be read; save it again as xlsx without a password.",
    )


class HeaderUnknown(DomainError):
    """A column is called something that the format does not know, so what is in it would be lost."""

    code = "IMPORT_HEADER_UNKNOWN"

    def __init__(self, headers: Sequence[str], known: Collection[str], file: str = "") -> None:
        # Looking for what is near takes a thousandth of a second for each.
        named = headers[:_MOST_NAMES]
        names = [(shown(header), difflib.get_close_matches(header, known, 1, 0.6)) for header in named]
        where, there = (f" {file}",) * 2 if file else ("", "")
        said = "; ".join(f"{name} (mungkin {near[0]}?)" if near else name for name, near in names)
        told = "; ".join(f"{name} (perhaps {near[0]}?)" if near else name for name, near in names)
        if len(named) < len(headers):
            said, told = f"{said}; ...", f"{told}; ..."
        super().__init__(
            f"Berkas{where} memiliki kolom yang tidak dikenal: {said}. Perbaiki namanya, atau hapus kolomnya.",
            f"The file{there} has columns that are not known: {told}. Mend the name, or leave the column out.",
        )
        self.columns = tuple(headers)


class MemberMissing(DomainError):
    """The zip lacks one of the two files."""

    code = "IMPORT_MEMBER_MISSING"

    def __init__(self, names: Sequence[str]) -> None:
        files = ", ".join(names)
        super().__init__(
            f"Zip tidak berisi {files}. Isinya harus families.csv dan persons.csv, atau satu csv saja.",
            f"The zip does not hold {files}. It must hold families.csv and persons.csv, or a single csv.",
        )
        self.names = tuple(names)


class MemberRepeated(DomainError):
    """Two csv files of the zip lie in different folders and have one name, so that only one of them would be read."""

    code = "IMPORT_MEMBER_REPEATED"

    def __init__(self, one: str, other: str) -> None:
        names = shown(one), shown(other)
        super().__init__(
            f"Dua berkas dalam zip bernama sama: {names[0]} dan {names[1]}. Gabungkan keduanya, atau kirim masing-masing "
            "sebagai zip tersendiri.",
            f"Two files in the zip have the same name: {names[0]} and {names[1]}. Join them, or send each in a zip of its "
            "own.",
        )


class MemberUnnamed(DomainError):
    """The zip has several csv files, and nothing says which is meant."""

    code = "IMPORT_MEMBER_UNNAMED"

    def __init__(self, names: Sequence[str]) -> None:
        files = _listed(names)
        super().__init__(
            f"Zip berisi beberapa csv: {files}. Sebutkan di profil mana yang dibaca (sheet), atau kirim satu csv saja.",
            f"The zip holds several csv files: {files}. Name in the profile which to read (sheet), or send a single csv.",
        )


class SheetMissing(DomainError):
    """The workbook lacks sheets that the format needs."""

    code = "IMPORT_SHEET_MISSING"

    def __init__(self, sheets: Sequence[str], found: Sequence[str]) -> None:
        names, there = _listed(sheets), _listed(found) or "-"
        super().__init__(
            f"Buku kerja tidak memiliki lembar: {names}. Lembar yang ada: {there}.",
            f"The workbook lacks these sheets: {names}. Its sheets are: {there}.",
        )
        self.sheets = tuple(sheets)


class SheetHeaderMissing(HeaderMissing):
    """A sheet lacks columns, or its headers are merged so that a column has no header of its own."""

    def __init__(self, sheet: str, columns: Sequence[str]) -> None:
        super().__init__(columns)
        names, where = ", ".join(columns), shown(sheet)
        self.indonesian = (
            f"Lembar {where} tidak memiliki kolom: {names}. Setiap kolom harus berjudul sendiri; pisahkan sel judul "
            "yang digabungkan mendatar."
        )
        self.english = (
            f"The sheet {where} lacks these columns: {names}. Each column needs a header of its own; unmerge header "
            "cells that are merged across columns."
        )
        self.args = (self.english,)
        self.sheet = sheet


class SheetTooLarge(DomainError):
    """A workbook is larger than anything an office sends."""

    code = "IMPORT_SHEET_TOO_LARGE"

    def __init__(self, cells: int, megabytes: int, texts: int) -> None:
        """It may have ``cells`` and ``megabytes`` of text on a sheet, and ``texts`` that differ."""
        super().__init__(
            f"Buku kerja melebihi {cells:,} sel atau {megabytes} MB teks pada satu lembar, memuat lebih dari {texts:,} "
            "teks yang berbeda, atau memuat sel jauh di luar datanya. Hapus baris dan kolom kosong, bagi berkasnya, atau "
            "kirim sebagai CSV Kesos.",
            f"The workbook has more than {cells:,} cells or {megabytes} MB of text on a sheet, more than {texts:,} "
            "different texts, or cells far away from its data. Delete empty rows and columns, split the file, or send it "
            "as Kesos CSV.",
        )


class FileTooLarge(DomainError):
    """A file of a format that is kept in memory is larger than any village's."""

    code = "IMPORT_FILE_TOO_LARGE"

    def __init__(self, families: int) -> None:
        super().__init__(
            f"Berkas format ini memuat paling banyak {families:,} keluarga. Bagi per desa/kelurahan, atau kirim "
            "sebagai CSV Kesos.",
            f"A file of this format holds at most {families:,} families. Split it by village, or send it as Kesos CSV.",
        )


class VillageNeeded(DomainError):
    """The format names no villages, and the import is not about a single one."""

    code = "IMPORT_VILLAGE_NEEDED"
    fields = ("region",)

    def __init__(self) -> None:
        super().__init__(
            "Format ini tidak memuat kode desa/kelurahan: mulai impornya untuk satu desa/kelurahan.",
            "This format holds no village codes: start its import for one village.",
        )
