"""The bank of the tests: the simulator as a process of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.bansos.payments.answers import answer_to
from tests.support.process import ROOT, until

TOKEN = "rahasia-bank"
_ADDRESS = re.compile(r"KESOS_BANK_URL=(http://\S+)")


@dataclass(frozen=True, slots=True)
class SimulatedBank:
    """A bank that runs."""

    url: str

    def post(self, body: bytes, path: str = "/v1/files", token: str = TOKEN) -> httpx2.Response:
        return httpx2.post(
            f"{self.url}{path}", content=body, headers={"authorization": f"Bearer {token}"}, trust_env=False
        )

    def asked(self) -> Any:
        """What it was asked so far, and what it has paid."""
        headers = {"authorization": f"Bearer {TOKEN}"}
        return httpx2.get(f"{self.url}/simulator/asked", headers=headers, trust_env=False).json()


@contextmanager
def simulated_bank(folder: Path, *arguments: str, token: str | None = TOKEN) -> Iterator[SimulatedBank]:
    """`kesos simulate bank` on a free port, until the context ends; without ``token`` it answers everybody."""
    err = folder / "bank.txt"
    secret = () if token is None else ("--token", token)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KESOS_")}
    with err.open("wb") as err_file:
        process = subprocess.Popen(  # noqa: S603  (our own command)
            [sys.executable, "-m", "app.cli", "simulate", "bank", "--port", "0", *secret, *arguments],
            cwd=folder,
            env={**environment, "PYTHONPATH": str(ROOT)},
            stdout=err_file,
            stderr=err_file,
        )
    try:
        until(lambda: process.poll() is not None or _ADDRESS.search(err.read_text()), "the bank did not begin")
        found = _ADDRESS.search(err.read_text())
        assert found is not None, err.read_text()
        bank = SimulatedBank(found[1])
        until(lambda: _answers(bank), "the bank does not answer")
        yield bank
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _answers(bank: SimulatedBank) -> bool:
    try:
        return bool(bank.asked())
    except httpx2.TransportError:
        return False


@dataclass
class StumblingBank:
    """A bank whose answers are damaged as long as it stumbles."""

    url: str
    stumbles: bool = True
    asked: int = 0

    async def answer(self, request: Request) -> Response:
        self.asked += 1
        whole = answer_to(await request.body())
        return Response(whole[:-2] + b"z\n" if self.stumbles else whole)


@contextmanager
def stumbling_bank() -> Iterator[StumblingBank]:
    """Such a bank on a free port, until the context ends."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bank = StumblingBank(f"http://127.0.0.1:{taken.getsockname()[1]}")
        application = Starlette(routes=[Route("/v1/files", bank.answer, methods=["POST"])])
        http = uvicorn.Server(uvicorn.Config(application, log_config=None, access_log=False, lifespan="off"))
        thread = threading.Thread(target=http.run, kwargs={"sockets": [taken]}, name="stumbling-bank")
        thread.start()
        try:
            until(lambda: http.started, "the bank did not begin")
            yield bank
        finally:
            http.should_exit = True
            thread.join(30)
