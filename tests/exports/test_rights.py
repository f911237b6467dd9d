"""Who may carry off what: the rights of whoever exports, as they are when the job runs, and no further than exports reach."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from uuid import UUID

import orjson
import pytest

from app.authz.roles import Role
from tests.exports.exporting import START, Exporter
from tests.support.client import ApiClient
from tests.support.world import BANYUMAS, CILACAP, FAMILIES, SLEMAN

if TYPE_CHECKING:
    import asyncpg

_LAPSE: Final = """
create function lapse() returns trigger language plpgsql security definer as $$ begin
  update principal_grant set valid_to = now() where principal_id = new.principal_id and role = 'ROLE';
  return new;
end $$;
create trigger lapse before insert on job for each row execute function lapse()
"""
NAMES = "query Nama { families { nodes { headName village { code } } } }"
REVEALED = "query Buka { persons { nodes { id nikRevealed(purpose: DATA_CORRECTION) } } }"


async def events_of(owner: "asyncpg.Connection[asyncpg.Record]", export_id: str, action: str) -> "list[asyncpg.Record]":
    """What the trail tells of the job of an export."""
    rows: list[asyncpg.Record] = await owner.fetch(
        "select a.* from audit_event a join export e on a.request_id = e.job_id::text where e.id = $1 and a.action = $2 "
        "order by a.happened_at, a.id",
        UUID(export_id.rpartition(":")[2]),
        action,
    )
    return rows


async def test_who_may_not_read_names_exports_their_masked_form(admin: Exporter, analyst: Exporter) -> None:
    whole = [orjson.loads(line)["headName"] for line in (await admin.file(NAMES)).splitlines()]
    assert all(BANYUMAS.mark in name for name in whole)
    masked = [orjson.loads(line) for line in (await analyst.file(NAMES)).splitlines()]
    assert len(masked) == 3 * FAMILIES
    assert all(row["headName"].endswith("***") and len(row["headName"]) == 4 for row in masked)


async def test_an_export_is_in_the_trail_with_its_rows_its_document_its_purpose_and_those_it_is_about(
    admin: Exporter, country_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    found = await admin.finished(NAMES, purpose="AUDIT")
    *about, whole = await events_of(country_owner, found["id"], "EXPORT")
    assert (whole["subject_type"], whole["row_count"], whole["purpose"]) == ("Export", FAMILIES, "AUDIT")
    assert str(whole["subject_ids"][0]) == found["id"].rpartition(":")[2]
    assert (whole["operation"], whole["permission"]) == ("Nama", "exports:export:run")
    stored = await country_owner.fetchrow("select * from export where id = $1", whole["subject_ids"][0])
    assert stored is not None
    assert whole["document_hash"] == stored["document_hash"]
    assert stored["request_sealed"] is None
    ids = {each for event in about for each in event["subject_ids"]}
    families = await country_owner.fetch("select id from family where regency_id = $1", BANYUMAS.id)
    assert ids == {row["id"] for row in families}
    assert {event["subject_type"] for event in about} == {"Family"}
    assert sum(event["row_count"] for event in about) == FAMILIES


async def test_rows_of_several_regencies_are_told_to_each_of_them(
    analyst: Exporter, country_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    found = await analyst.finished(NAMES)
    *about, _whole = await events_of(country_owner, found["id"], "EXPORT")
    assert {event["regency_id"]: event["row_count"] for event in about} == {
        BANYUMAS.id: FAMILIES, CILACAP.id: FAMILIES, SLEMAN.id: FAMILIES
    }  # fmt: skip


async def test_numbers_in_full_take_the_permission_and_a_purpose_that_is_theirs(
    admin: Exporter, country_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    assert await admin.refusal(REVEALED) == "EXPORT_PURPOSE_MISSING"
    assert await admin.refusal(REVEALED, purpose="AUDIT") == "EXPORT_PURPOSE_MISSING"
    found = await admin.finished(REVEALED, purpose="DATA_CORRECTION")
    nodes = [orjson.loads(line) for line in (await admin.fetch(found)).content.splitlines()]
    reveals = await events_of(country_owner, found["id"], "REVEAL")
    revealed = {node["id"].rpartition(":")[2] for node in nodes if node["nikRevealed"]}
    assert {str(each) for event in reveals for each in event["subject_ids"]} == revealed
    assert {event["purpose"] for event in reveals} == {"DATA_CORRECTION"}
    assert len(reveals) == len(revealed) > 100


@pytest.mark.parametrize("role", [Role.REGENCY_VERIFIER, Role.PROVINCE_OFFICER])
async def test_who_may_not_reveal_is_refused_and_nothing_is_queued(
    export_api: ApiClient, role: Role, country_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    caller = Exporter(await export_api.as_(role, BANYUMAS.code if role is Role.REGENCY_VERIFIER else "33"))
    before = await country_owner.fetchval("select count(*) from export")
    wanted = {"document": REVEALED, "format": "CSV", "purpose": "DATA_CORRECTION", "idempotencyKey": str(UUID(int=7))}
    assert await caller.caller.codes(START, i=wanted) == ["NOT_PERMITTED"]
    assert await country_owner.fetchval("select count(*) from export") == before


async def test_who_may_not_export_is_refused(export_api: ApiClient) -> None:
    worker = await export_api.as_(Role.TKSK, BANYUMAS.district(1))
    wanted = {"document": NAMES, "format": "CSV", "idempotencyKey": str(UUID(int=8))}
    assert await worker.codes(START, i=wanted) == ["NOT_PERMITTED"]
    assert await worker.codes("{ exports { nodes { id } } }") == ["NOT_PERMITTED"]


async def test_rows_that_may_be_read_but_not_exported_stay_where_they_are(export_api: ApiClient) -> None:
    reader = await export_api.granted(
        (Role.REGENCY_VERIFIER, BANYUMAS.code), (Role.PKH_FACILITATOR, CILACAP.district(1))
    )
    seen = await reader.query("{ families(first: 100) { nodes { village { code } } } }")
    assert any(node["village"]["code"].startswith(CILACAP.code) for node in seen["families"]["nodes"])
    lines = [orjson.loads(line) for line in (await Exporter(reader).file(NAMES)).splitlines()]
    assert len(lines) == FAMILIES
    assert all(line["village"]["code"].startswith(BANYUMAS.code) for line in lines)


@asynccontextmanager
async def once_a_job_is_queued(owner: "asyncpg.Connection[asyncpg.Record]", role: Role) -> AsyncIterator[None]:
    """While the context lasts, whoever queues a job holds ``role`` no more by the time that it is queued."""
    await owner.execute(_LAPSE.replace("ROLE", role.value))
    try:
        yield
    finally:
        await owner.execute("drop trigger lapse on job; drop function lapse()")


async def test_who_may_not_reveal_any_more_when_the_job_runs_gets_no_file(
    export_api: ApiClient, country_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    caller = Exporter(
        await export_api.granted((Role.REGENCY_VERIFIER, BANYUMAS.code), (Role.DUKCAPIL_OFFICER, BANYUMAS.code))
    )
    assert (await caller.finished(REVEALED, purpose="DATA_CORRECTION"))["rowCount"] > 100
    async with once_a_job_is_queued(country_owner, Role.DUKCAPIL_OFFICER):
        started = await caller.start(REVEALED, purpose="DATA_CORRECTION")
    found = await caller.ended(started["export"]["id"])
    assert (found["job"]["state"], found["job"]["error"]["code"]) == ("FAILED", "EXPORT_NOT_PERMITTED")
    assert "registry:nik:reveal" in found["job"]["error"]["message"]
    assert (found["downloadUrl"], found["rowCount"]) == (None, None)
    assert await events_of(country_owner, found["id"], "REVEAL") == []
    assert await events_of(country_owner, found["id"], "EXPORT") == []


async def test_who_may_do_nothing_any_more_when_the_job_runs_gets_no_file(
    export_api: ApiClient, country_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    caller = Exporter(await export_api.as_(Role.REGENCY_VERIFIER, SLEMAN.code))
    async with once_a_job_is_queued(country_owner, Role.REGENCY_VERIFIER):
        started = await caller.start(NAMES)
    export_id = UUID(started["export"]["id"].rpartition(":")[2])
    async with asyncio.timeout(60):
        state = None
        while state not in {"FAILED", "SUCCEEDED"}:
            await asyncio.sleep(0.05)
            state = await country_owner.fetchval("select state from job where subject_id = $1", export_id)
    assert state == "FAILED"
    assert await country_owner.fetchval("select finished_at from export where id = $1", export_id) is None
