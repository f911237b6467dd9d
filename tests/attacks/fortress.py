"""Kesos as it runs in production, a process of its own, and whoever attacks it or merely wants an answer meanwhile."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
import psutil  # type: ignore[import-untyped]  # it ships no types

from tests.support.process import Served

Json = dict[str, Any]
PATIENCE_SECONDS: Final = 60.0
ME: Final = "{ me { principal { id } } }"
_TRACE: Final = re.compile(r"Traceback|File \"|line \d+, in |\.py\b|site-packages|asyncpg|sqlalchemy|strawberry|uvicorn|starlette", re.IGNORECASE)
_SQL: Final = re.compile(r"\b(select .* from|insert into|relation \"|syntax error at or near|kesos_app|set_config)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fortress:
    """The server, and where it keeps what it is asked about."""

    served: Served
    issuer: str
    folk: Mapping[str, str]
    """Tokens: of the regency's ``administrator``, the ``ministry``, and a village's ``volunteer``, who may not compose."""
    bystander: str
    """The token of somebody who does nothing but ask who they are."""

    @property
    def address(self) -> str:
        return self.served.address

    @property
    def memory_bytes(self) -> int:
        """What the process holds."""
        held: int = psutil.Process(self.served.process.pid).memory_info().rss
        return held

    @asynccontextmanager
    async def browsing(self, token: str | None = None, **headers: str) -> AsyncIterator[httpx2.AsyncClient]:
        """A client of HTTP with ``token``."""
        given = {"accept": "application/graphql-response+json", **headers}
        if token is not None:
            given["authorization"] = f"Bearer {token}"
        async with httpx2.AsyncClient(
            base_url=self.address, headers=given, trust_env=False, timeout=PATIENCE_SECONDS
        ) as http:
            yield http

    async def still_answers(self) -> None:
        """Somebody else, who asks something small, is answered as ever."""
        assert self.served.process.poll() is None, "the server is gone"
        async with self.browsing(self.bystander) as http:
            answer = await http.post("/graphql", json={"query": ME})
            assert answer.status_code == 200, answer.text
            assert answer.json()["data"]["me"]["principal"]["id"]


def discreet(response: httpx2.Response) -> None:
    """The answer tells nothing of how the server works."""
    assert response.status_code not in {500, 501, 502}, response.text
    assert not _TRACE.search(response.text), response.text
    assert not _SQL.search(response.text), response.text
    assert "server" not in response.headers
    assert "x-powered-by" not in response.headers
    assert len(response.headers.get_list("x-request-id")) == 1


def refused(response: httpx2.Response, status: int, *codes: str) -> list[Json]:
    """The errors of a request that was refused with ``status`` and one of ``codes``, and tells nothing else."""
    discreet(response)
    assert response.status_code == status, response.text
    body = response.json()
    assert "data" not in body, body
    errors: list[Json] = body["errors"]
    assert {error["extensions"]["code"] for error in errors} <= set(codes), errors
    assert all(len(error["message"]) < 2_000 for error in errors)
    return errors


async def raw(fortress: Fortress, *parts: bytes, every: float = 0.0) -> bytes:
    """Send bytes as they are; everything that comes back until the server hangs up, or says nothing more."""
    address = urlsplit(fortress.address)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(every)
        with_end = bytearray()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while chunk := await reader.read(65_536):
                    with_end += chunk
        except ConnectionError:
            pass
        return bytes(with_end)
    finally:
        writer.close()


def port_of(fortress: Fortress) -> tuple[str, int]:
    """Where the server listens."""
    address = urlsplit(fortress.address)
    return str(address.hostname), int(address.port or 0)


def connected(fortress: Fortress) -> socket.socket:
    """A plain connection."""
    return socket.create_connection(port_of(fortress), timeout=PATIENCE_SECONDS)
