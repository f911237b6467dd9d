"""A large file passes through a server that has no room for it."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from app.settings import Settings
from app.tenants.server import DatabaseServer
from tests.support.client import Caller
from tests.support.process import Served, kesos_serve
from tests.uploads.conftest import Kept

MEGABYTE = 1_000_000
LINE = b"9901010102900001;SITI AMINAH;1990-02-01;33.02.01.2001\n"
PIECE = LINE * (MEGABYTE // len(LINE))
ALLOWED_GROWTH = 40 * MEGABYTE


def table(megabytes: int) -> Iterator[bytes]:
    yield b"nik;nama;lahir;desa\n"
    for _ in range(megabytes):
        yield PIECE


def upload(served: Served, token: str, megabytes: int) -> int:
    """Send a table of so many megabytes; the most memory that the server ever had, in bytes."""
    answer = httpx2.post(
        f"{served.address}/uploads?region=33.02",
        content=table(megabytes),
        headers={"authorization": f"Bearer {token}"},
        timeout=120,
        trust_env=False,
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["size"] > megabytes * (MEGABYTE - len(LINE))
    return peak(served.process.pid)


def peak(pid: int) -> int:
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process's memory is read from /proc")
def test_a_server_needs_no_more_memory_for_a_file_ten_times_as_large(
    upload_settings: Settings, world: DatabaseServer, clerk: Caller, kept: Kept, tmp_path: Path
) -> None:
    del kept
    files = tmp_path / "files"
    with kesos_serve(upload_settings, world, tmp_path, KESOS_FILES_DIR=str(files)) as served:
        small = upload(served, clerk.token, 30)
        large = upload(served, clerk.token, 300)
        assert large - small < ALLOWED_GROWTH, (small, large)
        assert sum(path.stat().st_size for path in files.iterdir()) > 329 * MEGABYTE
        # A request is logged after its answer: the log is whole once the server has ended.
        served.stop()
        assert "SITI" not in served.written
        assert [event["code"] for event in served.events("request")] == [None, None]
        assert {event["operation"] for event in served.events("request")} == {"upload"}
