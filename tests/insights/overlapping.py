"""Aid that overlaps, planted family by family, and the report counted once more in Python."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from tests.support.aid import CHECKER, MAKER
from tests.support.triggers import past_triggers

if TYPE_CHECKING:
    import asyncpg

PERIOD: Final = date(2026, 7, 1)
WIDTHS: Final = {"PROVINCE": 100_000_000, "REGENCY": 1_000_000, "DISTRICT": 10_000, "VILLAGE": 1}
_CYCLE: Final = """
insert into aid_cycle (regency_id, id, village_low, village_high, programme_code, terms_version, period_start, period_end, revision, state,
  generation_id, families, entitled, amount, made_by, made_by_name, made_at, verified_by, verified_by_name, verified_at, generated_at)
values ($1::int, $2, $1::bigint * 1000000, $1::bigint * 1000000 + 999999, $3, 1, $4,
  ($4::date + $5 * interval '1 month' - interval '1 day'), $9, $6, gen_random_uuid(), 1, 1, 1, $7,
  'Pembuat Uji', now(), $8, 'Pemeriksa Uji', now(), now())
"""
_ENTITLED: Final = """
insert into entitlement (regency_id, id, village_id, cycle_id, programme_code, terms_version, period_start, family_id, recipient_id,
  amount, facts, step)
select f.regency_id, md5(concat($2::uuid, f.id))::uuid, f.village_id, $2, $3, 1, $4, f.id, f.id, $5, '{}', $6
from family f where f.regency_id = $1 and f.id = any($7)
"""
_RECEIVED: Final = """
select e.*, c.period_end, c.state from entitlement e join aid_cycle c on c.regency_id = e.regency_id and c.id = e.cycle_id
"""


async def entitle(
    owner: "asyncpg.Connection[asyncpg.Record]",
    code: str,
    regency_id: int,
    families: Sequence[UUID],
    *,
    amount: int,
    period: date = PERIOD,
    months: int = 3,
    state: str = "RELEASED",
    step: str = "TOPPED_UP",
    revision: int = 1,
) -> UUID:
    """A cycle of the programme ``code``, planted before, that entitles ``families`` to ``amount`` each; its id."""
    cycle_id = uuid4()
    await owner.execute(_CYCLE, regency_id, cycle_id, code, period, months, state, MAKER, CHECKER, revision)
    async with past_triggers(owner):
        await owner.execute(_ENTITLED, regency_id, cycle_id, code, period, amount, step, families)
    return cycle_id


async def counted(
    owner: "asyncpg.Connection[asyncpg.Record]",
    relations: Mapping[tuple[str, str], str],
    *,
    low: int,
    high: int,
    by: str,
    period: date = PERIOD,
    decile: int = 4,
) -> dict[int, dict[str, Any]]:
    """The report on the villages ``low`` to ``high``, by region; 0 is all of them."""
    received: dict[UUID, dict[str, int]] = defaultdict(dict)
    homes: dict[UUID, int] = {}
    for row in await owner.fetch(_RECEIVED):
        if row["state"] in {"DRAFT", "SUPERSEDED"} or row["step"] in {"CANCELLED", "RETURNED"}:
            continue
        if row["period_start"] <= period <= row["period_end"]:
            received[row["family_id"]][row["programme_code"]] = row["amount"]
            homes[row["family_id"]] = row["village_id"]
    target = {
        row["id"] for row in await owner.fetch("select * from family where status = 'ACTIVE' and decile <= $1", decile)
    }
    homes |= {row["id"]: row["village_id"] for row in await owner.fetch("select * from family") if row["id"] in target}
    report: dict[int, dict[str, Any]] = {0: _nothing()}
    for family, home in homes.items():
        if low <= home <= high:
            for region in (0, home // WIDTHS[by]):
                _count(report.setdefault(region, _nothing()), received[family], relations, in_target=family in target)
    return report


def _nothing() -> dict[str, Any]:
    return {"counts": Counter(), "pairs": defaultdict(Counter)}


def _count(
    into: dict[str, Any], aid: Mapping[str, int], relations: Mapping[tuple[str, str], str], *, in_target: bool
) -> None:
    held = {pair: kind for pair, kind in relations.items() if pair[0] in aid and pair[1] in aid}
    into["counts"].update(
        familiesEntitled=bool(aid),
        amount=sum(aid.values()),
        familiesWithSeveral=len(aid) > 1,
        familiesWithDoubleAid="EXCLUSIVE" in held.values(),
        familiesToppedUp="TOP_UP" in held.values(),
        familiesInTarget=in_target,
        familiesWithoutAid=in_target and not aid,
    )
    for (first, second), kind in held.items():
        into["pairs"][kind, first, second].update(
            families=1, amount=aid[first], other=aid[second], excess=min(aid[first], aid[second])
        )
