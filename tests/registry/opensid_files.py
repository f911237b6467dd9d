"""Files of synthetic persons in OpenSID's form, and where the real sample lies."""

import csv
import io
from datetime import date
from pathlib import Path
from typing import Final

import openpyxl  # type: ignore[import-untyped]

from app.domain.registry.enums import Sex

SHARED_DATA: Final = Path(__file__).parents[2].parent / "shared" / "data"
SAMPLE: Final = SHARED_DATA / "opensid_penduduk_sample.csv"
FORM: Final = SHARED_DATA / "opensid_penduduk_form.xlsm"

_HEADER_LINE: Final = (
    "alamat,dusun,rw,rt,nama,no_kk,nik,sex,tempatlahir,tanggallahir,agama_id,pendidikan_kk_id,pendidikan_sedang_id,"
    "pekerjaan_id,status_kawin,kk_level,warganegara_id,ayah_nik,nama_ayah,ibu_nik,nama_ibu,golongan_darah_id,akta_lahir,"
    "dokumen_pasport,tanggal_akhir_paspor,dokumen_kitas,akta_perkawinan,tanggalperkawinan,akta_perceraian,"
    "tanggalperceraian,cacat_id,cara_kb_id,hamil,ktp_el,status_rekam,alamat_sekarang,status_dasar,suku,tag_id_card,"
    "id_asuransi,no_asuransi,lat,lng"
)
HEADERS: Final = _HEADER_LINE.split(",")

HEAD, WIFE, CHILD = "1", "3", "4"
TEST_PROVINCES: Final = frozenset({"99"})


def nik_of(prefix: str, birth_date: date, sex: Sex, serial: int) -> str:
    """Put a NIK together from its parts."""
    day = birth_date.day + (40 if sex is Sex.FEMALE else 0)
    return f"{prefix}{day:02}{birth_date:%m%y}{serial:04}"


def kk_of(serial: int) -> str:
    """A KK number of the test province, issued on 17 August 2017."""
    return f"990101170817{serial:04}"


def row_of(serial: int, **cells: str) -> dict[str, str]:
    """A man born on 1 February 1990, the head of his own family, but for what ``cells`` says."""
    return {
        "dusun": "MANGSIT",
        "rw": "-",
        "rt": "004",
        "nama": f"PENDUDUK {serial:03}",
        "no_kk": kk_of(serial),
        "nik": nik_of("990101", date(1990, 2, 1), Sex.MALE, serial),
        "sex": "1",
        "tempatlahir": "MATARAM",
        "tanggallahir": "1990-02-01",
        "status_kawin": "1",
        "kk_level": HEAD,
        "status_dasar": "1",
        **cells,
    }


def csv_of(*rows: dict[str, str], headers: list[str] = HEADERS, delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    """The rows as a csv file."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(headers)
    writer.writerows([row.get(header, "") for header in headers] for row in rows)
    return text.getvalue().encode(encoding, "surrogatepass" if encoding == "utf-8" else "strict")


def xlsx_of(*rows: dict[str, object]) -> bytes:
    """The rows as a workbook whose sheet is called as in OpenSID's form."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = "Data Penduduk"
    sheet.append(HEADERS)
    for row in rows:
        sheet.append([row.get(header) for header in HEADERS])
    content = io.BytesIO()
    workbook.save(content)
    return content.getvalue()
