"""Several ways of doing one thing, in turn, round by round: a slow minute of the machine hits all of them."""

import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.progress import Progress

from bench.cpu import Meter, cpu_of
from bench.load import Load, run_loads
from bench.results import Plan, Side, Taken
from bench.stage import Served

_WARMING_SECONDS: Final = 2.0
Begun = Callable[[], None]
"""Told when the warming up of a round is over, by who has one: what was spent and done before does not count."""
_console = Console(width=120)


@dataclass(frozen=True, slots=True)
class Contender:
    """One way of doing a thing.

    ``work(seconds, begun)`` does it for so long and says what it got through. ``process``: the id of its server process, whose CPU is
    counted with that of its children; None where there is none. ``units``: how many things one request does. ``meter``: that of its
    PostgreSQL, where it is not the others'.
    """

    name: str
    work: Callable[[float, Begun], Awaitable[Load]]
    process: int | None = None
    units: int = 1
    meter: Meter | None = None


def over_http(
    name: str,
    served: Served,
    requests: Callable[[], Sequence[Iterator[bytes]]],
    *,
    expected: bytes = b"",
    units: int = 1,
) -> Contender:
    """A contender that answers ``requests``, each of them those of one connection, with answers that hold ``expected``."""

    async def work(seconds: float, _begun: Begun) -> Load:
        return await run_loads(served.url, requests(), seconds=seconds, expected=expected)

    return Contender(name, work, served.process, units)


class _Watch:
    """What a contender, PostgreSQL and the client spend from ``begin``, which counts again when it is called again."""

    def __init__(self, contender: Contender, meter: Meter) -> None:
        self._process, self._meter = contender.process, meter
        self.begin()

    def begin(self) -> None:
        self._begun = self._now()
        self._own = self._meter.own()

    def taken(self, load: Load) -> Taken:
        # Looking at all processes takes a while: what that costs this process is none of the client's.
        own = self._meter.own() - self._own
        server, database, started = (now - then for now, then in zip(self._now(), self._begun, strict=True))
        return Taken(load, server if self._process is not None else None, database, own + max(0.0, started))

    def _now(self) -> tuple[float, float, float]:
        """CPU of the server, of PostgreSQL, and of what this process has started besides."""
        server = cpu_of(self._process) if self._process is not None else 0.0
        database = self._meter.database()
        own = self._meter.own()
        # Whatever asks is this process or one that it has started; the other servers that it has started have nothing to do.
        return server, database, cpu_of(os.getpid()) - own - server


async def in_turn(plan: Plan, meter: Meter, contenders: Sequence[Contender], *, what: str) -> list[Side]:
    """Let each of ``contenders`` work once in every round of ``plan``; ``what`` stands beside the progress bar.

    Those with a server process are warmed up before the first: what a first request takes is no part of the figures.
    """
    for contender in contenders:
        if contender.process is not None:
            await contender.work(min(_WARMING_SECONDS, plan.seconds), lambda: None)
    sides = [Side(each.name, units=each.units) for each in contenders]
    with Progress(console=_console, transient=True, disable=not _console.is_terminal) as progress:
        task = progress.add_task(what, total=plan.rounds * len(contenders))
        for _ in range(plan.rounds):
            for contender, side in zip(contenders, sides, strict=True):
                watch = _Watch(contender, contender.meter or meter)
                load = await contender.work(plan.seconds, watch.begin)
                side.add(watch.taken(load))
                progress.advance(task)
    return sides
