"""The functions of revision 0025, which report redemptions: one call, one transaction, whatever it takes.

A landed revision calls this module: what it produces is never changed.

Their statements are planned once a session, when nobody knows how large the tables will be. So each look-up has a shape that one index
alone can serve: the key is a range of rows in the order of that index, and sorts and scans of whole tables are off. An equality would
not do, for it leaves every index with the same first column to choose from, and in a small table one is as good as the other.
"""
# ruff: noqa: S608  (statements are made of texts of this module alone)

from typing import Final

_BY_KEYS: Final = """
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
set enable_sort = off set enable_incremental_sort = off"""
_AS_OWNER: Final = "security definer set search_path = public, pg_temp"

# Days are those of the outlet: Indonesia has three times and no daylight saving.
REGION_TIME_ZONE: Final = """
create function region_time_zone(regency_id int) returns text language sql immutable parallel safe as $$
  select case
    when regency_id / 100 in (51, 52, 53, 63, 64, 65) or regency_id / 100 between 71 and 76 then 'Asia/Makassar'
    when regency_id / 100 between 81 and 96 then 'Asia/Jayapura'
    else 'Asia/Jakarta'
  end
$$
"""

# Totals have 16 rows each. Whoever counts takes a number that nobody else holds and keeps it until the end of the transaction: so nobody
# waits for another's row, and no two can wait for each other. Where all are taken, there is a queue for one of them.
LEDGER_SLOT: Final = """
create function ledger_slot() returns smallint language plpgsql set search_path = public, pg_temp as $$
declare
  held_ text := current_setting('app.ledger_slot', true);
  slot_ smallint := pg_backend_pid() % 16;
begin
  if held_ <> '' then
    return held_;
  end if;
  for tries_ in 1..16 loop
    if pg_try_advisory_xact_lock(1263747955, slot_) then
      perform set_config('app.ledger_slot', slot_::text, true);
      return slot_;
    end if;
    slot_ := (slot_ + 1) % 16;
  end loop;
  perform pg_advisory_xact_lock(1263747955, slot_), set_config('app.ledger_slot', slot_::text, true);
  return slot_;
end
$$
"""

# The card of a token, wherever its family lives, and the one wallet of the family that may be spent at outlets on that day, locked.
# It is the only way in which the application sees a card or a wallet beyond its scope: it takes the token to ask.
EWARONG_PURSE: Final = f"""
create function ewarong_purse(
  token_ text, programme_ text, on_ date,
  out card_state text, out card_id uuid, out last_four text, out family_id uuid, out regency_id int,
  out wallets int, out wallet_id uuid, out village_id bigint, out balance bigint, out opened_at timestamptz,
  out programme_code text, out groups text[], out prohibited text[], out balanced text[]
) language plpgsql {_AS_OWNER} {_BY_KEYS} as $$
#variable_conflict use_column
declare
  found_ record;
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
  end loop;
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

# A redemption and its journal entry are one thing: no statement inserts the one without the other. The entry is that of `post_entries`,
# its id made of its key, and lies where the family does, beyond the scope of whoever sold.
EWARONG_TRANSACTION_POSTED: Final = f"""
create function ewarong_transaction_posted() returns trigger language plpgsql {_AS_OWNER} as $$
begin
  perform from new_rows where entry_id <> ledger_entry_id(family_regency_id, 'REDEMPTION:' || id);
  if found then
    raise exception using errcode = 'KL001', message = 'the entry of a redemption has the id that is made of its key';
  end if;
  with entered as (
    insert into journal_entry (regency_id, id, village_low, village_high, kind, programme_code, family_id, source_id, source_key,
      principal_id)
    select family_regency_id, entry_id, family_village_id, family_village_id, 'REDEMPTION', programme_code, family_id, id,
      'REDEMPTION:' || id, reported_by
    from new_rows
  )
  insert into journal_line (regency_id, entry_id, number, village_low, village_high, account, holder_id, programme_code, amount)
  select n.family_regency_id, n.entry_id, side.number, n.family_village_id, n.family_village_id, side.account, side.holder_id,
    n.programme_code, side.amount
  from new_rows n cross join lateral (
    values (1, 'WALLET', n.wallet_id, -n.amount), (2, 'AGENT', n.agent_id, n.amount)
  ) side (number, account, holder_id, amount);
  return null;
end
$$
"""
# Taking back is one thing with the opposite entry, as `reverse` posts it: what gives comes first.
EWARONG_REVERSAL_POSTED: Final = f"""
create function ewarong_reversal_posted() returns trigger language plpgsql {_AS_OWNER} {_BY_KEYS} as $$
declare
  of_ record;
begin
  select t.family_regency_id, t.entry_id, t.amount, t.agent_id into of_ from ewarong_transaction t
  where (t.regency_id, t.id) >= (new.regency_id, new.transaction_id) and (t.regency_id, t.id) <= (new.regency_id, new.transaction_id)
  order by t.regency_id, t.id limit 1;
  if (of_.amount, of_.agent_id) is distinct from (new.amount, new.agent_id)
    or new.entry_id is distinct from ledger_entry_id(of_.family_regency_id, 'REVERSAL:' || of_.entry_id)
  then
    raise exception using errcode = 'KL001', message = 'a reversal takes back the whole of a transaction of its outlet';
  end if;
  with entered as (
    insert into journal_entry (regency_id, id, village_low, village_high, kind, programme_code, cycle_id, family_id, source_id,
      source_key, principal_id, reason)
    select regency_id, new.entry_id, village_low, village_high, 'REVERSAL', programme_code, cycle_id, family_id, id,
      'REVERSAL:' || id, new.reversed_by, new.reason
    from journal_entry
    where (regency_id, id) >= (of_.family_regency_id, of_.entry_id) and (regency_id, id) <= (of_.family_regency_id, of_.entry_id)
    order by regency_id, id limit 1
  )
  insert into journal_line (regency_id, entry_id, number, village_low, village_high, account, holder_id, programme_code, amount)
  select regency_id, new.entry_id, row_number() over (order by amount desc, number), village_low, village_high, account, holder_id,
    programme_code, -amount
  from journal_line where regency_id = of_.family_regency_id and entry_id = of_.entry_id;
  return null;
end
$$
"""
# What a family can check with the code of its receipt, whoever asks: no name, no card, no place but the outlet.
EWARONG_RECEIPT: Final = f"""
create function ewarong_receipt(code_ text)
returns table (receipt text, amount bigint, day date, programme_code text, outlet_name text, regency_id int, is_reversed boolean,
  lines jsonb)
language sql stable {_AS_OWNER} as $$
  select t.receipt, t.amount, t.day, t.programme_code, a.name, t.regency_id,
    exists (select from ewarong_reversal r where r.regency_id = t.regency_id and r.transaction_id = t.id),
    (select jsonb_agg(jsonb_build_object('number', l.number, 'commodity_code', l.commodity_code,
        'quantity', trim_scale(l.quantity)::text, 'unit_price', l.unit_price, 'amount', l.amount) order by l.number)
      from ewarong_line l where l.regency_id = t.regency_id and l.transaction_id = t.id)
  from ewarong_transaction t join ewarong_agent a on a.regency_id = t.regency_id and a.id = t.agent_id
  where t.receipt = code_
$$
"""
LEDGER_ENTRY_ID: Final = """
create function ledger_entry_id(regency_id int, source_key text) returns uuid language sql immutable parallel safe as $$
  select overlay(overlay(left(encode(sha256(convert_to(
    'journal_entry/' || regency_id || '/' || source_key, 'UTF8')), 'hex'), 32) placing '8' from 13) placing 'a' from 17)::uuid
$$
"""

# The journal's triggers of revision 0017, with a short way for one entry: what follows from it is the same.
_TRIGGER: Final = f"returns trigger language plpgsql {_AS_OWNER} {_BY_KEYS}"
JOURNAL_ENTRY_POSTED: Final = f"""
create or replace function journal_entry_posted() {_TRIGGER} set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  wrong_ boolean;
  entry_ record;
  entries_ int := 0;
begin
  for entry_ in select regency_id, id from new_rows limit 2 loop
    entries_ := entries_ + 1;
  end loop;
  if entries_ = 1 then
    perform from journal_line l
    where (l.regency_id, l.entry_id, l.number) >= (entry_.regency_id, entry_.id, 1::smallint)
      and (l.regency_id, l.entry_id, l.number) <= (entry_.regency_id, entry_.id, 1::smallint)
    order by l.regency_id, l.entry_id, l.number limit 1;
    wrong_ := not found;
  else
    execute 'select exists (
      select from new_rows e where not exists (
        select from journal_line l where l.regency_id = e.regency_id and l.entry_id = e.id and l.number = 1
      )
    )' into wrong_;
  end if;
  if wrong_ then
    raise exception using errcode = 'KL001', message = 'a journal entry and its lines come in one statement';
  end if;
  insert into seal_queue (stream, regency_id, record_id) select 'ledger', regency_id, id from new_rows;
  return null;
end
$$
"""
JOURNAL_LINE_POSTED: Final = f"""
create or replace function journal_line_posted() {_TRIGGER} set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  slot_ smallint;
  wrong_ boolean;
  lost_ bigint;
  lines_ int := 0;
  line_ journal_line;
  one_ journal_line;
  other_ journal_line;
  entry_ record;
begin
  for line_ in select * from new_rows limit 3 loop
    lines_ := lines_ + 1;
    if lines_ = 1 then
      one_ := line_;
    else
      other_ := line_;
    end if;
  end loop;
  if lines_ = 2 and one_.regency_id = other_.regency_id and one_.entry_id = other_.entry_id
    and one_.number + other_.number = 3 and one_.number in (1, 2) and one_.amount + other_.amount = 0
    and one_.account <> other_.account
  then
    select e.village_low, e.village_high, e.programme_code, e.family_id into entry_ from journal_entry e
    where (e.regency_id, e.id) >= (one_.regency_id, one_.entry_id) and (e.regency_id, e.id) <= (one_.regency_id, one_.entry_id)
    order by e.regency_id, e.id limit 1;
    if (one_.village_low, one_.village_high, one_.programme_code)
        is distinct from (entry_.village_low, entry_.village_high, entry_.programme_code)
      or (other_.village_low, other_.village_high, other_.programme_code)
        is distinct from (entry_.village_low, entry_.village_high, entry_.programme_code)
    then
      raise exception using errcode = 'KL001', message = 'a line has a journal entry, and lies where that lies';
    end if;
    if one_.account < other_.account then
      line_ := one_; one_ := other_; other_ := line_;
    end if;
    line_ := case when one_.account = 'WALLET' then one_ when other_.account = 'WALLET' then other_ end;
    if line_.amount is not null then
      update wallet set balance = balance + line_.amount, moved_at = now()
      where regency_id = line_.regency_id and id = line_.holder_id and programme_code = line_.programme_code
        and family_id = entry_.family_id and balance + line_.amount >= 0;
      if not found then
        perform from wallet
        where regency_id = line_.regency_id and id = line_.holder_id and programme_code = line_.programme_code
          and family_id = entry_.family_id;
        if found then
          raise exception using errcode = 'KL003', message = 'a wallet holds too little';
        end if;
        raise exception using errcode = 'KL002', message = 'a line names no wallet of the family and programme of its entry';
      end if;
    end if;
    insert into ledger_total as t (regency_id, programme_code, account, slot, village_low, village_high, amount, lines)
    values
      (other_.regency_id, other_.programme_code, other_.account, ledger_slot(), other_.regency_id * 1000000::bigint,
        other_.regency_id * 1000000::bigint + 999999, other_.amount, 1),
      (one_.regency_id, one_.programme_code, one_.account, ledger_slot(), one_.regency_id * 1000000::bigint,
        one_.regency_id * 1000000::bigint + 999999, one_.amount, 1)
    on conflict (regency_id, programme_code, account, slot)
      do update set amount = t.amount + excluded.amount, lines = t.lines + excluded.lines;
    return null;
  end if;
  -- Of many, each statement is planned when it runs: what is known then is how many they are.
  perform set_config('enable_sort', 'on', true), set_config('enable_incremental_sort', 'on', true),
    set_config('enable_bitmapscan', 'on', true);
  execute 'select exists (
    select from new_rows group by regency_id, entry_id
    having sum(amount) <> 0 or count(*) < 2 or min(number) <> 1 or max(number) <> count(*)
  )' into wrong_;
  if wrong_ then
    raise exception using errcode = 'KL001',
      message = 'the lines of a journal entry sum to zero, are numbered from 1 and come in one statement';
  end if;
  execute 'select exists (
    select from new_rows l left join journal_entry e on e.regency_id = l.regency_id and e.id = l.entry_id
    where (l.village_low, l.village_high, l.programme_code) is distinct from (e.village_low, e.village_high, e.programme_code)
  )' into wrong_;
  if wrong_ then
    raise exception using errcode = 'KL001', message = 'a line has a journal entry, and lies where that lies';
  end if;
  begin
    execute 'with moved as materialized (
      select l.regency_id, l.holder_id, l.programme_code, e.family_id, sum(l.amount)::bigint as amount
      from new_rows l join journal_entry e on e.regency_id = l.regency_id and e.id = l.entry_id
      where l.account = ''WALLET''
      group by l.regency_id, l.holder_id, l.programme_code, e.family_id order by l.regency_id, l.holder_id
    ), done as (
      update wallet w set balance = w.balance + m.amount, moved_at = now() from moved m
      where w.regency_id = m.regency_id and w.id = m.holder_id
        and w.programme_code = m.programme_code and w.family_id = m.family_id
      returning 1
    )
    select (select count(*) from moved) - (select count(*) from done)' into lost_;
  exception when check_violation then
    raise exception using errcode = 'KL003', message = 'a wallet holds too little';
  end;
  if lost_ <> 0 then
    raise exception using errcode = 'KL002', message = 'a line names no wallet of the family and programme of its entry';
  end if;
  slot_ := ledger_slot();
  insert into ledger_total as t (regency_id, programme_code, account, slot, village_low, village_high, amount, lines)
  select regency_id, programme_code, account, slot_, regency_id * 1000000::bigint, regency_id * 1000000::bigint + 999999,
    sum(amount), count(*)
  from new_rows group by regency_id, programme_code, account order by regency_id, programme_code, account
  on conflict (regency_id, programme_code, account, slot)
    do update set amount = t.amount + excluded.amount, lines = t.lines + excluded.lines;
  return null;
end
$$
"""

# What a key stands for: a look-up that the index of keys alone can serve.
_BY_KEY: Final = """
    select t.* into found_ from ewarong_transaction t
    where (t.regency_id, t.idempotency_key) >= (regency_, key_) and (t.regency_id, t.idempotency_key) <= (regency_, key_)
    order by t.regency_id, t.idempotency_key limit 1;"""
_COLUMNS: Final = """regency_id int, id uuid, village_id bigint, agent_id uuid, programme_code text, amount bigint, balance bigint,
  happened_at timestamptz, received_at timestamptz, day date, clock_skew int, device_id uuid, device_sequence int,
  latitude double precision, longitude double precision, last_four text, card_id uuid, family_id uuid, family_regency_id int,
  family_village_id bigint, wallet_id uuid, entry_id uuid, receipt text, unbalanced boolean, basket bytea, idempotency_key uuid,
  request bytea, reported_by uuid"""
_LINES: Final = """rows from (jsonb_to_recordset(item -> 'lines') as (commodity text, quantity numeric(9, 3), "unitPrice" bigint))
    with ordinality as l (commodity, quantity, unit_price, number)"""


def _limit(code: str) -> str:
    """A number of oversight that counts today; null where nobody has set one."""
    return (
        f"(select t.value::int from ewarong_threshold t where t.code = '{code}' and t.valid_from <= current_date "
        "order by t.valid_from desc limit 1)"
    )


def _told(subjects: str, village: str) -> str:
    """One event tells of all transactions of an outlet that came together, in the transaction that writes them."""
    return f"""
    insert into audit_event (regency_id, id, action, principal_id, roles, permission, operation, document_hash, subject_type,
      subject_ids, row_count, purpose, request_id, village_low, village_high)
    values (regency_, (actor ->> 'id')::uuid, actor ->> 'action', (actor ->> 'principal_id')::uuid,
      array(select jsonb_array_elements_text(actor -> 'roles')), actor ->> 'permission', actor ->> 'operation',
      decode(actor ->> 'document_hash', 'hex'), actor ->> 'subject_type', {subjects}, cardinality({subjects}), actor ->> 'purpose',
      actor ->> 'request_id', {village}, {village});
    insert into seal_queue (stream, regency_id, record_id) values ('audit', regency_, (actor ->> 'id')::uuid);"""


_READ: Final = """
  key_ := item ->> 'idempotencyKey';
  request_ := decode(item ->> 'request', 'hex');
  happened_ := item ->> 'happenedAt';
  -- What the clock of the server would have said.
  truly_ := happened_ - make_interval(secs => coalesce((item ->> 'clockSkew')::int, 0));
  day_ := (truly_ at time zone region_time_zone(regency_))::date;"""
_READ_INTO: Final = """
  regency_ int;
  key_ uuid;
  request_ bytea;
  happened_ timestamptz;
  truly_ timestamptz;
  day_ date;
  refusal_ text;
  told_ jsonb;
  agent_ record;
  limit_ record;
  purse_ record;
  basket_ record;
  found_ ewarong_transaction;
  new_ ewarong_transaction;"""


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
      select {_limit("CLOCK_MINUTES")} as ahead, {_limit("REPORT_DAYS")} as days into limit_;
      if truly_ > clock_timestamp() + make_interval(mins => coalesce(limit_.ahead, 0))
        or day_ < (clock_timestamp() at time zone region_time_zone(regency_))::date - limit_.days
      then
        refusal_ := 'OUTSIDE_PERIOD';
        exit decide;
      end if;
      select p.* into purse_ from ewarong_purse(item ->> 'token', item ->> 'programme', day_) p;
      if purse_.card_state is null or purse_.card_state in ('OPENING', 'PRINTED', 'DISTRIBUTED') then
        refusal_ := 'CARD_UNKNOWN';
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


# Under the scope of whoever reports: an outlet beyond it is not there. A refusal writes nothing. Only the wallet is locked, and whoever
# sends the same again at the same moment waits for it: before anything is refused, the key is looked up once more.
EWARONG_TRANSACTION_REPORT: Final = f"""
create function ewarong_transaction_report(item jsonb, actor jsonb)
returns table (outcome text, detail jsonb, {_COLUMNS})
language plpgsql set search_path = public, pg_temp {_BY_KEYS} as $$
#variable_conflict use_column
declare{_READ_INTO}
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
# What a device has kept, in its order: decided one by one, written all at once. Wallets are locked before the first of them is looked at,
# in the order in which everybody locks them, and an outlet syncs once at a time: so no two wait for each other, and a batch that is sent
# again waits for the first.
EWARONG_TRANSACTIONS_SYNC: Final = f"""
create function ewarong_transactions_sync(device jsonb, items jsonb, actor jsonb)
returns table (number int, outcome text, detail jsonb, id uuid, amount bigint, balance bigint, receipt text)
language plpgsql set search_path = public, pg_temp {_BY_KEYS} as $$
#variable_conflict use_column
declare{_READ_INTO}
  item jsonb;
  outcomes_ text[] := array[]::text[];
  details_ jsonb[] := array[]::jsonb[];
  results_ ewarong_transaction[] := array[]::ewarong_transaction[];
  rows_ ewarong_transaction[] := array[]::ewarong_transaction[];
  baskets_ jsonb[] := array[]::jsonb[];
  keys_ jsonb := '{{}}';
  spent_ jsonb := '{{}}';
  reported_ uuid[];
  village_ bigint;
begin
  regency_ := device ->> 'regencyId';
  perform pg_advisory_xact_lock(hashtextextended(device ->> 'agentId', regency_));
  perform ewarong_purses_locked(array(select jsonb_array_elements(items) ->> 'token'));
  for item in select jsonb_array_elements(items) loop
    refusal_ := null; told_ := null; found_ := null; new_ := null;
    {_READ}
    if keys_ ? key_::text then
      found_ := rows_[(keys_ ->> key_::text)::int];
    else
      {_BY_KEY}
    end if;
    if found_.id is null then
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
      insert into ewarong_transaction select r.* from unnest(rows_) r
      on conflict (regency_id, idempotency_key) do nothing returning id
    )
    select coalesce(array_agg(made.id), '{{}}') into reported_ from made;
    insert into ewarong_line (regency_id, transaction_id, number, village_id, agent_id, commodity_code, quantity, unit_price, amount)
    select regency_, (basket ->> 'id')::uuid, l.number, village_, (device ->> 'agentId')::uuid, l.commodity, l.quantity, l.unit_price,
      round(l.quantity * l.unit_price)
    from unnest(baskets_) basket cross join lateral {_LINES.replace("item", "basket")}
    where (basket ->> 'id')::uuid = any (reported_);
    insert into ewarong_day as d (regency_id, agent_id, day, slot, village_id, transactions, amount)
    select regency_, r.agent_id, r.day, ledger_slot(), r.village_id, count(*), sum(r.amount)
    from unnest(rows_) r where r.id = any (reported_) group by r.agent_id, r.day, r.village_id
    on conflict (regency_id, agent_id, day, slot)
      do update set transactions = d.transactions + excluded.transactions, amount = d.amount + excluded.amount;
  end if;
  if cardinality(reported_) > 0 then
    {_told("reported_", "village_")}
  end if;
  if village_ is not null then
    insert into ewarong_device as d (regency_id, id, village_id, agent_id, last_sequence, clock_skew, synced_at)
    values (regency_, (device ->> 'deviceId')::uuid, village_, (device ->> 'agentId')::uuid, (device ->> 'lastSequence')::int,
      (device ->> 'clockSkew')::int, clock_timestamp())
    on conflict (regency_id, id) do update set
      last_sequence = greatest(d.last_sequence, excluded.last_sequence), clock_skew = excluded.clock_skew,
      synced_at = excluded.synced_at;
  end if;
  return query
    select n.at - 1,
      -- The key of what was not written stands for what another outlet has reported meanwhile.
      case when outcomes_[n.at] = 'REPORTED' and (results_[n.at]).id <> all (reported_) then 'IDEMPOTENCY_CONFLICT'
        else outcomes_[n.at] end,
      nullif(details_[n.at], 'null'), (results_[n.at]).id, (results_[n.at]).amount, (results_[n.at]).balance, (results_[n.at]).receipt
    from generate_subscripts(outcomes_, 1) n (at) order by n.at;
end
$$
"""
EWARONG_PURSES_LOCKED: Final = f"""
create function ewarong_purses_locked(tokens text[]) returns void language plpgsql {_AS_OWNER} as $$
begin
  execute 'select from wallet w
    where (w.regency_id, w.family_id) in (select c.regency_id, c.family_id from kks_card c where c.token = any ($1))
    order by w.regency_id, w.id for no key update' using tokens;
end
$$
"""

NEW_FUNCTIONS: Final = {
    "region_time_zone(int)": REGION_TIME_ZONE,
    "ledger_entry_id(int, text)": LEDGER_ENTRY_ID,
    "ledger_slot()": LEDGER_SLOT,
    "ewarong_purse(text, text, date)": EWARONG_PURSE,
    "ewarong_purses_locked(text[])": EWARONG_PURSES_LOCKED,
    "ewarong_transaction_posted()": EWARONG_TRANSACTION_POSTED,
    "ewarong_reversal_posted()": EWARONG_REVERSAL_POSTED,
    "ewarong_receipt(text)": EWARONG_RECEIPT,
    "ewarong_transaction_report(jsonb, jsonb)": EWARONG_TRANSACTION_REPORT,
    "ewarong_transactions_sync(jsonb, jsonb, jsonb)": EWARONG_TRANSACTIONS_SYNC,
}
"""By their names and arguments, in the order in which they are made."""
REPLACED_FUNCTIONS: Final = (JOURNAL_ENTRY_POSTED, JOURNAL_LINE_POSTED)
