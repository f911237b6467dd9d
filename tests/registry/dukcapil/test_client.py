"""What the client makes of a civil registry that is busy, down, wrong, or not who it should be."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from app.domain.base import DomainError
from app.domain.registry.dukcapil.client import DukcapilClient, Patience
from app.domain.registry.dukcapil.contract import Batch, Item, MatchResult, StatedSex
from app.domain.registry.dukcapil.errors import (
    DukcapilAnswerInvalid,
    DukcapilDenied,
    DukcapilRejected,
    DukcapilUnavailable,
    DukcapilUnconfigured,
    DukcapilUrlInsecure,
)
from app.settings import Settings
from tests.registry.dukcapil.gateways import Reply, agreeing, good, hang_up, http, scripted

NAMES = ("SITI AMINAH", "BUDI SANTOSO")
NIKS = ("9902015708900001", "9902011701800002")
QUICK = Patience(answer_seconds=5, first_pause=0.01, longest_pause=0.04, total_seconds=0.6)
BATCH = Batch(
    batch_id="0123456789abcdef0123",
    items=[
        Item(reference="1", nik=NIKS[0], name=NAMES[0], birth_date=date(1990, 8, 17), sex=StatedSex.FEMALE),
        Item(reference="2", nik=NIKS[1], name=NAMES[1], birth_date=None, sex=None),
    ],
)


async def no_matter() -> None:
    """Wait on."""


async def ask(
    url: str, *, patience: Patience = QUICK, waiting: Any = no_matter, per_second: float = 1000
) -> dict[str, MatchResult]:
    token = SecretStr("kunci-gerbang")
    async with DukcapilClient(url, token, requests_per_second=per_second, patience=patience) as client:
        return dict(await client.match(BATCH, waiting=waiting))


async def ask_one_that_says(*replies: Reply) -> dict[str, MatchResult]:
    async with scripted(*replies) as gateway:
        return await ask(gateway.url)


async def test_what_is_sent_is_the_batch_of_the_contract_with_the_token_and_an_id_of_the_request() -> None:
    async with scripted(agreeing) as gateway:
        assert await ask(gateway.url) == {"1": MatchResult.MATCHED, "2": MatchResult.MATCHED}
    (head,) = gateway.heads
    assert head.startswith("POST /v1/matches HTTP/1.1")
    assert "authorization: Bearer kunci-gerbang" in head
    assert "x-request-id: " in head
    assert gateway.batches == [
        {
            "batchId": "0123456789abcdef0123",
            "items": [
                {"reference": "1", "nik": NIKS[0], "name": NAMES[0], "birthDate": "1990-08-17", "sex": "FEMALE"},
                {"reference": "2", "nik": NIKS[1], "name": NAMES[1], "birthDate": None, "sex": None},
            ],
        }
    ]


async def test_results_count_in_any_order_and_what_a_later_version_adds_does_no_harm() -> None:
    def later(batch: dict[str, Any]) -> bytes:
        results = [
            {"reference": "2", "result": "NAME_DIFFERS", "nameScore": 0.91, "hint": "x"},
            {"reference": "1", "result": "DECEASED"},
        ]
        return http(200, orjson.dumps({"batchId": batch["batchId"], "results": results, "version": 2}))

    found = await ask_one_that_says(later)
    assert found == {"1": MatchResult.DECEASED, "2": MatchResult.NAME_DIFFERS}


@pytest.mark.parametrize(
    "reply",
    [
        lambda _: http(429, retry_after="0"),
        lambda _: http(429, retry_after=format_datetime(datetime.now(tz=UTC) - timedelta(seconds=5), usegmt=True)),
        lambda _: http(429, retry_after="soon"),
        lambda _: http(500),
        lambda _: http(503),
        lambda _: None,
        lambda _: b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
        lambda _: b"not HTTP at all\r\n\r\n",
    ],
    ids=["429", "429-date", "429-nonsense", "500", "503", "hung-up", "cut-short", "no-http"],
)
async def test_a_civil_registry_that_fails_for_a_moment_is_asked_the_same_again(reply: Reply) -> None:
    async with scripted(reply, reply, agreeing) as gateway:
        assert await ask(gateway.url) == {"1": MatchResult.MATCHED, "2": MatchResult.MATCHED}
    assert len(gateway.batches) == 3
    assert gateway.batches[0] == gateway.batches[1] == gateway.batches[2]
    assert len(set(gateway.heads)) == 3, "each request has an id of its own"


@pytest.mark.parametrize(
    ("reply", "fault"),
    [(lambda _: http(503), "status 503"), (lambda _: None, "RemoteProtocolError"), (lambda _: http(429), "status 429")],
)
async def test_one_that_never_recovers_is_given_up_with_what_is_wrong(reply: Reply, fault: str) -> None:
    with pytest.raises(DukcapilUnavailable) as caught:
        await ask_one_that_says(reply)
    assert caught.value.code == "DUKCAPIL_UNAVAILABLE"
    assert fault in str(caught.value)
    assert fault in caught.value.indonesian


async def test_one_that_asks_for_more_time_than_there_is_patience_is_given_up_at_once() -> None:
    patience = Patience(answer_seconds=5, first_pause=0.01, longest_pause=1000, total_seconds=1)
    async with scripted(lambda _: http(503, retry_after="900")) as gateway:
        with pytest.raises(DukcapilUnavailable):
            await ask(gateway.url, patience=patience)
    assert len(gateway.batches) == 1


async def test_an_answer_that_does_not_come_is_not_waited_for_for_ever() -> None:
    silent = await asyncio.start_server(_silent, "127.0.0.1", 0)
    async with silent:
        url = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
        with pytest.raises(DukcapilUnavailable, match=r"no answer in time|ReadTimeout"):
            await ask(url, patience=Patience(answer_seconds=0.1, first_pause=0.01, total_seconds=0.05))


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    await hang_up(writer)


async def test_nobody_at_the_address_is_told_as_that() -> None:
    async with scripted(agreeing) as gateway:
        url = gateway.url
    with pytest.raises(DukcapilUnavailable, match="ConnectError"):
        await ask(url)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, DukcapilDenied),
        (403, DukcapilDenied),
        (302, DukcapilRejected),
        (404, DukcapilRejected),
        (409, DukcapilRejected),
        (413, DukcapilRejected),
        (422, DukcapilRejected),
        (204, DukcapilRejected),
    ],
)
async def test_a_refusal_is_not_tried_again_and_names_its_status(status: int, error: type[DomainError]) -> None:
    async with scripted(lambda _: http(status, location="http://127.0.0.1:1/")) as gateway:
        with pytest.raises(error, match=str(status)):
            await ask(gateway.url)
    assert len(gateway.batches) == 1


def _changed(change: Callable[[dict[str, Any]], Any]) -> Reply:
    def reply(batch: dict[str, Any]) -> bytes:
        answer = good(batch)
        changed = change(answer)
        return http(200, orjson.dumps(answer if changed is None else changed))

    return reply


WRONG: dict[str, tuple[Reply, str]] = {
    "html": (lambda _: http(200, b"<html>login</html>"), "JSON"),
    "empty": (lambda _: http(200, b""), "JSON"),
    "list": (_changed(lambda _: []), "JSON"),
    "no results": (_changed(lambda answer: {"batchId": answer["batchId"]}), "JSON"),
    "unknown result": (_changed(lambda answer: answer["results"][0].update(result="PERHAPS")), "JSON"),
    "number as reference": (_changed(lambda answer: answer["results"][0].update(reference=1)), "JSON"),
    "score above one": (_changed(lambda answer: answer["results"][0].update(nameScore=7)), "JSON"),
    "another batch": (_changed(lambda answer: answer.update(batchId="f" * 20)), "another batch"),
    "somebody else": (_changed(lambda answer: answer["results"][0].update(reference="77")), "not asked for"),
    "somebody more": (
        _changed(lambda answer: answer["results"].append({"reference": "3", "result": "MATCHED"})),
        "not asked for",
    ),
    "twice": (_changed(lambda answer: answer["results"].append(answer["results"][0])), "twice"),
    "somebody missing": (
        _changed(lambda answer: answer.update(results=answer["results"][:1])),
        "1 persons are missing",
    ),
    "nobody": (_changed(lambda answer: answer["results"].clear()), "2 persons are missing"),
    "too large": (lambda _: http(200, b" " * 300_000), "larger"),
    "too many": (_changed(lambda answer: answer.update(results=answer["results"] * 300)), "JSON"),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_an_answer_that_is_not_to_what_was_asked_counts_for_nothing_and_is_told_as_what_it_is(wrong: str) -> None:
    reply, words = WRONG[wrong]
    async with scripted(reply) as gateway:
        with pytest.raises(DukcapilAnswerInvalid, match=words) as caught:
            await ask(gateway.url)
    assert len(gateway.batches) == 1
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


async def test_batches_come_no_faster_than_they_may() -> None:
    async with scripted(agreeing) as gateway, _client(gateway.url, per_second=20) as client:
        begun = asyncio.get_running_loop().time()
        for _ in range(4):
            await client.match(BATCH, waiting=no_matter)
        # Three intervals of 50 ms at the least lie between four requests, however slow the machine is.
        assert asyncio.get_running_loop().time() - begun >= 0.15


def _client(url: str, *, per_second: float) -> DukcapilClient:
    return DukcapilClient(url, None, requests_per_second=per_second, patience=QUICK)


async def test_whoever_waits_can_be_called_off() -> None:
    class CalledOff(Exception):
        pass

    async def stop() -> None:
        raise CalledOff

    async with scripted(lambda _: http(503)) as gateway:
        with pytest.raises(CalledOff):
            await ask(gateway.url, waiting=stop)
    assert len(gateway.batches) == 1


@pytest.mark.parametrize(
    "url", ["http://dukcapil.example.go.id", "ftp://127.0.0.1", "dukcapil", "https://", "http://[::1", ""]
)
def test_an_address_on_whose_way_others_read_along_is_refused(url: str) -> None:
    with pytest.raises(DukcapilUrlInsecure):
        DukcapilClient(url, None, requests_per_second=1)


@pytest.mark.parametrize("url", ["https://dukcapil.example.go.id/gw/", "http://127.0.0.1:8100", "http://[::1]:8100"])
def test_one_that_is_safe_is_taken(url: str) -> None:
    DukcapilClient(url, None, requests_per_second=1)


def test_without_an_address_nobody_is_asked(settings: Settings) -> None:
    with pytest.raises(DukcapilUnconfigured) as caught:
        DukcapilClient.of_settings(settings)
    assert "KESOS_DUKCAPIL_URL" in str(caught.value)


@pytest.mark.parametrize("replies", [[lambda _: http(503), agreeing], [lambda _: http(422)], [WRONG["html"][0]]])
async def test_no_number_name_or_token_is_logged_or_told(
    replies: list[Reply], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told = ""
    async with scripted(*replies) as gateway:
        try:
            await ask(gateway.url)
        except DomainError as error:
            told = f"{error} {error.indonesian}"
    written = told + "".join(str(vars(record)) + record.getMessage() for record in caplog.records) + repr(BATCH)
    assert "503" in written or told
    for secret in (*NIKS, *NAMES, "kunci-gerbang", "1990-08-17"):
        assert secret not in written
