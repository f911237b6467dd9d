"""A mutation that is one function of the database: planned, or done by the stock executor, it does and says the same."""

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import pytest
import pytest_asyncio
import strawberry
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from uuid_utils.compat import uuid7

import app.main
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.domain.audit.models import audit_event
from app.domain.base import Conflict, DomainError
from app.main import create_app
from app.schema.audit import AuditEvent
from app.schema.calling import called
from app.schema.mutations import Refusal, UserError, answered, telling
from app.schema.plan.source import Call, Outcome
from app.schema.root import Mutation, api_with
from app.schema.subscriptions import Subscription
from app.settings import Settings
from app.tenants.server import DatabaseServer
from tests.support.client import ApiClient, Caller, Json, served
from tests.support.world import BANYUMAS, CILACAP, clone, connected, drop, named

if TYPE_CHECKING:
    import asyncpg

_DIALECT: Any = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # SQLAlchemy's dialects are not typed
_NAMES = ", ".join(f"found_.{each.name}" for each in audit_event.c)
_ROW = ", ".join(f"{each.name} {each.type.compile(_DIALECT)}" for each in audit_event.c)
# What a real one does, in little: it looks for the key, checks a rule, writes, and returns the row. The id of an event is its key.
_FUNCTION = f"""
create function note_event(item jsonb, actor jsonb)
returns table (outcome text, detail jsonb, {_ROW}) language plpgsql as $$
#variable_conflict use_column
declare
  found_ audit_event;
begin
  outcome := 'REPEATED';
  select * into found_ from audit_event e where e.regency_id = (item->>'regency')::int and e.id = (item->>'id')::uuid;
  if found_.id is null and length(item->>'words') > 10 then
    return query select 'TOO_LONG', '{{"longest": 10}}'::jsonb, {_NAMES};
    return;
  end if;
  if found_.id is null then
    perform 1 / length(item->>'words');
    outcome := 'NOTED';
    insert into audit_event (regency_id, id, village_low, village_high, action, principal_id, roles, permission, operation,
      document_hash, subject_type, subject_ids, row_count, request_id)
    select (item->>'regency')::int, (item->>'id')::uuid, v.low, v.low, a.action, a.principal_id, a.roles, a.permission,
      a.operation, decode(a.document_hash, 'hex'), a.subject_type || ': ' || (item->>'words'), array[(item->>'id')::uuid],
      a.row_count, a.request_id
    from (select (item->>'regency')::bigint * 1000000 + 12001 as low) v,
      jsonb_to_record(actor) as a(action text, principal_id uuid, roles text[], permission text, operation text,
        document_hash text, subject_type text, row_count int, request_id text)
    returning * into found_;
  end if;
  return query select outcome, null::jsonb, {_NAMES};
end
$$
"""  # noqa: S608  (our own words)


class NoteTooLong(DomainError):
    code = "NOTE_TOO_LONG"

    def __init__(self, longest: int) -> None:
        super().__init__(f"Paling panjang {longest} huruf.", f"At most {longest} letters.")
        self.longest = longest


class NoteEmpty(Conflict):
    code = "NOTE_EMPTY"

    def __init__(self) -> None:
        super().__init__("Kosong.", "Empty.")


@telling(NoteTooLong)
@strawberry.type(description="The note is too long.")
class TooLong(UserError):
    longest: int = strawberry.field(description="Most letters.")


@strawberry.type(description="The note is kept.")
class EventNoted:
    key: strawberry.Private[tuple[Any, ...]]
    repeated: bool = strawberry.field(description="Whether it was there.")
    event: AuditEvent | None = answered("key", description="The event.")


EventNoteResult: TypeAlias = Annotated[EventNoted | TooLong | Refusal, strawberry.union("EventNoteResult")]


@strawberry.input(description="A note.")
class EventNoteInput:
    id: strawberry.ID = strawberry.field(description="Key.")
    regency: int = strawberry.field(default=BANYUMAS.id, description="Where.")
    words: str = strawberry.field(description="What.")


def _item(given: Mapping[str, Any]) -> dict[str, Any]:
    if given["words"] == " ":
        raise NoteEmpty
    return {"id": given["id"], "regency": given["regency"], "words": given["words"]}


def _done(outcome: Outcome) -> EventNoted:
    if outcome.code == "TOO_LONG":
        raise NoteTooLong(outcome.detail["longest"])
    return EventNoted(key=outcome.key, repeated=outcome.code == "REPEATED")


@strawberry.type
class _Noting(Mutation):
    event_note: EventNoteResult | None = called(
        Call("note_event", Permission.AUDIT_EVENT_READ, "AuditEvent", _item, _done),
        input=EventNoteInput,
        description="Keeps a note.",
    )


PLANNED = """
mutation Note($input: EventNoteInput!, $slow: Boolean = false) {
  noted: eventNote(input: $input) {
    __typename
    ... on EventNoted { repeated event { key: id action regionCode principalId roles permission operation
      documentHash subjectType subjectIds rowCount requestId proof: inclusionProof @include(if: $slow) } }
    ... on TooLong { longest code }
    ... on UserError { message }
  }
}
"""


@pytest_asyncio.fixture(scope="module")
async def noting(api_settings: Settings, alone: DatabaseServer) -> AsyncIterator[ApiClient]:
    """The API over a database of its own, with a mutation more."""
    server = named(alone, "calls")
    await clone(alone, server)
    try:
        async with connected(server) as owner:
            await owner.execute(_FUNCTION)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(app.main, "api", lambda: api_with(Subscription, _Noting))
            application = create_app(api_settings, server)
        async with served(application) as http:
            yield ApiClient(http, server, api_settings)
    finally:
        await drop(server)


@pytest_asyncio.fixture
async def events(noting: ApiClient, alone: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    assert noting
    async with connected(named(alone, "calls")) as owner:
        yield owner


@pytest_asyncio.fixture
async def officer(noting: ApiClient) -> Caller:
    return await noting.as_(Role.REGENCY_ADMIN, BANYUMAS.code)


def note(words: str, **further: Any) -> Json:
    return {"input": {"id": str(uuid7()), "words": words, **further}}


async def both(caller: Caller, variables: Json) -> tuple[Json, Json]:
    """What the plan answers, and then the stock executor, which is needed where a proof is asked for."""
    planned = (await caller.post(PLANNED, variables)).json()
    stock = (await caller.post(PLANNED, {**variables, "slow": True})).json()
    return planned, stock


async def test_a_planned_mutation_is_one_statement_and_prints_the_row_that_it_wrote(
    officer: Caller, events: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    given = note("pasar")
    noted = (await officer.query(PLANNED, **given))["noted"]
    assert (noted["__typename"], noted["repeated"]) == ("EventNoted", False)
    row = await events.fetchrow("select * from audit_event where id = $1", given["input"]["id"])
    assert row is not None
    assert noted["event"] == {
        "key": f"AuditEvent:{BANYUMAS.id}:{row['id']}",
        "action": "CHANGE",
        "regionCode": "33.02.01.2001",
        "principalId": str(row["principal_id"]),
        "roles": ["REGENCY_ADMIN"],
        "permission": "audit:event:read",
        "operation": "eventNote",
        "documentHash": row["document_hash"].hex(),
        "subjectType": "AuditEvent: pasar",
        "subjectIds": [str(row["id"])],
        "rowCount": 1,
        "requestId": row["request_id"],
    }
    assert list(noted) == ["__typename", "repeated", "event"]


async def test_the_stock_executor_answers_the_same(officer: Caller) -> None:
    given = note("beras")
    first = await officer.query(PLANNED, **given)
    planned, stock = await both(officer, given)
    assert stock["data"]["noted"]["event"].pop("proof") is None
    assert planned["data"] == stock["data"]
    assert first["noted"]["event"] == planned["data"]["noted"]["event"]
    assert planned["data"]["noted"]["repeated"] is True


async def test_whichever_comes_first_has_written_it(officer: Caller) -> None:
    given = note("telur")
    stock = await officer.query(PLANNED, **given, slow=True)
    planned = await officer.query(PLANNED, **given)
    assert (stock["noted"]["repeated"], planned["noted"]["repeated"]) == (False, True)
    del stock["noted"]["event"]["proof"]
    assert stock["noted"]["event"] == planned["noted"]["event"]


@pytest.mark.parametrize(("words", "refusal"), [("terlalu panjang", "TooLong"), (" ", "Conflict")])
async def test_refusals_are_members_of_the_union_either_way(
    officer: Caller, events: "asyncpg.Connection[asyncpg.Record]", words: str, refusal: str
) -> None:
    before = await events.fetchval("select count(*) from audit_event")
    planned, stock = await both(officer, note(words))
    assert planned["data"] == stock["data"]
    told = {"TooLong": {"longest": 10, "code": "NOTE_TOO_LONG", "message": "Paling panjang 10 huruf."}}
    assert planned["data"]["noted"] == {"__typename": refusal, **told.get(refusal, {"message": "Kosong."})}
    assert await events.fetchval("select count(*) from audit_event") == before


async def test_a_refusal_speaks_the_language_of_its_caller(officer: Caller) -> None:
    response = await officer.post(PLANNED, note("terlalu panjang"), accept_language="en")
    assert response.json()["data"]["noted"]["message"] == "At most 10 letters."


async def test_a_fault_is_told_at_its_field_and_hides_its_cause_either_way(officer: Caller) -> None:
    planned, stock = await both(officer, note(""))
    for answer in (planned, stock):
        assert answer["data"] == {"noted": None}
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "INTERNAL_ERROR"
        assert error["path"] == ["noted"]
        assert "zero" not in error["message"]
    assert planned["errors"][0]["locations"] == stock["errors"][0]["locations"]


async def test_who_may_not_is_refused_before_anything_is_done_and_that_is_kept(
    noting: ApiClient, events: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    stranger = await noting.as_(Role.PSM, BANYUMAS.code)
    given = note("pasar")
    answer = await stranger.answer(PLANNED, **given)
    assert answer["data"] == {"noted": None}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["NOT_PERMITTED"]
    assert await events.fetchval("select count(*) from audit_event where id = $1", given["input"]["id"]) == 0
    kept = await events.fetchrow("select action, permission from audit_event order by id desc limit 1")
    assert kept is not None
    assert tuple(kept) == ("REFUSAL", "audit:event:read")


async def test_the_second_wall_stands_behind_it(officer: Caller, events: "asyncpg.Connection[asyncpg.Record]") -> None:
    given = note("pasar", regency=CILACAP.id)
    planned, stock = await both(officer, given)
    assert planned["data"] == stock["data"] == {"noted": None}
    assert planned["errors"][0]["extensions"]["code"] == stock["errors"][0]["extensions"]["code"] == "INTERNAL_ERROR"
    assert await events.fetchval("select count(*) from audit_event where id = $1", given["input"]["id"]) == 0


async def test_two_calls_of_one_document_run_one_after_the_other(officer: Caller) -> None:
    document = """mutation($input: EventNoteInput!) {
      one: eventNote(input: $input) { ... on EventNoted { repeated } }
      two: eventNote(input: $input) { ... on EventNoted { repeated } }
    }"""
    answer = await officer.query(document, **note("dua"))
    assert answer == {"one": {"repeated": False}, "two": {"repeated": True}}


async def test_input_may_stand_in_the_document_and_leave_out_what_has_a_default(officer: Caller) -> None:
    document = """mutation($id: ID!, $words: String!) {
      eventNote(input: {id: $id, words: $words}) { ... on EventNoted { event { subjectType } } }
    }"""
    answer = await officer.query(document, id=str(uuid7()), words="jagung")
    assert answer == {"eventNote": {"event": {"subjectType": "AuditEvent: jagung"}}}


async def test_an_alias_that_is_no_name_of_a_column_is_printed_all_the_same(officer: Caller) -> None:
    long = "an_alias_that_no_column_of_any_table_could_bear_for_its_length_1"
    document = f"""mutation($input: EventNoteInput!) {{
      {long}: eventNote(input: $input) {{ ... on EventNoted {{ {long}: event {{ {long}: rowCount }} again: event {{ action }} }} }}
    }}"""
    answer = await officer.query(document, **note("garam"))
    assert answer == {long: {long: {long: 1}, "again": {"action": "CHANGE"}}}
