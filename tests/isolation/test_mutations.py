"""What mutations could reach: nothing of a neighbour, be it known by its id or by its code."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import pytest
import pytest_asyncio
from graphql import GraphQLField, GraphQLInputObjectType, GraphQLObjectType, GraphQLUnionType, get_named_type

from app.authz.roles import Role
from app.schema.root import api
from app.settings import Settings
from app.tenants.server import DatabaseServer
from tests.architecture.tables import TENANT, WALLED
from tests.isolation.walking import reachable_types
from tests.support.client import ApiClient, Caller, Json, api_of
from tests.support.world import BANYUMAS, CILACAP, Regency, connected

if TYPE_CHECKING:
    import asyncpg

SCHEMA: Final = api().planner.blueprint.schema
NOWHERE: Final = "33.98"
_GIVE: Final = "mutation($i: GrantGiveInput!) { grantGive(input: $i) { ... on GrantGiven { grant { id } } } }"


@dataclass(frozen=True, slots=True)
class Aim:
    """What an input names: a regency by its code, and a proposed grant there by its id."""

    code: str
    grant: str


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
}
"""How each mutation is aimed. Whoever adds a mutation says here how it could reach a neighbour."""


@pytest_asyncio.fixture(scope="module")
async def writable(api_settings: Settings, server: DatabaseServer) -> AsyncIterator[ApiClient]:
    """The API over the database in which tests may write."""
    async with api_of(api_settings, server) as client:
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
    giving = _giving(Aim(regency.code, "")) | {"role": "REGENCY_APPROVER"}
    admin = await client.as_(Role.REGENCY_ADMIN, regency.code)
    grant: str = (await admin.query(_GIVE, i=giving))["grantGive"]["grant"]["id"]
    return grant


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
    assert set(mutations()) == set(INPUTS)
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
    foreign = Aim(CILACAP.code, await proposal(writable, CILACAP))
    nowhere = Aim(NOWHERE, f"PrincipalGrant:{uuid4()}")
    banyumas = await writable.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    before = await state(administrator, CILACAP)
    refused = await answer(banyumas, name, foreign)
    assert refused["__typename"] in {"InvalidInput", "NotFound"}
    unknown = await answer(banyumas, name, nowhere)
    assert str(refused).replace(foreign.code, nowhere.code) == str(unknown)
    assert await state(administrator, CILACAP) == before


@pytest.mark.parametrize("name", sorted(INPUTS))
async def test_the_same_input_does_something_for_whoever_may(
    writable: ApiClient, administrator: "asyncpg.Connection[asyncpg.Record]", name: str
) -> None:
    aim = Aim(CILACAP.code, await proposal(writable, CILACAP))
    before = await state(administrator, CILACAP)
    done = await answer(await writable.as_(Role.MINISTRY_ADMIN), name, aim)
    assert done["__typename"] not in {"InvalidInput", "NotFound", "Conflict", "Refused"}
    assert await state(administrator, CILACAP) != before
