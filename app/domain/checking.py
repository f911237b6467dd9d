"""What is kept twice on purpose is compared: statements that find where the two differ, run in one snapshot."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Generic, TypeVar

import asyncpg

MOST_OF_A_KIND: Final = 1_000
FaultT = TypeVar("FaultT", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Discrepancy(Generic[FaultT]):
    """Something that does not add up."""

    fault: FaultT
    region_id: int
    """A regency, or a province."""
    subject: str
    """What it is about: an id, or the names of what was added up."""
    stored: int
    counted: int
    """Whole rupiah, or how many there are of each."""


async def discrepancies(
    loader: "asyncpg.Connection[asyncpg.Record]",
    checks: Mapping[FaultT, str],
    on_progress: Callable[[int], None],
) -> list[Discrepancy[FaultT]]:
    """What ``checks`` find, all in one snapshot: at most 1,000 of each kind.

    A check is a statement that answers region_id, subject, stored and counted. ``loader`` is a connection of kesos_loader, from whom
    row-level security hides nothing. ``on_progress`` hears how many checks are done.
    """
    found: list[Discrepancy[FaultT]] = []
    async with loader.transaction(isolation="repeatable_read", readonly=True):
        for done, (fault, statement) in enumerate(checks.items(), 1):
            # S608: the statements are those of our own modules.
            rows = await loader.fetch(
                f"select region_id::bigint as region_id, subject, stored::bigint as stored, counted::bigint as counted "  # noqa: S608
                f"from ({statement}) found order by region_id, subject limit {MOST_OF_A_KIND}"
            )
            found += [Discrepancy(fault, *row) for row in rows]
            on_progress(done)
    return found
