"""The contract of docs/dukcapil.md as the simulator keeps it, over real HTTP."""

import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from graphql import build_schema, parse, validate

from app.domain.registry.dukcapil.contract import LARGEST_ANSWER, LARGEST_REQUEST, MOST_ITEMS, Item, MatchResult
from app.schema.root import api
from app.simulation.dukcapil import MATCHED_RATE, verdict
from tests.registry.dukcapil.gateways import TOKEN, Simulated, simulated
from tests.support.process import ROOT

DOCUMENT = (ROOT / "docs" / "dukcapil.md").read_text(encoding="utf-8")
PERSON = {
    "reference": "1",
    "nik": "9933024702900001",
    "name": "SITI AMINAH",
    "birthDate": "1990-02-07",
    "sex": "FEMALE",
}


def example(name: str) -> Any:
    found = re.search(rf"^```json {name}\n(.+?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert found is not None
    return orjson.loads(found[1])


def batch(identifier: str, *items: dict[str, Any]) -> dict[str, Any]:
    return {"batchId": identifier, "items": list(items) or [PERSON]}


def numbered(count: int) -> list[dict[str, Any]]:
    return [PERSON | {"reference": str(number), "nik": f"993302470290{number:04}"} for number in range(count)]


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The simulator as it is without options."""
    with simulated(tmp_path_factory.mktemp("usual"), "--rate", "1000") as simulator:
        yield simulator


def test_the_example_of_the_document_is_answered_as_the_document_says(usual: Simulated) -> None:
    response = usual.post(example("request"))
    assert response.status_code == 200
    assert response.json() == example("answer")


def test_the_document_names_every_result_and_the_limits() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \|", DOCUMENT, re.MULTILINE)
    assert rows == [result.value for result in MatchResult]
    assert f"1 to {MOST_ITEMS} persons" in DOCUMENT
    assert (LARGEST_REQUEST, LARGEST_ANSWER) == (1024 * 1024, 256 * 1024)
    assert "at most 1 MiB" in DOCUMENT
    assert "at most 256 KiB" in DOCUMENT


@pytest.mark.parametrize("query", re.findall(r"^```graphql\n(.+?)^```", DOCUMENT, re.MULTILINE | re.DOTALL))
def test_what_the_document_asks_kesos_is_valid(query: str) -> None:
    assert validate(build_schema(api().sdl), parse(query)) == []


def test_the_largest_batch_there_can_be_fits(usual: Simulated) -> None:
    items = [item | {"name": "Ä" * 200, "reference": f"{item['reference']:>064}"} for item in numbered(MOST_ITEMS)]
    response = usual.post(batch("largest-batch-of-all", *items))
    assert response.status_code == 200
    assert len(response.json()["results"]) == MOST_ITEMS
    assert len(response.content) < LARGEST_ANSWER


def test_whoever_has_no_token_or_another_learns_nothing(usual: Simulated) -> None:
    before = usual.persons()
    for token in ("x", "falsch", TOKEN[:-1]):
        response = usual.post(batch("0" * 16), token)
        assert (response.status_code, response.json()["code"]) == (401, "TOKEN_INVALID")
    assert usual.persons() == before


WRONG: dict[str, Any] = {
    "no JSON": b"{",
    "nobody": {"batchId": "0" * 16, "items": []},
    "no batch id": {"items": [PERSON]},
    "short batch id": batch("abc"),
    "short NIK": batch("0" * 16, PERSON | {"nik": "993302470290000"}),
    "letters in the NIK": batch("0" * 16, PERSON | {"nik": "99330247O2900001"}),
    "NIK as a number": batch("0" * 16, PERSON | {"nik": 9933024702900001}),
    "a 30 February": batch("0" * 16, PERSON | {"birthDate": "1990-02-30"}),
    "no birth date at all": batch("0" * 16, {name: PERSON[name] for name in ("reference", "nik", "name")}),
    "long name": batch("0" * 16, PERSON | {"name": "A" * 201}),
    "one wrong among many": batch("0" * 16, PERSON, PERSON | {"reference": "2", "nik": "1"}),
    "a reference twice": batch("0" * 16, PERSON, PERSON),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_batch_that_is_not_valid_is_refused_as_a_whole_and_nobody_is_quoted(usual: Simulated, wrong: str) -> None:
    response = usual.post(WRONG[wrong])
    assert (response.status_code, response.json()["code"]) == (422, "BATCH_INVALID")
    assert not re.search(r"\d{9}|SITI|1990", response.text)


def test_too_many_persons_or_bytes_are_413(usual: Simulated) -> None:
    assert usual.post(batch("0" * 16, *numbered(MOST_ITEMS + 1))).status_code == 413
    assert usual.post(b" " * (LARGEST_REQUEST + 1)).status_code == 413


def test_the_same_batch_is_answered_the_same_and_other_items_under_its_id_are_a_conflict(usual: Simulated) -> None:
    first = usual.post(batch("same-batch-0123456", *numbered(50)))
    before = usual.asked()
    assert usual.post(batch("same-batch-0123456", *numbered(50))).content == first.content
    after = usual.asked()
    assert after["batches"] == before["batches"]
    assert after["answeredAgain"] == before["answeredAgain"] + 1
    assert usual.post(batch("same-batch-0123456", *numbered(51))).status_code == 409


def test_whoever_asks_too_often_is_told_when_to_come_back(tmp_path: Path) -> None:
    with simulated(tmp_path, "--rate", "1") as simulator:
        responses = [simulator.post(batch("0" * 16)) for _ in range(20)]
    refused = [response for response in responses if response.status_code == 429]
    assert refused
    assert {response.headers["retry-after"] for response in refused} == {"1"}


def test_failures_come_in_the_share_that_is_asked_for_before_and_after_the_work(tmp_path: Path) -> None:
    with simulated(tmp_path, "--rate", "1000", "--failures", "0.5") as simulator:
        codes = Counter(simulator.post(batch(f"failing-batch-{number:04}")).status_code for number in range(100))
        worked = len(simulator.asked()["batches"])
    assert set(codes) == {200, 503}
    assert 30 < codes[503] < 70
    assert codes[200] < worked < 100, "half of the failures lose an answer that was made"


def test_the_published_rates_come_out_and_a_seed_decides_who_is_who() -> None:
    def result(number: int, seed: int) -> MatchResult:
        nik = f"993302170180{number % 10_000:04}" if number < 10_000 else f"993402170180{number % 10_000:04}"
        item = Item(reference="1", nik=nik, name="", birth_date=date(1980, 1, 17), sex=None)
        return verdict(item, matched=MATCHED_RATE, seed=seed)[0]

    counted = Counter(result(number, 1) for number in range(20_000))
    assert abs(counted[MatchResult.MATCHED] / 20_000 - 0.839) < 0.01
    assert abs(counted[MatchResult.DECEASED] / 20_000 - 0.021) < 0.005
    assert set(counted) == set(MatchResult) - {MatchResult.NIK_EMPTY}
    assert [result(number, 1) for number in range(100)] == [result(number, 1) for number in range(100)]
    assert [result(number, 1) for number in range(100)] != [result(number, 2) for number in range(100)]


def test_a_birth_date_that_is_mended_makes_a_match() -> None:
    def result(born: date | None, nik: str) -> MatchResult:
        item = Item(reference="1", nik=nik, name="", birth_date=born, sex=None)
        return verdict(item, matched=1.0, seed=1)[0]

    assert result(date(1990, 2, 7), "9933024702900001") is MatchResult.MATCHED
    assert result(date(1990, 2, 8), "9933024702900001") is MatchResult.BIRTH_DATE_DIFFERS
    assert result(None, "9933024702900001") is MatchResult.MATCHED
    assert result(date(1990, 2, 7), "0" * 16) is MatchResult.NIK_EMPTY


def test_the_simulator_writes_nothing_of_whom_it_was_asked_for(usual: Simulated) -> None:
    usual.post(example("request"))
    usual.post(batch("0" * 16, PERSON | {"nik": "1"}))
    written = usual.err.read_text()
    assert "simulated at" in written
    assert not any(item["nik"] in written or item["name"] in written for item in example("request")["items"])
