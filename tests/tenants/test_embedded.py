"""The embedded PostgreSQL of a data folder has the settings of this Kesos, whichever made the folder."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from app.tenants.embedded import embedded_server


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not in pytest's folder, which other users may not enter: root's database runs as another user.
    with tempfile.TemporaryDirectory(prefix="kesos-", ignore_cleanup_errors=True) as parent:
        yield Path(parent) / "postgres"


async def shown(folder: Path, *names: str) -> list[str]:
    """What the server of ``folder``, started for that, says of its settings."""
    with embedded_server(folder) as url:
        connection = await asyncpg.connect(url)
        try:
            return [await connection.fetchval("select current_setting($1)", name) for name in names]
        finally:
            await connection.close()


async def test_a_folder_of_an_older_kesos_gets_the_settings_of_this_one_but_for_those_of_its_operator(
    folder: Path,
) -> None:
    names = ("max_connections", "log_error_verbosity", "work_mem")
    made = await shown(folder, *names)
    assert made[1] == "terse"
    configuration = folder / "postgresql.conf"
    older = [line for line in configuration.read_text().splitlines() if not line.startswith("include_if_exists")]
    configuration.write_text("\n".join([*older, "max_connections = 41", "work_mem = '7MB'"]))
    (folder / "kesos.conf").unlink()
    assert await shown(folder, *names) == [*made[:2], "7MB"]
    with configuration.open("a") as lines:
        lines.write("max_connections = 42\n")
    assert await shown(folder, *names) == ["42", "terse", "7MB"]
