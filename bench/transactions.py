"""Redemptions at outlets, a second: ``python -m bench.transactions``, beside pgbench of the same SQL.

Over HTTP with GraphQL, a token, both walls, journal, totals and audit, each transaction on disk before it is answered. Beside it, in
turn in every round, pgbench calling the same function, and pgbench running the same work statement by statement.
"""

from pathlib import Path
from typing import Annotated, Any, Final
from uuid import uuid4

import orjson
import typer

from app.schema.root import api
from app.settings import Settings
from app.tenants.server import DatabaseServer
from bench.cpu import Meter
from bench.load import Load, UnexpectedAnswer
from bench.market import LINES, REPORT, TOTAL, Stall, batches, planted, purchases
from bench.parts import alone
from bench.pgbench import pgbench_load
from bench.reads import accesses
from bench.results import Plan, Row
from bench.rounds import Begun, Contender, in_turn, over_http
from bench.stage import kesos_served

FAMILIES: Final = 10_000
STALLS: Final = 64
CLIENTS: Final = (1, 16, 64)
CONTENDED: Final = 16
BATCH: Final = 500
_DONE: Final = b'"EwarongTransactionReported"'
_SYNCED: Final = b'"status":"REPORTED"'
_MOST_OF: Final = 0.9
_UNIT: Final = "transactions"
_CARD: Final = "'bench-' || lpad(:card::text, 8, '0')"
_SCOPE: Final = "kesos_scope({settings})"
# The function makes nothing of its own: key, id and receipt are given to it, and here by pgbench.
_ITEM: Final = """(:item::jsonb || jsonb_build_object(
  'agentId', '{agent}', 'regencyId', {regency}, 'id', uuidv7(), 'idempotencyKey', gen_random_uuid(), 'token', {card},
  'receipt', left(replace(gen_random_uuid()::text, '-', ''), 10), 'happenedAt', now()))"""
_ACTOR: Final = "(:actor::jsonb || jsonb_build_object('id', uuidv7()))"
# What the function does, one statement after the other; the journal is posted by the same trigger.
_STATEMENTS: Final = """
begin;
select {scope};
select id from ewarong_transaction
  where regency_id = {regency} and idempotency_key = ('00000000-0000-4000-8000-' || lpad(to_hex(:key::bigint), 12, '0'))::uuid;
select village_id, state from ewarong_agent where regency_id = {regency} and id = '{agent}' \\gset agent_
select (select value from ewarong_threshold where code = 'CLOCK_MINUTES' and valid_from <= current_date order by valid_from desc limit 1),
  (select value from ewarong_threshold where code = 'REPORT_DAYS' and valid_from <= current_date order by valid_from desc limit 1);
select p.* from ewarong_purse({card}, null, current_date) p \\gset purse_
select count(*) as lines, sum(round(l.quantity * l."unitPrice"))::bigint as amount,
    min(l.commodity) filter (where c.code is null) is null as known,
    bool_or(c.code = any (:purse_prohibited::text[]) or c.group_code <> all (:purse_groups::text[])) as prohibited,
    (not array_agg(c.group_code) @> :purse_balanced::text[])::text as unbalanced,
    sha256(convert_to(string_agg(concat(l.commodity, ' ', trim_scale(l.quantity)), ',' order by l.commodity), 'UTF8'))::text as basket
  from jsonb_to_recordset(:lines::jsonb) as l (commodity text, quantity numeric(9, 3), "unitPrice" bigint)
  left join commodity c on c.code = l.commodity \\gset basket_
insert into ewarong_transaction
  select {regency}, u.id, :agent_village_id::bigint, '{agent}'::uuid, :purse_programme_code::text, :basket_amount::bigint,
    :purse_balance::bigint - :basket_amount::bigint, now(), clock_timestamp(), current_date, null, null, null, null, null,
    :purse_last_four::text, :purse_card_id::uuid, :purse_family_id::uuid, :purse_regency_id::int, :purse_village_id::bigint,
    :purse_wallet_id::uuid, ledger_entry_id(:purse_regency_id::int, 'REDEMPTION:' || u.id), left(replace(u.key::text, '-', ''), 10),
    :basket_unbalanced::boolean, :basket_basket::bytea,
    ('00000000-0000-4000-8000-' || lpad(to_hex(:key::bigint), 12, '0'))::uuid, '\\x00'::bytea, '{agent}'::uuid
  from (select uuidv7() as id, gen_random_uuid() as key offset 0) u
  on conflict (regency_id, idempotency_key) do nothing returning id \\gset sold_
insert into ewarong_line (regency_id, transaction_id, number, village_id, agent_id, commodity_code, quantity, unit_price, amount)
  select {regency}, :sold_id::uuid, row_number() over (), :agent_village_id::bigint, '{agent}'::uuid, l.commodity, l.quantity,
    l."unitPrice", round(l.quantity * l."unitPrice")
  from jsonb_to_recordset(:lines::jsonb) as l (commodity text, quantity numeric(9, 3), "unitPrice" bigint);
insert into ewarong_day as d (regency_id, agent_id, day, slot, village_id, transactions, amount)
  values ({regency}, '{agent}', current_date, ledger_slot(), :agent_village_id::bigint, 1, :basket_amount::bigint)
  on conflict (regency_id, agent_id, day, slot) do update
  set transactions = d.transactions + 1, amount = d.amount + excluded.amount;
insert into audit_event (regency_id, id, action, principal_id, roles, permission, operation, document_hash, subject_type, subject_ids,
    row_count, request_id, village_low, village_high)
  values ({regency}, uuidv7(), 'CHANGE', '{agent}', '{{EWARONG_AGENT}}', :permission::text, 'ewarongTransactionReport',
    sha256('bench'), 'EwarongTransaction', array[:sold_id::uuid], 1, 'bench', :agent_village_id::bigint, :agent_village_id::bigint)
  returning id \\gset event_
insert into seal_queue (stream, regency_id, record_id) values ('audit', {regency}, :event_id::uuid);
commit;
"""


class _Scripts:
    """What pgbench runs for one outlet."""

    def __init__(self, stall: Stall, settings: tuple[Any, ...], statement: str, cards: tuple[str, ...]) -> None:
        self._stall, self._settings, self._statement = stall, settings, statement
        first, step = int(cards[0][-8:]), int(cards[-1][-8:]) - int(cards[0][-8:])
        self._chosen = f"\\set card {first} + {step // max(1, len(cards) - 1)} * random(0, {len(cards) - 1})\n"

    def _literals(self) -> list[str]:
        return [
            "null" if each is None else str(each) if isinstance(each, int) else f"'{each}'" for each in self._settings
        ]

    @property
    def function(self) -> str:
        """The statement that Kesos sends."""
        item = _ITEM.format(card=_CARD, agent=self._stall.id, regency=self._stall.regency_id)
        literals = [*self._literals(), item, _ACTOR]
        text = self._statement
        for at in range(len(literals), 0, -1):
            text = text.replace(f"${at}::", f"{literals[at - 1]}::")
        return f"{self._chosen}{text};\n"

    @property
    def statements(self) -> str:
        """The same work, statement by statement."""
        text = _STATEMENTS.format(
            scope=_SCOPE.format(settings=", ".join(self._literals())),
            regency=self._stall.regency_id,
            agent=self._stall.id,
            card=_CARD,
        )
        return f"{self._chosen}\\set key random(0, 281474976710655)\n{text}"


async def scripts_of(
    settings: Settings, server: DatabaseServer, stalls: list[Stall], *, contended: bool
) -> list[_Scripts]:
    """What pgbench runs for each of ``stalls``."""
    planner = api().planner
    document = planner.document(REPORT)
    if isinstance(document, list):
        raise TypeError(f"the mutation is not valid: {document}")
    operation = next(iter(document.operations.values()))
    scripts = []
    for stall, access in zip(stalls, await accesses(settings, server, [each.token for each in stalls]), strict=True):
        variables = planner.variables(operation, {"input": stall.purchase(stall.cards[0], uuid4())})
        if isinstance(variables, list):
            raise TypeError(f"the variables are not valid: {variables}")
        plan = planner.plan(operation, variables, access)
        if plan.call is None:
            raise TypeError("the mutation is not planned")
        statement = plan.call.statement
        scope = access.scope(statement.call.permission).settings
        cards = stalls[0].cards[:1] if contended else stall.cards
        scripts.append(_Scripts(stall, scope, statement.text, cards))
    return scripts


def script_variables() -> dict[str, str]:
    """The variables of the scripts: the texts that hold colons, such as ``item`` and ``actor`` of the function."""
    item = {"lines": LINES, "total": TOTAL, "request": "00" * 32}
    actor = {
        "action": "CHANGE",
        "principal_id": str(uuid4()),
        "roles": ["EWARONG_AGENT"],
        "permission": "ewarong:transaction:report",
        "operation": "ewarongTransactionReport",
        "document_hash": "00" * 32,
        "subject_type": "EwarongTransaction",
        "request_id": "bench",
    }
    return {
        # pgbench looks for variables in texts too, so that a text with colons has to be one.
        "permission": str(actor["permission"]),
        "item": orjson.dumps(item).decode(),
        "lines": orjson.dumps(LINES).decode(),
        "actor": orjson.dumps(actor).decode(),
    }


async def compare(
    settings: Settings, server: DatabaseServer, stalls: list[Stall], plan: Plan, *, contended: bool
) -> Row:
    """Transactions a second of the three sides, one connection for each of ``stalls``, who all sell to one family where ``contended``."""
    scripts = await scripts_of(settings, server, stalls, contended=contended)

    def pgbench(name: str, texts: list[str]) -> Contender:
        async def work(seconds: float, begun: Begun) -> Load:
            before = await sold(server)
            load = await pgbench_load(
                server, texts, script_variables(), clients=len(stalls), seconds=seconds, begun=begun
            )
            if await sold(server) - before < _MOST_OF * load.requests:
                raise UnexpectedAnswer("pgbench was refused what it asked for; the figures would mean nothing")
            return load

        return Contender(name, work)

    limit = pgbench("pgbench of the statements", [each.statements for each in scripts])
    async with kesos_served(settings) as served:
        cards = stalls[0].cards[:1] if contended else None
        requests = [purchases(each, served.url, cards) for each in stalls]
        kesos = over_http("Kesos: GraphQL, JWT, RLS", served, lambda: requests, expected=_DONE)
        function = pgbench("pgbench of the function", [each.function for each in scripts])
        what = "A redemption, all from one wallet" if contended else "A redemption"
        sides = await in_turn(plan, Meter(settings), [kesos, function, limit], what=f"{len(stalls)} outlets")
    return Row(what, sides, connections=len(stalls), limit=limit.name, unit=_UNIT)


async def sold(server: DatabaseServer) -> int:
    """How many transactions there are."""
    owner = await server.admin.connect()
    try:
        number: int = await owner.fetchval("select count(*) from ewarong_transaction")
        return number
    finally:
        await owner.close()


async def compare_sync(settings: Settings, stall: Stall, plan: Plan) -> Row:
    """Transactions a second of one outlet that was offline: each by itself, or as many as a sync takes."""
    async with kesos_served(settings) as served:
        calls, syncs = [purchases(stall, served.url)], [batches(stall, served.url, BATCH)]
        single = over_http("one call after the other", served, lambda: calls, expected=_DONE)
        sync = over_http(f"syncs of {BATCH}", served, lambda: syncs, expected=_SYNCED, units=BATCH)
        sides = await in_turn(plan, Meter(settings), [sync, single], what="one outlet")
    return Row("What an outlet kept while it was offline", sides, limit=single.name, unit=_UNIT)


async def measure(settings: Settings, server: DatabaseServer, plan: Plan) -> list[Row]:
    """With as many clients as ``CLIENTS`` say, on one contended wallet, and what an outlet kept while it was offline."""
    stalls = await planted(settings, server, stalls=STALLS)
    rows = [await compare(settings, server, stalls[:clients], plan, contended=False) for clients in CLIENTS]
    rows.append(await compare(settings, server, stalls[:CONTENDED], plan, contended=True))
    rows.append(await compare_sync(settings, stalls[0], plan))
    return rows


def main(
    rounds: Annotated[int, typer.Option(help="Rounds; every side runs once in each.")] = 5,
    seconds: Annotated[int, typer.Option(help="Seconds that a side runs in a round.")] = 4,
    folder: Annotated[Path, typer.Option(help="Where the seeded database is kept.")] = Path(".kesos"),
) -> None:
    """Measure redemptions beside pgbench of the same SQL."""
    alone(FAMILIES, measure, rounds, seconds, folder)


if __name__ == "__main__":
    typer.run(main)
