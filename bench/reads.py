"""What front-ends read, beside the most that the database gives for it: ``python -m bench --only reads``.

Each read is asked of Kesos over HTTP with a token; of a bare endpoint that runs the very statement that Kesos sends, by asyncpg; and of
PostgreSQL by pgbench of that statement.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice, repeat
from typing import Any, Final

from app.authz.authentication import Authenticator
from app.authz.authorize import Access
from app.authz.enforcer import load_role_matrix
from app.authz.roles import Role
from app.domain.registry.sealing import Seal
from app.schema.plan.arguments import Caller
from app.schema.root import api
from app.settings import Settings
from app.tenants.server import DatabaseServer
from app.tenants.session import Database
from bench.cpu import Meter
from bench.entitled import with_entitlements
from bench.load import Load, http_request
from bench.pgbench import pgbench_statement
from bench.results import Plan, Row
from bench.rounds import Begun, Contender, in_turn, over_http
from bench.stage import PROVINCE, Served, bare_served, kesos_served, tokens_of

PAGE: Final = """
query Page($first: Int!) {
  families(first: $first) {
    nodes {
      id headName kk decile status rt rw
      village { code name }
      regency { code name }
      members { id name nik relationship sex birthDate identityStatus }
      ranks { scheme decile rankedOn }
    }
  }
}
"""
DETAIL: Final = """
query Detail($id: ID!) {
  family(id: $id) {
    id headName kk decile status address hamlet rt rw latitude longitude
    village { code name } district { code name } regency { code name }
    members { id name nik relationship sex birthDate identityStatus }
    ranks { scheme decile rankedOn }
    entitlements(first: 10) { nodes { id programmeCode period amount step } pageInfo { hasNextPage } }
  }
}
"""
SUMMARY: Final = """
query Province($region: String!) {
  registrySummary(region: $region, by: REGENCY) {
    total { families persons familiesByDecile { decile families } personsByAge { band sex persons } }
    rows { region { code name } counts { families persons familiesByDecile { decile families } } }
  }
}
"""
SEARCH: Final = """
query Search($search: String!) {
  families(first: 25, filter: {search: $search}) {
    nodes { id headName kk decile village { code name } regency { code name } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
REFETCH: Final = """
query Refetch($id: ID!) {
  node(id: $id) { __typename id ... on Family { headName kk decile status village { code name } } }
}
"""
PAGE_SIZE: Final = 50
CONNECTIONS: Final = (1, 16, 64)
SHARED: Final = 16
"""With so many connections a second worker is measured, too."""
LIMIT: Final = "pgbench of the statement"
_SAMPLED: Final = 64
# Any families, but the same in every run: their ids are as good as chosen by chance.
_SAMPLE: Final = "select regency_id, id, head_name from family order by md5(id::text) limit $1"


@dataclass(frozen=True, slots=True)
class Read:
    """A document, its variables, which take turns, and what a good answer holds."""

    what: str
    document: str
    variables: Sequence[dict[str, Any]]
    expected: bytes

    def requests(self, url: str, tokens: Sequence[str]) -> list[Iterator[bytes]]:
        """Requests without end of each who has one of ``tokens``; they begin at different variables."""
        bodies = [{"query": self.document, "variables": each} for each in self.variables]
        written = ([http_request(url, body, token) for body in bodies] for token in tokens)
        return [islice(cycle(requests), at % len(bodies), None) for at, requests in enumerate(written)]


@dataclass(frozen=True, slots=True)
class Statement:
    """The statement that a document compiles to, with its arguments for one principal: a list for each of the variables."""

    text: str
    arguments: list[list[Any]]


async def reads_of(server: DatabaseServer) -> list[Read]:
    """The reads that are measured, about families that are there."""
    owner = await server.admin.connect()
    try:
        sample = await owner.fetch(_SAMPLE, _SAMPLED)
    finally:
        await owner.close()
    ids = [{"id": f"Family:{row['regency_id']}:{row['id']}"} for row in sample]
    names = [str(row["head_name"]).lower() for row in sample]
    return [
        Read("page of 50 families", PAGE, [{"first": PAGE_SIZE}], b'"nodes":[{'),
        Read("family by id", DETAIL, ids, b'"family":{"id"'),
        Read("province by regency", SUMMARY, [{"region": PROVINCE.code}], b'"total":{'),
        Read("search by a first name", SEARCH, [{"search": name.split()[0]} for name in names], b'"nodes":[{'),
        Read("search by a whole name", SEARCH, [{"search": name} for name in names], b'"nodes":[{'),
        Read("node by id", REFETCH, ids, b'"node":{"__typename":"Family"'),
    ]


async def statement_of(settings: Settings, server: DatabaseServer, token: str, read: Read) -> Statement:
    """What Kesos sends to PostgreSQL for ``read``."""
    (access,) = await accesses(settings, server, [token])
    planner = api().planner
    document = planner.document(read.document)
    if isinstance(document, list):
        raise TypeError(f"the document is not valid: {document}")
    operation = next(iter(document.operations.values()))
    caller = Caller(access, Seal.of_settings(settings), frozenset())
    text, arguments = "", []
    for given in read.variables:
        variables = planner.variables(operation, given)
        if isinstance(variables, list):
            raise TypeError(f"the variables are not valid: {variables}")
        plan = planner.plan(operation, variables, access)
        statement = plan.statement(tuple(plan.roots))
        text = statement.text
        arguments.append([*plan.scope(access).settings, *statement.bind(variables.coerced, caller)])
    return Statement(text, arguments)


async def accesses(settings: Settings, server: DatabaseServer, tokens: Sequence[str]) -> list[Access]:
    """What those who have ``tokens`` may do."""
    database = Database(server.app, read_pool_size=1, write_pool_size=1)
    await database.open()
    try:
        authenticator = Authenticator.of_settings(settings, database, load_role_matrix())
        return [await authenticator.authenticate(token) for token in tokens]
    finally:
        await database.close()


async def measure(settings: Settings, server: DatabaseServer, plan: Plan) -> list[Row]:
    """Every read with every number of connections, by all sides in turn."""
    await with_entitlements(server)
    tokens = await tokens_of(settings, server, Role.PROVINCE_OFFICER, PROVINCE, max(CONNECTIONS))
    meter = Meter(settings)
    rows = []
    async with kesos_served(settings) as one, kesos_served(settings, workers=2) as two:
        for read in await reads_of(server):
            statement = await statement_of(settings, server, tokens[0], read)
            async with bare_served(server, statement.text, statement.arguments) as bare:
                for connections in CONNECTIONS:
                    contenders = [kesos_reads(read, one, tokens[:connections], "one worker")]
                    if connections == SHARED:
                        contenders.append(kesos_reads(read, two, tokens[:connections], "two workers"))
                    contenders += [
                        over_http("bare Starlette + asyncpg", bare, partial(_bare_requests, bare, connections)),
                        Contender(LIMIT, partial(_pgbench, server, statement, connections)),
                    ]
                    title = f"{read.what}, {connections} connections"
                    rows.append(Row(read.what, await in_turn(plan, meter, contenders, what=title), connections, LIMIT))
    return rows


def kesos_reads(read: Read, kesos: Served, tokens: Sequence[str], how: str) -> Contender:
    """Kesos, which answers ``read`` to all who have ``tokens``, each on a connection of its own."""
    requests = partial(read.requests, kesos.url, tokens)
    return over_http(f"Kesos, {how}", kesos, requests, expected=read.expected)


def _bare_requests(bare: Served, connections: int) -> list[Iterator[bytes]]:
    return [repeat(http_request(bare.url)) for _ in range(connections)]


async def _pgbench(server: DatabaseServer, statement: Statement, clients: int, seconds: float, begun: Begun) -> Load:
    return await pgbench_statement(
        server, statement.text, statement.arguments, clients=clients, seconds=seconds, begun=begun
    )
