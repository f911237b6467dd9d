"""`kesos documents`, as whoever releases a front end types it."""

from pathlib import Path

import pytest

from app.domain.documents.files import public_documents
from tests.cli.terminal import Terminal

OPEN = 'query Open { region(code: "33") { name } }'
OWN = "query Own { families { totalCount } }"
BROKEN = "query Broken { families { sum } }"
(SHIPPED,) = public_documents()


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """A terminal on a database that is ready."""
    import tempfile

    terminal = Terminal(Path(tempfile.mkdtemp(prefix="kesos-")))
    assert terminal.kesos("migrate").code == 0
    return terminal
