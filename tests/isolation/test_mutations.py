"""What mutations could reach: nothing of a neighbour, be it known by its id or by its code."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from graphql import GraphQLField, GraphQLInputObjectType, GraphQLObjectType, GraphQLUnionType, get_named_type
from uuid_utils.compat import uuid7

from app.authz.roles import Role
from app.domain.registry.service import load_editions
from app.schema.root import api
from app.settings import Settings
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader
from tests.architecture.tables import TENANT, WALLED
from tests.isolation.walking import reachable_types
from tests.support.client import ApiClient, Caller, Json, api_of
from tests.support.world import BANYUMAS, CILACAP, Regency, connected

if TYPE_CHECKING:
    import asyncpg

SCHEMA: Final = api().planner.blueprint.schema
_GIVE: Final = "mutation($i: GrantGiveInput!) { grantGive(input: $i) { ... on GrantGiven { grant { id } } } }"


@dataclass(frozen=True, slots=True)
class Aim:
    """What an input names: a regency by its code, and things there by their ids."""

    code: str
    grant: str
    """A grant that is proposed."""
    upload: str
    """A file that the caller has sent."""
    import_: str
    """An import that waits for a decision."""
    duplicate: str
    """A probable duplicate in it."""
    job: str
    """A job that waits."""
    export: str
    """An export of whoever asks."""


NOWHERE: Final = Aim(
    "33.98",
    grant=f"PrincipalGrant:{uuid4()}",
    upload=str(uuid4()),
    import_=f"Import:3301:{uuid4()}",
    duplicate=f"ImportDuplicate:3301:{uuid4()}",
    job=f"Job:3301:{uuid4()}",
    export=f"Export:3301:{uuid4()}",
)


def _giving(aim: Aim) -> Json:
    return {
        "subject": str(uuid4()),
        "name": "Sari",
        "role": "REGENCY_VERIFIER",
        "region": aim.code,
        "validTo": "2026-12-31T00:00:00Z",
        "reason": "Uji",
    }


INPUTS: Final[dict[str, Callable[[Aim], Json]]] = {
    "grantGive": _giving,
    "grantConfirm": lambda aim: {"id": aim.grant},
    "grantRevoke": lambda aim: {"id": aim.grant, "reason": "Uji"},
    "exportDelete": lambda aim: {"id": aim.export},
    "civilRegistryMatchingStart": lambda aim: {"region": aim.code, "idempotencyKey": str(uuid4())},
    "importStart": lambda aim: {
        "idempotencyKey": str(uuid4()),
        "uploadId": aim.upload,
        "format": "KESOS_CSV",
        "region": aim.code,
        "edition": "DTSEN:2026-Q3",
    },
    "importApply": lambda aim: {"id": aim.import_, "version": 1},
    "importCheck": lambda aim: {"id": aim.import_},
    "importDiscard": lambda aim: {"id": aim.import_},
    "jobCancel": lambda aim: {"id": aim.job},
    "importDuplicateDecide": lambda aim: {"id": aim.duplicate, "decision": "SAME_PERSON"},
}
"""How each mutation is aimed. Whoever adds a mutation says here how it could reach a neighbour."""
NAMELESS: Final = {"exportStart"}
"""Mutations that name no thing of anybody. What an export holds is what a query shows; ``tests/exports`` looks for neighbours in it."""


@pytest_asyncio.fixture(scope="module")
async def writable(api_settings: Settings, server: DatabaseServer) -> AsyncIterator[ApiClient]:
    """The API over the database in which tests may write."""
    async with open_loader(server) as loader:
        await load_editions(loader)
    # Nobody answers there, and nobody works on what is started.
    asking = api_settings.model_copy(update={"dukcapil_url": "http://127.0.0.1:9"})
    async with api_of(asking, server) as client:
        yield client


@pytest_asyncio.fixture(scope="module")
async def administrator(server: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    async with connected(server) as connection:
        yield connection


def mutations() -> dict[str, GraphQLField]:
    assert SCHEMA.mutation_type is not None
    return dict(SCHEMA.mutation_type.fields)


def members_of(field: GraphQLField) -> list[GraphQLObjectType]:
    """The types of what a mutation may answer."""
    union = get_named_type(field.type)
    assert isinstance(union, GraphQLUnionType)
    return list(union.types)


def document(name: str) -> str:
    """The mutation, with all leaves of all that it may answer but ids and moments, which are new each time."""
    field = mutations()[name]
    members = members_of(field)
    input_type = field.args["input"].type
    selected = " ".join(f"... on {member.name} {{ {' '.join(_leaves(member))} }}" for member in members)
    return f"mutation($i: {input_type}) {{ answer: {name}(input: $i) {{ __typename {selected} }} }}"


def _leaves(type_: GraphQLObjectType) -> list[str]:
    return [
        name if not isinstance(get_named_type(field.type), GraphQLObjectType) else f"{name} {{ __typename }}"
        for name, field in type_.fields.items()
    ]


async def proposal(client: ApiClient, regency: Regency) -> str:
    """A grant that waits in ``regency``."""
    giving = _giving(replace(NOWHERE, code=regency.code)) | {"role": "REGENCY_APPROVER"}
    admin = await client.as_(Role.REGENCY_ADMIN, regency.code)
    grant: str = (await admin.query(_GIVE, i=giving))["grantGive"]["grant"]["id"]
    return grant


_UPLOAD: Final = """
insert into upload (regency_id, id, village_low, village_high, region_id, principal_id, name, size, sha256, kind, expires_at)
values ($1::int, $2, $3, $4, $1::int, $5, 'berkas', 1, sha256('x'), 'CSV', now() + interval '1 hour')
"""
_IMPORT: Final = """
insert into registry_import (regency_id, id, village_low, village_high, region_id, upload_id, idempotency_key, format, mode, edition_id,
  stage, persons_accepted, created_by, created_by_name)
select regency_id, $2, village_low, village_high, region_id, id, $2, 'KESOS_CSV', 'ADDITION', (select min(id) from registry_edition),
  'VALIDATED', 1, principal_id, 'Uji' from upload where id = $1
"""
_DUPLICATE: Final = """
insert into import_duplicate (regency_id, id, village_low, village_high, import_id, line, other_line, score)
select regency_id, $2, village_low, village_high, id, 1, 2, 90 from registry_import where id = $1
"""
_EXPORT: Final = """
insert into export (regency_id, id, village_low, village_high, principal_id, idempotency_key, job_id, format, root_field, operation,
  document_hash, request_digest, request_sealed, expires_at)
select regency_id, id, village_low, village_high, created_by, id, $2, 'CSV', 'families', '', sha256('x'),
  decode(repeat('00', 16), 'hex'), 'x', now() + interval '1 hour' from registry_import where id = $1
"""
_JOB: Final = """
insert into job (regency_id, id, village_low, village_high, kind, subject_id, principal_id, principal_name)
select regency_id, $2, village_low, village_high, 'IMPORT_APPLY', id, created_by, created_by_name from registry_import where id = $1
"""


async def aim_at(
    regency: Regency,
    caller: Caller,
    client: ApiClient,
    administrator: "asyncpg.Connection[asyncpg.Record]",
) -> Aim:
    """Things in ``regency``: an upload of ``caller``, and an import of that."""
    principal = UUID((await caller.query("{ me { principal { id } } }"))["me"]["principal"]["id"])
    # What earlier tests have left begun would stand in the way.
    await administrator.execute("update registry_import set stage = 'DISCARDED' where regency_id = $1", regency.id)
    upload, started, duplicate, job = (UUID(int=uuid7().int) for _ in range(4))
    low, high = regency.path.villages.low, regency.path.villages.high
    await administrator.execute(_UPLOAD, regency.id, upload, low, high, principal)
    await administrator.execute(_IMPORT, upload, started)
    await administrator.execute(_DUPLICATE, started, duplicate)
    await administrator.execute(_JOB, started, job)
    await administrator.execute(_EXPORT, started, job)
    return Aim(
        regency.code,
        grant=await proposal(client, regency),
        upload=str(upload),
        import_=f"Import:{regency.id}:{started}",
        duplicate=f"ImportDuplicate:{regency.id}:{duplicate}",
        job=f"Job:{regency.id}:{job}",
        export=f"Export:{regency.id}:{started}",
    )


async def state(administrator: "asyncpg.Connection[asyncpg.Record]", regency: Regency) -> list[str | None]:
    """A digest of every row of ``regency``; what is in the audit trail tells of the attempts themselves."""
    low, high = regency.path.villages.low, regency.path.villages.high
    digests = []
    for table in sorted(TENANT | WALLED - {"audit_event"}):
        inside = (
            "village_low >= $1 and village_high <= $2"
            if table in WALLED
            else "regency_id between $1::bigint / 1000000 and $2::bigint / 1000000"
        )
        digest = f"select md5(string_agg(t::text, '' order by t::text)) from {table} t where {inside}"  # noqa: S608  (a test's own words)
        digests.append(await administrator.fetchval(digest, low, high))
    return digests


async def answer(caller: Caller, name: str, aim: Aim) -> Json:
    found: Json = (await caller.query(document(name), i=INPUTS[name](aim)))["answer"]
    return found


def test_every_mutation_is_covered() -> None:
    assert set(mutations()) == set(INPUTS) | NAMELESS
    for field in mutations().values():
        assert isinstance(get_named_type(field.args["input"].type), GraphQLInputObjectType)


def test_what_mutations_answer_is_walked_below_queries_but_for_what_tells_how_they_went() -> None:
    """A payload may hold rows of a neighbour only through types that the walk of queries visits."""
    by_query = reachable_types(SCHEMA, "Query")
    beyond = {name for name in reachable_types(SCHEMA, "Mutation") if name not in by_query}
    members = {member.name for field in mutations().values() for member in members_of(field)}
    assert beyond == members | {"Mutation"}


@pytest.mark.parametrize("name", sorted(INPUTS))
async def test_a_neighbours_thing_is_refused_exactly_like_one_that_is_not_there(
    writable: ApiClient, administrator: "asyncpg.Connection[asyncpg.Record]", name: str
) -> None:
    banyumas = await writable.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    foreign = await aim_at(CILACAP, banyumas, writable, administrator)
    before = await state(administrator, CILACAP)
    refused = await answer(banyumas, name, foreign)
    assert refused["__typename"] in {"InvalidInput", "NotFound"}
    unknown = await answer(banyumas, name, NOWHERE)
    assert str(refused).replace(foreign.code, NOWHERE.code) == str(unknown)
    assert await state(administrator, CILACAP) == before


@pytest.mark.parametrize("name", sorted(INPUTS))
async def test_the_same_input_does_something_for_whoever_may(
    writable: ApiClient, administrator: "asyncpg.Connection[asyncpg.Record]", name: str
) -> None:
    ministry = await writable.as_(Role.MINISTRY_ADMIN)
    aim = await aim_at(CILACAP, ministry, writable, administrator)
    before = await state(administrator, CILACAP)
    done = await answer(ministry, name, aim)
    assert done["__typename"] not in {"InvalidInput", "NotFound", "Conflict", "Refused"}
    assert await state(administrator, CILACAP) != before
