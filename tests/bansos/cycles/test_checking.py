"""Recipients whom two regencies have on their lists are named, by the check and at the command line."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote
from uuid import UUID

import pytest
import pytest_asyncio

from app.domain.bansos.cycles.checking import CHECKS, Fault, check_lists
from app.domain.checking import Discrepancy
from app.tenants.session import open_loader
from tests.bansos.cycles.bureau import PERIOD, Bureau
from tests.cli.terminal import Terminal
from tests.support.aid import plant_programme
from tests.support.world import BANYUMAS, CILACAP

_FIRST = """
select e.id, e.recipient_id, p.nik_digest from entitlement e join person p on p.regency_id = e.regency_id and p.id = e.recipient_id
where e.regency_id = $1 and e.programme_code = 'PANGAN' and p.nik_digest is not null order by e.id limit 1
"""
_CALLED = "update person set nik_digest = $2 where id = $1"


class Twice(NamedTuple):
    """The entitlements of one recipient."""

    here: UUID
    there: UUID


async def lists(bureau: Bureau, programme: str, period: date = PERIOD) -> None:
    """Lists of both regencies."""
    await plant_programme(bureau.owner, programme)
    for regency in (BANYUMAS, CILACAP):
        await bureau.generate(await bureau.make(programme, region=regency.path, period=period))


@pytest_asyncio.fixture
async def twice(bureau: Bureau) -> AsyncIterator[Twice]:
    """Lists of two regencies, of which the second holds somebody who has come from the first."""
    await lists(bureau, "PANGAN")
    here, there = [await bureau.owner.fetchrow(_FIRST, regency.id) for regency in (BANYUMAS, CILACAP)]
    assert here is not None
    assert there is not None
    await bureau.owner.execute(_CALLED, there["recipient_id"], here["nik_digest"])
    yield Twice(here["id"], there["id"])
    await bureau.owner.execute(_CALLED, there["recipient_id"], there["nik_digest"])


@pytest.fixture
def terminal(bureau: Bureau, tmp_path: Path) -> Terminal:
    """A terminal whose settings name the database of the bureau."""
    admin = bureau.server.admin
    return Terminal(
        tmp_path, KESOS_DATABASE_URL=f"postgresql://{admin.user}@/{admin.database}?host={quote(admin.host)}"
    )


async def named(bureau: Bureau) -> list[Discrepancy[Fault]]:
    async with open_loader(bureau.server) as loader:
        return await check_lists(loader)


async def test_lists_of_different_people_name_nobody(bureau: Bureau) -> None:
    await lists(bureau, "PANGAN")
    told: list[int] = []
    async with open_loader(bureau.server) as loader:
        assert await check_lists(loader, told.append) == []
    assert told == list(range(1, CHECKS + 1))


async def test_whom_two_regencies_have_on_their_lists_is_named_to_both(bureau: Bureau, twice: Twice) -> None:
    # Another programme, and another period, may well have the same people.
    await plant_programme(bureau.owner, "LAIN")
    await bureau.generated("LAIN")
    await bureau.generate(await bureau.make("PANGAN", period=date(2026, 10, 1)))
    assert await named(bureau) == [
        Discrepancy(Fault.ENTITLED_TWICE, CILACAP.id, str(twice.there), 1, 2),
        Discrepancy(Fault.ENTITLED_TWICE, BANYUMAS.id, str(twice.here), 1, 2),
    ]


@pytest.mark.parametrize(("step", "many"), [("CANCELLED", 0), ("RETURNED", 0), ("TOPPED_UP", 2)])
async def test_nobody_is_entitled_twice_once_one_of_both_was_given_up(
    bureau: Bureau, twice: Twice, step: str, many: int
) -> None:
    await bureau.owner.execute("update entitlement set step = $2 where id = $1", twice.here, step)
    assert len(await named(bureau)) == many


def test_the_command_names_them_and_does_not_fail_for_them(twice: Twice, terminal: Terminal) -> None:
    ended = terminal.kesos("check")
    line = "its recipient is entitled 2 times to this programme and period"
    assert f"ENTITLED_TWICE 33.02 entitlement {twice.here}: {line}" in ended.out
    assert f"ENTITLED_TWICE 33.01 entitlement {twice.there}: {line}" in ended.out
    assert "2 entitlements are those of recipients whom two regencies have on their lists." in ended.out
    assert (ended.code, ended.err) == (0, "")


def test_the_command_says_nothing_of_them_where_there_are_none(bureau: Bureau, terminal: Terminal) -> None:
    assert bureau
    ended = terminal.kesos("check")
    assert "recipient" not in ended.out
    assert (ended.code, ended.err) == (0, "")
