"""The link to a file: good for minutes, for one file, for one principal with unchanged rights, in one deployment."""

import logging
import secrets
import time
from datetime import UTC, datetime
from string import ascii_lowercase, ascii_uppercase, digits
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

import httpx2
import pytest

from app.authz.roles import Role
from app.domain.exports.links import ExportLinks
from app.settings import Settings
from tests.exports.exporting import Exporter
from tests.support.client import ApiClient
from tests.support.world import BANYUMAS, CILACAP, FAMILIES

if TYPE_CHECKING:
    import asyncpg

DOCUMENT: Final = "query Tautan { families { nodes { id kk } } }"


def uuid_of(export_id: str) -> UUID:
    return UUID(export_id.rpartition(":")[2])


async def get(exporter: Exporter, token: str) -> httpx2.Response:
    return await exporter.caller.http.get(f"/exports/{token}")


async def principal_of(exporter: Exporter) -> UUID:
    return UUID((await exporter.caller.query("{ me { principal { id } } }"))["me"]["principal"]["id"])


async def test_the_file_comes_without_a_token_under_a_name_and_is_kept_by_nobody_on_the_way(admin: Exporter) -> None:
    found = await admin.finished(DOCUMENT, "CSV")
    response = await admin.fetch(found)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"].startswith('attachment; filename="kesos-families-')
    assert response.headers["content-disposition"].endswith('.csv"')
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-length"] == str(len(response.content))
    head = await admin.fetch(found, "HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == response.headers["content-length"]
    assert (await admin.fetch(found, "POST")).status_code == 404


async def test_each_fetch_is_an_event_and_asking_for_its_head_is_none(
    admin: Exporter, country_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    found = await admin.finished(DOCUMENT, "NDJSON", purpose="AUDIT")
    fetched = [await admin.fetch(found) for _ in range(2)]
    head = await admin.fetch(found, "HEAD")
    events = await country_owner.fetch(
        "select * from audit_event where request_id = any($1)",
        [response.headers["x-request-id"] for response in (*fetched, head)],
    )
    assert {event["request_id"] for event in events} == {response.headers["x-request-id"] for response in fetched}
    for event in events:
        assert (event["action"], event["subject_type"], event["row_count"]) == ("EXPORT", "Export", FAMILIES)
        assert event["subject_ids"] == [uuid_of(found["id"])]
        assert (event["operation"], event["purpose"]) == ("Tautan", "AUDIT")
        assert event["principal_id"] == await principal_of(admin)


def read_alike(character: str) -> str:
    """Another last character of 32 bytes in base64: they end in its upper four bits, and the lower two say nothing."""
    alphabet = f"{ascii_uppercase}{ascii_lowercase}{digits}-_"
    return alphabet[alphabet.index(character) ^ 1]


async def test_a_link_that_is_forged_old_or_of_another_deployment_leads_nowhere(
    admin: Exporter, export_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await admin.finished(DOCUMENT)
    links, principal_id, export_id = (
        ExportLinks.of_settings(export_settings),
        await principal_of(admin),
        uuid_of(found["id"]),
    )
    good = links.token(export_id, principal_id)
    assert (await get(admin, good)).status_code == 200
    of_another = ExportLinks(secrets.token_bytes(32), 300).token(export_id, principal_id)
    payload, stamp, signature = good.rsplit(".", 2)
    now = time.time()
    with monkeypatch.context() as patched:
        patched.setattr("itsdangerous.timed.time.time", lambda: now - export_settings.link_seconds - 1)
        old = links.token(export_id, principal_id)
    with monkeypatch.context() as patched:
        patched.setattr("itsdangerous.timed.time.time", lambda: now - export_settings.link_seconds + 5)
        assert (await get(admin, links.token(export_id, principal_id))).status_code == 200
    later = old.rsplit(".", 2)[1]
    wrong = [
        old,
        of_another,
        f"{payload}.{later}.{signature}",
        f"{payload}.{stamp}.{signature[:-1]}",
        f"{payload}.{stamp}.{signature[:-1]}{read_alike(signature[-1])}",
        f"{payload}.{stamp}",
        links.token(uuid4(), principal_id),
        links.token(export_id, uuid4()),
        "x",
        "a" * 5_000,
    ]
    answers = {((response := await get(admin, token)).status_code, response.text) for token in wrong}
    assert answers == {(404, "Not Found")}
    assert (await admin.caller.http.get("/no-such-page")).text == "Not Found"


async def test_a_link_of_one_principal_does_not_open_the_file_of_another(
    admin: Exporter, export_api: ApiClient, export_settings: Settings
) -> None:
    found = await admin.finished(DOCUMENT)
    colleague = Exporter(await export_api.as_(Role.REGENCY_VERIFIER, BANYUMAS.code))
    stranger = Exporter(await export_api.as_(Role.REGENCY_ADMIN, CILACAP.code))
    links = ExportLinks.of_settings(export_settings)
    for other in (colleague, stranger):
        token = links.token(uuid_of(found["id"]), await principal_of(other))
        assert (await get(other, token)).status_code == 404


async def test_a_file_is_gone_for_whoever_no_longer_has_the_rights_it_was_made_with(
    export_api: ApiClient, country_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    grants = ((Role.REGENCY_VERIFIER, CILACAP.code), (Role.DUKCAPIL_OFFICER, CILACAP.code))
    caller = Exporter(await export_api.granted(*grants))
    found = await caller.finished(DOCUMENT)
    assert (await caller.fetch(found)).status_code == 200
    principal_id = await principal_of(caller)
    lasts = "update principal_grant set valid_to = $2 where principal_id = $1 and role = 'DUKCAPIL_OFFICER'"
    until = await country_owner.fetchval(
        "select valid_to from principal_grant where principal_id = $1 and role = 'DUKCAPIL_OFFICER'", principal_id
    )
    await country_owner.execute(lasts, principal_id, datetime.now(tz=UTC))
    assert (await caller.fetch(found)).status_code == 404
    assert (await caller.look(found["id"]))["downloadUrl"] is None
    await country_owner.execute(lasts, principal_id, until)
    again = await caller.look(found["id"])
    assert (await caller.fetch(again)).status_code == 200
    await country_owner.execute("update principal set active = false where id = $1", principal_id)
    try:
        assert (await caller.fetch(again)).status_code == 404
    finally:
        await country_owner.execute("update principal set active = true where id = $1", principal_id)


async def test_a_file_that_was_deleted_or_whose_time_is_over_is_gone(
    admin: Exporter, country_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    found = await admin.finished(DOCUMENT)
    deleted = await admin.delete(found["id"])
    assert deleted["__typename"] == "ExportDeleted"
    assert deleted["export"]["removedAt"]
    assert deleted["export"]["downloadUrl"] is None
    assert (await admin.fetch(found)).status_code == 404
    over = await admin.finished(DOCUMENT)
    await country_owner.execute("update export set expires_at = now() where id = $1", uuid_of(over["id"]))
    assert (await admin.fetch(over)).status_code == 404
    assert (await admin.look(over["id"]))["downloadUrl"] is None


async def test_the_link_stands_in_no_log_and_no_metric(admin: Exporter, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    found = await admin.finished(DOCUMENT)
    token = found["downloadUrl"].rpartition("/")[2]
    assert (await admin.fetch(found)).status_code == 200
    own = [record for record in caplog.records if not record.name.startswith("httpx2")]
    assert not any(token in str(vars(record)) for record in own)
    metrics = (await admin.caller.http.get("/metrics")).text
    assert 'operation="download"' in metrics
    assert token not in metrics
