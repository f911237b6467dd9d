"""Programmes of aid for tests, written straight into the tables: small, and known to nobody else by their code."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4, uuid5

from app.domain.bansos.models.programmes import Benefit, Fund, Relation, TermsState
from app.domain.bansos.terms import Component, Rule
from app.tenants.region_path import RegionPath
from tests.support.triggers import past_triggers

if TYPE_CHECKING:
    import asyncpg

MAKER: Final = UUID("01a10000-0000-7000-8000-000000000001")
CHECKER: Final = UUID("01a10000-0000-7000-8000-000000000002")
START: Final = date(2021, 1, 1)
_IDS: Final = UUID("01a10000-0000-5000-8000-000000000000")

DECILE_UNKNOWN: Final = Rule(
    10,
    "DECILE_UNKNOWN",
    "has(family.decile)",
    "desil diketahui",
    "decile known",
    "desil belum diketahui",
    "decile not known",
)
DECILE_TOO_HIGH: Final = Rule(
    20,
    "DECILE_TOO_HIGH",
    "family.decile <= 4",
    "desil {family.decile} (paling tinggi 4)",
    "decile {family.decile} (at most 4)",
    "desil {family.decile} di atas 4",
    "decile {family.decile} above 4",
)
POOR: Final = (DECILE_UNKNOWN, DECILE_TOO_HIGH)
"""The rules of a programme for deciles 1 to 4."""

_PROGRAMME: Final = """
insert into programme (code, name, name_english, benefit, fund, channels, village_low, village_high, valid_from)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_TERMS: Final = """
insert into programme_terms (programme_code, version, id, state, valid_from, period_months, amount, most_persons,
  second_approval_above, idle_days, proposed_by, proposed_by_name, proposed_at, confirmed_by, confirmed_by_name, confirmed_at)
values ($1, $2, $3, $13, $4, $5, $6, $7, $8, $9, $10, 'Pengusul Uji', $12, $11, case when $11::uuid is not null then 'Pengesah Uji' end,
  case when $11::uuid is not null then $12::timestamptz end)
"""
_RULE: Final = "insert into eligibility_rule values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_COMPONENT: Final = """
insert into benefit_component (programme_code, version, component, name, name_english, condition, most_per_family)
values ($1, $2, $3, $4, $5, $6, $7)
"""
_INDEX: Final = (
    "insert into benefit_index (programme_code, version, component, year, amount) values ($1, $2, $3, $4, $5)"
)
_RELATION: Final = """
insert into programme_relation (programme_code, other_code, valid_from, relation) values ($1, $2, $3, $4)
on conflict do nothing
"""
_QUOTA: Final = """
insert into programme_quota (regency_id, programme_code, year, id, village_low, village_high, families, source, updated_at)
values ($1::int, $2, $3, $4, $1::bigint * 1000000, $1::bigint * 1000000 + 999999, $5, 'uji', now())
on conflict (regency_id, programme_code, year) do update set families = excluded.families
"""


async def plant_programme(
    owner: "asyncpg.Connection[asyncpg.Record]",
    code: str,
    *,
    rules: Sequence[Rule] = POOR,
    amount: int | None = 600_000,
    components: Sequence[Component] = (),
    months: int = 3,
    most_persons: int | None = None,
    benefit: Benefit = Benefit.FOOD,
    fund: Fund = Fund.STATE,
    channels: Sequence[str] = ("BANK",),
    region: RegionPath = RegionPath.country(),  # noqa: B008  (a value that nothing changes)
    second_approval_above: int | None = None,
    idle_days: int | None = None,
    valid_from: date = START,
) -> str:
    """A programme with one version of terms in force since 2021; ``code`` again. One that is there is left as it is.

    ``amount`` is of a family and period, those of ``components`` (``amount=None``) of a person and period. The connection is that of an
    owner of the tables; outside a transaction of its own what is planted is committed.
    """
    async with owner.transaction():
        if await owner.fetchval("select exists (select from programme where code = $1)", code):
            return code
        name, english = f"Program {code}", f"Programme {code}"
        villages = region.villages
        await owner.execute(
            _PROGRAMME,
            code,
            name,
            english,
            benefit.value,
            fund.value,
            list(channels),
            villages.low,
            villages.high,
            valid_from,
        )
        await plant_terms(
            owner,
            code,
            rules=rules,
            amount=amount,
            components=components,
            months=months,
            most_persons=most_persons,
            second_approval_above=second_approval_above,
            idle_days=idle_days,
            valid_from=valid_from,
        )
    return code


async def plant_terms(
    owner: "asyncpg.Connection[asyncpg.Record]",
    code: str,
    *,
    version: int = 1,
    rules: Sequence[Rule] = POOR,
    amount: int | None = 600_000,
    components: Sequence[Component] = (),
    months: int = 3,
    most_persons: int | None = None,
    second_approval_above: int | None = None,
    idle_days: int | None = None,
    valid_from: date = START,
    state: TermsState = TermsState.ACTIVE,
) -> UUID:
    """Terms of a programme that is there, in force or proposed; their id. See ``plant_programme``."""
    identifier = uuid5(_IDS, f"{code}:{version}")
    async with owner.transaction():
        await owner.execute(
            _TERMS,
            code,
            version,
            identifier,
            valid_from,
            months,
            amount,
            most_persons,
            second_approval_above,
            idle_days,
            MAKER,
            CHECKER if state is TermsState.ACTIVE else None,
            datetime(2020, 12, 1, tzinfo=UTC),
            state.value,
        )
        for rule in rules:
            await owner.execute(_RULE, code, version, *rule)
        for each in components:
            await owner.execute(_COMPONENT, code, version, *each[:-1])
            await owner.execute(_INDEX, code, version, each.component, valid_from.year, each.amount * 12 // months)
    return identifier


async def plant_relation(
    owner: "asyncpg.Connection[asyncpg.Record]", code: str, relation: Relation, other: str, *, since: date = START
) -> None:
    """``code`` stands to ``other`` in ``relation``; exclusive and stackable count from either side."""
    await owner.execute(_RELATION, code, other, since, relation.value)


async def plant_quotas(
    owner: "asyncpg.Connection[asyncpg.Record]", code: str, year: int, families: Mapping[int, int]
) -> None:
    """How many families of each regency (by its id) the programme may reach in ``year``."""
    for regency_id, most in families.items():
        await owner.execute(_QUOTA, regency_id, code, year, uuid5(_IDS, f"{code}:{year}:{regency_id}"), most)


_RELEASED: Final = """
insert into aid_cycle (regency_id, id, village_low, village_high, programme_code, terms_version, period_start, period_end, revision,
  state, generation_id, families, entitled, amount, made_by, made_by_name, made_at, verified_by, verified_by_name, verified_at,
  approved_by, approved_by_name, approved_at, released_by, released_by_name, released_at, generated_at)
values ($1::int, $2, $1::bigint * 1000000, $1::bigint * 1000000 + 999999, $3, 1, $4, $4::date + interval '3 months - 1 day', $5,
  'RELEASED', gen_random_uuid(), $6::int, $6::int, $6::int::bigint * $7::bigint, $8, 'Pembuat Uji', now(), $9, 'Pemeriksa Uji', now(),
  gen_random_uuid(), 'Pengesah Uji', now(), $8, 'Pembuat Uji', now(), now())
"""
_ENTITLED: Final = """
insert into entitlement (regency_id, id, village_id, cycle_id, programme_code, terms_version, period_start, family_id, recipient_id, amount,
  facts)
select f.regency_id, md5(concat($2::uuid, f.id))::uuid, f.village_id, $2, $3, 1, $4, f.id, p.id, $5, '{"family.decile": 1}'
from (select * from family where regency_id = $1 order by id limit $6) f
cross join lateral (
  select id from person where regency_id = f.regency_id and family_id = f.id order by member_no, id limit 1
) p
"""
_ADDED_UP: Final = """
insert into cycle_outcome (regency_id, cycle_id, outcome, reason, village_low, village_high, families, amount)
select regency_id, id, 'ENTITLED', '', village_low, village_high, entitled, amount from aid_cycle where id = $1 and entitled > 0
"""
_CARDS: Final = """
insert into kks_card (regency_id, id, village_id, family_id, person_id, bank, state, last_four, token, activated_at, state_at)
select e.regency_id, gen_random_uuid(), e.village_id, e.family_id, e.recipient_id, ($3::text[])[1 + n % cardinality($3::text[])],
  'ACTIVE', right(lpad(n::text, 4, '0'), 4), concat('T', md5(concat(e.family_id, 'card'))), now(), now()
from (select *, (row_number() over (order by id))::int as n from entitlement where regency_id = $1 and cycle_id = $2) e
where n <= $4
on conflict do nothing
"""


async def plant_released_cycle(
    owner: "asyncpg.Connection[asyncpg.Record]",
    code: str,
    regency_id: int,
    *,
    families: int = 1_000_000,
    amount: int = 600_000,
    period_start: date = date(2026, 7, 1),
    revision: int = 1,
    cards: int = 1_000_000,
    banks: Sequence[str] = ("BRI",),
) -> UUID:
    """A released cycle of the programme ``code``, planted before: ``families`` of the regency at most are entitled to ``amount`` each.

    The first ``cards`` of them have an active card, at each of ``banks`` in turn, unless they have one already. Its id.
    """
    cycle_id = uuid4()
    async with owner.transaction():
        entitled = min(families, await owner.fetchval("select count(*) from family where regency_id = $1", regency_id))
        await owner.execute(
            _RELEASED, regency_id, cycle_id, code, period_start, revision, entitled, amount, MAKER, CHECKER
        )
        async with past_triggers(owner):
            await owner.execute(_ADDED_UP, cycle_id)
            await owner.execute(_ENTITLED, regency_id, cycle_id, code, period_start, amount, entitled)
        await owner.execute(_CARDS, regency_id, cycle_id, list(banks), cards)
    return cycle_id
