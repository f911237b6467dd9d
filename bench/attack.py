"""What others feel while one attacker does its worst: latencies of a small query, quiet and under each attack in turn."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import quantiles
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit

import httpx2
import orjson

from app.authz.roles import Role
from app.settings import Settings
from app.tenants.region_path import RegionPath
from app.tenants.server import DatabaseServer
from bench.attackers import ATTACKS, SMALL, Job
from bench.load import http_request
from bench.results import Grid, Plan
from bench.stage import PROVINCE, kesos_process, token_of

PEOPLE: Final = 10
REQUESTS_PER_SECOND: Final = 15
_LEAD_SECONDS: Final = 0.7
_PATIENCE_SECONDS: Final = 20.0
_FIRST: Final = "{ families(first: 1) { nodes { id } } }"


@dataclass(frozen=True, slots=True)
class Felt:
    """What people felt: latencies in milliseconds, and how many of their requests had no good answer."""

    attack: str
    p50: float
    p99: float
    failed: int
    answers: dict[str, int]

    @classmethod
    def of(cls, attack: str, latencies: Sequence[float | None], answers: dict[str, int]) -> "Felt":
        """``latencies`` in seconds; None for a request without a good answer."""
        good = [each * 1000 for each in latencies if each is not None]
        cuts = quantiles(good, n=100) if len(good) > 1 else [float("nan")] * 99
        return cls(attack, cuts[49], cuts[98], len(latencies) - len(good), answers)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works on, from an address of their own."""

    address: str
    request: bytes

    async def work(self, host: str, port: int, seconds: float) -> list[float | None]:
        """Ask at a steady pace for ``seconds``; each latency counts from when the request was due."""
        latencies: list[float | None] = []
        begin = perf_counter()  # uvloop's own clock counts in whole milliseconds
        reader, writer = await asyncio.open_connection(host, port, local_addr=(self.address, 0))
        try:
            for number in range(int(seconds * REQUESTS_PER_SECOND)):
                due = begin + number / REQUESTS_PER_SECOND
                await asyncio.sleep(due - perf_counter())
                writer.write(self.request)
                try:
                    async with asyncio.timeout(_PATIENCE_SECONDS):
                        latencies.append(perf_counter() - due if await _is_answered(reader) else None)
                except (TimeoutError, OSError, asyncio.IncompleteReadError):
                    latencies.append(None)
                    writer.close()
                    reader, writer = await asyncio.open_connection(host, port, local_addr=(self.address, 0))
        finally:
            writer.close()
        return latencies


async def _is_answered(reader: asyncio.StreamReader) -> bool:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length: ")[2].split(b"\r", 1)[0])
    body = await reader.readexactly(length)
    return head.startswith(b"http/1.1 200") and b'"errors"' not in body


async def attacked(settings: Settings, server: DatabaseServer, *, seconds: int) -> AsyncIterator[Felt]:
    """What people feel of each attack in turn; first when there is none, and again at the end."""
    async with kesos_process(settings, limited=True) as url:
        parts = urlsplit(url)
        host, port = parts.hostname or "127.0.0.1", parts.port or 80
        regencies = [RegionPath.parse(f"33.{number:02}") for number in range(1, PEOPLE + 1)]
        people = []
        for number, regency in enumerate(regencies):
            token = await token_of(settings, server, Role.REGENCY_ADMIN, regency)
            asked = {"query": SMALL, "variables": {"id": await _family(url, token)}}
            people.append(Person(f"127.0.1.{number + 1}", http_request(url, asked, token)))

        async def felt(attack: str, answers: dict[str, int]) -> Felt:
            worked = await asyncio.gather(*(person.work(host, port, seconds) for person in people))
            return Felt.of(attack, [latency for latencies in worked for latency in latencies], answers)

        await felt("", {})
        yield await felt("quiet", {})
        # An attacker each: nobody pays for what another has used up.
        for number, name in enumerate(ATTACKS):
            role, region = (
                (Role.PROVINCE_OFFICER, PROVINCE)
                if "expensive" in name or "nobody reads" in name
                else (Role.REGENCY_ADMIN, RegionPath.parse(f"33.{number + 11:02}"))
            )
            token = await token_of(settings, server, role, region)
            family = await _family(url, token)
            job = Job(name, url, host, port, f"127.0.2.{number + 1}", token, family, seconds + 2 * _LEAD_SECONDS)
            answers: dict[str, int] = {}
            async with _attacker(job, answers):
                measured = await felt(name, answers)
            yield measured
        yield await felt("quiet again", {})


async def measure(settings: Settings, server: DatabaseServer, plan: Plan) -> list[Grid]:
    """What people feel of each attack, as a table; each attack goes on for twice the seconds of a round."""
    felt = [each async for each in attacked(settings, server, seconds=2 * round(plan.seconds))]
    lines = [
        (
            each.attack,
            f"{each.p50:.2f}",
            f"{each.p99:.2f}",
            f"{each.p99 / felt[0].p99:.1f}",
            str(each.failed),
            ", ".join(f"{answer}: {count:,}" for answer, count in sorted(each.answers.items())),
        )
        for each in felt
    ]
    return [Grid(("attack", "median ms", "p99 ms", "p99 of quiet", "failed", "the attacker's answers"), lines)]


async def _family(url: str, token: str) -> str:
    async with httpx2.AsyncClient() as http:
        answer = await http.post(url, json={"query": _FIRST}, headers={"authorization": f"Bearer {token}"})
    first: str = answer.json()["data"]["families"]["nodes"][0]["id"]
    return first


@asynccontextmanager
async def _attacker(job: Job, answers: dict[str, int]) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.attackers"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    telling = asyncio.create_task(process.communicate(job.to_json()))
    try:
        await asyncio.sleep(_LEAD_SECONDS)
        yield
        async with asyncio.timeout(_PATIENCE_SECONDS):
            told, _ = await telling
        answers.update(orjson.loads(told))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
