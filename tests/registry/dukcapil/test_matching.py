"""Whom a matching sends, what it stores of the answers, and what is left when something goes wrong on the way."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID

import orjson
import pytest

from app.domain.base import DomainError
from app.domain.insights.service import verify_summaries
from app.domain.jobs.work import JobCancelled
from app.domain.registry.dukcapil.contract import Item, MatchResult
from app.domain.registry.dukcapil.errors import MatchingUnknown, NikUnopened
from app.domain.registry.enums import MismatchReason
from app.domain.registry.sealing import Seal
from app.domain.registry.seed import seed_registry
from app.simulation.dukcapil import verdict
from app.tenants.region_path import RegionLevel, Span
from app.tenants.session import open_loader
from tests.insights.counted import counted_totals, stored_totals
from tests.registry.conftest import Place
from tests.registry.dukcapil.gateways import Reply, Simulated, agreeing, good, http, scripted
from tests.registry.dukcapil.office import Office
from tests.registry.dukcapil.test_client import WRONG


def answering(result: MatchResult) -> Reply:
    """A gateway that says the same of everybody."""

    def reply(batch: dict[str, Any]) -> bytes:
        answer = good(batch)
        for each in answer["results"]:
            each["result"] = result.value
        return http(200, orjson.dumps(answer))

    return reply


def test_every_result_but_a_match_is_a_reason_of_the_registry() -> None:
    assert {result.value for result in MatchResult} == {"MATCHED"} | {reason.value for reason in MismatchReason}


async def test_each_person_stands_as_the_civil_registry_says_and_the_totals_with_them(
    office: Office, simulator: Simulated
) -> None:
    before = await office.persons()
    attempt = await office.matching()
    await office.run(attempt, simulator.url)
    after = {row["id"]: row for row in await office.persons()}
    expected: Counter[str] = Counter()
    for person in before:
        now = after[person["id"]]
        if person["nik_sealed"] is None:
            assert now == person, "whoever has no NIK is not sent and stays as they were"
            continue
        item = Item(
            reference="1",
            nik=office.seal.unseal(person["nik_sealed"]),
            name="",
            birth_date=person["birth_date"],
            sex=None,
        )
        result, _ = verdict(item, matched=0.5, seed=1)
        expected[result.value] += 1
        matched = result is MatchResult.MATCHED
        assert now["identity_status"] == ("MATCHED" if matched else "UNMATCHED")
        assert now["mismatch_reason"] == (None if matched else result.value)
        assert now["version"] == person["version"] + 1
        assert now["updated_at"] > person["updated_at"]
        assert now["presence"] == person["presence"], (
            "a death that the civil registry knows is for the office to act on"
        )
    assert len(expected) > 5, "nearly every result came up"
    assert await office.counts(attempt) == dict(expected)
    assert await office.standing() == expected
    row = await office.row(attempt)
    assert (row["persons_found"], row["batch_id"]) == (expected.total(), None)
    assert row["finished_at"] is not None
    assert await stored_totals(office.owner, office.place.regency.id) == await counted_totals(
        office.owner, office.place.regency.id
    )
    async with open_loader(office.server) as loader:
        assert await verify_summaries(loader) == []


@pytest.mark.parametrize("result", MatchResult)
async def test_each_result_lands_where_it_belongs(office: Office, result: MatchResult) -> None:
    attempt = await office.matching(office.place.village)
    async with scripted(answering(result)) as gateway:
        await office.run(attempt, gateway.url, most=500)
    people = await office.persons(f"village_id = {office.place.village.id} and nik_sealed is not null")
    assert await office.counts(attempt) == {result.value: len(people)}
    assert {(row["identity_status"], row["mismatch_reason"]) for row in people} == {
        ("MATCHED", None) if result is MatchResult.MATCHED else ("UNMATCHED", result.value)
    }


async def test_everybody_is_sent_once_and_progress_tells_how_many_of_how_many(
    office: Office, simulator: Simulated
) -> None:
    before = Counter(simulator.persons())
    attempt = await office.matching()
    await office.run(attempt, simulator.url)
    wanted = Counter(office.digest(row) for row in await office.persons("nik_sealed is not null"))
    assert Counter(simulator.persons()) - before == wanted
    assert attempt.told[-1] == (wanted.total(), wanted.total())
    assert [done for done, _ in attempt.told] == sorted(done for done, _ in attempt.told)


async def test_only_the_region_of_the_matching_is_sent(office: Office) -> None:
    attempt = await office.matching(office.place.village)
    async with scripted(agreeing) as gateway:
        await office.run(attempt, gateway.url)
    sent = {item["nik"] for batch in gateway.batches for item in batch["items"]}
    people = await office.persons("nik_sealed is not null")
    inside = {office.seal.unseal(row["nik_sealed"]) for row in people if row["village_id"] == office.place.village.id}
    assert sent == inside
    elsewhere = [row for row in people if row["village_id"] != office.place.village.id]
    assert elsewhere
    assert {row["identity_status"] for row in elsewhere} == {"NIK_ISSUED"}


async def test_whoever_lost_the_region_since_sends_nobody(office: Office) -> None:
    attempt = await office.matching()
    async with scripted(agreeing) as gateway:
        with pytest.raises(MatchingUnknown):
            await office.run(attempt, gateway.url, region=office.place.village)
    assert gateway.batches == []
    assert (await office.standing()).keys() == {"NIK_ISSUED"}
    assert await office.exports(attempt) == []


async def test_only_the_states_asked_for_are_sent_and_nobody_who_is_dead(office: Office) -> None:
    people = await office.persons("nik_sealed is not null")
    unmatched, matched, dead, *_ = people
    for person, changes in (
        (unmatched, "identity_status = 'UNMATCHED', mismatch_reason = 'NAME_DIFFERS'"),
        (matched, "identity_status = 'MATCHED'"),
        (dead, "identity_status = 'UNMATCHED', presence = 'DECEASED'"),
    ):
        await office.owner.execute(
            f"update person set {changes} where regency_id = $1 and id = $2",  # noqa: S608  (a test's own words)
            person["regency_id"],
            person["id"],
        )
    attempt = await office.matching(statuses=("UNMATCHED", "MATCHED"))
    async with scripted(agreeing) as gateway:
        await office.run(attempt, gateway.url)
    sent = [item["nik"] for batch in gateway.batches for item in batch["items"]]
    assert sent == [office.seal.unseal(row["nik_sealed"]) for row in (unmatched, matched)]


async def test_who_stands_already_as_answered_is_not_written_again(office: Office) -> None:
    async with scripted(agreeing) as gateway:
        await office.run(await office.matching(), gateway.url)
        people = await office.persons("nik_sealed is not null")
        again = await office.matching(statuses=("MATCHED",))
        await office.run(again, gateway.url)
    assert await office.counts(again) == {"MATCHED": len(people)}
    assert await office.persons("nik_sealed is not null") == people


async def test_whoever_leaves_the_house_is_in_the_audit_trail_before_they_do(office: Office) -> None:
    attempt = await office.matching()
    noted: list[set[UUID]] = []

    def refuse(_batch: dict[str, Any]) -> bytes:
        return http(422)

    async with scripted(refuse) as gateway:
        with pytest.raises(DomainError, match="422"):
            await office.run(attempt, gateway.url)
        noted = [set(event["subject_ids"]) for event in await office.exports(attempt)]
    people = await office.persons("nik_sealed is not null")
    assert noted == [{row["id"] for row in people[:25]}]
    async with scripted(agreeing) as gateway:
        await office.run(attempt, gateway.url)
    events = await office.exports(attempt)
    everybody = [identifier for event in events for identifier in event["subject_ids"]]
    assert len(everybody) == len(set(everybody)) == len(people), "nobody is noted twice for a batch that was sent again"
    assert set(everybody) == {row["id"] for row in people}
    assert [event["row_count"] for event in events] == [len(batch["items"]) for batch in gateway.batches]
    for event in events:
        assert (event["purpose"], event["permission"]) == ("CIVIL_REGISTRY_MATCHING", "registry:matching:run")
        assert (event["subject_type"], event["roles"]) == ("Person", ["REGENCY_ADMIN"])
        villages = {row["village_id"] for row in people if row["id"] in set(event["subject_ids"])}
        assert (event["village_low"], event["village_high"]) == (min(villages), max(villages))


async def test_somebody_who_is_changed_while_the_answer_is_on_its_way_is_left_for_the_next_time(office: Office) -> None:
    person = (await office.persons("nik_sealed is not null"))[0]
    loop = asyncio.get_running_loop()
    attempt = await office.matching()
    changed = False

    async def change() -> None:
        await office.owner.execute(
            "update person set name = 'NAMA BARU', version = version + 1 where regency_id = $1 and id = $2",
            person["regency_id"],
            person["id"],
        )

    def change_before_it_is_stored(batch: dict[str, Any]) -> bytes | None:
        # The first time the connection is cut, so that the client pauses and the change comes in between.
        nonlocal changed
        if not changed:
            changed = True
            loop.create_task(change())  # noqa: RUF006  (it is over before the client asks again)
            return None
        return agreeing(batch)

    async with scripted(change_before_it_is_stored) as gateway:
        await office.run(attempt, gateway.url)
    counts = await office.counts(attempt)
    people = len(await office.persons("nik_sealed is not null"))
    assert counts == {"MATCHED": people - 1, "SKIPPED": 1}
    left = next(row for row in await office.persons() if row["id"] == person["id"])
    assert (left["identity_status"], left["name"]) == ("NIK_ISSUED", "NAMA BARU")
    again = await office.matching()
    async with scripted(agreeing) as gateway:
        await office.run(again, gateway.url)
    assert [item["name"] for batch in gateway.batches for item in batch["items"]] == ["NAMA BARU"]


async def test_a_batch_holds_people_of_one_regency_so_that_it_can_read_who_left(
    office: Office, places: Iterator[Place]
) -> None:
    other = next(places)
    async with open_loader(office.server) as loader:
        await seed_registry(loader, region=other.village, families=3, seed=1, seal=office.seal, today=date(2026, 7, 31))
    await office.owner.execute(
        "update person set identity_status = 'NIK_ISSUED' where regency_id = $1 and nik_sealed is not null",
        other.regency.id,
    )
    both = [office.place.regency.villages, other.regency.villages]
    attempt = await office.matching(villages=Span(min(both).low, max(both).high))
    async with scripted(agreeing) as gateway:
        await office.run(attempt, gateway.url, most=500, region=office.place.regency.ancestor(RegionLevel.PROVINCE))
    assert len(gateway.batches) == 2, "all of them would have fitted into one"
    events = await office.owner.fetch("select * from audit_event where request_id = $1", str(attempt.job_id))
    assert {event["regency_id"] for event in events} == {office.place.regency.id, other.regency.id}
    for event in events:
        assert event["village_low"] // 1_000_000 == event["village_high"] // 1_000_000 == event["regency_id"]


@pytest.mark.parametrize("wrong", [*WRONG, "422", "401", "503"])
async def test_a_gateway_that_goes_wrong_half_way_loses_nothing(office: Office, wrong: str) -> None:
    reply = WRONG[wrong][0] if wrong in WRONG else lambda _: http(int(wrong))
    attempt = await office.matching()
    async with scripted(agreeing, reply) as gateway:
        with pytest.raises(DomainError):
            await office.run(attempt, gateway.url)
    assert await office.counts(attempt) == {"MATCHED": 25}
    standing = await office.standing()
    assert standing == {"MATCHED": 25, "NIK_ISSUED": standing.total() - 25}
    assert (await office.row(attempt))["finished_at"] is None
    first = gateway.batches[1]
    async with scripted(agreeing) as gateway:
        await office.run(attempt, gateway.url)
    assert gateway.batches[0] == first, "the batch that was out is sent again, with the same id"
    assert await office.counts(attempt) == {"MATCHED": standing.total()}
    assert await stored_totals(office.owner, office.place.regency.id) == await counted_totals(
        office.owner, office.place.regency.id
    )


async def test_two_workers_on_one_matching_count_nobody_twice(office: Office, simulator: Simulated) -> None:
    attempt = await office.matching()
    await asyncio.gather(*(office.run(attempt, simulator.url, most=10) for _ in range(3)))
    counts = await office.counts(attempt)
    people = await office.persons("nik_sealed is not null")
    assert sum(counts.values()) == len(people)
    assert "SKIPPED" not in counts
    assert {row["version"] for row in people} == {2}
    assert sum(event["row_count"] for event in await office.exports(attempt)) == len(people)


async def test_who_cancels_keeps_what_was_answered_and_sends_no_more(office: Office) -> None:
    attempt = await office.matching()

    def cancel(done: int) -> None:
        if done >= 50:
            raise JobCancelled

    attempt.after = cancel
    async with scripted(agreeing) as gateway:
        with pytest.raises(JobCancelled):
            await office.run(attempt, gateway.url)
    assert len(gateway.batches) == 2
    assert await office.counts(attempt) == {"MATCHED": 50}


async def test_a_nik_of_another_key_stops_the_matching_before_anybody_is_sent(office: Office) -> None:
    person = (await office.persons("nik_sealed is not null"))[3]
    foreign = Seal({"other": b"k" * 32}, b"d" * 32)
    await office.owner.execute(
        "update person set nik_sealed = $3 where regency_id = $1 and id = $2",
        person["regency_id"],
        person["id"],
        foreign.seal("9902015708900001"),
    )
    attempt = await office.matching()
    async with scripted(agreeing) as gateway:
        with pytest.raises(NikUnopened, match="KESOS_SEALING_KEYS"):
            await office.run(attempt, gateway.url)
    assert gateway.batches == []
    assert await office.exports(attempt) == []


async def test_a_number_that_is_none_does_not_hold_up_the_others(office: Office) -> None:
    person = (await office.persons("nik_sealed is not null"))[3]
    await office.owner.execute(
        "update person set nik_sealed = $3 where regency_id = $1 and id = $2",
        person["regency_id"],
        person["id"],
        office.seal.seal("TIDAK ADA"),
    )
    attempt = await office.matching()
    async with scripted(agreeing) as gateway:
        await office.run(attempt, gateway.url)
    people = await office.persons("nik_sealed is not null")
    assert await office.counts(attempt) == {"MATCHED": len(people) - 1, "SKIPPED": 1}
    assert person["id"] not in {each for event in await office.exports(attempt) for each in event["subject_ids"]}


async def test_no_number_and_no_name_is_logged(
    office: Office, simulator: Simulated, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await office.run(await office.matching(), simulator.url)
    written = "".join(str(vars(record)) + record.getMessage() for record in caplog.records) + simulator.err.read_text()
    for person in await office.persons("nik_sealed is not null"):
        assert office.seal.unseal(person["nik_sealed"]) not in written
        assert person["name"] not in written
