"""An apply that is killed, disturbed or done twice leaves what an undisturbed one leaves."""

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from app.domain.insights.service import verify_summaries
from app.domain.jobs.work import JobCancelled
from app.domain.registry.imports.applying.batch import RegistryChanged
from app.domain.registry.imports.models import ImportMode
from app.settings import Settings
from tests.imports.applying.office import (
    CHILD,
    HEAD,
    SECOND_EDITION,
    WIFE,
    Family,
    Office,
    OfficeWork,
    Person,
    apply_all,
    family,
)
from tests.support.process import ROOT, url_of

if TYPE_CHECKING:
    from uuid import UUID

pytestmark = pytest.mark.long

KILLS = 10
HOMES = 240
_PATIENCE_SECONDS = 60


def first_edition(office: Office) -> list[Family]:
    """Families in twelve villages of each of two regencies."""
    villages = [village for regency in office.regencies for village in office.villages[regency]]
    return [
        family(
            f"KK {n:03}",
            villages[n % len(villages)],
            Person(f"Budi {n:03}"),
            Person(f"Siti {n:03}", WIFE),
            Person(f"Adi {n:03}", CHILD, nik=None),
            decile=n % 10 + 1,
        )
        for n in range(HOMES)
    ]


def second_edition(office: Office, random: Random) -> list[Family]:
    """Every kind of change, at random: who moves near and far, changes, splits, loses a member or leaves."""
    villages = [village for regency in office.regencies for village in office.villages[regency]]
    families = []
    for old in first_edition(office):
        people, new = list(old.people), old
        match random.randrange(8):
            case 0:
                continue
            case 1 | 2:
                new = replace(old, village=random.choice(villages))
            case 3:
                new = replace(old, decile=random.randint(1, 10), values={"address": "Jl. Baru"})
            case 4:
                people.pop()
            case 5:
                families.append(
                    family(f"{old.kk} b", random.choice(villages), replace(people.pop(1), relationship=HEAD))
                )
            case _:
                pass
        if families and random.random() < 0.2:
            # The child goes to the family before, wherever that lives.
            families[-1] = replace(families[-1], people=(*families[-1].people, replace(people.pop(), nik=None)))
        families.append(replace(new, people=tuple(people)))
    return families


async def staged(office: Office, mode: ImportMode) -> OfficeWork:
    """The same import, ids and all, whenever it is asked for."""
    await office.clear()
    if mode is ImportMode.ADDITION:
        return await office.stage(first_edition(office), batch_families=4)
    await office.apply(first_edition(office), batch_families=50)
    return await office.stage(
        second_edition(office, Random(18)),  # noqa: S311  (tests are to be the same each time)
        ImportMode.EDITION,
        edition=SECOND_EDITION,
        batch_families=4,
    )


Snapshot = dict[str, list[str]]


class Undisturbed:
    """What an import leaves that nobody disturbs: the same whenever it is applied, so it is applied once."""

    def __init__(self) -> None:
        self._kept: dict[ImportMode, Snapshot] = {}

    async def snapshot(self, office: Office, mode: ImportMode) -> Snapshot:
        if mode not in self._kept:
            await apply_all(await staged(office, mode), office.scope)
            self._kept[mode] = await office.snapshot()
        return self._kept[mode]


@pytest.fixture(scope="module")
def undisturbed() -> Undisturbed:
    return Undisturbed()


def start(settings: Settings, office: Office, import_id: "UUID") -> "subprocess.Popen[bytes]":
    """A process that applies the import."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KESOS_")}
    passwords = {
        "KESOS_APP_PASSWORD": office.server.app_password,
        "KESOS_LOADER_PASSWORD": office.server.loader_password,
    }
    own = {
        "KESOS_DATABASE_URL": url_of(office.server),
        "KESOS_DATA_DIR": str(settings.data_dir),
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "tests.imports.applying.applier", str(import_id), office.region.code],
        cwd=ROOT,
        env={**environment, **own, **{name: value for name, value in passwords.items() if value is not None}},
        stdout=subprocess.PIPE,
    )


async def batches(office: Office, work: OfficeWork) -> tuple[int, int]:
    """How many are applied, and how many there are."""
    row = await office.loader.fetchrow(
        "select count(applied_at), count(*) from import_batch where import_id = $1", work.subject_id
    )
    return row[0], row[1]


@pytest.mark.parametrize("mode", list(ImportMode))
async def test_killed_at_ten_random_points_it_leaves_what_an_undisturbed_run_leaves(
    settings: Settings, office: Office, undisturbed: Undisturbed, mode: ImportMode
) -> None:
    random = Random(f"{mode.value} kills")  # noqa: S311  (tests are to be the same each time)
    work = await staged(office, mode)
    number = (await batches(office, work))[1]
    applied_at_kill = []
    for kill in range(KILLS):
        process = start(settings, office, work.subject_id)
        assert process.stdout is not None
        # The points lie all along the way: each life gets through its share of the batches and dies within the next.
        until = number * kill // KILLS + random.randrange(number // KILLS)
        while (await batches(office, work))[0] < until:
            if not await asyncio.to_thread(process.stdout.readline):
                break
        await asyncio.sleep(random.random() * 0.03)
        process.send_signal(signal.SIGKILL)
        assert await asyncio.to_thread(process.wait, _PATIENCE_SECONDS) == -signal.SIGKILL
        process.stdout.close()
        applied_at_kill.append((await batches(office, work))[0])
    assert applied_at_kill[-1] < number, "the last kill came after the last batch"
    assert len(set(applied_at_kill)) > KILLS // 2, applied_at_kill
    await apply_all(work, office.scope)
    disturbed = await office.snapshot()
    assert await verify_summaries(office.loader) == []
    assert await undisturbed.snapshot(office, mode) == disturbed


async def test_two_processes_at_one_import_apply_each_batch_once(office: Office, undisturbed: Undisturbed) -> None:
    work = await staged(office, ImportMode.EDITION)
    await asyncio.gather(*[apply_all(work, office.scope) for _ in range(2)])
    together = await office.snapshot()
    assert (await batches(office, work))[0] == (await batches(office, work))[1]
    assert await undisturbed.snapshot(office, ImportMode.EDITION) == together


async def test_applying_again_what_is_applied_changes_nothing(office: Office) -> None:
    work = await staged(office, ImportMode.EDITION)
    await apply_all(work, office.scope)
    once = await office.snapshot()
    await apply_all(work, office.scope)
    assert await office.snapshot() == once


class _Impatient(OfficeWork):
    """An attempt that somebody cancels on the way."""

    async def progress(self, done: int, total: int | None = None, *, stage: str | None = None) -> None:  # noqa: ARG002  (as the protocol has it)
        if done > HOMES // 3:
            raise JobCancelled


async def test_what_was_cancelled_is_taken_up_where_it_stood(office: Office, undisturbed: Undisturbed) -> None:
    work = await staged(office, ImportMode.EDITION)
    with pytest.raises(JobCancelled):
        await apply_all(_Impatient(office.server, office.database, work.subject_id, work.villages), office.scope)
    applied, number = await batches(office, work)
    assert 0 < applied < number
    await apply_all(work, office.scope)
    resumed = await office.snapshot()
    assert await undisturbed.snapshot(office, ImportMode.EDITION) == resumed


async def test_a_number_that_somebody_registers_meanwhile_stops_the_import_before_its_batch(office: Office) -> None:
    work = await staged(office, ImportMode.ADDITION)
    taken = family(
        "KK of another", office.villages[office.regencies[0]][5], Person("Another", nik=Person("Budi 127").number)
    )
    in_the_way = await office.stage([taken])
    await apply_all(in_the_way, office.scope)
    with pytest.raises(RegistryChanged) as refused:
        await apply_all(work, office.scope)
    assert refused.value.code == "IMPORT_CONFLICT"
    assert refused.value.__cause__ is None
    await _whole_families_only(office)
    # Once it is checked again, what was applied counts as registered, and the row in the way is refused.
    file = first_edition(office)
    file[127] = replace(file[127], is_refused=True)
    await office.apply(file)
    assert len(await office.families()) == HOMES
    await _whole_families_only(office)
    assert await verify_summaries(office.loader) == []


async def _whole_families_only(office: Office) -> None:
    sizes: Any = await office.loader.fetch(
        "select f.kk_sealed, count(p.id) as members from family f left join person p on p.family_id = f.id "
        "where f.village_id between $1 and $2 and f.kk_sealed <> 'KK of another' group by 1",
        *office.span_numbers,
    )
    assert {row["members"] for row in sizes} <= {3}
