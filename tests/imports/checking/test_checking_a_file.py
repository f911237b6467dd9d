"""From the bytes of a file to the preview, by way of the vault and the readers."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.domain.registry.errors import FileUnreadable, FileWithoutRows
from app.domain.registry.imports.checking import check_import
from app.domain.registry.imports.errors import ImportUnknown
from app.domain.registry.imports.models import ImportFormat, ImportMode
from app.domain.vault import FileGone, Vault
from app.tenants.region_path import RegionPath
from app.tenants.scope import TenantScope
from tests.imports.checking.desk import TEST_PROVINCES, TODAY, Checked, Desk, DeskWork, kk, nik
from tests.registry.opensid_files import CHILD, SAMPLE, WIFE, csv_of, kk_of, row_of

needs_sample = pytest.mark.skipif(not SAMPLE.exists(), reason="the sample of ../shared/data is not on this machine")
HEADER = "kk,village,nik,relationship,name,sex,birth_date\n"


@dataclass
class Filing:
    """Files that are kept and checked."""

    desk: Desk
    vault: Vault

    async def start(self, content: bytes, mode: ImportMode = ImportMode.ADDITION, **options: Any) -> UUID:
        import_id = await self.desk.start(mode, **options)
        with self.vault.create(import_id) as file:
            file.write(content)
        return import_id

    async def work_on(
        self, import_id: UUID, region: RegionPath | None = None, *, of: RegionPath | None = None
    ) -> Checked:
        """Do the job, as somebody who works in ``of``."""
        span = (region or self.desk.region).villages
        work = DeskWork(self.desk.server, span, import_id)
        scope = TenantScope.of([of or self.desk.region])
        await check_import(
            work, scope, vault=self.vault, seal=self.desk.seal, today=TODAY, test_provinces=TEST_PROVINCES
        )
        return Checked(self.desk.check_of(import_id, region=region), work)


@pytest.fixture
def filing(desk: Desk, tmp_path: Path) -> Filing:
    return Filing(desk, Vault(tmp_path, {"test": b"k" * 32}))


def csv(*rows: str) -> bytes:
    return (HEADER + "".join(f"{row}\n" for row in rows)).encode()


async def test_a_file_comes_to_its_preview(filing: Filing) -> None:
    village, neighbour = filing.desk.village.code, filing.desk.neighbour.code.replace(".", "")
    content = csv(
        f"{kk(1)},{village},{nik(1)},HEAD,Budi,MALE,1980-05-17",
        f"{kk(1)},{village},,CHILD,Siti,FEMALE,1980-05-17",
        f"{kk(2)},{neighbour},{nik(2)},HEAD,Joko,FEMALE,1980-05-17",
        f"{kk(3)},33.02.01.2001,{nik(3)},HEAD,Eko,MALE,1980-05-17",
        f"{kk(4)},99.01.01.2001,{nik(4)},HEAD,Agus,MALE,1980-05-17",
    )
    checked = await filing.work_on(await filing.start(content))
    codes = await checked.codes()
    assert codes[4] == {"NIK_SEX_DIFFERS"}
    assert codes[5] == {"VILLAGE_OUTSIDE"}
    assert codes[6] == {"VILLAGE_UNKNOWN"}
    counts = await checked.counts()
    assert (counts["stage"], counts["families_accepted"], counts["persons_accepted"]) == ("VALIDATED", 2, 3)


@needs_sample
async def test_the_sample_of_opensid_is_accepted_with_the_warnings_of_the_small_importer(filing: Filing) -> None:
    options: dict[str, Any] = {"region": filing.desk.village, "file_format": ImportFormat.OPENSID}
    checked = await filing.work_on(await filing.start(SAMPLE.read_bytes(), **options), filing.desk.village)
    counts = await checked.counts()
    assert (counts["families_accepted"], counts["persons_accepted"]) == (37, 97)
    assert (counts["families_rejected"], counts["persons_rejected"]) == (0, 0)
    said = Counter(code for _, _, code, *_ in await checked.issues())
    assert said == {"KK_DATE_IMPOSSIBLE": 37, "KK_ISSUED_ELSEWHERE": 37}


async def test_what_is_wrong_with_a_file_of_opensid_is_named_by_its_headers(filing: Filing) -> None:
    content = csv_of(
        row_of(1),
        row_of(2, no_kk=kk_of(1), kk_level=WIFE, nama="Siti Aminah", nik="-"),
        row_of(3, no_kk=kk_of(1), kk_level=CHILD, nama="SITI AMINAH", nik="-"),
        row_of(4, kk_level=CHILD),
        row_of(5, tanggallahir="2026-08-01"),
    )
    options: dict[str, Any] = {"region": filing.desk.village, "file_format": ImportFormat.OPENSID}
    checked = await filing.work_on(await filing.start(content, **options), filing.desk.village)
    errors = [issue[:5] + issue[6:] for issue in await checked.issues() if issue[4] == "ERROR"]
    assert errors == [
        ("PERSON", 4, "PERSON_REPEATED", "nama", "ERROR", 3),
        ("FAMILY", 5, "KK_HEAD_MISSING", "kk_level", "ERROR", None),
        ("FAMILY", 6, "KK_HEAD_REJECTED", "kk_level", "ERROR", 6),
        ("PERSON", 6, "BIRTH_DATE_IN_FUTURE", "tanggallahir", "ERROR", None),
    ]


async def test_a_file_that_cannot_be_used_is_not_checked(filing: Filing) -> None:
    import_id = await filing.start(csv())
    with pytest.raises(FileWithoutRows):
        await filing.work_on(import_id)
    assert await filing.desk.loader.fetchval("select stage from registry_import where id = $1", import_id) == "UPLOADED"


async def test_of_a_file_that_cannot_be_read_to_its_end_nothing_is_staged(filing: Filing) -> None:
    village = filing.desk.village.code
    rows = [f"{kk(1)},{village},{nik(1)},HEAD,Budi,MALE,1980-05-17"] * 9_000
    import_id = await filing.start(csv(*rows) + b"caf\xe9,\n")
    work = DeskWork(filing.desk.server, filing.desk.region.villages, import_id)
    with pytest.raises(FileUnreadable):
        await filing.work_on(import_id)
    checked = Checked(filing.desk.check_of(import_id), work)
    for table in ("staged_family", "staged_person", "import_issue"):
        assert await checked.rows("1", table, "1") == [], table
    assert (await checked.counts())["stage"] == "UPLOADED"


async def test_a_file_that_is_gone_cannot_be_checked(filing: Filing) -> None:
    with pytest.raises(FileGone):
        await filing.work_on(await filing.desk.start())


async def test_somebody_who_works_elsewhere_finds_no_import(filing: Filing) -> None:
    import_id = await filing.start(csv())
    for elsewhere in (RegionPath.parse("33.02"), filing.desk.village):
        with pytest.raises(ImportUnknown):
            await filing.work_on(import_id, of=elsewhere)


@pytest.mark.parametrize("stage", ["APPLYING", "APPLIED"])
async def test_an_import_that_is_decided_is_left_alone(filing: Filing, stage: str) -> None:
    village = filing.desk.village.code
    import_id = await filing.start(csv(f"{kk(1)},{village},{nik(1)},HEAD,Budi,MALE,1980-05-17"))
    await filing.work_on(import_id)
    await filing.desk.loader.execute("update registry_import set stage = $2 where id = $1", import_id, stage)
    checked = await filing.work_on(import_id)
    assert (await checked.counts())["stage"] == stage
    assert await checked.accepted("PERSON") == {2}


async def test_of_an_import_that_was_discarded_only_what_was_said_stays(filing: Filing) -> None:
    village = filing.desk.village.code
    import_id = await filing.start(csv(f"{kk(1)},{village},{nik(1)},HEAD,Budi,FEMALE,1980-05-17"))
    await filing.work_on(import_id)
    await filing.desk.loader.execute("update registry_import set stage = 'DISCARDED' where id = $1", import_id)
    checked = await filing.work_on(import_id)
    assert await checked.codes() == {2: {"NIK_SEX_DIFFERS"}}
    for table in ("staged_family", "staged_person", "import_match", "import_batch"):
        assert await checked.rows("1", table, "1") == []
    assert (await checked.counts())["stage"] == "DISCARDED"
