"""Proposals of outlets, a second: ``python -m bench.proposals``, an ordinary mutation beside pgbench of the statements that it sends.

The statements are those that PostgreSQL saw: the unit of work of the ORM, the audit event in it, and the outlet read back for the answer.
"""

import re
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from app.authz.roles import Role
from app.settings import Settings
from app.tenants.region_path import RegionPath
from app.tenants.server import DatabaseServer
from bench.cpu import Meter
from bench.load import Load, UnexpectedAnswer, http_request, run_loads
from bench.parts import alone
from bench.pgbench import pgbench_load
from bench.recorded import Script, recorder, script_of
from bench.results import Plan, Row
from bench.rounds import Begun, Contender, in_turn, over_http
from bench.stage import kesos_process, kesos_served, token_of

FAMILIES: Final = 10_000
CLIENTS: Final = (1, 16)
PROPOSE: Final = """
mutation Propose($input: EwarongAgentProposeInput!) {
  ewarongAgentPropose(input: $input) {
    __typename
    ... on EwarongAgentProposed { agent { id number name state version } }
    ... on UserError { code message }
  }
}
"""
_DONE: Final = b'"EwarongAgentProposed"'
_KEY: Final = str(uuid.UUID(int=0))
_MOST_OF: Final = 0.9
_KEYS_A_SECOND: Final = 100_000
_VILLAGES: Final = "select distinct village_id from family order by village_id limit $1"


class Proposer:
    """Somebody of a district who proposes outlets in one village, one after the other."""

    def __init__(self, village: RegionPath, token: str) -> None:
        self._village, self._token = village, token

    def requests(self, url: str) -> Iterator[bytes]:
        """Proposals without end."""
        given = {
            "village": self._village.code,
            "number": _KEY,
            "name": "Warung Bench",
            "kind": "SHOP",
            "bank": "BRI",
            "address": "Jalan Bench 1",
            "owner": {"name": "Pemilik Bench", "nik": "9902010101900001"},
            "idempotencyKey": _KEY,
        }
        request = http_request(url, {"query": PROPOSE, "variables": {"input": given}}, self._token)
        # Written once: what is new in each is the key, which is always as long.
        pieces = re.split(_KEY.encode(), request)
        while True:
            yield str(uuid.uuid4()).encode().join(pieces)


async def proposers(settings: Settings, server: DatabaseServer, number: int) -> list[Proposer]:
    """One in each of so many villages."""
    owner = await server.admin.connect()
    try:
        codes = [str(row["village_id"]) for row in await owner.fetch(_VILLAGES, number)]
    finally:
        await owner.close()
    villages = [RegionPath.parse(f"{code[:2]}.{code[2:4]}.{code[4:6]}.{code[6:]}") for code in codes]
    districts = [RegionPath.parse(village.code.rpartition(".")[0]) for village in villages]
    tokens = [await token_of(settings, server, Role.TKSK, district) for district in districts]
    return [Proposer(village, token) for village, token in zip(villages, tokens, strict=True)]


async def _scripts(settings: Settings, server: DatabaseServer, people: list[Proposer]) -> list[Script]:
    """What each of ``people`` sends to PostgreSQL with one proposal."""
    scripts = []
    async with recorder(settings, server) as recording, kesos_process(settings) as url:
        for at, each in enumerate(people):
            requests = each.requests(url)

            async def propose(requests: Iterator[bytes] = requests) -> None:
                await run_loads(url, [requests], seconds=0, expected=_DONE)

            scripts.append(script_of(*await recording.settled(propose), name=f"p{at}"))
    return scripts


async def _proposed(server: DatabaseServer) -> int:
    owner = await server.admin.connect()
    try:
        number: int = await owner.fetchval("select count(*) from ewarong_agent")
        return number
    finally:
        await owner.close()


async def compare(settings: Settings, server: DatabaseServer, people: list[Proposer], plan: Plan) -> Row:
    """Proposals a second of both sides, one connection for each of ``people``."""
    scripts = await _scripts(settings, server, people)
    variables = {name: value for each in scripts for name, value in each.variables.items()}

    async def pgbench(seconds: float, begun: Begun) -> Load:
        before = await _proposed(server)
        # The time makes keys of this run that no run had; no client makes as many in a second as lie between two of them.
        fresh = {**variables, "run": str(int(time.time()) * _KEYS_A_SECOND), "at": "0"}
        texts = [each.text for each in scripts]
        load = await pgbench_load(server, texts, fresh, clients=len(people), seconds=seconds, begun=begun)
        if await _proposed(server) - before < _MOST_OF * load.requests:
            raise UnexpectedAnswer("pgbench was refused what it asked for; the figures would mean nothing")
        return load

    limit = Contender("pgbench of its statements", pgbench)
    async with kesos_served(settings) as served:
        requests = [each.requests(served.url) for each in people]
        kesos = over_http("Kesos: GraphQL, JWT, RLS, ORM", served, lambda: requests, expected=_DONE)
        sides = await in_turn(plan, Meter(settings), [kesos, limit], what=f"{len(people)} proposers")
    return Row("A proposal of an outlet", sides, connections=len(people), limit=limit.name, unit="mutations")


async def measure(settings: Settings, server: DatabaseServer, plan: Plan) -> list[Row]:
    """Proposals by one client, and by several at once."""
    people = await proposers(settings, server, max(CLIENTS))
    return [await compare(settings, server, people[:clients], plan) for clients in CLIENTS]


def main(
    rounds: Annotated[int, typer.Option(help="Rounds; every side runs once in each.")] = 5,
    seconds: Annotated[int, typer.Option(help="Seconds that a side runs in a round.")] = 4,
    folder: Annotated[Path, typer.Option(help="Where the seeded database is kept.")] = Path(".kesos"),
) -> None:
    """Measure proposals beside pgbench of the same SQL."""
    alone(FAMILIES, measure, rounds, seconds, folder)


if __name__ == "__main__":
    typer.run(main)
