"""What the phases of a long piece of work take, by the clock and in CPU: on a busy machine only the latter can be compared."""

from collections.abc import Sequence
from time import perf_counter
from typing import NamedTuple

from app.settings import Settings
from bench.cpu import Meter
from bench.results import Grid


class Spent(NamedTuple):
    """Seconds of the clock, and of CPU that this process and all of PostgreSQL's have used; a moment or the difference of two."""

    wall: float
    worker: float
    server: float

    def since(self, earlier: "Spent") -> "Spent":
        """What was spent between the moments ``earlier`` and this."""
        return Spent(*(now - then for now, then in zip(self, earlier, strict=True)))


class Stopwatch:
    """Reads the clock and both meters at once."""

    def __init__(self, settings: Settings) -> None:
        """Those of this process and of the embedded PostgreSQL of ``settings``, which runs."""
        self._meter = Meter(settings)

    def __call__(self) -> Spent:
        """The moment."""
        return Spent(perf_counter(), self._meter.own(), self._meter.database())


Phase = tuple[str, Spent]
"""A phase and what it took."""


class Laps:
    """The phases of work that goes straight on from one to the next."""

    def __init__(self, stopwatch: Stopwatch) -> None:
        """The first begins now."""
        self._stopwatch, self._began = stopwatch, stopwatch()
        self.phases: list[Phase] = []

    def note(self, name: str) -> None:
        """The phase of that name is over, and the next begins."""
        now = self._stopwatch()
        self.phases.append((name, now.since(self._began)))
        self._began = now


def whole(phases: Sequence[Phase]) -> Spent:
    """What all of them took."""
    return Spent(*(sum(spent) for spent in zip(*(spent for _, spent in phases), strict=True)))


def grid_of_phases(phases: Sequence[Phase], *, title: str, things: int, thing: str) -> Grid:
    """Seconds, then microseconds for each of ``things``, of which one is a ``thing``."""
    columns = ("phase", "seconds", f"us a {thing}", "CPU us of Python", "CPU us of PostgreSQL")
    lines = [
        (name, f"{spent.wall:,.1f}", *(f"{seconds / things * 1e6:,.1f}" for seconds in spent)) for name, spent in phases
    ]
    return Grid(columns, lines, title)
