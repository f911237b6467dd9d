"""The roles that a grant may name. What each may do stands in ``policies/``."""

from enum import StrEnum
from typing import Self


class Role(StrEnum):
    """A part that somebody plays in a region; ``indonesian`` says it in the words of the office."""

    indonesian: str

    # A member is written with both arguments; without the default a type checker refuses `Role("TKSK")`, a look-up.
    def __new__(cls, name: str, indonesian: str = "") -> Self:
        """Read a member written as ``NAME = ("NAME", "keterangan")``."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.indonesian = indonesian
        return member

    MINISTRY_ADMIN = ("MINISTRY_ADMIN", "Administrator data terpadu di Kementerian Sosial")
    MINISTRY_ANALYST = ("MINISTRY_ANALYST", "Analis Kementerian Sosial; membaca data tanpa nama dan alamat")
    AUDITOR = ("AUDITOR", "Auditor (Inspektorat, BPKP, BPK); membaca tanpa mengubah")
    PROVINCE_OFFICER = ("PROVINCE_OFFICER", "Petugas Dinas Sosial provinsi; memantau kabupaten/kota")
    REGENCY_ADMIN = ("REGENCY_ADMIN", "Administrator Dinas Sosial kabupaten/kota")
    REGENCY_VERIFIER = ("REGENCY_VERIFIER", "Petugas verifikasi kabupaten/kota")
    REGENCY_APPROVER = ("REGENCY_APPROVER", "Pejabat pengesahan kabupaten/kota")
    TKSK = ("TKSK", "Tenaga Kesejahteraan Sosial Kecamatan")
    PSM = ("PSM", "Pekerja Sosial Masyarakat di desa/kelurahan")
    VILLAGE_OPERATOR = ("VILLAGE_OPERATOR", "Operator data desa/kelurahan")
    PKH_FACILITATOR = ("PKH_FACILITATOR", "Pendamping Program Keluarga Harapan")
    EWARONG_AGENT = ("EWARONG_AGENT", "Agen e-Warong")
    FOOD_TASK_FORCE = ("FOOD_TASK_FORCE", "Petugas Satgas Pangan; mengamati harga dan mutu")
    LKS_MANAGER = ("LKS_MANAGER", "Pengurus Lembaga Kesejahteraan Sosial")
    LKS_ASSESSOR = ("LKS_ASSESSOR", "Asesor akreditasi Lembaga Kesejahteraan Sosial")
    BANK_OFFICER = ("BANK_OFFICER", "Petugas bank penyalur")
    DUKCAPIL_OFFICER = ("DUKCAPIL_OFFICER", "Petugas pemadanan data kependudukan (Dukcapil)")
    SYSTEM_OPERATOR = ("SYSTEM_OPERATOR", "Operator server; hanya pekerjaan dari baris perintah")
    PUBLIC = ("PUBLIC", "Masyarakat; tanpa token, hanya dokumen yang terbuka untuk umum")
