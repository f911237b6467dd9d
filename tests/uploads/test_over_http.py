"""POST /uploads: what is taken, what is refused, and that nothing is left of what is refused."""

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

import pytest

from app.authz.roles import Role
from app.domain.audit.models import Action
from app.settings import Settings
from tests.support.client import ApiClient, Caller
from tests.support.sabotage import when_events_are_kept
from tests.support.sockets import until
from tests.support.world import BANYUMAS, CILACAP, SLEMAN
from tests.uploads.conftest import LARGEST, Kept, refusal, send
from tests.uploads.files import CSV, DAMAGED, EXE, GOOD, UNSAFE, UNSUPPORTED, workbook, zipped

DIGEST = base64.b64encode(sha256(CSV).digest()).decode()
OTHER_DIGEST = base64.b64encode(bytes(32)).decode()


async def endless() -> AsyncIterator[bytes]:
    yield b"nik,nama\n"
    while True:
        yield b"1,SITI\n" * 1_000
        await asyncio.sleep(0)


@pytest.mark.parametrize("name", GOOD)
async def test_a_good_file_is_sealed_and_recorded(
    name: str, clerk: Caller, kept: Kept, upload_settings: Settings
) -> None:
    content, kind = GOOD[name]
    response = await send(clerk, content, content_disposition='attachment; filename="dtsen juli.csv"')
    assert response.status_code == 201, response.text
    answer = response.json()
    expires = datetime.fromisoformat(answer.pop("expiresAt"))
    until = datetime.now(UTC) + timedelta(hours=upload_settings.upload_hours)
    assert until - timedelta(minutes=5) < expires <= until
    assert answer == {
        "id": answer["id"],
        "name": "dtsen juli.csv",
        "size": len(content),
        "sha256": sha256(content).hexdigest(),
        "kind": kind,
        "region": "33.02",
    }
    with kept.vault.open(UUID(answer["id"])) as file:
        assert file.read() == content
    (row,) = await kept.rows()
    assert (row["regency_id"], row["village_low"], row["village_high"]) == (3302, 3302000000, 3302999999)
    assert (row["id"], row["size"], row["kind"], row["region_id"]) == (UUID(answer["id"]), len(content), kind, 3302)


async def test_an_upload_is_in_the_audit_trail_with_its_row(clerk: Caller, kept: Kept) -> None:
    answer = (await send(clerk, CSV, content_disposition="attachment; filename=siti.csv")).json()
    events = await kept.owner.fetch("select * from audit_event where subject_ids = array[$1::uuid]", answer["id"])
    (event,) = events
    assert (event["action"], event["operation"], event["subject_type"]) == (Action.CHANGE.value, "upload", "Upload")
    assert (event["permission"], event["roles"]) == ("registry:import:run", ["REGENCY_ADMIN"])
    assert (event["village_low"], event["village_high"], event["row_count"]) == (3302000000, 3302999999, 1)
    (row,) = await kept.rows()
    assert event["principal_id"] == row["principal_id"]


async def test_where_the_audit_trail_cannot_be_written_nothing_is_kept(clerk: Caller, kept: Kept) -> None:
    async with when_events_are_kept(kept.owner, "raise 'the disk of the trail is full';"):
        assert refusal(await send(clerk, CSV)) == (500, "INTERNAL_ERROR")
    assert await kept.nothing()
    assert (await send(clerk, CSV)).status_code == 201


async def test_a_file_may_be_about_a_district_or_a_village(clerk: Caller, kept: Kept) -> None:
    for code, low, high in (("33.02.01", 3302010000, 3302019999), ("33.02.01.2001", 3302012001, 3302012001)):
        answer = await send(clerk, CSV, region=code)
        assert (answer.status_code, answer.json()["region"]) == (201, code)
        row = (await kept.rows())[-1]
        assert (row["village_low"], row["village_high"]) == (low, high)


async def test_a_province_is_for_whoever_may_import_all_of_it(upload_api: ApiClient, clerk: Caller, kept: Kept) -> None:
    ministry = await upload_api.as_(Role.MINISTRY_ADMIN)
    answer = await send(ministry, CSV, region="33")
    assert answer.status_code == 201
    (row,) = await kept.rows()
    assert (row["regency_id"], row["village_low"], row["village_high"]) == (3300, 3300000000, 3399999999)
    assert refusal(await send(clerk, CSV, region="33")) == (404, "REGION_UNKNOWN")


async def test_a_region_of_others_is_answered_as_one_that_does_not_exist(clerk: Caller, kept: Kept) -> None:
    answers = {}
    for code in (CILACAP.code, SLEMAN.code, "33.99", "33.02.99"):
        response = await send(clerk, CSV, region=code, x_request_id="0" * 32)
        assert refusal(response) == (404, "REGION_UNKNOWN")
        answers[code] = (response.text.replace(code, "CODE"), dict(response.headers) | {"content-length": ""})
    assert all(answer == answers["33.99"] for answer in answers.values())
    assert await kept.nothing()


@pytest.mark.parametrize("role", [Role.PROVINCE_OFFICER, Role.REGENCY_VERIFIER, Role.AUDITOR, Role.PSM])
async def test_who_may_not_import_may_not_upload(role: Role, upload_api: ApiClient, kept: Kept) -> None:
    code = {Role.PROVINCE_OFFICER: "33", Role.AUDITOR: ""}.get(role, BANYUMAS.code)
    caller = await upload_api.as_(role, code)
    for region in (BANYUMAS.code, "33.99"):
        assert refusal(await send(caller, CSV, region=region)) == (403, "NOT_PERMITTED")
    assert await kept.nothing()


@pytest.mark.parametrize("authorization", ["", "Bearer x.y.z", "Basic YTpi"])
async def test_nobody_uploads_without_a_token(authorization: str, clerk: Caller, kept: Kept) -> None:
    response = await send(clerk, CSV, authorization=authorization)
    assert refusal(response) == (401, "UNAUTHENTICATED")
    assert response.headers["www-authenticate"] == "Bearer"
    response = await clerk.http.post("/uploads?region=33.02", content=CSV)
    assert refusal(response) == (401, "UNAUTHENTICATED")
    assert await kept.nothing()


@pytest.mark.parametrize("name", UNSUPPORTED)
async def test_a_file_of_another_kind_is_refused_whatever_its_name(name: str, clerk: Caller, kept: Kept) -> None:
    response = await send(clerk, UNSUPPORTED[name], content_type="text/csv", content_disposition="filename=a.csv")
    assert refusal(response) == (415, "UPLOAD_TYPE_UNSUPPORTED")
    assert await kept.nothing()


@pytest.mark.parametrize("name", [name for name, content in UNSAFE.items() if len(content) <= LARGEST])
async def test_an_archive_that_would_do_harm_is_refused(name: str, clerk: Caller, kept: Kept) -> None:
    assert refusal(await send(clerk, UNSAFE[name])) == (422, "UPLOAD_UNSAFE")
    assert await kept.nothing()


@pytest.mark.parametrize("name", DAMAGED)
async def test_an_archive_that_cannot_be_read_is_refused(name: str, clerk: Caller, kept: Kept) -> None:
    assert refusal(await send(clerk, DAMAGED[name])) == (422, "UPLOAD_DAMAGED")
    assert await kept.nothing()


async def test_an_empty_file_is_refused(clerk: Caller, kept: Kept) -> None:
    for content in (b"", zipped({})):
        assert refusal(await send(clerk, content)) == (400, "UPLOAD_EMPTY")
    assert await kept.nothing()


async def test_messages_come_in_the_language_of_the_caller(clerk: Caller) -> None:
    spoken = {language: await send(clerk, EXE, accept_language=language) for language in ("id", "en")}
    texts = {language: answer.json()["errors"][0]["message"] for language, answer in spoken.items()}
    assert texts["id"].startswith("Ini program Windows")
    assert texts["en"].startswith("This is a Windows program")


async def test_a_file_as_large_as_allowed_is_taken_and_one_byte_more_is_not(clerk: Caller, kept: Kept) -> None:
    largest = (CSV * LARGEST)[:LARGEST]
    assert (await send(clerk, largest)).status_code == 201
    (row,) = await kept.rows()
    assert row["size"] == LARGEST
    assert refusal(await send(clerk, largest + b"x")) == (413, "UPLOAD_TOO_LARGE")
    assert len(await kept.rows()) == len(kept.files()) == 1


async def test_a_body_without_a_length_is_cut_where_it_grows_too_large(
    clerk: Caller, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.uploads._LINGER_SECONDS", 0.05)
    response = await send(clerk, endless())
    assert refusal(response) == (413, "UPLOAD_TOO_LARGE")
    assert response.headers["connection"] == "close"
    assert await kept.nothing()


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "9" * 20, "1, 2"])
async def test_a_length_that_is_no_number_is_refused(length: str, clerk: Caller, kept: Kept) -> None:
    assert refusal(await send(clerk, CSV, content_length=length)) == (413, "UPLOAD_TOO_LARGE")
    assert await kept.nothing()


@pytest.mark.parametrize(
    "header",
    [
        {"repr_digest": f"sha-256=:{DIGEST}:"},
        {"content_digest": f"sha-512=:{'a' * 86}==:, sha-256=:{DIGEST}:"},
        {"digest": f"SHA-256={DIGEST}"},
    ],
)
async def test_a_file_with_its_digest_is_taken_and_another_is_not(
    header: dict[str, str], clerk: Caller, kept: Kept
) -> None:
    assert (await send(clerk, CSV, **header)).status_code == 201
    for content in (CSV + b"\n", CSV[:-1]):
        assert refusal(await send(clerk, content, **header)) == (400, "UPLOAD_DIGEST_DIFFERS")
    assert len(await kept.rows()) == len(kept.files()) == 1


@pytest.mark.parametrize(
    "header",
    [
        {"repr_digest": ""},
        {"repr_digest": DIGEST},
        {"repr_digest": f"sha-512=:{'a' * 86}==:"},
        {"repr_digest": "sha-256=:abc:"},
        {"repr_digest": f"sha-256=:{DIGEST}:", "digest": f"sha-256={OTHER_DIGEST}"},
        {"digest": f"sha-256={'=' * 44}"},
    ],
)
async def test_a_digest_that_cannot_be_compared_is_refused(header: dict[str, str], clerk: Caller, kept: Kept) -> None:
    assert refusal(await send(clerk, CSV, **header)) == (400, "UPLOAD_DIGEST_INVALID")
    assert await kept.nothing()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content_encoding": "gzip"}, 415),
        ({"content_encoding": "br, identity"}, 415),
        ({"content_type": "multipart/form-data; boundary=x"}, 415),
    ],
)
async def test_a_file_comes_as_it_is(headers: dict[str, str], status: int, clerk: Caller, kept: Kept) -> None:
    assert refusal(await send(clerk, CSV, **headers)) == (status, "BAD_REQUEST")
    assert await kept.nothing()


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        (None, "upload"),
        ("attachment", "upload"),
        ('attachment; filename="data juli.csv"', "data juli.csv"),
        ("attachment; filename=data.csv", "data.csv"),
        (r'attachment; filename="a \"b\".csv"', 'a "b".csv'),
        ("attachment; filename*=UTF-8''d%C3%A9sa.csv", "désa.csv"),
        ("attachment; filename=\"x\"; filename*=UTF-8''y.csv", "y.csv"),
        ('attachment; filename="C:\\\\Users\\\\x\\\\data.csv"', "data.csv"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="keluarga 3302010101900001.csv"', "keluarga ********.csv"),
        ('attachment; filename="' + "a" * 200 + '"', "a" * 200),
    ],
)
async def test_a_file_has_the_name_that_it_came_with(
    disposition: str | None, name: str, clerk: Caller, kept: Kept
) -> None:
    del kept
    headers = {} if disposition is None else {"content_disposition": disposition}
    assert (await send(clerk, CSV, **headers)).json()["name"] == name


@pytest.mark.parametrize(
    "disposition",
    [
        'filename=""',
        'filename="' + "a" * 201 + '"',
        "filename*=UTF-8''a%0Ab",
        "filename*=UTF-8''a%E2%80%AEb",
        "filename*=UTF-8''%FF",
        'filename="a/"',
        "a" * 3_000,
    ],
)
async def test_a_name_that_cannot_be_shown_is_refused(disposition: str, clerk: Caller, kept: Kept) -> None:
    assert refusal(await send(clerk, CSV, content_disposition=disposition)) == (400, "UPLOAD_NAME_INVALID")
    assert await kept.nothing()


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "UPLOAD_REGION_NEEDED"),
        ("?region=33.02&region=33.01", 400, "UPLOAD_REGION_NEEDED"),
        ("?region=3302", 400, "REGION_CODE_MALFORMED"),
        ("?region=0", 400, "REGION_CODE_MALFORMED"),
        ("?region=%00", 400, "REGION_CODE_MALFORMED"),
    ],
)
async def test_one_region_must_be_named(query: str, status: int, code: str, clerk: Caller, kept: Kept) -> None:
    headers = {"authorization": f"Bearer {clerk.token}"}
    assert refusal(await clerk.http.post(f"/uploads{query}", content=CSV, headers=headers)) == (status, code)
    assert await kept.nothing()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_files_are_sent_with_post(method: str, clerk: Caller) -> None:
    response = await clerk.http.request(method, "/uploads?region=33.02")
    assert refusal(response) == (405, "BAD_REQUEST")
    assert response.headers["allow"] == "POST"


async def test_what_waits_to_be_imported_is_limited_for_each_principal(
    upload_api: ApiClient, clerk: Caller, kept: Kept
) -> None:
    large = (CSV * LARGEST)[: LARGEST - 10]
    for _ in range(4):
        assert (await send(clerk, large)).status_code == 201
    assert refusal(await send(clerk, large)) == (409, "UPLOAD_QUOTA_EXCEEDED")

    async def unannounced() -> AsyncIterator[bytes]:
        yield large

    assert refusal(await send(clerk, unannounced())) == (409, "UPLOAD_QUOTA_EXCEEDED")
    assert len(await kept.rows()) == len(kept.files()) == 4
    other = await upload_api.granted((Role.REGENCY_ADMIN, BANYUMAS.code), (Role.REGENCY_VERIFIER, CILACAP.code))
    assert (await send(other, large)).status_code == 201
    await kept.owner.execute("update upload set expires_at = now()")
    assert (await send(clerk, large)).status_code == 201


async def test_a_principal_sends_a_few_files_at_once_and_others_are_not_held_up(
    upload_api: ApiClient, clerk: Caller, kept: Kept
) -> None:
    goes_on, begun = asyncio.Event(), []

    async def slow() -> AsyncIterator[bytes]:
        yield b"nik,nama\n"
        begun.append(1)
        await goes_on.wait()
        yield b"1,SITI\n"

    sending = [asyncio.create_task(send(clerk, slow())) for _ in range(3)]
    await until(lambda: len(begun) == 3)
    refused = await send(clerk, CSV)
    assert refusal(refused) == (503, "OVERLOADED")
    assert refused.headers["retry-after"] == "1"
    other = await upload_api.as_(Role.REGENCY_ADMIN, CILACAP.code)
    assert (await send(other, CSV, region=CILACAP.code)).status_code == 201
    goes_on.set()
    assert [answer.status_code for answer in await asyncio.gather(*sending)] == [201] * 3
    assert len(await kept.rows()) == 4
    assert (await send(clerk, CSV)).status_code == 201


async def test_uploads_are_counted_under_a_name_of_their_own(clerk: Caller, kept: Kept) -> None:
    del kept
    await send(clerk, CSV, content_disposition="filename=rahasia.csv")
    await send(clerk, EXE)
    metrics = (await clerk.http.get("/metrics")).text
    assert 'kesos_requests_total{operation="upload",outcome="ok",type="upload"}' in metrics
    assert 'kesos_requests_total{operation="upload",outcome="UPLOAD_TYPE_UNSUPPORTED",type="upload"}' in metrics
    assert 'kesos_request_seconds_count{operation="upload"' not in metrics
    assert "rahasia" not in metrics


async def test_a_workbook_is_taken(clerk: Caller, kept: Kept) -> None:
    content = workbook(rows=5_000)
    assert (await send(clerk, content)).json()["kind"] == "WORKBOOK"
    (row,) = await kept.rows()
    assert bytes(row["sha256"]) == sha256(content).digest()
