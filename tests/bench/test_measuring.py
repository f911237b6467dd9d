"""CPU, rounds and pgbench, with real processes."""

import asyncio
import os
import subprocess
import sys
from typing import Final

import pytest

from app.settings import Settings
from app.tenants.server import DatabaseServer
from bench.cpu import Meter, cpu_of
from bench.load import Load
from bench.pgbench import pgbench_load, pgbench_statement
from bench.results import Plan
from bench.rounds import Begun, Contender, in_turn

_BUSY: Final = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n"


def test_cpu_of_a_process_holds_that_of_children_that_have_ended() -> None:
    before, own = cpu_of(os.getpid()), Meter.own()
    subprocess.run([sys.executable, "-c", _BUSY], check=True)  # noqa: S603  (our own words)
    spent, by_itself = cpu_of(os.getpid()) - before, Meter.own() - own
    assert spent - by_itself > 0.25


def test_cpu_of_a_process_holds_that_of_a_child_that_runs() -> None:
    waits = f"{_BUSY}print(flush=True)\ninput()"
    command = [sys.executable, "-c", waits]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:  # noqa: S603  (our own words)
        assert child.stdout is not None
        child.stdout.readline()
        assert cpu_of(os.getpid()) - Meter.own() > 0.25
        assert cpu_of(child.pid) > 0.25


async def test_sides_take_turns_and_warming_up_does_not_count(server: DatabaseServer, settings: Settings) -> None:
    turns: list[str] = []

    def contender(name: str, units: int) -> Contender:
        async def work(seconds: float, begun: Begun) -> Load:
            turns.append(name)
            if name == "busy":
                await _burn(server)
                begun()
            return Load(10, seconds)

        return Contender(name, work, units=units)

    plan = Plan(rounds=2, seconds=1)
    sides = await in_turn(plan, Meter(settings), [contender("busy", 1), contender("batch", 7)], what="")
    assert turns == ["busy", "batch", "busy", "batch"]
    assert [each.rates for each in sides] == [[10, 10], [70, 70]]
    assert sides[0].database is not None
    assert sides[0].database * 20 < 0.3e6
    assert sides[0].server is None


async def test_what_a_process_of_the_bench_uses_is_the_clients_and_what_the_server_uses_is_not(
    settings: Settings,
) -> None:
    serves = f"while True:\n    input()\n    exec({_BUSY!r})\n    print(flush=True)"
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", serves), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert server.stdin is not None
    assert server.stdout is not None
    asked, answered = server.stdin, server.stdout

    async def serve(seconds: float, _begun: Begun) -> Load:
        asked.write(b"\n")
        await answered.readline()
        return Load(1, seconds)

    async def ask(seconds: float, _begun: Begun) -> Load:
        client = await asyncio.create_subprocess_exec(sys.executable, "-c", _BUSY)
        await client.wait()
        return Load(1, seconds)

    contenders = [Contender("serves", serve, server.pid), Contender("asks", ask)]
    try:
        served, asks = await in_turn(Plan(rounds=1, seconds=1), Meter(settings), contenders, what="")
    finally:
        server.kill()
        await server.wait()
    assert served.server is not None
    assert served.client is not None
    assert asks.client is not None
    assert served.server > 0.25e6 > served.client
    assert asks.client > 0.25e6
    assert asks.server is None


async def test_the_cpu_of_postgresql_is_that_of_all_its_sessions(server: DatabaseServer, settings: Settings) -> None:
    meter = Meter(settings)
    before = meter.database()
    await _burn(server)
    assert meter.database() - before > 0.25


async def _burn(server: DatabaseServer) -> None:
    connection = await server.app.connect()
    try:
        for _ in range(100):
            burnt = await connection.fetchval("select count(*) from generate_series(1, 100000)")
            assert burnt == 100_000
    finally:
        await connection.close()


async def test_pgbench_binds_what_varies_and_what_does_not(server: DatabaseServer) -> None:
    begun: list[bool] = []
    # Fails by division where an argument does not arrive as it is.
    statement = (
        "select 1 / ($1::bigint = 7 and $2::text = 'it''s' and $3::int4 is null and cardinality($4::text[]) = 2 "
        "and $5::uuid in ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000002'))::int"
    )
    ids = [f"00000000-0000-7000-8000-00000000000{n}" for n in (1, 2)]
    load = await pgbench_statement(
        server,
        statement,
        [[7, "it's", None, [f'a"{each}', "b\\,"], each] for each in ids],
        clients=2,
        seconds=1,
        begun=lambda: begun.append(True),
    )
    assert begun == [True]
    assert load.requests > 10
    assert 0.5 < load.seconds < 60


async def test_a_statement_that_fails_is_no_figure(server: DatabaseServer) -> None:
    with pytest.raises(RuntimeError, match="division by zero"):
        await pgbench_load(server, ["select 1 / 0;"], {}, clients=1, seconds=1, begun=lambda: None)
