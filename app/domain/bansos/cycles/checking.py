"""Who is entitled twice where no cycle could see it: by lists of two regencies, which look at families of their own."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

import asyncpg

from app.domain.bansos.models.cycles import BROUGHT_NOTHING
from app.domain.checking import Discrepancy, discrepancies


class Fault(StrEnum):
    """What people have to look at."""

    ENTITLED_TWICE = "ENTITLED_TWICE"


_NOTHING: Final = ", ".join(f"'{step.value}'" for step in BROUGHT_NOTHING)
# A row for each of the entitlements, so that each regency finds its own.
_ENTITLED_TWICE: Final = f"""
with entitled as (
  select e.regency_id, e.id, e.programme_code, e.period_start, p.nik_digest
  from entitlement e join person p on p.regency_id = e.regency_id and p.id = e.recipient_id
  where e.step not in ({_NOTHING}) and p.nik_digest is not null
), twice as (
  select programme_code, period_start, nik_digest, count(*) as entitlements
  from entitled group by programme_code, period_start, nik_digest having min(regency_id) <> max(regency_id)
)
select e.regency_id as region_id, e.id::text as subject, 1 as stored, t.entitlements as counted
from entitled e join twice t using (programme_code, period_start, nik_digest)"""  # noqa: S608  (our own words)
_CHECKS: Final = {Fault.ENTITLED_TWICE: _ENTITLED_TWICE}
CHECKS: Final = len(_CHECKS)


async def check_lists(
    loader: "asyncpg.Connection[asyncpg.Record]", on_progress: Callable[[int], None] = lambda _: None
) -> list[Discrepancy[Fault]]:
    """The entitlements whose recipient, by the NIK, another regency has on its list of the same programme and period; at most 1,000.

    What was cancelled or returned is nobody's any more. ``loader`` is a connection of kesos_loader, from whom row-level security hides
    nothing. ``on_progress`` hears how many of ``CHECKS`` are done.
    """
    return await discrepancies(loader, _CHECKS, on_progress)
