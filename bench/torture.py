"""Redemptions while everything around them fails: ``python -m bench.torture --seconds 600``.

Clients sell at real servers over a real PostgreSQL; they cut connections and send things again, and servers and PostgreSQL are killed at
random. In the end everything that was acknowledged must be there exactly once, and nothing else.
"""

import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
import uvloop
from rich.console import Console
from rich.table import Table

from app.domain.regions.service import load_region_tree
from app.domain.registry.sealing import Seal
from app.domain.registry.seed.loading import SeedProgress, seed_registry
from app.domain.registry.service import load_editions
from app.settings import Settings
from app.tenants.migrate import migrate
from app.tenants.region_path import RegionPath
from app.tenants.server import DatabaseServer, database_server, prepare
from app.tenants.session import open_loader
from bench.buyers import Buyer, Ledger
from bench.chaos import SERVERS_LOG, Chaos, Postgres, running
from bench.market import TOTAL, Stall, planted
from bench.stage import SEED

if TYPE_CHECKING:
    import asyncpg

REGION: Final = RegionPath.parse("33.02")
FAMILIES: Final = 2_000
STALLS: Final = 16
SERVERS: Final = 2
BALANCE: Final = 6 * TOTAL + 1
"""Rupiah in each wallet: it is used up while others still want it."""
_console = Console(width=120)
# What the clients know, in a table of this connection alone; `id` is null where nothing was acknowledged.
_KNOWN: Final = "create temporary table known as select * from unnest($1::uuid[], $2::uuid[]) k(key, id)"
# Each finds nothing where all is well.
_RULES: Final = {
    "acknowledged transactions that are not there exactly once, as they were acknowledged": """
        select key::text from known k where id is not null and 1 <> (
          select count(*) from ewarong_transaction t where t.idempotency_key = k.key and t.id = k.id)""",
    "transactions that nobody has acknowledged": """
        select id::text from ewarong_transaction t
        where not exists (select from known k where k.key = t.idempotency_key and k.id = t.id)""",
    "keys with more than one transaction": """
        select idempotency_key::text from ewarong_transaction group by 1 having count(*) > 1""",
    "transactions without exactly one journal entry of two lines": """
        select t.id::text from ewarong_transaction t
        left join journal_entry e on e.regency_id = t.family_regency_id and e.source_key = 'REDEMPTION:' || t.id
        left join journal_line l on l.regency_id = e.regency_id and l.entry_id = e.id
        group by t.regency_id, t.id having count(distinct e.id) <> 1 or count(l.*) <> 2
          or sum(l.amount) filter (where l.account = 'AGENT') is distinct from t.amount""",
    "journal entries of redemptions without a transaction": """
        select e.id::text from journal_entry e where e.kind = 'REDEMPTION' and not exists (
          select from ewarong_transaction t where t.id = e.source_id and t.entry_id = e.id)""",
    "transactions whose lines do not add up": """
        select t.id::text from ewarong_transaction t
        left join ewarong_line l on l.regency_id = t.regency_id and l.transaction_id = t.id
        group by t.regency_id, t.id having sum(l.amount) is distinct from t.amount""",
    "transactions without exactly one event in the audit trail": """
        select t.id::text from ewarong_transaction t
        left join audit_event a on a.regency_id = t.regency_id and t.id = any (a.subject_ids)
          and a.operation = 'ewarongTransactionReport'
        group by t.regency_id, t.id having count(a.id) <> 1""",
    "balances below zero": "select id::text from wallet where balance < 0",
    "wallets that do not hold what the journal says": """
        select w.id::text from wallet w left join journal_line l
          on l.regency_id = w.regency_id and l.account = 'WALLET' and l.holder_id = w.id
        group by w.regency_id, w.id having coalesce(sum(l.amount), 0) <> w.balance""",
    "balances that were told otherwise than they ran": """
        select t.id::text from (
          select id, balance, amount, lag(balance) over (partition by wallet_id order by balance desc) as before
          from ewarong_transaction
        ) t where t.before is not null and t.before - t.amount <> t.balance""",
    "totals of a day that differ from their transactions": """
        select coalesce(d.agent_id, t.agent_id)::text
        from (select agent_id, day, sum(transactions) as n, sum(amount) as amount from ewarong_day group by 1, 2) d
        full join (select agent_id, day, count(*) as n, sum(amount) as amount from ewarong_transaction group by 1, 2) t
          on t.agent_id = d.agent_id and t.day = d.day
        where (d.n, d.amount) is distinct from (t.n, t.amount)""",
}


async def made(settings: Settings, server: DatabaseServer, families: int) -> list[Stall]:
    """A registry with outlets that sell to so many ``families``, who have little."""
    await prepare(server)
    await migrate(server)
    async with open_loader(server) as loader:
        await load_region_tree(loader)
        await load_editions(loader)

        def advance(_done: SeedProgress) -> None:
            """It takes seconds."""

        await seed_registry(
            loader,
            region=REGION,
            families=families,
            seed=SEED,
            seal=Seal.of_settings(settings),
            today=datetime.now(tz=UTC).date(),
            on_progress=advance,
        )
    return await planted(settings, server, stalls=STALLS, balance=BALANCE)


async def tortured(
    folder: Path, stalls: list[Stall], *, seconds: float, clients: int, every: tuple[float, float], servers: int
) -> tuple[Ledger, Chaos, list[str]]:
    """What ``clients`` and the database know after so many ``seconds``, and what is wrong with it."""
    ledger = Ledger()
    shared = [stall.cards[0] for stall in stalls]
    async with running(folder, servers=servers) as (postgres, serving):
        chaos = Chaos(postgres, serving, every=every)
        buyers = [Buyer(stalls[at % len(stalls)], shared, serving, ledger) for at in range(clients)]
        killing = asyncio.create_task(chaos.run())
        until = asyncio.get_running_loop().time() + seconds
        await asyncio.gather(*(buyer.sell(until) for buyer in buyers))
        killing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await killing
        await chaos.until_mended()
        await asyncio.gather(*(buyer.settle() for buyer in buyers))
        wrong = [*ledger.breaches, *await _contradictions(postgres, ledger)]
        checked = await _checked(folder, postgres)
    return ledger, chaos, wrong + checked


async def _contradictions(postgres: Postgres, ledger: Ledger) -> list[str]:
    """Where the database says otherwise than the clients know, or contradicts itself."""
    wrong = [
        f"{each.key} was refused ({each.refused}) and is there all the same"
        for each in ledger.purchases
        if each.refused is not None and each.answer is not None
    ]
    known = [(each.key, each.answer and each.answer["id"].rsplit(":", 1)[1]) for each in ledger.purchases]
    connection = await postgres.address.connect()
    try:
        await connection.execute(_KNOWN, *zip(*known, strict=True))
        for rule, statement in _RULES.items():
            wrong += _told(rule, await connection.fetch(statement))
        ledger.counted["transactions in the database"] = await connection.fetchval(
            "select count(*) from ewarong_transaction"
        )
    finally:
        await connection.close()
    ledger.counted["acknowledged keys"] = sum(each.answer is not None for each in ledger.purchases)
    return wrong


def _told(question: str, rows: "list[asyncpg.Record]") -> list[str]:
    return [f"{len(rows)} {question}, such as {rows[0][0]}"] if rows else []


async def _checked(folder: Path, postgres: Postgres) -> list[str]:
    """What `kesos seal` and `kesos check` find."""
    environment = os.environ | {"KESOS_DATA_DIR": str(folder), "KESOS_DATABASE_URL": postgres.url}
    for command in ("seal", "check"):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app.cli", command),
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        if process.returncode:
            return [f"kesos {command}: {output.decode().strip()}"]
    return []


def failures(folder: Path) -> list[str]:
    """What servers log of requests that failed for no reason that they know."""
    with (folder / SERVERS_LOG).open(encoding="utf-8", errors="replace") as log:
        return [line.strip() for line in log if '"event":"a request failed"' in line]


def table_of(ledger: Ledger, chaos: Chaos, seconds: float) -> Table:
    """What was done."""
    table = Table("what", "how often", title=f"{seconds:,.0f} seconds of torture")
    for name, count in sorted(chaos.killed.items()):
        table.add_row(f"kill -9: {name}", f"{count:,}")
    for name, count in sorted(ledger.counted.items()):
        table.add_row(name, f"{count:,}")
    return table


def torture(
    folder: Path,
    *,
    seconds: float,
    clients: int,
    every: tuple[float, float],
    note: Callable[[Ledger, Chaos], None],
    families: int = FAMILIES,
    servers: int = SERVERS,
) -> list[str]:
    """Everything that is wrong after a torture in the empty ``folder``; ``note`` is told what was done."""
    settings = Settings(data_dir=folder, database_url=None)
    with database_server(settings) as server:
        stalls = asyncio.run(made(settings, server, families))
    ledger, chaos, wrong = asyncio.run(
        tortured(folder, stalls, seconds=seconds, clients=clients, every=every, servers=servers)
    )
    note(ledger, chaos)
    for each in failures(folder):
        _console.print(f"A request failed: {each}", style="yellow")
    return wrong


def main(
    seconds: Annotated[float, typer.Option(help="How long it goes on.")] = 60.0,
    clients: Annotated[int, typer.Option(help="Clients that sell at the same time.")] = 64,
    every: Annotated[float, typer.Option(help="Something is killed about so many seconds after the last.")] = 6.0,
) -> None:
    """Torture a database of its own; exit 1 where an acknowledged transaction is not there exactly once, or anything else is wrong."""
    uvloop.install()
    with tempfile.TemporaryDirectory(prefix="kesos-", ignore_cleanup_errors=True) as folder:
        wrong = torture(
            Path(folder),
            seconds=seconds,
            clients=clients,
            every=(every / 2, every * 1.5),
            note=lambda ledger, chaos: _console.print(table_of(ledger, chaos, seconds)),
        )
    for each in wrong:
        _console.print(f"WRONG: {each}", style="red")
    if wrong:
        raise typer.Exit(1)
    _console.print("Every acknowledged transaction is there exactly once, nothing else is, and `kesos check` is clean.")


if __name__ == "__main__":
    typer.run(main)
