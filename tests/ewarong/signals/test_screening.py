"""A screening looks for all signals once, tells nothing twice, and goes on where a worker died."""

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

import pytest

from app.authz.permissions import Permission
from app.domain.ewarong.actors import Actor
from app.domain.ewarong.catalogue.queries import thresholds
from app.domain.ewarong.models.signals import SignalCode, TriageState
from app.domain.ewarong.oversight.errors import TextWrong
from app.domain.ewarong.signals.errors import (
    ScreeningDaysWrong,
    ScreeningKeyUsed,
    ScreeningRegionUnknown,
    ScreeningUnknown,
    SignalChanged,
    SignalNotFound,
)
from app.domain.ewarong.signals.screening import MOST_DAYS, Screener, screen, start_screening
from app.domain.ewarong.signals.telling import tell
from app.domain.ewarong.signals.triage import triage
from app.domain.ewarong.texts import PersonalNumber
from app.domain.jobs.starting import Started
from app.domain.jobs.work import Work
from app.tenants.region_path import RegionPath, Span
from app.tenants.session import Database
from tests.ewarong.signals.stall import ELSEWHERE, Buyer, Stall, figures, scope_of

if TYPE_CHECKING:
    import asyncpg

VERIFIER: Final = Actor(UUID("01a60000-0000-7000-8000-000000000002"), "Penelaah Uji")
SCREENER: Final = Screener(VERIFIER.id, ("REGENCY_VERIFIER",), Permission.EWARONG_SIGNAL_SCREEN.value)
CILACAP: Final = RegionPath.parse("33.01")
THERE: Final = "33.01.01.2001"
_WAITING: Final = "select true from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


class Attempt(Work):
    """An attempt at a screening, which breaks off after so many reports of progress."""

    def __init__(self, database: Database, started: Started, *, lives: int | None = None) -> None:
        self._database, self._started, self._lives = database, started, lives
        self.reported: list[tuple[int, int | None]] = []
        self.job = uuid4()

    @property
    def job_id(self) -> UUID:
        return self.job

    @property
    def subject_id(self) -> UUID:
        return self._started.id

    @property
    def villages(self) -> Span:
        return self._started.region.villages

    @property
    def database(self) -> Database:
        return self._database

    def loader(self) -> "AbstractAsyncContextManager[asyncpg.Connection[asyncpg.Record]]":
        raise NotImplementedError("transactions are screened under the scope")

    async def progress(self, done: int, total: int | None = None, *, stage: str | None = None) -> None:
        assert stage is None
        self.reported.append((done, total))
        if self._lives is not None and len(self.reported) >= self._lives:
            raise asyncio.CancelledError


async def start(stall: Stall, region: RegionPath = CILACAP, scope: str = "33.01", **others: Any) -> Started:
    given: dict[str, Any] = {
        "first_day": stall.asked.first_day + timedelta(days=8),
        "last_day": stall.asked.first_day + timedelta(days=9),
        "idempotency_key": uuid4(),
    } | others
    async with stall.bazaar.database.write(scope_of(scope)) as session:
        return await start_screening(session, VERIFIER, region=region, **given)


async def run(stall: Stall, started: Started, *, lives: int | None = None, scope: str = "33.01") -> Attempt:
    attempt = Attempt(stall.bazaar.database, started, lives=lives)
    await screen(attempt, scope_of(scope), SCREENER)
    return attempt


async def tally(stall: Stall, started: Started) -> tuple[int | None, bool]:
    row = await stall.owner.fetchrow("select * from ewarong_screening where id = $1", started.id)
    assert row is not None
    return row["signals"], row["finished_at"] is not None


async def judge(stall: Stall, signal: "asyncpg.Record", scope: str = "33.01", **others: Any) -> None:
    given: dict[str, Any] = {"version": signal["version"], "state": TriageState.DISMISSED, "reason": "Dekat perbatasan"}
    async with stall.bazaar.database.write(scope_of(scope)) as session:
        await triage(session, VERIFIER, (signal["regency_id"], signal["id"]), **(given | others))


async def open_late(stall: Stall) -> None:
    """An outlet in Cilacap that sells at night, to families of Banyumas, and to nobody else: F4, F5 and F11."""
    outlet = await stall.open(THERE)
    await stall.sell(outlet, stall.at(20, 23), to=Buyer(3302))


async def test_a_screening_finds_what_lies_in_the_whole_months_and_is_kept(stall: Stall) -> None:
    await open_late(stall)
    started = await start(stall)
    attempt = await run(stall, started)
    assert [row["code"] for row in await stall.told()] == ["F11", "F4", "F5"]
    assert await tally(stall, started) == (3, True)
    assert attempt.reported == [(done, 12) for done in range(13)]
    events = await stall.owner.fetch("select * from audit_event where subject_ids = $1", [started.id])
    assert [(event["operation"], event["row_count"], event["principal_id"]) for event in events] == [
        ("ewarongScreeningStart", 3, VERIFIER.id)
    ]
    assert await stall.owner.fetchval("select state from ewarong_agent where id = any($1)", stall.planted) == "ACTIVE"


async def test_nothing_is_told_twice(stall: Stall) -> None:
    await open_late(stall)
    await run(stall, await start(stall))
    before = await stall.told()
    again = await start(stall)
    await run(stall, again)
    assert await tally(stall, again) == (0, True)
    assert await stall.told() == before


async def test_what_nobody_has_triaged_is_kept_up_and_what_somebody_has_stays(stall: Stall) -> None:
    outlet = await stall.open(THERE)
    first = await stall.sell(outlet, stall.at(20, 23), to=Buyer(3302))
    await run(stall, await start(stall))
    night, elsewhere = [row for row in await stall.told() if row["code"] in {"F4", "F5"}]
    await judge(stall, elsewhere)
    second = await stall.sell(outlet, stall.at(21, 23), to=Buyer(3302))
    again = await start(stall)
    await run(stall, again)
    assert (await tally(stall, again))[0] == 0
    rows = {row["code"]: row for row in await stall.told()}
    assert figures([rows["F4"], rows["F5"]]) == [("F4", Decimal(2), Decimal(0), 2), ("F5", Decimal(1), Decimal(0), 1)]
    assert [rows[code]["version"] for code in ("F4", "F5")] == [2, 2]
    assert await stall.leads(night["id"]) == {first, second}
    assert await stall.leads(elsewhere["id"]) == {first}
    assert (rows["F5"]["state"], rows["F5"]["triaged_by"]) == ("DISMISSED", VERIFIER.id)


async def test_the_first_two_hundred_transactions_are_kept_whatever_comes_later(stall: Stall) -> None:
    outlet = await stall.open(THERE)
    for number in range(199):
        await stall.sell(outlet, stall.at(2, 22) + timedelta(minutes=number // 4, hours=number % 4 * 24))
    assert await stall.look(SignalCode.F4, _asked(stall), scope_of("33.01")) == 1
    for number in range(3):
        await stall.sell(outlet, stall.at(9, 23, number))
    assert await stall.look(SignalCode.F4, _asked(stall), scope_of("33.01")) == 0
    (signal,) = await stall.told()
    assert figures([signal]) == [("F4", Decimal(202), Decimal(0), 202)]
    assert len(await stall.leads(signal["id"])) == 200


def _asked(stall: Stall) -> Any:
    asked = stall.asked
    return type(asked)(CILACAP.villages, asked.first_day, asked.last_day, asked.today)


@pytest.mark.parametrize("lives", [1, 5, 6, 13])
async def test_another_attempt_goes_on_where_a_worker_died(stall: Stall, lives: int) -> None:
    await open_late(stall)
    started = await start(stall)
    with pytest.raises(asyncio.CancelledError):
        await run(stall, started, lives=lives)
    await run(stall, started)
    assert await tally(stall, started) == (3, True)
    assert len(await stall.told()) == 3
    assert await stall.owner.fetchval("select count(*) from audit_event where subject_ids = $1", [started.id]) == 1


async def test_a_key_stands_for_one_screening(stall: Stall) -> None:
    key = uuid4()
    started = await start(stall, idempotency_key=key)
    assert (await start(stall, idempotency_key=key)).id == started.id
    with pytest.raises(ScreeningKeyUsed):
        await start(stall, idempotency_key=key, first_day=stall.asked.first_day)
    assert await stall.owner.fetchval("select count(*) from job") == 1


@pytest.mark.parametrize("code", ["", "34.04", "33", "33.01.01.2999"])
async def test_only_regions_of_the_caller_are_screened(stall: Stall, code: str) -> None:
    region = RegionPath.parse(code) if code else RegionPath.country()
    with pytest.raises(ScreeningRegionUnknown):
        await start(stall, region)


async def test_days_are_some_and_not_too_many_and_not_to_come(stall: Stall) -> None:
    first, tomorrow = stall.asked.first_day, stall.today + timedelta(days=1)
    for days in ((0, -1), (0, MOST_DAYS)):
        with pytest.raises(ScreeningDaysWrong):
            await start(stall, first_day=first + timedelta(days[0]), last_day=first + timedelta(days[1]))
    with pytest.raises(ScreeningDaysWrong):
        await start(stall, first_day=tomorrow, last_day=tomorrow + timedelta(days=1))
    with pytest.raises(ScreeningDaysWrong):
        await start(stall, first_day=date(2017, 12, 31), last_day=date(2017, 12, 31))
    await start(stall, first_day=first, last_day=min(first + timedelta(days=MOST_DAYS - 1), stall.today))


async def test_a_screening_beyond_the_scope_is_not_there(stall: Stall) -> None:
    started = await start(stall)
    with pytest.raises(ScreeningUnknown):
        await run(stall, started, scope="33.02")


async def test_a_signal_is_triaged_by_whoever_has_read_it_last(stall: Stall) -> None:
    await stall.sell(await stall.open(THERE), stall.at(20), to=Buyer(3302))
    await stall.look(SignalCode.F5, _asked(stall), scope_of("33.01"))
    (signal,) = await stall.told()
    await judge(stall, signal, state=TriageState.CONFIRMED, reason="Kartu dibawa orang lain")
    with pytest.raises(SignalChanged):
        await judge(stall, signal)
    (confirmed,) = await stall.told()
    assert (confirmed["state"], confirmed["triage_reason"]) == ("CONFIRMED", "Kartu dibawa orang lain")
    assert (confirmed["triaged_by"], confirmed["triaged_by_name"]) == tuple(VERIFIER)
    await judge(stall, confirmed)
    (dismissed,) = await stall.told()
    assert (dismissed["state"], dismissed["version"]) == ("DISMISSED", 3)


async def test_a_signal_of_another_regency_is_not_there(stall: Stall) -> None:
    await stall.sell(await stall.open(), stall.at(20), to=Buyer(ELSEWHERE))
    await stall.look(SignalCode.F5)
    (signal,) = await stall.told()
    with pytest.raises(SignalNotFound):
        await judge(stall, signal, scope="33.01")


@pytest.mark.parametrize(
    ("reason", "refusal"), [(" ", TextWrong), ("x" * 1_001, TextWrong), ("9902010101010001", PersonalNumber)]
)
async def test_a_triage_says_why_and_names_nobody(stall: Stall, reason: str, refusal: type[Exception]) -> None:
    await stall.sell(await stall.open(), stall.at(20), to=Buyer(ELSEWHERE))
    await stall.look(SignalCode.F5)
    (signal,) = await stall.told()
    with pytest.raises(refusal):
        await judge(stall, signal, scope="33.02", reason=reason)


async def test_two_screenings_at_once_keep_each_transaction_once(stall: Stall) -> None:
    outlet = await stall.open()
    for number in range(40):
        await stall.sell(outlet, stall.at(3, 2, number), balance=7_000)
    async with stall.bazaar.database.write(scope_of("33.02")) as session:
        assert await tell(session, SignalCode.F4, stall.asked, await thresholds(session, stall.bazaar.first)) == 1
        await stall.sell(outlet, stall.at(3, 3, 1), balance=7_000)
        other = asyncio.create_task(stall.look(SignalCode.F4))
        while not await stall.owner.fetchval(_WAITING):
            assert not other.done()
            await asyncio.sleep(0.01)
    assert await other == 0
    (signal,) = await stall.told()
    assert len(await stall.leads(signal["id"])) == 41
