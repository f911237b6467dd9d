"""What is found wrong with rows of a file when they are held against each other and against the registry.

A text may hold ``{line}``, the number of the other line that an issue names.
"""

from typing import Final

from app.domain.registry.nik import Finding

VILLAGE_MISSING: Final = Finding("VILLAGE_MISSING", "Kode desa/kelurahan kosong.", "The code of the village is empty.")
VILLAGE_UNKNOWN: Final = Finding(
    "VILLAGE_UNKNOWN",
    "Kode desa/kelurahan ini tidak ada; tulis kode Kemendagri, misalnya 33.02.01.2001.",
    "There is no village of this code; write the code of the Kemendagri, such as 33.02.01.2001.",
)
VILLAGE_OUTSIDE: Final = Finding(
    "VILLAGE_OUTSIDE",
    "Desa/kelurahan ini di luar wilayah impor atau sudah tidak berlaku.",
    "This village lies outside the region of the import, or is not in force any more.",
)
DECILE_OUT_OF_RANGE: Final = Finding(
    "DECILE_OUT_OF_RANGE", "Desil adalah bilangan 1 sampai 10.", "A decile is a number from 1 to 10."
)
PERCENTILE_OUT_OF_RANGE: Final = Finding(
    "PERCENTILE_OUT_OF_RANGE", "Persentil adalah bilangan 1 sampai 100.", "A percentile is a number from 1 to 100."
)
PERCENTILE_OF_OTHER_DECILE: Final = Finding(
    "PERCENTILE_OF_OTHER_DECILE",
    "Persentil ini termasuk desil lain daripada yang tertulis.",
    "This percentile belongs to another decile than the one written.",
)
RANKED_IN_FUTURE: Final = Finding(
    "RANKED_IN_FUTURE", "Tanggal pemeringkatan belum tiba.", "The date of ranking lies in the future."
)
KK_REPEATED: Final = Finding(
    "KK_REPEATED",
    "Keluarga ini juga ada pada baris {line}.",
    "This family is on line {line} as well.",
)
FAMILY_WITHOUT_PERSONS: Final = Finding(
    "FAMILY_WITHOUT_PERSONS",
    "Berkas tidak memuat seorang pun anggota keluarga ini.",
    "The file has no member of this family.",
)
FAMILY_MISSING: Final = Finding(
    "FAMILY_MISSING", "Keluarga orang ini tidak ada dalam berkas.", "The family of this person is not in the file."
)
KK_HEAD_MISSING: Final = Finding(
    "KK_HEAD_MISSING", "Tidak ada kepala keluarga dalam KK ini.", "This KK has no head of family."
)
KK_HEAD_DUPLICATE: Final = Finding(
    "KK_HEAD_DUPLICATE",
    "Ada lebih dari satu kepala keluarga dalam KK ini.",
    "This KK has more than one head of family.",
)
KK_HEAD_REJECTED: Final = Finding(
    "KK_HEAD_REJECTED",
    "Kepala keluarga pada baris {line} ditolak.",
    "The head of this family, on line {line}, is rejected.",
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
NIK_REPEATED: Final = Finding(
    "NIK_REPEATED", "NIK ini sudah ada pada baris {line}.", "This NIK is on line {line} already."
)
NIK_REGISTERED: Final = Finding(
    "DUPLICATE",
    "NIK ini sudah terdaftar pada orang yang masih hidup di keluarga lain.",
    "This NIK is registered with a living person in another family.",
)
PERSON_REPEATED: Final = Finding(
    "PERSON_REPEATED",
    "Orang tanpa NIK ini sama nama dan tanggal lahirnya dengan baris {line} dalam KK yang sama.",
    "This person without NIK has the name and birth date of line {line} in the same KK.",
)
CHANGED: Final = Finding(
    "CHANGED",
    "Nilai berbeda dengan yang tersimpan; data yang tersimpan tidak diubah.",
    "The value differs from the registered one, which is left as it is.",
)
