"""One statement for each signal: what it finds among the transactions of whole months that stand, those taken back left out.

Each is a list of common table expressions that ends in ``found``, with the columns of ``ewarong_signal`` and, of the transactions behind
a row, how many there are and the first of them with their villages: ``leads`` and ``places``. ``about`` names the row apart from its code,
in the same words whenever it is found.

Time is that of the server: what a device's clock was ahead is taken off. Days and hours are local at the outlet.
"""
# ruff: noqa: S608  (statements are made of texts of this module and of constants of others)

from typing import Final

from app.domain.bansos.spending import HELD, HOLDERS, TOP_UPS
from app.domain.ewarong.models.agents import SERVING
from app.domain.ewarong.models.signals import SignalCode
from app.domain.registry.departed import DECEASED, DISSOLVED

MOST_LEADS: Final = 200
"""Transactions that are kept with a signal; they are counted all the same."""

_DAY: Final = "make_interval(days => 1)"
_BURST: Final = "make_interval(mins => cast(:F1_MINUTES as int))"
_SPELL: Final = "make_interval(days => cast(:F2_DAYS as int))"


def _sales(margin: str = "make_interval()") -> str:
    """Transactions that stand, those of ``margin`` before and after the months, too."""
    return f"""
sales as (
  select t.regency_id, t.village_id, t.agent_id, t.id, t.card_id, t.family_id, t.family_regency_id, t.wallet_id, t.amount, t.balance,
    t.basket, t.day, t.received_at, t.happened_at - make_interval(secs => coalesce(t.clock_skew, 0)) as truly_at
  from ewarong_transaction t
  where t.regency_id between :regency_low and :regency_high and t.village_id between :low and :high
    and t.day between cast(:first_day - {margin} as date) and cast(:last_day + {margin} as date)
    and not exists (select from ewarong_reversal r where r.regency_id = t.regency_id and r.transaction_id = t.id)
)"""


_MONTHS: Final = "day between :first_day and :last_day"


def _behind(order: str = "truly_at, id") -> str:
    return f"(array_agg(id order by {order}))[1:{MOST_LEADS}] as leads, (array_agg(village_id order by {order}))[1:{MOST_LEADS}] as places"


def _outlets(rows: str, *, measured: str, threshold: str, told: str, period: str = "month", where: str = "true") -> str:
    """``found``: a row for each outlet and month (or day) of ``rows`` for which ``told`` holds."""
    label = {"month": "YYYY-MM", "day": "YYYY-MM-DD"}[period]
    return f"""
found as (
  select regency_id, min(village_id) as village_low, min(village_id) as village_high, agent_id, cast(null as uuid) as family_id,
    cast(null as bigint) as district_id, cast(null as uuid) as supplier_id, min(day) as first_day, max(day) as last_day,
    cast({measured} as numeric) as measured, cast({threshold} as numeric) as threshold, count(*) as transactions,
    concat(agent_id, ':', to_char(date_trunc('{period}', day), '{label}')) as about, {_behind()}
  from {rows} where {where}
  group by regency_id, agent_id, date_trunc('{period}', day) having {told}
)"""


def _more_than(rows: str, most: str) -> str:
    return _outlets(rows, measured="count(*)", threshold=most, told=f"count(*) > {most}")


# A window of the last minutes is looked at closer only where it holds enough transactions; all in such a window are told of.
_MANY_CARDS: Final = f"""{_sales(_DAY)},
lately as (
  select *, count(*) over burst as sold, array_agg(card_id) over burst as cards from sales
  window burst as (partition by regency_id, agent_id order by truly_at range between {_BURST} preceding and current row)
), counted as (
  select *, case when sold >= :F1_CARDS then (select count(distinct card) from unnest(cards) card) end as different from lately
), bursts as (
  select regency_id, village_id, agent_id, id, day, truly_at, max(different) filter (where different >= :F1_CARDS)
      over (partition by regency_id, agent_id order by truly_at range between current row and {
    _BURST
} following) as different
  from counted
), {
    _outlets(
        "bursts",
        measured="max(different)",
        threshold=":F1_CARDS",
        told="true",
        period="day",
        where=f"different is not null and {_MONTHS}",
    )
}"""

_EMPTIED_OFTEN: Final = f"""{_sales(_SPELL)},
lately as (
  select *, count(*) over spell as times from sales where balance = 0
  window spell as (partition by regency_id, card_id order by truly_at range between {_SPELL} preceding and current row)
), spells as (
  select *, max(times) filter (where times >= :F2_TIMES)
      over (partition by regency_id, card_id order by truly_at range between current row and {_SPELL} following) as most
  from lately
), found as (
  select regency_id, (array_agg(village_id order by truly_at desc, id))[1] as village_low,
    (array_agg(village_id order by truly_at desc, id))[1] as village_high, (array_agg(agent_id order by truly_at desc, id))[1] as agent_id,
    (array_agg(family_id) filter (where family_regency_id = regency_id))[1] as family_id, cast(null as bigint) as district_id,
    cast(null as uuid) as supplier_id, min(day) as first_day, max(day) as last_day, cast(max(most) as numeric) as measured,
    cast(:F2_TIMES as numeric) as threshold, count(*) as transactions,
    concat(card_id, ':', to_char(date_trunc('month', day), 'YYYY-MM')) as about, {_behind()}
  from spells where most is not null and {_MONTHS} group by regency_id, card_id, date_trunc('month', day)
)"""

_UNIFORM: Final = f"""{_sales()},
kinds as (
  select regency_id, agent_id, date_trunc('month', day) as month, basket, count(*) as sold from sales group by 1, 2, 3, 4
), shares as (
  select *, sold / sum(sold) over outlet as share, sum(sold) over outlet as total from kinds
  window outlet as (partition by regency_id, agent_id, month)
), alike as (
  select s.*, k.share from sales s
  join shares k on k.regency_id = s.regency_id and k.agent_id = s.agent_id and k.month = date_trunc('month', s.day) and k.basket = s.basket
  where k.share > :F3_SHARE and k.total >= :F3_LEAST
), {_outlets("alike", measured="max(share)", threshold=":F3_SHARE", told="true")}"""

# What was sold before a top-up was there, and reported after it, had not enough without it.
_WRONG_TIME: Final = f"""{_sales()}, {TOP_UPS},
early as (
  select s.regency_id, s.id from sales s
  join top_ups u on u.regency_id = s.family_regency_id and u.wallet_id = s.wallet_id and u.at > s.truly_at
    and u.posted_at <= s.received_at
  group by s.regency_id, s.id, s.balance having sum(u.amount) > s.balance
), wrong as (
  select s.* from sales s left join early e on e.regency_id = s.regency_id and e.id = s.id
  cross join lateral (select extract(hour from s.truly_at at time zone region_time_zone(s.regency_id)) as hour) at
  where at.hour < :F4_FROM_HOUR or at.hour >= :F4_TO_HOUR or e.id is not null
), {_more_than("wrong", ":F4_MOST")}"""

_FROM_ELSEWHERE: Final = f"""{_sales()},
strangers as (select * from sales where family_regency_id <> regency_id), {_more_than("strangers", ":F5_MOST")}"""

# Whoever died or left in another regency is beyond the scope of whoever screens; F5 tells of cards from there.
_GONE: Final = f"""{_sales()}, {HOLDERS}, {DECEASED}, {DISSOLVED},
haunted as (
  select s.* from sales s
  join holders h on h.regency_id = s.family_regency_id and h.card_id = s.card_id
  left join deceased p on p.regency_id = h.regency_id and p.person_id = h.person_id
  left join dissolved f on f.regency_id = h.regency_id and f.family_id = h.family_id
  where least(p.since, f.since) <= s.truly_at
), {_more_than("haunted", ":F6_MOST")}"""

# A list of one regency bars in all of them, so the function that admits outlets is asked, not the table.
_BARRED: Final = f"""{_sales()},
barred as (
  select a.regency_id, a.village_id, a.id, ewarong_owner_barred(a.owner_nik_digest, :today) as office
  from ewarong_agent a
  where a.regency_id between :regency_low and :regency_high and a.village_id between :low and :high
    and a.state in ({", ".join(f"'{state.value}'" for state in SERVING)})
), sold as (
  select regency_id, agent_id, count(*) as transactions, {_behind()} from sales group by 1, 2
), found as (
  select b.regency_id, b.village_id as village_low, b.village_id as village_high, b.id as agent_id, cast(null as uuid) as family_id,
    cast(null as bigint) as district_id, cast(null as uuid) as supplier_id, :first_day as first_day, :today as last_day,
    1::numeric as measured, 0::numeric as threshold, coalesce(s.transactions, 0) as transactions, concat(b.id, ':', b.office) as about,
    coalesce(s.leads, '{{}}') as leads, coalesce(s.places, '{{}}') as places
  from barred b left join sold s on s.regency_id = b.regency_id and s.agent_id = b.id where b.office is not null
)"""

_CASH: Final = f"""{_sales()},
round as (
  select s.* from sales s
  where s.balance = 0 and s.amount % cast(:F9_STEP as bigint) = 0 and not exists (
    select from ewarong_line l where l.regency_id = s.regency_id and l.transaction_id = s.id and l.number = 2
  )
), {_more_than("round", ":F9_MOST")}"""

_CROWDED: Final = f"""{_sales()}, {
    _outlets(
        "sales",
        measured="count(distinct family_id)",
        threshold=":MOST_FAMILIES",
        told="count(distinct family_id) > :MOST_FAMILIES",
    )
}"""

_NOBODY_ELSE: Final = f"""{_sales()},
alone as (
  select s.*, coalesce(o.amount, 0) as others from sales s
  left join ewarong_other_sales o on o.regency_id = s.regency_id and o.agent_id = s.agent_id
    and o.month = cast(date_trunc('month', s.day) as date)
  where date_trunc('month', s.day) + make_interval(months => 1, days => cast(:F11_DAYS as int)) <= :today
), {_outlets("alone", measured="max(others)", threshold=":F11_SALES", told="max(others) < :F11_SALES")}"""

_IDLE: Final = f"""{HELD},
idle as (
  select *, cast(moved_at at time zone region_time_zone(regency_id) as date) as moved_on from held where village_id between :low and :high
), found as (
  select regency_id, village_id as village_low, village_id as village_high, cast(null as uuid) as agent_id, family_id,
    cast(null as bigint) as district_id, cast(null as uuid) as supplier_id, moved_on as first_day, :today as last_day,
    cast(:today - moved_on as numeric) as measured, cast(:F12_DAYS as numeric) as threshold, 0 as transactions,
    concat(wallet_id, ':', moved_on) as about, cast('{{}}' as uuid[]) as leads, cast('{{}}' as bigint[]) as places
  from idle where :today - moved_on > :F12_DAYS
)"""

STATEMENTS: Final = {
    SignalCode.F1: _MANY_CARDS,
    SignalCode.F2: _EMPTIED_OFTEN,
    SignalCode.F3: _UNIFORM,
    SignalCode.F4: _WRONG_TIME,
    SignalCode.F5: _FROM_ELSEWHERE,
    SignalCode.F6: _GONE,
    SignalCode.F7: _BARRED,
    SignalCode.F9: _CASH,
    SignalCode.F10: _CROWDED,
    SignalCode.F11: _NOBODY_ELSE,
    SignalCode.F12: _IDLE,
}
"""All but F8, which is about what outlets buy (see ``suppliers``)."""
