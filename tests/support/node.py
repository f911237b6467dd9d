"""What tests run in Node."""

from pathlib import Path

import pytest

from tools.node_packages import installed

PACKAGE = Path(__file__).parent / "node"


def node_modules() -> Path:
    """The folder ``node_modules`` with the packages of ``package.json``; skips the test where it cannot be had."""
    found = installed(PACKAGE)
    if isinstance(found, str):
        pytest.skip(found)
    return found
