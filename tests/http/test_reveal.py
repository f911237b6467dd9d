"""A NIK or KK in full: with a permission, for a purpose, on record, and nowhere else."""

import gc
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from app.authz.roles import Role
from app.domain.audit.models import Purpose
from app.domain.registry.sealing import Seal
from tests.support.client import ApiClient, Caller
from tests.support.statements import Statements
from tests.support.world import BANYUMAS, CILACAP

if TYPE_CHECKING:
    import asyncpg

PERSON = "query($id: ID!, $purpose: RevealPurpose!) { person(id: $id) { nikRevealed(purpose: $purpose) } }"
PAGE = """{ families(first: 100) { nodes { id kkRevealed(purpose: COMPLAINT)
  members { id nikRevealed(purpose: DATA_CORRECTION) } } } }"""


class Trail:
    """The reveals in the audit trail."""

    def __init__(self, owner: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.owner = owner

    async def of(self, request_id: str) -> "list[asyncpg.Record]":
        rows: list[asyncpg.Record] = await self.owner.fetch(
            "select *, happened_at > now() - interval '1 minute' as fresh from audit_event "
            "where request_id = $1 and action = 'REVEAL'",
            request_id,
        )
        return rows

    async def length(self) -> int:
        count: int = await self.owner.fetchval("select count(*) from audit_event where action = 'REVEAL'")
        return count


@pytest.fixture
def trail(owner: "asyncpg.Connection[asyncpg.Record]") -> Trail:
    return Trail(owner)


async def somebody(owner: "asyncpg.Connection[asyncpg.Record]", regency: int) -> "asyncpg.Record":
    row = await owner.fetchrow("select * from person where regency_id = $1 and nik_sealed is not null limit 1", regency)
    assert row is not None
    return row


@pytest.mark.parametrize("purpose", Purpose)
async def test_a_reveal_is_recorded_with_who_whom_why_and_in_which_request(
    banyumas: Caller, trail: Trail, seal: Seal, purpose: Purpose
) -> None:
    person = await somebody(trail.owner, BANYUMAS.id)
    response = await banyumas.post(PERSON, {"id": f"Person:{BANYUMAS.id}:{person['id']}", "purpose": purpose.value})
    nik = response.json()["data"]["person"]["nikRevealed"]
    assert nik == seal.unseal(person["nik_sealed"])
    assert len(nik) == 16
    (event,) = await trail.of(response.headers["x-request-id"])
    me = (await banyumas.query("{ me { principal { id } } }"))["me"]["principal"]["id"]
    assert event["principal_id"] == UUID(me)
    assert (event["subject_type"], event["subject_ids"]) == ("Person", [person["id"]])
    assert (event["permission"], event["roles"]) == ("registry:nik:reveal", ["REGENCY_ADMIN"])
    assert event["document_hash"] == sha256(PERSON.encode()).digest()
    assert event["purpose"] == purpose.value
    assert event["regency_id"] == person["regency_id"]
    assert event["village_low"] == event["village_high"] == person["village_id"]
    assert event["fresh"]
    assert not any(nik in str(value) for value in event.values())


async def test_a_page_of_reveals_is_recorded_whole_in_one_transaction(
    banyumas: Caller, trail: Trail, statements: Statements
) -> None:
    await statements.forget()
    response = await banyumas.post(PAGE)
    sent = {each.text.partition(" ")[0].strip(";").lower(): each.calls for each in await statements.sent()}
    assert (sent["begin"], sent["commit"], sent["with"]) == (1, 1, 1)
    families = response.json()["data"]["families"]["nodes"]
    revealed = {f["id"]: "COMPLAINT" for f in families if f["kkRevealed"]} | {
        member["id"]: "DATA_CORRECTION" for f in families for member in f["members"] if member["nikRevealed"]
    }
    events = await trail.of(response.headers["x-request-id"])
    recorded = {
        f"{event['subject_type']}:{event['regency_id']}:{subject}": event["purpose"]
        for event in events
        for subject in event["subject_ids"]
    }
    assert recorded == revealed
    assert len(events) == len(revealed) > 100


async def test_a_number_asked_for_twice_under_two_purposes_is_recorded_for_each(banyumas: Caller, trail: Trail) -> None:
    person = await somebody(trail.owner, BANYUMAS.id)
    document = """query($id: ID!) { person(id: $id) {
      a: nikRevealed(purpose: AUDIT) b: nikRevealed(purpose: COMPLAINT) again: nikRevealed(purpose: AUDIT) } }"""
    response = await banyumas.post(document, {"id": f"Person:{BANYUMAS.id}:{person['id']}"})
    shown = response.json()["data"]["person"]
    assert shown["a"] == shown["b"] == shown["again"]
    purposes = sorted(event["purpose"] for event in await trail.of(response.headers["x-request-id"]))
    assert purposes == ["AUDIT", "COMPLAINT"]


async def test_somebody_without_a_nik_is_not_recorded(banyumas: Caller, trail: Trail) -> None:
    person = await trail.owner.fetchval(
        "select id from person where regency_id = $1 and nik_sealed is null limit 1", BANYUMAS.id
    )
    before = await trail.length()
    answer = await banyumas.query(PERSON, id=f"Person:{BANYUMAS.id}:{person}", purpose="AUDIT")
    assert answer == {"person": {"nikRevealed": None}}
    assert await trail.length() == before


async def test_without_the_permission_nothing_is_read_and_nothing_recorded(
    province: Caller, trail: Trail, statements: Statements
) -> None:
    person = await somebody(trail.owner, BANYUMAS.id)
    await province.query("{ me { permissions } }")
    before = await trail.length()
    await statements.forget()
    codes = await province.codes(PERSON, id=f"Person:{BANYUMAS.id}:{person['id']}", purpose="AUDIT")
    assert codes == ["NOT_PERMITTED"]
    assert await statements.sent() == []
    assert await trail.length() == before


async def test_without_a_purpose_nothing_is_revealed(banyumas: Caller, trail: Trail) -> None:
    before = await trail.length()
    for document in (
        "{ persons { nodes { nikRevealed } } }",
        "{ persons { nodes { nikRevealed(purpose: null) } } }",
        "{ persons { nodes { nikRevealed(purpose: CURIOSITY) } } }",
    ):
        assert await banyumas.codes(document) == ["GRAPHQL_VALIDATION_FAILED"]
    assert await banyumas.codes(PERSON, id="Person:3302:0", purpose="CURIOSITY") == ["BAD_USER_INPUT"]
    assert await trail.length() == before


async def test_the_numbers_of_a_neighbour_are_null_and_nobody_is_recorded(banyumas: Caller, trail: Trail) -> None:
    person = await somebody(trail.owner, CILACAP.id)
    before = await trail.length()
    answer = await banyumas.query(PERSON, id=f"Person:{CILACAP.id}:{person['id']}", purpose="AUDIT")
    assert answer == {"person": None}
    assert await trail.length() == before


async def test_rows_that_are_seen_but_lie_outside_the_reach_of_the_permission_stay_sealed(
    api_client: ApiClient, trail: Trail
) -> None:
    caller = await api_client.granted((Role.PROVINCE_OFFICER, "33"), (Role.DUKCAPIL_OFFICER, BANYUMAS.district(1)))
    response = await caller.post(
        "{ persons(first: 100) { nodes { id nik nikRevealed(purpose: CIVIL_REGISTRY_MATCHING) village { code } } } }"
    )
    people = response.json()["data"]["persons"]["nodes"]
    outside = [person for person in people if not person["village"]["code"].startswith(BANYUMAS.district(1))]
    assert any(person["nik"] for person in outside)
    assert not any(person["nikRevealed"] for person in outside)
    recorded = {event["village_low"] // 10_000 for event in await trail.of(response.headers["x-request-id"])}
    assert recorded <= {330201}


@pytest.mark.filterwarnings("error")
async def test_an_answer_that_is_refused_as_a_whole_reveals_nothing_and_leaves_nothing_running(
    banyumas: Caller, trail: Trail
) -> None:
    document = """{ persons(first: 5) { nodes { nikRevealed(purpose: AUDIT) } }
      registrySummary(region: "98.76", by: REGENCY) { total { persons } } }"""
    before = await trail.length()
    answer = await banyumas.answer(document)
    gc.collect()
    assert answer["data"] is None
    assert await trail.length() == before
