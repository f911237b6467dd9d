"""The reads as the registry grows: registries of several sizes stand beside each other and are asked in turn.

What a province adds up comes from summary rows, a page and an id from an index: they should stay flat. So that the sizes differ and
nothing else, each registry has a PostgreSQL and a Kesos of its own, of which one at a time has something to do.
"""

import asyncio
import os
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from typing import Final, NamedTuple

from app.authz.roles import Role
from app.settings import Settings
from app.tenants.server import DatabaseServer
from bench.cpu import Meter
from bench.entitled import with_entitlements
from bench.parts import Measured
from bench.reads import Read, kesos_reads, reads_of
from bench.report import Circumstances
from bench.results import Plan, Row, grid_of
from bench.rounds import Contender, in_turn
from bench.stage import PROVINCE, Served, kesos_served, seeded, tokens_of

SIZES: Final = (10_000, 100_000)
FULL_SIZES: Final = (*SIZES, 1_000_000)
CONNECTIONS: Final = (1, 16)


class _Registry(NamedTuple):
    families: int
    settings: Settings
    server: DatabaseServer

    @property
    def name(self) -> str:
        return f"{self.families:,} families"


class _Asked(NamedTuple):
    """A registry and the Kesos that answers for it."""

    name: str
    meter: Meter
    kesos: Served
    tokens: list[str]
    reads: list[Read]

    def contender(self, at: int, connections: int) -> Contender:
        """It answers the read ``at``."""
        contender = kesos_reads(self.reads[at], self.kesos, self.tokens[:connections], "")
        return replace(contender, name=self.name, meter=self.meter)


def run(plan: Plan, command: str) -> Measured:
    """Measure with SIZES, or with SCALE=full with FULL_SIZES."""
    sizes = FULL_SIZES if os.environ.get("SCALE") == "full" else SIZES
    with ExitStack() as stack:
        registries = [_Registry(families, *stack.enter_context(seeded(families, plan.folder))) for families in sizes]
        return asyncio.run(_measured(registries, plan, command))


async def _measured(registries: list[_Registry], plan: Plan, command: str) -> Measured:
    circumstances = Circumstances(command, [Meter(each.settings) for each in registries])
    rows: list[Row] = []
    async with AsyncExitStack() as stack:
        asked = []
        for each in registries:
            await with_entitlements(each.server)
            tokens = await tokens_of(each.settings, each.server, Role.PROVINCE_OFFICER, PROVINCE, max(CONNECTIONS))
            kesos = await stack.enter_async_context(kesos_served(each.settings))
            asked.append(_Asked(each.name, Meter(each.settings), kesos, tokens, await reads_of(each.server)))
        for at, read in enumerate(asked[0].reads):
            for connections in CONNECTIONS:
                contenders = [each.contender(at, connections) for each in asked]
                sides = await in_turn(plan, asked[0].meter, contenders, what=f"{read.what}, {connections} connections")
                rows.append(Row(read.what, sides, connections, sides[0].name))
    return Measured([grid_of(rows)], circumstances.told())
