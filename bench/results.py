"""What a bench has measured, and how the console and RESULTS.md tell it. Whoever adds a row to ``make bench`` builds on this module::

    async def measure(settings: Settings, server: DatabaseServer, plan: Plan) -> list[Row]:
        limit = Contender("pgbench of the statement", ...)
        sides = await in_turn(plan, Meter(settings), [Contender("Kesos", work, pid), limit], what="Page of 50 families")
        return [Row("Page of 50 families", sides, connections=16, limit=limit.name)]

A ``Row`` is one thing that is measured, a ``Side`` is one way of doing it, and each round adds a ``Taken`` to each side. ``in_turn``,
``Contender`` and ``over_http`` are in ``bench.rounds``, ``Meter`` in ``bench.cpu``. ``bench.__main__`` lists the parts of the command: add
``Part(name, title, about, on_seeded(families, measure))``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Final, NamedTuple

from rich.table import Table

from bench.load import Load

UNKNOWN: Final = "-"
_COLUMNS: Final = (
    "what",
    "clients",
    "side",
    "median a second",
    "min-max",
    "of the limit",
    "of the limit, by CPU",
    "CPU us of the server",
    "CPU us of PostgreSQL",
    "CPU us of the client",
    "p50 ms",
    "p95 ms",
    "p99 ms",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to measure, and where seeded databases are kept."""

    rounds: int = 5
    """Every side works once in each."""
    seconds: float = 4.0
    """For so long a side works in a round."""
    folder: Path = Path(".kesos")


class Taken(NamedTuple):
    """What one side got through in one round.

    ``server``, ``database`` and ``client`` are seconds of CPU of its server processes, of PostgreSQL, and of whatever asked; None where
    there are none, or nobody knows.
    """

    load: Load
    server: float | None = None
    database: float | None = None
    client: float | None = None


@dataclass(slots=True)
class Side:
    """One way of doing a thing, and its rates, in things a second, one for each round.

    ``units``: how many things one request does, such as the transactions of a sync.
    """

    name: str
    rates: list[float] = field(default_factory=list)
    units: int = 1
    taken: list[Taken] = field(default_factory=list, repr=False)

    def add(self, taken: Taken) -> None:
        """One more round."""
        self.rates.append(taken.load.rate * self.units)
        self.taken.append(taken)

    @property
    def median(self) -> float:
        """The figure to quote."""
        return median(self.rates)

    @property
    def spread(self) -> str:
        """Slowest and fastest round."""
        return f"{_number(min(self.rates))}-{_number(max(self.rates))}"

    @property
    def server(self) -> float | None:
        """Microseconds of CPU that its server processes take for one thing."""
        return self._each([taken.server for taken in self.taken])

    @property
    def database(self) -> float | None:
        """Microseconds of CPU that PostgreSQL takes for one thing."""
        return self._each([taken.database for taken in self.taken])

    @property
    def client(self) -> float | None:
        """Microseconds of CPU that asking takes for one thing."""
        return self._each([taken.client for taken in self.taken])

    @property
    def cpu(self) -> float | None:
        """Microseconds of CPU that one thing takes, with all that has a part in it; None where not all of them are known."""
        if self.database is None or self.client is None:
            return None
        return (self.server or 0.0) + self.database + self.client

    def latency(self, percent: int) -> float | None:
        """A percentile of the latencies of all rounds, in milliseconds; None where there are too few to tell."""
        latencies = [each for taken in self.taken for each in taken.load.latencies]
        return quantiles(latencies, n=100)[percent - 1] * 1000 if len(latencies) > 1 else None

    def _each(self, spent: Sequence[float | None]) -> float | None:
        known = [each for each in spent if each is not None]
        done = self.units * sum(taken.load.requests for taken in self.taken)
        return sum(known) / done * 1e6 if known and len(known) == len(spent) and done else None


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was measured: ``what``, by how many clients at once, by which sides.

    ``limit``: the name of the side that the others are compared with; ``unit``: what is counted.
    """

    what: str
    sides: list[Side]
    connections: int = 1
    limit: str | None = None
    unit: str = "requests"

    def share(self, side: Side) -> float | None:
        """What part of the limit's rate ``side`` reaches; None where there is no limit."""
        limit = self._of_limit()
        return side.median / limit.median if limit is not None else None

    def share_by_cpu(self, side: Side) -> float | None:
        """What part of the limit's rate ``side`` would reach where nothing but CPU held them up, whatever else the machine does."""
        limit = self._of_limit()
        return limit.cpu / side.cpu if limit is not None and limit.cpu is not None and side.cpu else None

    def _of_limit(self) -> Side | None:
        return next((each for each in self.sides if each.name == self.limit), None)

    def lines(self) -> list[tuple[str, ...]]:
        """The cells, one line for each side."""
        return [
            (
                self.what if self.unit == "requests" else f"{self.what} ({self.unit})",
                str(self.connections),
                side.name,
                _number(side.median),
                side.spread,
                _part(self.share(side)),
                _part(self.share_by_cpu(side)),
                _known(side.server),
                _known(side.database),
                _known(side.client),
                *(_known(side.latency(percent)) for percent in (50, 95, 99)),
            )
            for side in self.sides
        ]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table, for the console and for Markdown. What a cell of the first two columns repeats from the line above is left out."""

    columns: Sequence[str]
    lines: Sequence[Sequence[str]]
    title: str = ""

    def table(self) -> Table:
        """For the console."""
        table = Table(title=self.title or None)
        for at, name in enumerate(self.columns):
            table.add_column(name, justify="left" if at in self._of_words else "right")
        for line in self._thinned():
            table.add_row(*line)
        return table

    def markdown(self) -> str:
        """For a document."""
        rule = ["---" if at in self._of_words else "---:" for at in range(len(self.columns))]
        lines = [self.columns, rule, *([_escaped(cell) for cell in line] for line in self._thinned())]
        head = f"**{self.title}**\n\n" if self.title else ""
        return head + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"

    @property
    def _of_words(self) -> set[int]:
        """Columns that are read, not compared."""
        return {at for at in range(len(self.columns)) if not any(_is_figure(line[at]) for line in self.lines)} | {0}

    def _thinned(self) -> Iterable[Sequence[str]]:
        above: Sequence[str] = ()
        for line in self.lines:
            same = 0
            while same < min(2, len(above), len(line) - 1) and line[same] == above[same]:
                same += 1
            yield [*[""] * same, *line[same:]]
            above = line


def grid_of(rows: Sequence[Row], title: str = "") -> Grid:
    """The table of ``rows``."""
    return Grid(_COLUMNS, [line for row in rows for line in row.lines()], title)


def _number(value: float) -> str:
    """As many digits as mean something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _known(value: float | None) -> str:
    return UNKNOWN if value is None else _number(value)


def _part(share: float | None) -> str:
    return UNKNOWN if share is None else f"{share:.0%}"


def _is_figure(cell: str) -> bool:
    return cell[:1].isdigit() and not any(map(str.isalpha, cell))


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")
