"""Who listens hears of it: ``python -m bench.fanout``, messages a second to many listeners while outlets sell, and how late they come.

Everybody who listens may see the whole province and so hears of every transaction, the most that there can be to tell. Each message is
read under the scope of the one who listens. None may be lost: what does not come must have been told as missed.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from itertools import cycle
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from app.authz.development import ensure_principal, issue_token
from app.authz.roles import Role
from app.settings import Settings
from app.tenants.server import DatabaseServer
from bench.cpu import Meter
from bench.listeners import Listener, listening, transaction_in
from bench.load import Load, UnexpectedAnswer
from bench.market import Stall, planted, purchases
from bench.parts import alone
from bench.results import Plan, Row
from bench.rounds import Begun, Contender, in_turn
from bench.stage import PROVINCE, kesos_served

FAMILIES: Final = 10_000
STALLS: Final = 16
LISTENERS: Final = (64, 256)
WORKERS: Final = (1, 2)
REPORTS_PER_SECOND: Final = 4
WHAT: Final = "New transactions told to all who listen"
_LISTENERS_OF_PRINCIPAL: Final = 16
"""A process holds 32 streams of a principal, and nobody knows which process a connection comes to."""
_LONGEST_WAIT_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 0.2


async def _tokens(settings: Settings, server: DatabaseServer, listeners: int) -> list[str]:
    """Tokens of officers of the province, each for a few listeners."""
    admin = await server.admin.connect()
    try:
        subjects = [f"bench:listener:{at}" for at in range(-(-listeners // _LISTENERS_OF_PRINCIPAL))]
        for subject in subjects:
            await ensure_principal(
                admin, subject=subject, name="Pendengar Bench", role=Role.PROVINCE_OFFICER, region=PROVINCE
            )
    finally:
        await admin.close()
    return [issue_token(settings, subjects[at % len(subjects)]) for at in range(listeners)]


class _Outlet:
    """An outlet that reports when it is asked to."""

    def __init__(self, stall: Stall, url: str) -> None:
        self._requests: Iterator[bytes] = purchases(stall, url)
        self._url = urlsplit(url)

    async def connect(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(self._url.hostname, self._url.port)

    async def report(self) -> tuple[bytes, float]:
        """Report a transaction: which it is, and when it was answered."""
        self._writer.write(next(self._requests))
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length: ")[2].split(b"\r", 1)[0])
        body = await self._reader.readexactly(length)
        return transaction_in(body), time.perf_counter()

    def close(self) -> None:
        self._writer.close()


async def _reported(outlets: list[_Outlet], seconds: float) -> dict[bytes, float]:
    """Report at a steady pace, whether those before are answered or not; when each transaction was."""
    begin = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        reports = []
        turns = cycle(outlets)
        for number in range(round(seconds * REPORTS_PER_SECOND)):
            await asyncio.sleep(begin + number / REPORTS_PER_SECOND - time.perf_counter())
            reports.append(tasks.create_task(next(turns).report()))
    return dict(report.result() for report in reports)


async def heard_by(
    listeners: list[Listener], answered: dict[bytes, float], *, patience: float = _LONGEST_WAIT_SECONDS
) -> list[float]:
    """How long after the answer each listener heard of each transaction, in seconds, once all have or nothing more comes for
    ``patience`` seconds.

    Raises:
        UnexpectedAnswer: a listener was not told of something, and not told either that it missed it; or twice.
    """
    heard = [each.heard for each in listeners]
    before, since = -1, time.perf_counter()
    while (left := sum(len(answered.keys() - each.told.keys()) for each in heard)) and (
        left != before or time.perf_counter() - since < patience
    ):
        if left != before:
            before, since = left, time.perf_counter()
        await asyncio.sleep(_PAUSE_SECONDS)
    for each in heard:
        untold = answered.keys() - each.told.keys()
        if each.repeated or (untold and not each.missed):
            raise UnexpectedAnswer(
                f"a listener was not told of {len(untold)}, and was told {each.repeated} times again"
            )
    return [each.told[key] - moment for each in heard for key, moment in answered.items() if key in each.told]


class _Audience:
    """Listeners and outlets at one server."""

    def __init__(self, url: str, stalls: list[Stall], tokens: list[str]) -> None:
        self._url, self._stalls, self._tokens = url, stalls, tokens
        self.missed = 0

    async def listen(self, seconds: float, begun: Begun) -> Load:
        """Report for so long, and hear everything."""
        outlets = [_Outlet(stall, self._url) for stall in self._stalls]
        listeners = await listening(self._url, self._tokens)
        try:
            for outlet in outlets:
                await outlet.connect()
            # The first report of a connection is no part of it: it is told before the others begin.
            await heard_by(listeners, dict([await outlet.report() for outlet in outlets]))
            begun()
            begin = time.perf_counter()
            delays = await heard_by(listeners, await _reported(outlets, seconds))
            end = max(moment for each in listeners for moment in each.heard.told.values())
            self.missed += sum(each.heard.missed for each in listeners)
        finally:
            for listener in listeners:
                listener.close()
            for outlet in outlets:
                outlet.close()
        return Load(len(delays), end - begin, delays)


async def compare(settings: Settings, server: DatabaseServer, stalls: list[Stall], plan: Plan, listeners: int) -> Row:
    """Messages a second to so many ``listeners``, from one process and from several."""
    tokens = await _tokens(settings, server, listeners)
    audiences: dict[str, _Audience] = {}
    contenders = []
    async with AsyncExitStack() as served:
        for workers in WORKERS:
            url, process = await served.enter_async_context(kesos_served(settings, workers=workers))
            name = "one worker" if workers == 1 else f"{workers} workers"
            audiences[name] = _Audience(url, stalls, tokens)
            contenders.append(Contender(name, audiences[name].listen, process))
        sides = await in_turn(plan, Meter(settings), contenders, what=f"{listeners} listeners")
    for side in sides:
        if missed := audiences[side.name].missed:
            side.name += f", {missed:,} times told that something was missed"
    what = f"{WHAT}: {REPORTS_PER_SECOND} transactions a second"
    return Row(what, sides, connections=listeners, unit="messages")


async def measure(settings: Settings, server: DatabaseServer, plan: Plan) -> list[Row]:
    """With as many listeners as ``LISTENERS`` say."""
    stalls = await planted(settings, server, stalls=STALLS)
    return [await compare(settings, server, stalls, plan, listeners) for listeners in LISTENERS]


def main(
    rounds: Annotated[int, typer.Option(help="Rounds; every side runs once in each.")] = 5,
    seconds: Annotated[int, typer.Option(help="Seconds that outlets report in a round.")] = 4,
    folder: Annotated[Path, typer.Option(help="Where the seeded database is kept.")] = Path(".kesos"),
) -> None:
    """Measure how many messages listeners get, and how long after the answer to whoever reported."""
    alone(FAMILIES, measure, rounds, seconds, folder)


if __name__ == "__main__":
    typer.run(main)
