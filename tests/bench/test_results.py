"""What a bench tells of what it has measured."""

import pytest

from bench.load import Load
from bench.results import Grid, Row, Side, Taken, grid_of


def side(
    name: str,
    rate: int,
    *,
    units: int = 1,
    server: float | None = None,
    database: float | None = None,
    client: float | None = None,
) -> Side:
    """A side that answers ``rate`` requests a second, two rounds long."""
    made = Side(name, units=units)
    for _ in range(2):
        made.add(Taken(Load(rate, 1.0, [0.010] * rate), server, database, client))
    return made


def test_a_side_is_compared_with_the_limit_by_medians() -> None:
    limit, other = Side("limit", [100, 1000, 200]), Side("other", [90, 10, 150])
    row = Row("read", [other, limit], limit="limit")
    assert row.share(other) == pytest.approx(90 / 200)
    assert row.share(limit) == 1
    assert Row("read", [other]).share(other) is None


def test_cpu_is_told_for_each_thing_of_all_rounds() -> None:
    made = side("sync", 10, units=5, server=0.2, database=0.1)
    assert made.median == 50
    assert made.server == pytest.approx(0.4 / 100 * 1e6)
    assert made.database == pytest.approx(0.2 / 100 * 1e6)
    assert side("pgbench", 10, database=0.1).server is None


def test_latencies_are_those_of_all_rounds() -> None:
    made = side("Kesos", 10)
    made.add(Taken(Load(20, 1.0, [0.030] * 20)))
    assert made.latency(50) == pytest.approx(20, abs=11)
    assert made.latency(99) == pytest.approx(30)
    assert Side("pgbench", [1.0]).latency(50) is None


def test_a_line_tells_everything_that_is_known_and_a_dash_for_the_rest() -> None:
    limit = side("pgbench", 2000, database=1.0, client=0.2)
    kesos = side("Kesos", 1000, server=0.5, database=1.5, client=0.4)
    (line, _) = Row("page", [kesos, limit], 16, "pgbench", "pages").lines()
    assert line[:7] == ("page (pages)", "16", "Kesos", "1,000", "1,000-1,000", "50%", "25%")
    assert line[7:] == ("500", "1,500", "400", "10", "10", "10")
    assert grid_of([Row("page", [Side("only", [0.5])])]).lines == [("page", "1", "only", "0.5", "0.5-0.5", *["-"] * 8)]


def test_a_document_repeats_no_row_and_keeps_its_columns() -> None:
    grid = Grid(("what", "n", "side", "rate"), [("a|b", "1", "x", "9"), ("a|b", "1", "y", "8"), ("c", "1", "x", "7")])
    assert grid.markdown().splitlines() == [
        "| what | n | side | rate |",
        "| --- | ---: | --- | ---: |",
        "| a\\|b | 1 | x | 9 |",
        "|  |  | y | 8 |",
        "| c | 1 | x | 7 |",
    ]
