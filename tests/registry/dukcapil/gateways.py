"""Gateways to the civil registry: the simulator as a process of its own, and one that answers whatever a test says."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import orjson

from tests.support.process import ROOT, until

TOKEN = "rahasia-dukcapil"
_ADDRESS = re.compile(r"KESOS_DUKCAPIL_URL=(http://\S+)")


def digest_of(nik: str) -> str:
    """How the simulator tells whom it was asked for."""
    return sha256(nik.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulator that runs."""

    url: str
    err: Path

    def post(self, body: Any, token: str = TOKEN) -> httpx2.Response:
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        return httpx2.post(f"{self.url}/v1/matches", content=content, headers=headers, trust_env=False)

    def asked(self) -> Any:
        """What it was asked so far."""
        headers = {"authorization": f"Bearer {TOKEN}"}
        return httpx2.get(f"{self.url}/simulator/asked", headers=headers, trust_env=False).json()

    def persons(self) -> list[str]:
        """The digests of everybody it was asked for, one for each time."""
        return [person for batch in self.asked()["batches"] for person in batch["persons"]]


@contextmanager
def simulated(folder: Path, *arguments: str) -> Iterator[Simulated]:
    """`kesos simulate dukcapil` on a free port, until the context ends."""
    err = folder / "simulator.txt"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KESOS_")}
    with err.open("wb") as err_file:
        process = subprocess.Popen(  # noqa: S603  (our own command)
            [sys.executable, "-m", "app.cli", "simulate", "dukcapil", "--port", "0", "--token", TOKEN, *arguments],
            cwd=folder,
            env={**environment, "PYTHONPATH": str(ROOT)},
            stdout=err_file,
            stderr=err_file,
        )
    try:
        until(lambda: process.poll() is not None or _ADDRESS.search(err.read_text()), "the simulator did not begin")
        found = _ADDRESS.search(err.read_text())
        assert found is not None, err.read_text()
        simulator = Simulated(found[1], err)
        until(lambda: _answers(simulator), "the simulator does not answer")
        yield simulator
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _answers(simulator: Simulated) -> bool:
    try:
        return bool(simulator.asked())
    except httpx2.TransportError:
        return False


Reply = Callable[[dict[str, Any]], bytes | None]
"""From the batch that was sent, what goes over the wire; None: the connection is closed without a word."""


def http(status: int, body: bytes = b"{}", **headers: str) -> bytes:
    """An answer of HTTP, whole."""
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", "connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def good(batch: dict[str, Any]) -> dict[str, Any]:
    """An answer by which everybody matches."""
    results = [{"reference": item["reference"], "result": "MATCHED"} for item in batch["items"]]
    return {"batchId": batch["batchId"], "results": results}


def agreeing(batch: dict[str, Any]) -> bytes:
    """That answer over the wire."""
    return http(200, orjson.dumps(good(batch)))


@dataclass(slots=True)
class Scripted:
    """A gateway that gives one reply after the other, and the last one for ever."""

    replies: Sequence[Reply]
    url: str = ""
    heads: list[str] = field(default_factory=list)
    batches: list[dict[str, Any]] = field(default_factory=list)

    async def speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
        assert length is not None
        batch = orjson.loads(await reader.readexactly(int(length[1])))
        self.heads.append(head)
        self.batches.append(batch)
        reply = self.replies[min(len(self.batches), len(self.replies)) - 1](batch)
        if reply is not None:
            writer.write(reply)
        await hang_up(writer)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection that the other side may have closed."""
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


@asynccontextmanager
async def scripted(*replies: Reply) -> AsyncIterator[Scripted]:
    """A gateway that gives ``replies``, until the context ends."""
    gateway = Scripted(replies)
    server = await asyncio.start_server(gateway.speak, "127.0.0.1", 0)
    gateway.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield gateway
