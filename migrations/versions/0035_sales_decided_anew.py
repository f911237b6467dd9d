"""A batch is decided anew where keys of it were taken meanwhile, a token of two active cards is refused, and each outlet has its devices.

A batch told of a sale as if it were there, although another outlet had taken its key, and batches with the same keys in other orders waited
for each other. A device that was handed to another outlet could not sync. A limit counts from its day where the outlet is, not in UTC.

Revision ID: 0035
Revises: 0034
"""

from typing import Final

from alembic import op

# Texts of revision 0025: those below are made of the parts of it that stay as they are.
from migrations.redemptions import (
    _AS_OWNER,
    _BY_KEY,
    _BY_KEYS,
    _COLUMNS,
    _LINES,
    _READ,
    _READ_INTO,
    EWARONG_PURSE,
    EWARONG_TRANSACTION_REPORT,
    EWARONG_TRANSACTIONS_SYNC,
    _told,
)

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

# Two regencies may each have an active card of one token. Whose money it would be nobody can say.
_PURSE: Final = f"""
create or replace function ewarong_purse(
  token_ text, programme_ text, on_ date,
  out card_state text, out card_id uuid, out last_four text, out family_id uuid, out regency_id int,
  out wallets int, out wallet_id uuid, out village_id bigint, out balance bigint, out opened_at timestamptz,
  out programme_code text, out groups text[], out prohibited text[], out balanced text[]
) language plpgsql {_AS_OWNER} {_BY_KEYS} as $$
#variable_conflict use_column
declare
  found_ record;
  active_ int := 0;
begin
  -- A family that moved has left a card behind: the one that counts goes before those that ended.
  for found_ in
    select c.state, c.id, c.last_four, c.family_id, c.regency_id
    from kks_card c where c.token >= token_ and c.token <= token_ order by c.token
  loop
    if card_state is null or found_.state = 'ACTIVE' then
      card_state := found_.state; card_id := found_.id; last_four := found_.last_four;
      family_id := found_.family_id; regency_id := found_.regency_id;
    end if;
    active_ := active_ + (found_.state = 'ACTIVE')::int;
  end loop;
  if active_ > 1 then
    card_state := 'AMBIGUOUS';
  end if;
  wallets := 0;
  if card_state is distinct from 'ACTIVE' then
    return;
  end if;
  for found_ in
    select w.id, w.village_id, w.programme_code, w.created_at, r.groups, r.prohibited, r.balanced
    from wallet w
    cross join lateral (
      select b.* from basket_rule b
      where b.programme_code = w.programme_code and b.channel = 'E_WARONG' and b.valid_from <= on_
      order by b.valid_from desc limit 1
    ) r
    where (w.regency_id, w.family_id) >= (ewarong_purse.regency_id, ewarong_purse.family_id)
      and (w.regency_id, w.family_id) <= (ewarong_purse.regency_id, ewarong_purse.family_id)
      and (programme_ is null or w.programme_code = programme_) and r.open and coalesce(r.valid_to >= on_, true)
    order by w.regency_id, w.family_id
  loop
    wallets := wallets + 1;
    wallet_id := found_.id; village_id := found_.village_id; programme_code := found_.programme_code;
    opened_at := found_.created_at; groups := found_.groups; prohibited := found_.prohibited; balanced := found_.balanced;
  end loop;
  if wallets = 1 then
    select w.balance into balance from wallet w
    where w.regency_id = ewarong_purse.regency_id and w.family_id = ewarong_purse.family_id
      and w.programme_code = ewarong_purse.programme_code and w.id = ewarong_purse.wallet_id
    for no key update;
  end if;
end
$$
"""


def _limit(code: str) -> str:
    """A number of oversight that counts today; null where nobody has set one."""
    return (
        f"(select t.value::int from ewarong_threshold t where t.code = '{code}' and t.valid_from <= today_ "
        "order by t.valid_from desc limit 1)"
    )


def _decided(spent: str) -> str:
    """Whether what was read may be: a refusal, or a new row. Of the wallet, ``spent`` is gone already."""
    return f"""
    <<decide>>
    begin
      select a.id, a.village_id, a.state into agent_ from ewarong_agent a
      where (a.regency_id, a.id) >= (regency_, (item ->> 'agentId')::uuid)
        and (a.regency_id, a.id) <= (regency_, (item ->> 'agentId')::uuid)
      order by a.regency_id, a.id limit 1;
      if agent_.id is null then
        refusal_ := 'AGENT_UNKNOWN';
        exit decide;
      elsif agent_.state not in ('ACTIVE', 'WATCHED', 'FIRST_WARNING', 'SECOND_WARNING', 'RECOMMENDED_REVOKE') then
        refusal_ := 'AGENT_SUSPENDED';
        exit decide;
      end if;
      today_ := (clock_timestamp() at time zone region_time_zone(regency_))::date;
      select {_limit("CLOCK_MINUTES")} as ahead, {_limit("REPORT_DAYS")} as days into limit_;
      if truly_ > clock_timestamp() + make_interval(mins => coalesce(limit_.ahead, 0))
        or day_ < today_ - limit_.days
      then
        refusal_ := 'OUTSIDE_PERIOD';
        exit decide;
      end if;
      select p.* into purse_ from ewarong_purse(item ->> 'token', item ->> 'programme', day_) p;
      if purse_.card_state is null or purse_.card_state in ('OPENING', 'PRINTED', 'DISTRIBUTED') then
        refusal_ := 'CARD_UNKNOWN';
      elsif purse_.card_state = 'AMBIGUOUS' then
        refusal_ := 'CARD_AMBIGUOUS';
      elsif purse_.card_state <> 'ACTIVE' then
        refusal_ := 'CARD_BLOCKED';
      elsif purse_.wallets = 0 then
        refusal_ := 'PROGRAMME_NOT_REDEEMABLE';
      elsif purse_.wallets > 1 then
        refusal_ := 'WALLET_AMBIGUOUS';
      elsif day_ < (purse_.opened_at at time zone region_time_zone(regency_))::date then
        refusal_ := 'OUTSIDE_PERIOD';
      end if;
      if refusal_ is not null then
        exit decide;
      end if;
      purse_.balance := purse_.balance - {spent};
      select sum(round(l.quantity * l.unit_price))::bigint as amount,
        bool_and(l.quantity > 0 and l.unit_price > 0 and l.quantity * l.unit_price >= 0.5) as sound,
        min(l.commodity) filter (where c.code is null) as unknown,
        min(l.commodity) filter (
          where c.code = any (purse_.prohibited) or (c.group_code = any (purse_.groups)) is not true
        ) as prohibited,
        not array_agg(c.group_code) @> purse_.balanced as unbalanced,
        sha256(convert_to(
          string_agg(concat(l.commodity, ' ', trim_scale(l.quantity)), ',' order by l.commodity collate "C", l.quantity), 'UTF8'
        )) as basket
      into basket_
      from {_LINES} left join commodity c on c.code = l.commodity;
      if basket_.sound is not true then
        refusal_ := 'LINES_INVALID';
      elsif basket_.unknown is not null then
        refusal_ := 'COMMODITY_UNKNOWN';
        told_ := jsonb_build_object('commodity', basket_.unknown);
      elsif basket_.prohibited is not null then
        refusal_ := 'PROHIBITED_COMMODITY';
        told_ := jsonb_build_object('commodity', basket_.prohibited);
      elsif basket_.amount <> (item ->> 'total')::bigint then
        refusal_ := 'TOTAL_MISMATCH';
        told_ := jsonb_build_object('total', basket_.amount);
      elsif purse_.balance < basket_.amount then
        refusal_ := 'INSUFFICIENT_BALANCE';
        told_ := jsonb_build_object('balance', purse_.balance);
      else
        new_ := row(
          regency_, (item ->> 'id')::uuid, agent_.village_id, agent_.id, purse_.programme_code, basket_.amount,
          purse_.balance - basket_.amount, happened_, clock_timestamp(), day_, (item ->> 'clockSkew')::int,
          (item ->> 'deviceId')::uuid, (item ->> 'deviceSequence')::int, (item ->> 'latitude')::double precision,
          (item ->> 'longitude')::double precision, purse_.last_four, purse_.card_id, purse_.family_id, purse_.regency_id,
          purse_.village_id, purse_.wallet_id,
          ledger_entry_id(purse_.regency_id, 'REDEMPTION:' || (item ->> 'id')::uuid), item ->> 'receipt', basket_.unbalanced,
          basket_.basket, key_, request_, (actor ->> 'principal_id')::uuid
        );
      end if;
    end;"""


_REPORT: Final = f"""
create or replace function ewarong_transaction_report(item jsonb, actor jsonb)
returns table (outcome text, detail jsonb, {_COLUMNS})
language plpgsql set search_path = public, pg_temp {_BY_KEYS} as $$
#variable_conflict use_column
declare{_READ_INTO}
  today_ date;
  is_new_ boolean := false;
begin
  regency_ := item ->> 'regencyId';
  {_READ}
  {_BY_KEY}
  if found_.id is null then
    {_decided("0")}
    if refusal_ is null then
      insert into ewarong_transaction select new_.* on conflict (regency_id, idempotency_key) do nothing;
      is_new_ := found;
    end if;
    if not is_new_ then
      {_BY_KEY}
    end if;
  end if;
  if found_.id is not null then
    if found_.request = request_ then
      return query select 'REPEATED', null::jsonb, found_.*;
    else
      return query select 'IDEMPOTENCY_CONFLICT', null::jsonb, (null::ewarong_transaction).*;
    end if;
    return;
  elsif not is_new_ then
    -- Without a refusal, the key stands for what another outlet has reported.
    return query select coalesce(refusal_, 'IDEMPOTENCY_CONFLICT'), told_, (null::ewarong_transaction).*;
    return;
  end if;
  insert into ewarong_line (regency_id, transaction_id, number, village_id, agent_id, commodity_code, quantity, unit_price, amount)
  select regency_, new_.id, l.number, new_.village_id, new_.agent_id, l.commodity, l.quantity, l.unit_price,
    round(l.quantity * l.unit_price)
  from {_LINES};
  insert into ewarong_day as d (regency_id, agent_id, day, slot, village_id, transactions, amount)
  values (regency_, new_.agent_id, day_, ledger_slot(), new_.village_id, 1, new_.amount)
  on conflict (regency_id, agent_id, day, slot)
    do update set transactions = d.transactions + 1, amount = d.amount + excluded.amount;
  {_told("array[new_.id]", "new_.village_id")}
  return query select 'REPORTED', null::jsonb, new_.*;
end
$$
"""
# Decided one by one, written all at once, in the order of the keys: so no two batches wait for each other. Whatever was not written has a
# key that another outlet has taken meanwhile: nothing stays as it was decided, and all of it is decided anew with that in mind.
_SYNC: Final = f"""
create or replace function ewarong_transactions_sync(device jsonb, items jsonb, actor jsonb)
returns table (number int, outcome text, detail jsonb, id uuid, amount bigint, balance bigint, receipt text)
language plpgsql set search_path = public, pg_temp {_BY_KEYS} as $$
#variable_conflict use_column
declare{_READ_INTO}
  item jsonb;
  outcomes_ text[];
  details_ jsonb[];
  results_ ewarong_transaction[];
  rows_ ewarong_transaction[];
  baskets_ jsonb[];
  keys_ jsonb;
  spent_ jsonb;
  reported_ uuid[];
  taken_ uuid[] := '{{}}';
  today_ date;
  village_ bigint;
begin
  regency_ := device ->> 'regencyId';
  perform pg_advisory_xact_lock(hashtextextended(device ->> 'agentId', regency_));
  loop
    begin
      outcomes_ := '{{}}'; details_ := '{{}}'; results_ := '{{}}'; rows_ := '{{}}'; baskets_ := '{{}}'; keys_ := '{{}}'; spent_ := '{{}}';
      perform ewarong_purses_locked(array(select jsonb_array_elements(items) ->> 'token'));
      for item in select jsonb_array_elements(items) loop
        refusal_ := null; told_ := null; found_ := null; new_ := null;
        {_READ}
        if keys_ ? key_::text then
          found_ := rows_[(keys_ ->> key_::text)::int];
        else
          {_BY_KEY}
        end if;
        if found_.id is null and key_ = any (taken_) then
          refusal_ := 'IDEMPOTENCY_CONFLICT';
        elsif found_.id is null then
          {_decided("coalesce((spent_ ->> purse_.wallet_id::text)::bigint, 0)")}
          if new_.id is not null then
            rows_ := rows_ || new_;
            baskets_ := baskets_ || jsonb_build_object('id', new_.id, 'lines', item -> 'lines');
            keys_ := keys_ || jsonb_build_object(key_::text, cardinality(rows_));
            spent_ := spent_ || jsonb_build_object(
              new_.wallet_id::text, coalesce((spent_ ->> new_.wallet_id::text)::bigint, 0) + new_.amount
            );
            refusal_ := 'REPORTED';
            found_ := new_;
          end if;
        elsif found_.request = request_ then
          refusal_ := 'REPEATED';
        else
          refusal_ := 'IDEMPOTENCY_CONFLICT';
          found_ := null;
        end if;
        outcomes_ := outcomes_ || refusal_; details_ := details_ || coalesce(told_, 'null'); results_ := results_ || found_;
      end loop;
      select a.village_id into village_ from ewarong_agent a
      where (a.regency_id, a.id) >= (regency_, (device ->> 'agentId')::uuid)
        and (a.regency_id, a.id) <= (regency_, (device ->> 'agentId')::uuid)
      order by a.regency_id, a.id limit 1;
      if cardinality(rows_) > 0 then
        with made as (
          insert into ewarong_transaction select r.* from unnest(rows_) r order by r.idempotency_key
          on conflict (regency_id, idempotency_key) do nothing returning id
        )
        select coalesce(array_agg(made.id), '{{}}') into reported_ from made;
        if cardinality(reported_) < cardinality(rows_) then
          taken_ := taken_ || array(select r.idempotency_key from unnest(rows_) r where r.id <> all (reported_));
          raise sqlstate 'KL004';
        end if;
        insert into ewarong_line (regency_id, transaction_id, number, village_id, agent_id, commodity_code, quantity, unit_price, amount)
        select regency_, (basket ->> 'id')::uuid, l.number, village_, (device ->> 'agentId')::uuid, l.commodity, l.quantity, l.unit_price,
          round(l.quantity * l.unit_price)
        from unnest(baskets_) basket cross join lateral {_LINES.replace("item", "basket")};
        insert into ewarong_day as d (regency_id, agent_id, day, slot, village_id, transactions, amount)
        select regency_, r.agent_id, r.day, ledger_slot(), r.village_id, count(*), sum(r.amount)
        from unnest(rows_) r group by r.agent_id, r.day, r.village_id
        on conflict (regency_id, agent_id, day, slot)
          do update set transactions = d.transactions + excluded.transactions, amount = d.amount + excluded.amount;
        {_told("reported_", "village_")}
      end if;
      if village_ is not null then
        insert into ewarong_device as d (regency_id, id, village_id, agent_id, last_sequence, clock_skew, synced_at)
        values (regency_, (device ->> 'deviceId')::uuid, village_, (device ->> 'agentId')::uuid, (device ->> 'lastSequence')::int,
          (device ->> 'clockSkew')::int, clock_timestamp())
        on conflict (regency_id, id, agent_id) do update set
          last_sequence = greatest(d.last_sequence, excluded.last_sequence), clock_skew = excluded.clock_skew,
          synced_at = excluded.synced_at;
      end if;
      exit;
    exception when sqlstate 'KL004' then
      null;
    end;
  end loop;
  return query
    select n.at - 1, outcomes_[n.at], nullif(details_[n.at], 'null'), (results_[n.at]).id, (results_[n.at]).amount,
      (results_[n.at]).balance, (results_[n.at]).receipt
    from generate_subscripts(outcomes_, 1) n (at) order by n.at;
end
$$
"""


def upgrade() -> None:
    """Replace the functions, and give each outlet its own row of a device."""
    op.drop_constraint("ewarong_device_pk", "ewarong_device")
    op.create_primary_key("ewarong_device_pk", "ewarong_device", ["regency_id", "id", "agent_id"])
    for function in (_PURSE, _REPORT, _SYNC):
        op.execute(function)


def downgrade() -> None:
    """Put the functions back. Of a device that was handed on, the outlet stays for which it synced last."""
    for function in (EWARONG_PURSE, EWARONG_TRANSACTION_REPORT, EWARONG_TRANSACTIONS_SYNC):
        op.execute(function.replace("create function", "create or replace function", 1))
    op.drop_constraint("ewarong_device_pk", "ewarong_device")
    # The owner takes away rows that no policy shows it.
    op.execute("alter table ewarong_device no force row level security")
    op.execute(
        "delete from ewarong_device d using ewarong_device o where o.regency_id = d.regency_id and o.id = d.id "
        "and (o.synced_at, o.agent_id) > (d.synced_at, d.agent_id)"
    )
    op.execute("alter table ewarong_device force row level security")
    op.create_primary_key("ewarong_device_pk", "ewarong_device", ["regency_id", "id"])
