"""``python -m bench.attackers``: one attacker in a process of its own, which stands for another machine.

It reads a ``Job`` as JSON from standard input, attacks until it is ended or its time is over, and prints what it was answered.
"""

import asyncio
import itertools
import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Final

import orjson
import uvloop

from bench.load import http_request

_VALUES: Final = 19_000
_FIELDS: Final = ("id", "headName", "kk", "decile", "status", "rt", "rw")
_PAGE: Final = "query Most { families(first: 100) { nodes { id kk village { name } members { id name nik birthDate } ranks { decile } } } }"
_BOMB: Final = "{ ...F0 } " + " ".join(f"fragment F{at} on Query {{ ...F{at + 1} ...F{at + 1} }}" for at in range(22))
_ALIASES: Final = "{ " + " ".join(f"a{at}: __typename" for at in range(1_000)) + " }"


@dataclass(frozen=True, slots=True)
class Job:
    """Whom to attack, how, from which address of the loopback, as whom, and for how many seconds."""

    attack: str
    url: str
    host: str
    port: int
    address: str
    token: str
    family: str
    seconds: float

    @classmethod
    def of_json(cls, text: bytes) -> "Job":
        """Read a job."""
        return cls(**orjson.loads(text))

    def to_json(self) -> bytes:
        """Write a job."""
        return orjson.dumps(asdict(self))

    def asks(self, query: str, **variables: object) -> bytes:
        """A request for ``query`` with the token."""
        return http_request(self.url, {"query": query, "variables": variables}, self.token)


Requests = Iterator[bytes]
SMALL: Final = "query Small($id: ID!) { family(id: $id) { id headName kk decile status } }"


def _known(job: Job) -> Requests:
    return itertools.repeat(job.asks(SMALL, id=job.family))


def _bad_tokens(job: Job) -> Requests:
    header, payload, signature = job.token.split(".")
    for number in itertools.count():
        forged = f"{header}.{payload}.{number:08}{signature[8:]}"
        yield http_request(job.url, {"query": SMALL}, forged)


def _no_token(job: Job) -> Requests:
    return itertools.repeat(http_request(job.url, {"query": SMALL}))


def _new_documents(job: Job) -> Requests:
    chance = random.Random(1)  # noqa: S311  (documents that differ, no secret)
    for number in itertools.count():
        parts = [
            f"p{at}: families(first: 2) {{ nodes {{ {' '.join(chance.sample(_FIELDS, 6))} members {{ id name }} }} }}"
            for at in range(8)
        ]
        yield job.asks(f"query Q{number} {{ {' '.join(parts)} }}")


def _repeated_fields(job: Job) -> Requests:
    for number in itertools.count():
        yield job.asks(f"query Q{number} {{ families(first: 2) {{ nodes {{ {'id ' * 3_900}}} }} }}")


def _expensive(job: Job) -> Requests:
    return itertools.repeat(job.asks(_PAGE))


def _bombs(job: Job) -> Requests:
    for number in itertools.count():
        yield job.asks(f"{_BOMB if number % 2 else _ALIASES} # {number}")


def _large_bodies(job: Job) -> Requests:
    ids = [f"Family:{at}" for at in range(_VALUES)]
    return itertools.repeat(job.asks("query Many($ids: [ID!]!) { nodes(ids: $ids) { __typename } }", ids=ids))


def _preflights(job: Job) -> Requests:
    asked = "origin: https://evil.example\r\naccess-control-request-method: POST\r\n"
    return itertools.repeat(f"OPTIONS /graphql HTTP/1.1\r\nhost: {job.host}\r\n{asked}\r\n".encode())


def _pipelined(job: Job) -> Requests:
    return itertools.repeat(job.asks(SMALL, id=job.family) * 200)


def _garbage(_job: Job) -> Requests:
    return itertools.repeat(b"\x16\x03\x01 this is no HTTP \r\n\r\n")


class Attack(asyncio.Protocol):
    """One connection of an attacker: sends a request whenever it has an answer, and connects again when it is cut off."""

    def __init__(self, requests: Requests, answers: Counter[str], again: Callable[[], None]) -> None:
        self._requests, self._answers, self._again = requests, answers, again
        self._received = b""
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]  # a stream transport
        self.send()

    def send(self) -> None:
        """Send the next request."""
        self.transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        """Count the answers in ``data``, and send on after each."""
        self._received += data
        while self._received:
            if self._missing:
                taken = min(self._missing, len(self._received))
                self._missing -= taken
                self._received = self._received[taken:]
                if self._missing:
                    return
                self.send()
                continue
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            head, self._received = self._received[:end].lower(), self._received[end + 4 :]
            self._answers[head[9:12].decode()] += 1
            _, _, length = head.partition(b"content-length: ")
            self._missing = int(length.split(b"\r", 1)[0] or 0)
            if not self._missing:
                self.send()

    def connection_lost(self, _exc: Exception | None) -> None:
        """Connect again."""
        self._answers["closed"] += 1
        self._again()


class Idle(Attack):
    """Opens a connection and sends nothing."""

    def send(self) -> None:
        """Send nothing."""


class Churn(Attack):
    """Opens a connection and closes it."""

    def send(self) -> None:
        """Close."""
        self.transport.close()


class Trickle(Attack):
    """Sends half of a head or of a body, and then a byte now and then."""

    def send(self) -> None:
        """Send all but the end."""
        request = next(self._requests)
        self.transport.write(request[: len(request) // 2])
        self._drip()

    def _drip(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(b"1")
            asyncio.get_running_loop().call_later(0.05, self._drip)


class Deaf(Attack):
    """Asks for much and never reads it."""

    def send(self) -> None:
        """Ask again and again."""
        self.transport.pause_reading()
        for _ in range(8):
            self.transport.write(next(self._requests))


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to attack: what is sent, on how many connections, and how a connection behaves."""

    requests: Callable[[Job], Requests]
    connections: int = 32
    behaviour: type[Attack] = Attack


ATTACKS: Final = {
    "known document, good token": Kind(_known),
    "known document, 256 connections": Kind(_known, 256),
    "forged tokens": Kind(_bad_tokens),
    "no token": Kind(_no_token),
    "new documents": Kind(_new_documents),
    "fields repeated 3,900 times": Kind(_repeated_fields),
    "expensive documents": Kind(_expensive),
    "fragment and alias bombs": Kind(_bombs),
    "bodies of 19,000 values": Kind(_large_bodies),
    "bodies that trickle": Kind(_large_bodies, 200, Trickle),
    "answers that nobody reads": Kind(_expensive, 64, Deaf),
    "200 requests at once": Kind(_pipelined),
    "preflights": Kind(_preflights),
    "no HTTP": Kind(_garbage),
    "idle connections": Kind(_no_token, 2_000, Idle),
    "connections opened and closed": Kind(_no_token, 32, Churn),
}


async def attack(job: Job) -> Counter[str]:
    """Attack for as long as the job says; how often which status was answered, and how often a connection was closed."""
    kind, answers = ATTACKS[job.attack], Counter[str]()
    requests, loop = kind.requests(job), asyncio.get_running_loop()
    until = loop.time() + job.seconds
    tasks: set[asyncio.Task[None]] = set()

    async def connect() -> None:
        try:
            await loop.create_connection(
                lambda: kind.behaviour(requests, answers, again), job.host, job.port, local_addr=(job.address, 0)
            )
        except OSError:
            answers["not connected"] += 1
            await asyncio.sleep(0.05)
            again()

    def again() -> None:
        if loop.time() < until:
            task = loop.create_task(connect())
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    for _ in range(kind.connections):
        again()
    await asyncio.sleep(job.seconds)
    return answers


def main() -> None:
    """Attack as standard input says, with what the machine has to spare: the attacker stands for another one."""
    os.nice(19)
    answers = uvloop.run(attack(Job.of_json(sys.stdin.buffer.read())))
    sys.stdout.buffer.write(orjson.dumps(answers))


if __name__ == "__main__":
    main()
