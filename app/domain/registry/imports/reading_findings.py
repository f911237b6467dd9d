"""What readers of files find wrong with a single row, and how they show a cell without telling it.

The texts are those of every format; a code means the same wherever it stands. A text may hold ``{line}``, the number of
the other line that an issue names.
"""

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


NAME_MISSING: Final = Finding("NAME_MISSING", "Nama kosong.", "The name is empty.")
KK_MISSING: Final = Finding(
    "KK_MISSING",
    "Nomor KK kosong atau 0; beberapa keluarga tanpa nomor tidak dapat dibedakan.",
    "The KK number is empty or 0; several families without a number cannot be told apart.",
)
CODE_MISSING: Final = Finding("CODE_MISSING", "Kode wajib diisi.", "This code is required.")
CODE_UNKNOWN: Final = Finding(
    "CODE_UNKNOWN",
    'Kode tidak dikenal; lihat daftar kode formatnya (OpenSID: lembar "Kode Data" pada formulir).',
    'Unknown code; see the code list of the format (OpenSID: the sheet "Kode Data" of its form).',
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
NIK_ABSENT: Final = Finding(
    "NIK_ABSENT",
    "Tanpa NIK atau dengan NIK sementara; dicatat sebagai warga tanpa identitas.",
    "No NIK or a provisional one; recorded as a person without identity.",
)
DISABILITY_UNSPECIFIC: Final = Finding(
    "DISABILITY_UNSPECIFIC",
    "Kode cacat tidak menyebut fungsi yang terganggu; tanyakan saat kunjungan berikutnya.",
    "The disability code names no function; ask on the next visit.",
)
STATUS_NOT_VALID: Final = Finding(
    "STATUS_NOT_VALID",
    "Desa menandai data ini TIDAK VALID.",
    "The village has marked this row as not valid.",
)
VALUE_UNKNOWN: Final = Finding(
    "VALUE_UNKNOWN",
    "Nilai ini tidak ada dalam daftar nilai kolomnya.",
    "This is not one of the values of the column.",
)
NUMBER_INVALID: Final = Finding(
    "NUMBER_INVALID",
    "Bilangan bulat tidak dikenali atau di luar batas kolomnya.",
    "Not a whole number, or beyond the limits of the column.",
)
ANSWER_UNREADABLE: Final = Finding(
    "ANSWER_UNREADABLE",
    "Jawaban ini tidak dikenali dan tidak dipakai; baris tetap diterima.",
    "This answer is not recognised and is not used; the row is accepted all the same.",
)
FAMILY_NOT_LISTED: Final = Finding(
    "FAMILY_NOT_LISTED",
    "Baris {line} lembar ini, dan mungkin baris lain, memuat nomor KK yang tidak ada pada lembar pertama; tidak dipakai.",
    "Row {line} of this sheet, and perhaps others, has a KK number that is not on the first sheet; it is not used.",
)
FAMILY_REPEATED: Final = Finding(
    "FAMILY_REPEATED",
    "Keluarga ini berulang pada baris {line} lembar ini; baris itu tidak dipakai.",
    "This family is repeated on row {line} of this sheet; that row is not used.",
)
PERCENTILE_WITHOUT_DECILE: Final = Finding(
    "PERCENTILE_WITHOUT_DECILE", "Persentil memerlukan desil.", "A percentile needs its decile."
)
BLOCKS_DIFFER: Final = Finding(
    "BLOCKS_DIFFER",
    "Kolom yang berulang dalam baris ini menyebut orang yang berbeda; periksa apakah baris atau kolomnya bergeser.",
    "The columns that are repeated in this row name different people; see whether rows or columns have shifted.",
)
MONTH_INVALID: Final = Finding(
    "MONTH_INVALID",
    "Bulan dan tahun bantuan tidak dikenali; tidak dipakai.",
    "The month and year of the aid are not recognised; they are not used.",
)
DOUBTS: Final = frozenset({COORDINATES_ABROAD, ANSWER_UNREADABLE, MONTH_INVALID})
"""What is told of a cell that is then left out: the row is accepted all the same."""
