"""Numbers for Prometheus: what is counted, that no caller invents a label, and who may read them."""

import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from app.authz.development import issue_token
from app.authz.roles import Role
from app.main import create_app
from app.settings import Settings
from app.tenants.server import DatabaseServer
from app.web.metrics import MOST_OPERATIONS, MOST_OUTCOMES, OTHER, Metrics, Names, Tally, Vital
from tests.support.client import Caller, enrol
from tests.support.process import kesos_serve, until
from tests.support.world import BANYUMAS

pytestmark = pytest.mark.long

SECRET = "token-of-the-scraper"
Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(text: str) -> Series:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def requests(series: Series) -> dict[tuple[str, str, str], float]:
    """How many requests there were by operation, type and outcome."""
    counted = {}
    for (name, labels), value in series.items():
        if name == "kesos_requests_total":
            of = dict(labels)
            counted[of["operation"], of["type"], of["outcome"]] = value
    return counted


@asynccontextmanager
async def client_of(
    settings: Settings, server: DatabaseServer, address: str = "127.0.0.1"
) -> AsyncIterator[httpx2.AsyncClient]:
    """Speak with an application of its own from ``address``."""
    app = create_app(settings, server)
    transport = httpx2.ASGITransport(app=app, client=(address, 12345))
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http,
    ):
        yield http


@pytest.fixture
async def http(api_settings: Settings, world: DatabaseServer) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(api_settings, world) as http:
        yield http


@pytest.fixture
async def caller(http: httpx2.AsyncClient, api_settings: Settings, world: DatabaseServer) -> Caller:
    return Caller(http, issue_token(api_settings, await enrol(world, (Role.REGENCY_ADMIN, BANYUMAS.code))))


async def counted(http: httpx2.AsyncClient) -> dict[tuple[str, str, str], float]:
    return requests(read((await http.get("/metrics")).text))


async def test_requests_are_counted_by_root_field_kind_and_outcome(http: httpx2.AsyncClient, caller: Caller) -> None:
    for _ in range(3):
        await caller.query('query Mine { of: region(code: "33.02") { name } }')
    await caller.answer('{ region(code: "3302") { name } }')
    await caller.query('{ region(code: "33.02") { name } ...two } fragment two on Query { me { permissions } }')
    await caller.query("{ __schema { queryType { name } } }")
    await caller.answer("{ region")
    await http.post("/graphql", json={"query": "{ me { permissions } }"})
    found = await counted(http)
    assert found.pop(("region", "query", "ok")) == 3
    assert found.pop(("several", "query", "ok")) == 1
    assert found.pop(("introspection", "query", "ok")) == 1
    assert found.pop(("unread", "unread", "GRAPHQL_PARSE_FAILED")) == 1
    assert found.pop(("unread", "unread", "UNAUTHENTICATED")) == 1
    ((refused, times),) = found.items()
    assert refused[:2] == ("region", "query")
    assert re.fullmatch(r"[A-Z_]+", refused[2])
    assert times == 1


async def test_seconds_are_kept_for_each_operation(http: httpx2.AsyncClient, caller: Caller) -> None:
    for _ in range(4):
        await caller.query("{ me { permissions } }")
    series = read((await http.get("/metrics")).text)
    of = {("operation", "me"), ("type", "query")}
    assert series["kesos_request_seconds_count", frozenset(of)] == 4
    assert series["kesos_request_seconds_sum", frozenset(of)] > 0
    assert series["kesos_request_seconds_bucket", frozenset({*of, ("le", "+Inf")})] == 4
    assert series["kesos_requests_in_flight", frozenset()] == 0


async def test_no_caller_makes_a_label_of_what_it_sends(http: httpx2.AsyncClient, caller: Caller) -> None:
    for number in range(40):
        await caller.answer(f"query Name{number} {{ alias{number}: me {{ permissions }} }}")
        await caller.answer(f"{{ field{number} }}", **{f"variable{number}": number})
        await caller.post(f"subscription Name{number} {{ field{number} }}", x_request_id=f"id{number}")
        await http.get(f"/path{number}")
    text = (await http.get("/metrics")).text
    assert {operation for operation, _, _ in requests(read(text))} == {"me", "unread"}
    assert re.findall(r"(?:Name|alias|field|variable|path|id)\d+\"", text) == []


async def test_what_stands_in_the_process_is_told(http: httpx2.AsyncClient) -> None:
    names = {name for name, _ in read((await http.get("/metrics")).text)}
    # No worker runs in this process, and there is no replica.
    assert {vital.value[0] for vital in Vital} - names == {
        Vital.JOBS_RUNNING.value[0],
        Vital.REPLICA_STALENESS.value[0],
    }
    elsewhere = {Tally.JOBS_SUCCEEDED, Tally.JOBS_FAILED, Tally.READS_OF_REPLICA, Tally.READS_IN_ITS_PLACE}
    assert {f"{tally.value[0]}_total" for tally in Tally} - names == {f"{tally.value[0]}_total" for tally in elsewhere}
    assert {"process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"} <= names


async def test_openmetrics_is_spoken_to_whoever_prefers_it(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_there_are_only_so_many_names() -> None:
    names = Names(2)
    assert [names[name] for name in ("a", "b", "c", "a", "d")] == ["a", "b", OTHER, "a", OTHER]
    assert names.keys() == {"a", "b"}
    assert (Metrics().operations["3302015708900071"], MOST_OPERATIONS > MOST_OUTCOMES) == ("********", True)


def as_strangers_see_it(answer: httpx2.Response) -> tuple[int, bytes, dict[str, str]]:
    headers = {name: value for name, value in answer.headers.items() if name not in {"date", "x-request-id"}}
    return answer.status_code, answer.content, headers


@pytest.mark.parametrize(("token", "address"), [(None, "192.0.2.7"), (SECRET, "192.0.2.7"), (SECRET, "127.0.0.1")])
async def test_for_strangers_there_are_no_metrics(
    api_settings: Settings, world: DatabaseServer, token: str | None, address: str
) -> None:
    settings = api_settings.model_copy(update={"metrics_token": token and SecretStr(token)})
    tries = [{}, {"authorization": "Bearer wrong"}, {"authorization": "Bearer "}, {"authorization": f"Basic {SECRET}"}]
    async with client_of(settings, world, address) as http:
        for method, end, headers in product(["GET", "HEAD", "POST", "OPTIONS", "DELETE"], ["", "/", "/x"], tries):
            seen = await http.request(method, f"/metrics{end}", headers=headers)
            nothing = await http.request(method, f"/metricz{end}", headers=headers)
            assert as_strangers_see_it(seen) == as_strangers_see_it(nothing)
            assert seen.status_code == 404


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip", "via"])
async def test_a_proxy_on_this_machine_speaks_for_strangers(http: httpx2.AsyncClient, header: str) -> None:
    assert (await http.get("/metrics")).status_code == 200
    assert (await http.get("/metrics", headers={header: "127.0.0.1"})).status_code == 404


@pytest.mark.parametrize("address", ["192.0.2.7", "127.0.0.1", "2001:db8::7"])
async def test_the_token_opens_the_metrics_from_anywhere(
    api_settings: Settings, world: DatabaseServer, address: str
) -> None:
    settings = api_settings.model_copy(update={"metrics_token": SecretStr(SECRET)})
    async with client_of(settings, world, address) as http:
        answer = await http.get("/metrics", headers={"authorization": f"Bearer {SECRET}"})
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "text/plain")


@pytest.mark.parametrize(
    ("address", "status"), [("::1", 200), ("::ffff:127.0.0.1", 200), ("2001:db8::7", 404), ("x", 404)]
)
async def test_without_a_token_this_machine_and_no_other_reads_them(
    api_settings: Settings, world: DatabaseServer, address: str, status: int
) -> None:
    async with client_of(api_settings, world, address) as http:
        assert (await http.get("/metrics")).status_code == status


def test_any_of_several_processes_answers_for_all(
    api_settings: Settings, world: DatabaseServer, tmp_path: Path
) -> None:
    asked = 40
    with kesos_serve(api_settings, world, tmp_path, "--workers", "2") as served:

        def metrics() -> Series:
            # On a connection of its own, so that now one process answers and now the other.
            return read(httpx2.get(f"{served.address}/metrics", trust_env=False).text)

        def living(series: Series) -> set[str]:
            return {dict(labels)["pid"] for name, labels in series if name == "process_resident_memory_bytes"}

        for _ in range(asked):
            body = {"query": "{ me { permissions } }"}
            assert httpx2.post(f"{served.address}/graphql", json=body, trust_env=False).status_code == 401
        processes = {str(line["process"]) for line in served.events("request")}
        assert len(processes) == 2
        for _ in range(10):
            series = metrics()
            assert (sum(requests(series).values()), living(series)) == (asked, processes)

        os.kill(int(min(processes)), signal.SIGKILL)
        until(lambda: len(served.events("a process serves")) == 3, "nobody took the place of the dead process")
        until(lambda: len(living(metrics()) - processes) == 1, "the new process is not counted")
        series = metrics()
        assert living(series).isdisjoint({min(processes)})
        # What the dead process had counted stays, so that sums never shrink.
        assert sum(requests(series).values()) == asked
        served.stop()
        assert list(tmp_path.glob("kesos-metrics-*")) == []
