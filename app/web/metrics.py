"""Numbers about this process, or all processes of one `kesos serve`, for Prometheus.

A label never comes from a caller: operations are called by the root field that the schema has, outcomes by codes of this program;
and of either there are at most so many.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Final, Literal

import prometheus_client
import psutil  # type: ignore[import-untyped]  # it ships no types
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from app.web.logs import masked

SHARED_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names the folder in which several processes add up; prometheus-client reads it when it is imported."""

OTHER: Final = "other"
MOST_OPERATIONS: Final = 500
MOST_OUTCOMES: Final = 64
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)

# Each counter would otherwise bring a second series, the time of its birth.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus-client types only some


class Vital(Enum):
    """A number that stands somewhere in the process and is looked at now and then: its name and its meaning.

    Of several processes it is the sum, or what else is named.
    """

    READS_IN_USE = ("kesos_database_reads_in_use", "Connections of the read pools that a statement runs on.")
    READS_WAITING = ("kesos_database_reads_waiting", "Requests that wait for a connection of a read pool.")
    WRITES_IN_USE = ("kesos_database_writes_in_use", "Connections of the write pool that a transaction runs on.")
    AUDIT_BACKLOG = ("kesos_audit_backlog", "Audit events that wait to be written.")
    STREAMS = ("kesos_streams_open", "WebSockets and streams of server-sent events that are open.")
    JOBS_RUNNING = ("kesos_jobs_running", "Background jobs that this process works on; only where it serves and works.")
    REPLICA_STALENESS = (
        "kesos_replica_staleness_seconds",
        "What the read replica may lack; infinite where it is not there. Only where there is one.",
        "livemax",
    )


class Tally(Enum):
    """A number that only grows, kept somewhere in the process: its name and its meaning."""

    PLANS_REMEMBERED = ("kesos_plans_remembered", "Operations whose plan was known.")
    PLANS_MADE = ("kesos_plans_made", "Operations whose plan had to be made.")
    TURNED_AWAY = (
        "kesos_turned_away",
        "Requests of addresses that send too many, refused before anything of them was read.",
    )
    JOBS_SUCCEEDED = ("kesos_jobs_succeeded", "Background jobs that this process has done.")
    JOBS_FAILED = ("kesos_jobs_failed", "Background jobs that have failed in this process.")
    READS_OF_REPLICA = ("kesos_reads_of_replica", "Queries that the read replica answered; only where there is one.")
    READS_IN_ITS_PLACE = (
        "kesos_reads_in_place_of_replica",
        "Queries that the primary answered because the read replica was too far behind for them, gone, or failed.",
    )


class Names(dict[str, str]):
    """The first so many names that are met, each under itself, without what could be a NIK; any further one is "other"."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __missing__(self, name: str) -> str:
        if len(self) >= self._most:
            return OTHER
        self[name] = known = masked(name)
        return known


class Metrics:
    """The metrics of one application."""

    def __init__(self) -> None:
        """Begin at zero. Several processes add up where ``SHARED_FOLDER`` was set when they began."""
        registry = self._registry = CollectorRegistry()
        self.operations, self.outcomes = Names(MOST_OPERATIONS), Names(MOST_OUTCOMES)
        self._requests = Counter(
            "kesos_requests",
            "Requests by operation, kind (of GraphQL, or `upload`), and outcome: `ok`, or the code of the first error.",
            ("operation", "type", "outcome"),
            registry=registry,
        )
        self._seconds = Histogram(
            "kesos_request_seconds",
            "How long GraphQL requests took, until the last byte was handed to the socket.",
            ("operation", "type"),
            buckets=_BUCKETS,
            registry=registry,
        )
        # A look-up by labels() takes longer than the counting itself.
        self._counters: dict[tuple[str, str, str], Counter] = {}
        self._histograms: dict[tuple[str, str], Histogram] = {}
        self._in_flight = _gauge("kesos_requests_in_flight", "GraphQL requests that are being answered.", registry)
        self._lag = _gauge(
            "kesos_event_loop_lag_seconds",
            "How much later than due a timer of the process fired, in the last second.",
            registry,
            "livemax",
        )
        self._watched: list[tuple[Gauge, Callable[[], float]]] = []
        self._tallied: list[tuple[Counter, Callable[[], int]]] = []
        self._counted: dict[Counter, int] = {}
        self.in_flight = 0
        shared = os.environ.get(SHARED_FOLDER)
        self._folder = None if shared is None else Path(shared)
        registry.register(_Processes([os.getpid()]))

    def watch(self, vital: Vital, look: Callable[[], float]) -> None:
        """Ask ``look`` for ``vital`` every second, and whenever somebody reads the metrics of this process."""
        name, meaning, *over_processes = vital.value
        self._watched.append((_gauge(name, meaning, self._registry, *over_processes), look))

    def tally(self, tally: Tally, look: Callable[[], int]) -> None:
        """Ask ``look`` for ``tally`` as often; what it answers never shrinks."""
        self._tallied.append((Counter(*tally.value, registry=self._registry), look))

    def answered(self, operation: str, kind: str, outcome: str, seconds: float | None) -> None:
        """Count a request that has been answered; ``seconds`` is None where how long it took says nothing.

        ``operation`` and ``outcome`` come out of ``operations`` and ``outcomes``.
        """
        counter = self._counters.get((operation, kind, outcome))
        if counter is None:
            counter = self._counters[operation, kind, outcome] = self._requests.labels(operation, kind, outcome)
        counter.inc()
        if seconds is None:
            return
        histogram = self._histograms.get((operation, kind))
        if histogram is None:
            histogram = self._histograms[operation, kind] = self._seconds.labels(operation, kind)
        histogram.observe(seconds)

    def look(self, lag: float | None = None) -> None:
        """Take in what stands elsewhere in the process; ``lag``: by how many seconds a timer was late."""
        self._in_flight.set(self.in_flight)
        if lag is not None:
            self._lag.set(lag)
        for gauge, look in self._watched:
            gauge.set(look())
        for counter, tell in self._tallied:
            now = tell()
            counter.inc(now - self._counted.get(counter, 0))
            self._counted[counter] = now

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """All metrics in the format that ``accept`` prefers, and its media type. Reads files where processes share them."""
        encode, media_type = choose_encoder(accept)
        return encode(self._registry if self._folder is None else _shared(self._folder)), media_type


class _Processes(Collector):
    """What the system knows about processes: memory, processor time, files; labelled by process where there are several."""

    def __init__(self, processes: Iterable[int]) -> None:
        self._processes = processes

    def collect(self) -> Iterator[Metric]:
        """The metrics of all processes, each name once."""
        found: dict[str, Metric] = {}
        for process in self._processes:
            for metric in ProcessCollector(pid=partial(str, process), registry=None).collect():
                known = found.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
                for sample in metric.samples:
                    known.add_sample(sample.name, {"pid": str(process)}, sample.value)
        yield from found.values()


def _shared(folder: Path) -> CollectorRegistry:
    """The metrics of all processes that share ``folder``. Gauges of those that have ended are withdrawn; their counts stay."""
    sharing = {int(file.stem.rpartition("_")[2]) for file in folder.glob("*.db")}
    living = set(filter(psutil.pid_exists, sharing))
    for process in sharing - living:
        mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call]  # prometheus-client types only some
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]  # prometheus-client types only some
    registry.register(_Processes(sorted(living)))
    return registry


def _gauge(
    name: str, meaning: str, registry: CollectorRegistry, over_processes: Literal["livesum", "livemax"] = "livesum"
) -> Gauge:
    return Gauge(name, meaning, registry=registry, multiprocess_mode=over_processes)
