"""A page of 50 families with village, regency, members and ranks: Kesos beside a bare endpoint beside pgbench."""

from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from rich.progress import Progress

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
from bench.load import http_request, run_load
from bench.pgbench import pgbench_rate
from bench.stage import PROVINCE, bare_process, kesos_process, token_of

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
PAGE_SIZE: Final = 50


@dataclass(slots=True)
class Side:
    """One competitor and its rates, in requests per second, one for each round."""

    name: str
    rates: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The figure to quote."""
        return median(self.rates)

    @property
    def spread(self) -> str:
        """Slowest and fastest round."""
        return f"{min(self.rates):,.0f}-{max(self.rates):,.0f}"


@dataclass(frozen=True, slots=True)
class Statement:
    """The statement that the page compiles to, with its arguments for one principal."""

    text: str
    arguments: list[Any]


async def statement_of_page(settings: Settings, server: DatabaseServer, token: str) -> Statement:
    """What Kesos sends to PostgreSQL for the page."""
    access = await _access(settings, server, token)
    planner = api().planner
    document = planner.document(PAGE)
    if isinstance(document, list):
        raise TypeError(f"the page is not valid: {document}")
    operation = next(iter(document.operations.values()))
    variables = planner.variables(operation, {"first": PAGE_SIZE})
    if isinstance(variables, list):
        raise TypeError(f"the variables are not valid: {variables}")
    plan = planner.plan(operation, variables, access)
    statement = plan.statement(tuple(plan.roots))
    caller = Caller(access, Seal.of_settings(settings), frozenset())
    return Statement(statement.text, [*plan.scope(access).settings, *statement.bind(variables.coerced, caller)])


async def _access(settings: Settings, server: DatabaseServer, token: str) -> Access:
    database = Database(server.app, read_pool_size=1, write_pool_size=1)
    await database.open()
    try:
        return await Authenticator.of_settings(settings, database, load_role_matrix()).authenticate(token)
    finally:
        await database.close()


async def compare(
    settings: Settings, server: DatabaseServer, *, connections: int, rounds: int, seconds: int
) -> list[Side]:
    """Rates of the three sides, taken in turn in every round so that a slow minute hits all of them."""
    token = await token_of(settings, server, Role.PROVINCE_OFFICER, PROVINCE)
    statement = await statement_of_page(settings, server, token)
    kesos, bare, limit = (
        Side("Kesos: GraphQL, JWT, RLS"),
        Side("bare Starlette + asyncpg"),
        Side("pgbench of the statement"),
    )
    asked = {"query": PAGE, "variables": {"first": PAGE_SIZE}}
    async with (
        kesos_process(settings) as kesos_url,
        bare_process(server, statement.text, statement.arguments) as bare_url,
    ):
        kesos_request, bare_request = http_request(kesos_url, asked, token), http_request(bare_url)
        for url, request in ((kesos_url, kesos_request), (bare_url, bare_request)):
            await run_load(url, request, connections=connections, seconds=1)
        with Progress() as progress:
            task = progress.add_task(f"{connections} connections", total=rounds)
            for _ in range(rounds):
                load = await run_load(kesos_url, kesos_request, connections=connections, seconds=seconds)
                kesos.rates.append(load.rate)
                load = await run_load(bare_url, bare_request, connections=connections, seconds=seconds)
                bare.rates.append(load.rate)
                limit.rates.append(
                    await pgbench_rate(
                        server, statement.text, statement.arguments, clients=connections, seconds=seconds
                    )
                )
                progress.advance(task)
    return [kesos, bare, limit]
