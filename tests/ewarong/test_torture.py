"""A short run of ``bench.torture``: real servers and a real PostgreSQL are killed while outlets sell."""

import tempfile
from collections import Counter
from pathlib import Path

import pytest

from bench.buyers import Ledger
from bench.chaos import Chaos
from bench.torture import torture

pytestmark = pytest.mark.long


def test_what_was_acknowledged_is_there_exactly_once_whatever_was_killed() -> None:
    done: Counter[str] = Counter()

    def note(ledger: Ledger, chaos: Chaos) -> None:
        done.update(ledger.counted)
        done.update(chaos.killed)

    # Not in pytest's folder: root's database runs as another user.
    with tempfile.TemporaryDirectory(prefix="kesos-", ignore_cleanup_errors=True) as folder:
        wrong = torture(Path(folder), seconds=10, clients=12, every=(1, 2), note=note, families=150, servers=1)
    assert wrong == []
    assert done["transactions in the database"] == done["acknowledged keys"] > 0
    assert done["PostgreSQL"] >= 1
    assert done["answers thrown away"] > 0
