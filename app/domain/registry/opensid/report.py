"""What an import tells the person who sent the file: each row refused or doubtful, and what was done."""

from dataclasses import dataclass
from typing import Final

from app.domain.registry.nik import Finding
from app.domain.registry.sealing import mask

_SHOWN_IN_FULL: Final = 3
_SHOWN_AT_MOST: Final = 16
_NIK_DIGITS: Final = 16


def masked(value: str) -> str:
    """A cell's value so that its owner can find it and nobody learns it.

    Codes of up to 3 characters stay as they are. A NIK or KK keeps its first and last 4 digits; anything else, which
    may be a name in the wrong column, its first 2 characters.
    """
    if len(value) == _NIK_DIGITS and value.isdecimal():
        return mask(value)
    shown = value if len(value) <= _SHOWN_IN_FULL else value[:2] + "*" * min(len(value) - 2, _SHOWN_AT_MOST)
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in shown)


@dataclass(frozen=True, slots=True, order=True)
class RowIssue:
    """One thing about one cell: where it stands, its value masked, a stable code and the texts for people."""

    line: int
    """Line of the csv file or row of the sheet, counted from 1, the header included."""
    column: str
    """Header of the column in lower case; empty where the whole row is meant."""
    value: str
    code: str
    indonesian: str
    english: str

    @classmethod
    def of(cls, line: int, column: str, value: str, finding: Finding) -> "RowIssue":
        """The issue of ``finding`` at a cell whose plain value is ``value``."""
        return cls(line, column, masked(value), *finding)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. ``unchanged`` counts what the registry held already and was left as it is."""

    families_created: int
    persons_created: int
    families_unchanged: int
    persons_unchanged: int
    rejected: tuple[RowIssue, ...]
    """Ordered by line; a row may have several."""
    warnings: tuple[RowIssue, ...]

    @property
    def rows_rejected(self) -> int:
        """The number of rows with at least one reason to reject them."""
        return len({issue.line for issue in self.rejected})


NAME_MISSING: Final = Finding("NAME_MISSING", "Nama kosong.", "The name is empty.")
KK_MISSING: Final = Finding(
    "KK_MISSING",
    "Nomor KK kosong atau 0; beberapa keluarga tanpa nomor tidak dapat dibedakan.",
    "The KK number is empty or 0; several families without a number cannot be told apart.",
)
CODE_MISSING: Final = Finding("CODE_MISSING", "Kode wajib diisi.", "This code is required.")
CODE_UNKNOWN: Final = Finding(
    "CODE_UNKNOWN",
    'Kode tidak dikenal; lihat lembar "Kode Data" pada formulir OpenSID.',
    'Unknown code; see the sheet "Kode Data" of OpenSID\'s form.',
)
STATUS_NOT_VALID: Final = Finding(
    "STATUS_NOT_VALID",
    "Desa menandai data ini TIDAK VALID.",
    "The village has marked this row as not valid.",
)
DATE_INVALID: Final = Finding(
    "DATE_INVALID",
    "Tanggal tidak dikenali; tulis 1990-12-31 atau 31-12-1990, tidak sebelum 1900.",
    "Not a date; write 1990-12-31 or 31-12-1990, not before 1900.",
)
BIRTH_DATE_IN_FUTURE: Final = Finding(
    "BIRTH_DATE_IN_FUTURE", "Tanggal lahir belum tiba.", "The birth date lies in the future."
)
BIRTH_DATE_MISSING: Final = Finding("BIRTH_DATE_MISSING", "Tanggal lahir kosong.", "The birth date is empty.")
NUMBER_ROUNDED: Final = Finding(
    "NUMBER_ROUNDED",
    "Nomor tersimpan sebagai bilangan sehingga angka terakhirnya hilang; ubah format sel menjadi Teks dan isi ulang.",
    "The number was stored as a figure and has lost its last digits; format the cell as Text and enter it again.",
)
COORDINATES_INVALID: Final = Finding(
    "COORDINATES_INVALID",
    "Lintang (-90..90) dan bujur (-180..180) harus diisi berdua dengan bilangan.",
    "Latitude (-90..90) and longitude (-180..180) must both be numbers.",
)
COORDINATES_ABROAD: Final = Finding(
    "COORDINATES_ABROAD",
    "Koordinat berada di luar Indonesia; tidak dipakai.",
    "The coordinates lie outside Indonesia; they are not used.",
)
TEXT_UNREADABLE: Final = Finding(
    "TEXT_UNREADABLE",
    "Teks memuat karakter yang tidak dapat disimpan, misalnya NUL.",
    "The text holds characters that cannot be stored, such as NUL.",
)
TEXT_TOO_LONG: Final = Finding(
    "TEXT_TOO_LONG", "Teks lebih panjang daripada 200 karakter.", "The text is longer than 200 characters."
)
ROW_SHAPE: Final = Finding(
    "ROW_SHAPE",
    "Jumlah kolom baris ini berbeda dengan judul kolom; periksa koma di dalam alamat.",
    "This row has not as many columns as the header; look for a comma inside the address.",
)
PREGNANT_NOT_FEMALE: Final = Finding(
    "PREGNANT_NOT_FEMALE",
    "Hamil hanya dicatat untuk perempuan; tidak dipakai.",
    "Pregnancy is recorded for women only; it is not used.",
)
DISABILITY_UNSPECIFIC: Final = Finding(
    "DISABILITY_UNSPECIFIC",
    "Kode cacat tidak menyebut fungsi yang terganggu; tanyakan saat kunjungan berikutnya.",
    "The disability code names no function; ask on the next visit.",
)
NIK_ABSENT: Final = Finding(
    "NIK_ABSENT",
    "Tanpa NIK atau dengan NIK sementara; dicatat sebagai warga tanpa identitas.",
    "No NIK or a provisional one; recorded as a person without identity.",
)
KK_HEAD_MISSING: Final = Finding(
    "KK_HEAD_MISSING", "Tidak ada kepala keluarga dalam KK ini.", "This KK has no head of family."
)
KK_HEAD_DUPLICATE: Final = Finding(
    "KK_HEAD_DUPLICATE",
    "Ada lebih dari satu kepala keluarga dalam KK ini.",
    "This KK has more than one head of family.",
)
KK_NOBODY_PRESENT: Final = Finding(
    "KK_NOBODY_PRESENT",
    "Semua anggota KK ini meninggal, pindah, atau tidak ditemukan.",
    "All members of this KK are dead, gone or not found.",
)
KK_REGISTERED_ELSEWHERE: Final = Finding(
    "KK_REGISTERED_ELSEWHERE",
    "KK ini sudah terdaftar di desa/kelurahan lain; ajukan perpindahan.",
    "This KK is registered in another village; propose a move.",
)
KK_HEAD_DIFFERS: Final = Finding(
    "KK_HEAD_DIFFERS",
    "Keluarga ini terdaftar dengan kepala keluarga lain; ajukan perbaikan data.",
    "This family is registered with another head; propose a correction.",
)
NIK_REGISTERED: Final = Finding(
    "DUPLICATE",
    "NIK ini sudah terdaftar pada orang yang masih hidup di keluarga lain.",
    "This NIK is registered with a living person in another family.",
)
CHANGED: Final = Finding(
    "CHANGED",
    "Nilai berbeda dengan yang tersimpan; data yang tersimpan tidak diubah.",
    "The value differs from the registered one, which is left as it is.",
)


def nik_repeated(first_line: int) -> Finding:
    """The NIK stands on an earlier line as well."""
    return Finding(
        "NIK_REPEATED",
        f"NIK ini sudah ada pada baris {first_line}.",
        f"This NIK is on line {first_line} already.",
    )


def person_repeated(first_line: int) -> Finding:
    """A person without NIK has the name and birth date of somebody earlier in the same family."""
    return Finding(
        "PERSON_REPEATED",
        f"Orang tanpa NIK ini sama nama dan tanggal lahirnya dengan baris {first_line} dalam KK yang sama.",
        f"This person without NIK has the name and birth date of line {first_line} in the same KK.",
    )


def head_rejected(line: int) -> Finding:
    """The row of the head of this family is refused, and the family with it."""
    return Finding(
        "KK_HEAD_REJECTED",
        f"Kepala keluarga pada baris {line} ditolak.",
        f"The head of this family, on line {line}, is rejected.",
    )
