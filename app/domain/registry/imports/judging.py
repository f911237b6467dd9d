"""What is found of staged rows, in SQL: rules of the file by itself, who is registered, who leaves, probable duplicates, the batches."""

from typing import Final

from app.domain.jobs.work import Work
from app.domain.registry.imports.batches import conclude, lay_batches
from app.domain.registry.imports.departures import find_departures
from app.domain.registry.imports.duplicates import find_duplicates
from app.domain.registry.imports.matching import match_registered
from app.domain.registry.imports.models import ImportMode, ImportStage
from app.domain.registry.imports.rules import hold_against_rules
from app.domain.registry.imports.running import Check

_STEPS: Final = ("RULES", "MATCHING", "DUPLICATES", "BATCHES")
"""Stages of the job after reading; each is one or a few statements."""

# Rows that were just copied have no statistics: the planner takes a million of them for one and would nest loops over them. A hash costs
# a small file nothing and a large one a second.
_PLANS: Final = ("set local enable_nestloop = off", "set local default_statistics_target = 10")
_STAGE: Final = "update registry_import set stage = '{stage}' where regency_id = :regency_id and id = :import_id"


async def enter(check: Check, stage: ImportStage) -> None:
    """Write that the import has come to ``stage``."""
    await check.execute(_STAGE.format(stage=stage.value))


async def judge(work: Work, check: Check) -> None:
    """Say all that is to be said of the rows that are staged, in one transaction."""
    await enter(check, ImportStage.PARSED)
    async with check.loader.transaction():
        for setting in _PLANS:
            await check.execute(setting)
        await _step(work, 0)
        await hold_against_rules(check)
        await _step(work, 1)
        await match_registered(check)
        if check.mode is ImportMode.EDITION:
            await find_departures(check)
        await _step(work, 2)
        await find_duplicates(check)
        await _step(work, 3)
        await lay_batches(check)
        await conclude(check)


async def _step(work: Work, number: int) -> None:
    await work.progress(0, 1, stage=_STEPS[number])
