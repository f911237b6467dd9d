import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal

# Not in pytest's folder: every run of pytest closes that to other users again, and root's database runs as another user.


@pytest.fixture(scope="module")
def shared_folder() -> Iterator[Path]:
    """A folder for the tests of one file."""
    with tempfile.TemporaryDirectory(prefix="kesos-") as folder:
        yield Path(folder)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for one test."""
    with tempfile.TemporaryDirectory(prefix="kesos-") as folder:
        yield Path(folder)


@pytest.fixture
def terminal(folder: Path) -> Terminal:
    """A terminal in a folder of its own."""
    return Terminal(folder)
