"""A ledger of its own for the tests that post, tamper and return, and short ways to do so."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.authz.enforcer import load_role_matrix
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.cli.auditing import sealing_scope
from app.domain.audit.streams import LEDGER
from app.domain.audit.verification import Finding, verify_seals
from app.domain.bansos.ledger.checking import Fault, check_ledger
from app.domain.bansos.ledger.posting import Rows, open_wallets, post_entries
from app.domain.bansos.models.ledger import Account, EntryKind
from app.domain.checking import Discrepancy
from app.tenants.scope import TenantScope
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader
from tests.authz.people import access_of, grant
from tests.support.aid import plant_programme
from tests.support.reversal import reverse_entry
from tests.support.world import BANYUMAS, Regency, connected

if TYPE_CHECKING:
    import asyncpg

CASHIER: Final = UUID("01a20000-0000-7000-8000-000000000001")
PROGRAMMES: Final = ("UJI_A", "UJI_B")
COUNTRY: Final = sealing_scope()
_TYPES: Final[dict[str, sa.types.TypeEngine[Any]]] = {
    "regency_id": sa.Integer(),
    "village_low": sa.BigInteger(),
    "village_high": sa.BigInteger(),
    "kind": sa.Text(),
    "programme_code": sa.Text(),
    "cycle_id": pg.UUID(as_uuid=True),
    "family_id": pg.UUID(as_uuid=True),
    "source_id": pg.UUID(as_uuid=True),
    "source_key": sa.Text(),
    "principal_id": pg.UUID(as_uuid=True),
    "from_account": sa.Text(),
    "from_holder": pg.UUID(as_uuid=True),
    "to_account": sa.Text(),
    "to_holder": pg.UUID(as_uuid=True),
    "amount": sa.BigInteger(),
}
OF_KIND: Final = {
    EntryKind.RELEASE: (Account.TREASURY, Account.CLEARING),
    EntryKind.TOP_UP: (Account.CLEARING, Account.WALLET),
    EntryKind.RELEASE_RETURN: (Account.CLEARING, Account.TREASURY),
    EntryKind.WITHDRAWAL: (Account.WALLET, Account.WITHDRAWN),
    EntryKind.REDEMPTION: (Account.WALLET, Account.AGENT),
    EntryKind.IDLE_RETURN: (Account.WALLET, Account.TREASURY),
}
AGENT: Final = UUID("01a20000-0000-7000-8000-0000000000aa")


_TELLS_OF_PAYMENTS: Final = {Fault.ENTRY_WITHOUT_PAYMENT, Fault.RELEASE_DIFFERS, Fault.RETURN_DIFFERS}


class EntryKey(NamedTuple):
    """What names a journal entry."""

    regency_id: int
    id: UUID


@dataclass(frozen=True, slots=True)
class Purse:
    """A wallet and where it is."""

    regency_id: int
    id: UUID
    village_id: int
    family_id: UUID
    programme_code: str


def scope_of(role: Role, code: str) -> TenantScope:
    """Where somebody may read the ledger."""
    return access_of(load_role_matrix(), grant(role, code)).scope(Permission.BANSOS_LEDGER_READ)


def entry(kind: EntryKind, purse: Purse, amount: int, **others: Any) -> dict[str, Any]:
    """A row for ``post_entries`` about a family, but for ``others``."""
    source, target = OF_KIND[kind]
    holders = {Account.WALLET: purse.id, Account.AGENT: AGENT}
    return {
        "regency_id": purse.regency_id,
        "village_low": purse.village_id,
        "village_high": purse.village_id,
        "kind": kind.value,
        "programme_code": purse.programme_code,
        "cycle_id": None,
        "family_id": purse.family_id,
        "source_id": purse.id,
        "source_key": f"{kind.value}:{uuid4()}",
        "principal_id": CASHIER,
        "from_account": source.value,
        "from_holder": holders.get(source),
        "to_account": target.value,
        "to_holder": holders.get(target),
        "amount": amount,
    } | others


def source_of(rows: Sequence[dict[str, Any]]) -> Rows:
    """``rows`` as a select, as callers of ``post_entries`` have one."""
    values = sa.values(*(sa.column(name, each) for name, each in _TYPES.items())).data(
        [tuple(sa.cast(sa.literal(row[name], each), each) for name, each in _TYPES.items()) for row in rows]
    )
    return sa.select(values.alias("given"))


@dataclass
class Books:
    """The ledger as its database holds it, and the ways to write to it."""

    server: DatabaseServer
    database: Database
    owner: "asyncpg.Connection[asyncpg.Record]"
    purses: list[Purse] = field(default_factory=list)

    async def empty(self) -> None:
        """Begin anew, with a wallet of each programme for each family. Only an administrator of the server can."""
        await self.owner.execute(
            "truncate journal_line, journal_entry, ledger_total, wallet, seal_queue, seal_batch, sealed_leaf, audit_event, "
            "entitlement, payment_order, aid_cycle, idle_return, job cascade"
        )
        for code in PROGRAMMES:
            await plant_programme(self.owner, code, idle_days=105 if code == PROGRAMMES[0] else None)
        columns = ("regency_id", "village_id", "family_id", "programme_code")
        families = sa.text(
            "(select regency_id, village_id, id as family_id, code as programme_code from family, "
            "unnest(cast(:codes as text[])) code) f"
        ).bindparams(sa.bindparam("codes", list(PROGRAMMES), pg.ARRAY(sa.Text)))
        async with self.database.write(COUNTRY) as session:
            await open_wallets(session, sa.select(*map(sa.column, columns)).select_from(families))
        self.purses = [
            Purse(row["regency_id"], UUID(str(row["id"])), row["village_id"], UUID(str(row["family_id"])), row["code"])
            for row in await self.owner.fetch(
                "select *, programme_code as code from wallet order by programme_code, village_id, id"
            )
        ]

    def purse(self, regency: Regency = BANYUMAS, number: int = 0, programme: str = PROGRAMMES[0]) -> Purse:
        """The wallet of the how many-th family of ``regency``."""
        return [p for p in self.purses if (p.regency_id, p.programme_code) == (regency.id, programme)][number]

    async def post(self, *rows: dict[str, Any], scope: TenantScope = COUNTRY) -> int:
        """Post ``rows`` in a transaction of their own."""
        async with self.database.write(scope) as session:
            return await post_entries(session, source_of(rows))

    async def top_up(self, purse: Purse, amount: int = 600_000, **others: Any) -> EntryKey:
        """Fill a wallet; the key of the entry."""
        row = entry(EntryKind.TOP_UP, purse, amount, **others)
        assert await self.post(row) == 1
        return await self.key(row["source_key"])

    async def key(self, source_key: str) -> EntryKey:
        """The entry of ``source_key``."""
        row = await self.owner.fetchrow("select regency_id, id from journal_entry where source_key = $1", source_key)
        assert row is not None
        return EntryKey(row["regency_id"], UUID(str(row["id"])))

    async def reverse(self, key: EntryKey, reason: str = "salah catat") -> bool:
        """Reverse an entry in a transaction of its own; whether it was not reversed before."""
        return await reverse_entry(self.owner, *key, reason) is not None

    async def balance(self, purse: Purse) -> int:
        """What a wallet holds."""
        balance: int = await self.owner.fetchval("select balance from wallet where id = $1", purse.id)
        return balance

    async def total(self, account: Account, programme: str = PROGRAMMES[0], regency: Regency = BANYUMAS) -> int:
        """What ``ledger_total`` says is with ``account``."""
        total: int = await self.owner.fetchval(
            "select coalesce(sum(amount), 0)::bigint from ledger_total where account = $1 and programme_code = $2 and regency_id = $3",
            *(account.value, programme, regency.id),
        )
        return total

    async def count(self, what: str) -> int:
        counted: int = await self.owner.fetchval(f"select count(*) from {what}")  # noqa: S608  (a test's own words)
        return counted

    async def check(self) -> list[Discrepancy[Fault]]:
        """What does not add up."""
        async with open_loader(self.server) as loader:
            return await check_ledger(loader)

    async def check_money(self) -> list[Discrepancy[Fault]]:
        """What does not add up, but for entries about an entitlement or an order: most tests have none."""
        return [each for each in await self.check() if each.fault not in _TELLS_OF_PAYMENTS]

    async def verify(self) -> list[Finding]:
        """What was changed since it was sealed."""
        async with open_loader(self.server) as loader:
            return list((await verify_seals(loader, LEDGER)).findings)


@asynccontextmanager
async def books_of(server: DatabaseServer) -> AsyncIterator[Books]:
    """The ledger of ``server``."""
    database = Database(server.app, read_pool_size=2, write_pool_size=6)
    await database.open()
    try:
        async with connected(server) as owner:
            yield Books(server, database, owner)
    finally:
        await database.close()
