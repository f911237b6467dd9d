"""From the file to the registry as an office does it: upload, check, preview, apply, read; over HTTP, with a real worker."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest
import pytest_asyncio

from app.authz.roles import Role
from app.domain.registry.enums import Sex
from app.domain.registry.service import load_editions
from app.settings import Settings
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader
from app.worker import Worker, handlers
from tests.imports.api.clerk import APPLY, CHECK, DISCARD, EDITION, START
from tests.imports.readers.regsosek_files import BELONGINGS, COLUMNS, HOUSING, KK, MEMBERS, PLACE, workbook_of
from tests.jobs.workshop import QUICK
from tests.registry.opensid_files import SAMPLE, nik_of
from tests.support.client import ApiClient, Caller, Json, api_of
from tests.support.world import clone, connected, drop, named

VILLAGE: Final = "33.05.01.2001"
REGENCY: Final = "33.05"
PATIENCE_SECONDS: Final = 60
PREVIEW: Final = """query($id: ID!) { import(id: $id) {
  stage version finishedAt job { kind state error { code message } }
  counts { families { staged accepted rejected new same changed moved left } persons { staged accepted rejected new same changed moved }
    rowsWithWarnings probableDuplicates }
  issueCounts { code severity count }
  rows(first: 100) { nodes { subject line columnName code severity value message } } } }"""
FAMILIES: Final = """query($region: String!) { families(first: 100, region: $region) { totalCount
  nodes { headName kk decile village { code } members { name nik relationship birthDate } ranks { decile edition { period } } } } }"""
NAMES: Final = ("SITI AMINAH", "BUDI SANTOSO", "RATNA DEWI", "AGUS WIBOWO")


def nik(serial: int, birth_date: date = date(1980, 5, 17), sex: Sex = Sex.FEMALE) -> str:
    return nik_of("990501", birth_date, sex, serial)


def kk(serial: int) -> str:
    return f"990501170817{serial:04}"


def csv_of(*lines: str) -> bytes:
    header = "kk,village,decile,nik,relationship,name,sex,birth_date"
    return "\n".join([header, *lines, ""]).encode()


def head(serial: int, name: str, *, village: str = VILLAGE, decile: int = 2, number: str | None = None) -> str:
    return f"{kk(serial)},{village},{decile},{number or nik(serial)},HEAD,{name},FEMALE,1980-05-17"


@dataclass(frozen=True)
class Desk:
    """An office with a worker behind it."""

    clerk: Caller

    async def uploads(self, content: bytes, region: str = REGENCY) -> str:
        response = await self.clerk.http.post(
            "/uploads",
            params={"region": region},
            content=content,
            headers={"authorization": f"Bearer {self.clerk.token}", "content-type": "application/octet-stream"},
        )
        assert response.status_code == 201, response.text
        upload: str = response.json()["id"]
        return upload

    async def does(self, document: str, **given: object) -> Json:
        answer: Json = (await self.clerk.query(document, i=given))["answer"]
        return answer

    async def starts(self, content: bytes, region: str = REGENCY, **given: str) -> str:
        upload = given.get("uploadId") or await self.uploads(content, region)
        usual = {"idempotencyKey": str(uuid4()), "format": "KESOS_CSV", "region": region, "edition": EDITION}
        answer = await self.does(START, **usual | given | {"uploadId": upload})
        assert answer["__typename"] == "ImportStarted", answer
        started: str = answer["import"]["id"]
        return started

    async def sees(self, started: str) -> Json:
        """The import, once no job works on it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                found: Json = (await self.clerk.query(PREVIEW, id=started))["import"]
                if found["job"]["state"] not in {"QUEUED", "RUNNING"}:
                    return found
                await asyncio.sleep(0.1)

    async def previews(self, content: bytes, region: str = REGENCY, **given: str) -> tuple[str, Json]:
        started = await self.starts(content, region, **given)
        found = await self.sees(started)
        assert (found["stage"], found["job"]["state"]) == ("VALIDATED", "SUCCEEDED"), found["job"]
        return started, found

    async def applies(self, started: str, seen: Json, *, accept_valid: bool = False) -> Json:
        answer = await self.does(APPLY, id=started, version=seen["version"], acceptValid=accept_valid)
        assert answer["__typename"] == "ImportApplying", answer
        found = await self.sees(started)
        assert (found["stage"], found["job"]["kind"], found["job"]["error"]) == ("APPLIED", "IMPORT_APPLY", None)
        assert found["finishedAt"] is not None
        return found

    async def families(self, region: str = REGENCY) -> Json:
        found: Json = (await self.clerk.query(FAMILIES, region=region))["families"]
        return found


@pytest_asyncio.fixture(scope="module")
async def desk_server(server: DatabaseServer) -> AsyncIterator[DatabaseServer]:
    """A database in which nobody but these tests imports."""
    ours = named(server, "imports_api")
    await clone(named(server, "alone"), ours)
    async with open_loader(ours) as loader:
        await load_editions(loader)
    yield ours
    await drop(ours)


@pytest_asyncio.fixture(scope="module")
async def office(
    api_settings: Settings, desk_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ApiClient]:
    """The API and the one worker of that database: a second one with another folder would take jobs whose files it has not."""
    folder: Path = tmp_path_factory.mktemp("kept")
    settings = api_settings.model_copy(update={"files_dir": folder})
    worker = Worker(settings, desk_server, handlers(settings), pace=QUICK)
    async with api_of(settings, desk_server) as api, worker.working():
        yield api


@pytest_asyncio.fixture(scope="module")
async def desk(office: ApiClient) -> Desk:
    return Desk(await office.as_(Role.REGENCY_ADMIN, REGENCY))


@pytest_asyncio.fixture(autouse=True)
async def emptied(desk_server: DatabaseServer) -> AsyncIterator[None]:
    """Each test begins with nobody registered and nothing imported in its regency."""
    yield
    async with connected(desk_server) as owner:
        for table in ("welfare_rank", "person", "family"):
            await owner.execute(f"delete from {table} where regency_id in (3305, 5201)")  # noqa: S608  (a test's own words)


async def test_a_file_is_previewed_applied_and_read(desk: Desk) -> None:
    child = f"{kk(1)},{VILLAGE},2,{nik(9, date(2011, 3, 4))},CHILD,RATNA DEWI,FEMALE,2011-03-04"
    content = csv_of(head(1, "SITI AMINAH"), child, head(2, "BUDI SANTOSO", decile=7))
    started, seen = await desk.previews(content)
    assert seen["counts"]["families"] | {"left": 0} == {
        "staged": 2, "accepted": 2, "rejected": 0, "new": 2, "same": 0, "changed": 0, "moved": 0, "left": 0,
    }  # fmt: skip
    assert seen["counts"]["persons"]["new"] == 3
    assert (await desk.families())["totalCount"] == 0
    await desk.applies(started, seen)
    families = (await desk.families())["nodes"]
    assert {family["headName"]: (family["decile"], family["village"]["code"]) for family in families} == {
        "SITI AMINAH": (2, VILLAGE),
        "BUDI SANTOSO": (7, VILLAGE),
    }
    (siti,) = (family for family in families if family["headName"] == "SITI AMINAH")
    assert [(each["name"], each["relationship"], each["birthDate"]) for each in siti["members"]] == [
        ("SITI AMINAH", "HEAD", "1980-05-17"),
        ("RATNA DEWI", "CHILD", "2011-03-04"),
    ]
    assert siti["members"][0]["nik"] == f"{nik(1)[:4]}********0001"
    assert siti["ranks"] == [{"decile": 2, "edition": {"period": "2026-Q3"}}]


async def test_the_same_file_again_changes_nothing(desk: Desk) -> None:
    content = csv_of(head(1, "SITI AMINAH"), head(2, "BUDI SANTOSO"))
    await desk.applies(*await desk.previews(content))
    before = await desk.families()
    started, seen = await desk.previews(content)
    assert (seen["counts"]["families"]["same"], seen["counts"]["families"]["new"]) == (2, 0)
    await desk.applies(started, seen)
    assert await desk.families() == before


async def test_rejected_rows_are_named_and_the_rest_is_applied_where_somebody_says_so(desk: Desk) -> None:
    wrong = head(3, "AGUS WIBOWO", number=nik(3)[:12] + "0000")
    started, seen = await desk.previews(csv_of(head(1, "SITI AMINAH"), head(2, "BUDI SANTOSO"), wrong))
    serial = [row for row in seen["rows"]["nodes"] if row["code"] == "NIK_SERIAL_ZERO"]
    assert [row | {"message": ""} for row in serial] == [
        {
            "subject": "PERSON",
            "line": 4,
            "columnName": "nik",
            "code": "NIK_SERIAL_ZERO",
            "severity": "ERROR",
            "value": f"{nik(3)[:4]}********0000",
            "message": "",
        }
    ]
    refused = await desk.does(APPLY, id=started, version=seen["version"])
    assert (refused["__typename"], refused["code"]) == ("Refused", "IMPORT_HAS_ERRORS")
    assert (await desk.families())["totalCount"] == 0
    await desk.applies(started, seen, accept_valid=True)
    assert {family["headName"] for family in (await desk.families())["nodes"]} == {"SITI AMINAH", "BUDI SANTOSO"}


async def test_a_full_edition_names_who_leaves_before_they_do(desk: Desk) -> None:
    await desk.applies(*await desk.previews(csv_of(head(1, "SITI AMINAH"), head(2, "BUDI SANTOSO"))))
    started, seen = await desk.previews(csv_of(head(1, "SITI AMINAH", decile=1)), mode="EDITION")
    assert seen["counts"]["families"]["left"] == 1
    await desk.applies(started, seen)
    found = await desk.clerk.query(
        "query($r: String!) { families(region: $r, filter: {statuses: [ACTIVE]}) { nodes { headName decile } } }",
        r=REGENCY,
    )
    assert found["families"]["nodes"] == [{"headName": "SITI AMINAH", "decile": 1}]


async def test_what_is_discarded_is_not_applied_and_leaves_no_rows(desk: Desk, desk_server: DatabaseServer) -> None:
    started, _ = await desk.previews(csv_of(head(1, "SITI AMINAH")))
    assert (await desk.does(DISCARD, id=started))["__typename"] == "ImportDiscarded"
    assert (await desk.sees(started))["stage"] == "DISCARDED"
    async with connected(desk_server) as owner:
        for table in ("staged_family", "staged_person"):
            left = await owner.fetchval(
                f"select count(*) from {table} where import_id = $1::text::uuid",  # noqa: S608  (a test's own words)
                started.rpartition(":")[2],
            )
            assert left == 0, table
    assert (await desk.families())["totalCount"] == 0


async def time_left(server: DatabaseServer, upload: str) -> bool:
    """Whether the time of an upload is not over, whoever needs it."""
    async with connected(server) as owner:
        left: bool = await owner.fetchval("select expires_at > now() from upload where id = $1::text::uuid", upload)
    return left


async def test_a_file_that_was_applied_goes_and_one_that_was_discarded_may_be_imported_otherwise(
    desk: Desk, desk_server: DatabaseServer
) -> None:
    upload = await desk.uploads(csv_of(head(1, "SITI AMINAH")))
    first, _ = await desk.previews(b"", uploadId=upload)
    assert (await desk.does(DISCARD, id=first))["__typename"] == "ImportDiscarded"
    assert (await desk.sees(first))["job"]["state"] == "SUCCEEDED"
    assert await time_left(desk_server, upload)
    await desk.applies(*await desk.previews(b"", uploadId=upload, encoding="cp1252"))
    assert not await time_left(desk_server, upload)
    given = {"idempotencyKey": str(uuid4()), "format": "KESOS_CSV", "region": REGENCY, "edition": EDITION}
    answer = await desk.does(START, uploadId=upload, **given)
    assert (answer["__typename"], answer["code"]) == ("NotFound", "UPLOAD_UNKNOWN")


async def test_a_file_of_several_imports_is_there_until_the_last_is_over(
    office: ApiClient, desk: Desk, desk_server: DatabaseServer
) -> None:
    ministry = Desk(await office.as_(Role.MINISTRY_ADMIN, ""))
    upload = await ministry.uploads(csv_of(head(1, "SITI AMINAH")), "33")
    here, seen = await ministry.previews(b"", uploadId=upload)
    other, _ = await ministry.previews(b"", VILLAGE, uploadId=upload)
    await desk.applies(here, seen)
    assert not await time_left(desk_server, upload), (
        "whoever applies for a regency does not see an upload of the province"
    )
    assert (await ministry.does(CHECK, id=other))["__typename"] == "ImportChecking"
    again = await ministry.sees(other)
    assert (again["stage"], again["counts"]["families"]["same"]) == ("VALIDATED", 1)
    await ministry.applies(other, again)
    assert (await ministry.does(CHECK, id=other))["code"] == "IMPORT_STAGE_WRONG"


async def test_an_import_is_checked_again_against_the_registry_as_it_is_now(desk: Desk) -> None:
    content = csv_of(head(1, "SITI AMINAH"))
    waiting, seen = await desk.previews(content)
    assert seen["counts"]["families"]["new"] == 1
    await desk.applies(*await desk.previews(content))
    assert (await desk.does(CHECK, id=waiting))["__typename"] == "ImportChecking"
    again = await desk.sees(waiting)
    assert (again["stage"], again["counts"]["families"]["same"], again["counts"]["families"]["new"]) == (
        "VALIDATED",
        1,
        0,
    )
    assert again["version"] > seen["version"]


async def test_a_file_that_cannot_be_read_says_why_and_nothing_is_staged(desk: Desk) -> None:
    started = await desk.starts(b"nama;alamat\nSiti;Jalan Melati\n")
    found = await desk.sees(started)
    assert (found["stage"], found["job"]["state"]) == ("UPLOADED", "FAILED")
    assert found["job"]["error"]["code"].startswith("IMPORT_HEADER_")
    assert found["counts"]["persons"]["staged"] == 0


@pytest.mark.skipif(not COLUMNS.exists(), reason="the list of columns of ../shared/data is not on this machine")
async def test_a_workbook_of_regsosek_is_imported(desk: Desk) -> None:
    member = {
        KK: kk(1),
        "402 Nama": "SITI AMINAH",
        "403 NIK": nik(1),
        "404": 1,
        "405": 2,
        "406": "17/05/1980",
        "409": 1,
    }
    child = member | {"402 Nama": "RATNA DEWI", "403 NIK": nik(9, date(2011, 3, 4)), "406": "04/03/2011", "409": 3}
    content = workbook_of(
        {PLACE: [{KK: kk(1)}], HOUSING: [{KK: kk(1), "303": 8}], MEMBERS: [member, child], BELONGINGS: [{KK: kk(1)}]}
    )
    started, seen = await desk.previews(content, VILLAGE, format="REGSOSEK_2022")
    assert (seen["counts"]["families"]["new"], seen["counts"]["persons"]["new"]) == (1, 2), seen["rows"]
    await desk.applies(started, seen)
    (family,) = (await desk.families(VILLAGE))["nodes"]
    assert [(each["name"], each["relationship"]) for each in family["members"]] == [
        ("SITI AMINAH", "HEAD"),
        ("RATNA DEWI", "CHILD"),
    ]


@pytest.mark.skipif(not SAMPLE.exists(), reason="the sample of ../shared/data is not on this machine")
async def test_the_real_sample_of_opensid_is_imported(office: ApiClient) -> None:
    village = "52.01.14.2005"
    desk = Desk(await office.as_(Role.REGENCY_ADMIN, "52.01"))
    started, seen = await desk.previews(SAMPLE.read_bytes(), village, format="OPENSID")
    persons = seen["counts"]["persons"]
    assert persons["staged"] == persons["accepted"] + persons["rejected"] > 0
    assert seen["issueCounts"]
    await desk.applies(started, seen, accept_valid=bool(seen["counts"]["persons"]["rejected"]))
    assert (await desk.families(village))["totalCount"] == seen["counts"]["families"]["new"] > 0
