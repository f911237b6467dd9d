"""How long events are kept, and their deletion when that time is over. The seals stay."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Self

import asyncpg

from app.domain.audit.models import Action
from app.domain.audit.service import Event, append_events_of_job
from app.domain.audit.streams import AUDIT

MOST_AT_ONCE: Final = 10_000

_RULES: Final = "select action, valid_from, days from audit_retention order by action, valid_from"
# What is not sealed is not deleted: nobody could tell any more whether it was due.
_DUE: Final = f"""
from audit_event e where e.action = $1 and e.happened_at < $2 and exists (
  select from sealed_leaf l where l.stream = '{AUDIT.name}' and l.regency_id = e.regency_id and l.record_id = e.id
)"""
_COUNT: Final = f"select count(*) {_DUE}"
# S608: the text is made of our own words.
_DELETE: Final = f"""
with due as (
  select e.regency_id, e.id {_DUE} order by e.happened_at limit $3
), gone as (
  delete from audit_event e using due d where e.regency_id = d.regency_id and e.id = d.id returning e.id
)
select count(*) from gone"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class _Rule:
    """From ``since`` on an event was kept for ``period``; ``until`` another rule came, if one did."""

    since: datetime
    until: datetime | None
    period: timedelta


class Retention:
    """The rules by action, those of the past too."""

    def __init__(self, rules: Mapping[str, tuple[_Rule, ...]]) -> None:
        self._rules = rules

    @classmethod
    def of_rows(cls, rows: Iterable[tuple[str, date, int]]) -> Self:
        """Read rows of action, first day of validity and days, in this order."""
        rules: defaultdict[str, list[_Rule]] = defaultdict(list)
        for action, valid_from, days in rows:
            since = datetime.combine(valid_from, time(), UTC)
            if rules[action]:
                rules[action][-1] = replace(rules[action][-1], until=since)
            rules[action].append(_Rule(since, None, timedelta(days=days)))
        return cls({action: tuple(found) for action, found in rules.items()})

    def due_before(self, action: str, now: datetime) -> datetime | None:
        """Events of ``action`` that happened before this are to be deleted now; None where no rule says so."""
        in_force = [rule for rule in self._rules.get(action, ()) if rule.since <= now]
        return now - in_force[-1].period if in_force else None

    def may_be_gone(self, action: str, happened_at: datetime, now: datetime) -> bool:
        """Whether some rule, while it was in force, allowed an event of that time to be deleted."""
        return any(
            happened_at + rule.period < min(now, rule.until or now)
            for rule in self._rules.get(action, ())
            if rule.since <= now
        )


async def load_retention(connection: "asyncpg.Connection[asyncpg.Record]") -> Retention:
    """The rules that the database holds."""
    return Retention.of_rows(
        [(row["action"], row["valid_from"], row["days"]) for row in await connection.fetch(_RULES)]
    )


async def count_due(owner: "asyncpg.Connection[asyncpg.Record]", now: datetime) -> dict[str, int]:
    """How many sealed events of each action have been kept for long enough."""
    retention = await load_retention(owner)
    cuts = {action.value: retention.due_before(action.value, now) for action in Action}
    return {action: await owner.fetchval(_COUNT, action, cut) for action, cut in cuts.items() if cut is not None}


async def delete_due(
    owner: "asyncpg.Connection[asyncpg.Record]",
    now: datetime,
    record: Event,
    on_progress: Callable[[int], None] = lambda _: None,
) -> dict[str, int]:
    """Delete sealed events that have been kept for long enough; how many of each action.

    ``owner`` is a connection as kesos_owner, who alone may delete events. Each batch is one transaction with its own event after the
    pattern of ``record``, which is told what was deleted and how much, so that no deletion goes untold however this ends.
    """
    retention = await load_retention(owner)
    deleted: dict[str, int] = {}
    for action in Action:
        cut = retention.due_before(action.value, now)
        while cut is not None:
            async with owner.transaction():
                gone: int = await owner.fetchval(_DELETE, action.value, cut, MOST_AT_ONCE)
                if gone:
                    operation = f"{record.operation} {action.value}"
                    await append_events_of_job(owner, [replace(record, operation=operation, row_count=gone)])
            deleted[action.value] = deleted.get(action.value, 0) + gone
            on_progress(sum(deleted.values()))
            if gone < MOST_AT_ONCE:
                break
    return deleted
