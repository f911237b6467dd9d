"""Planting cases among the ordinary business of the bazaar, and looking for them as an officer's job does."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from app.authz.enforcer import load_role_matrix
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.domain.ewarong.catalogue.queries import thresholds
from app.domain.ewarong.models.signals import SignalCode
from app.domain.ewarong.signals.telling import Asked, tell
from app.tenants.region_path import RegionPath
from app.tenants.scope import TenantScope
from app.tenants.server import DatabaseServer
from app.tenants.session import Database
from tests.authz.people import access_of, grant
from tests.ewarong.signals.bazaar import OFFICER
from tests.support.outlets import Outlet, plant_agent

if TYPE_CHECKING:
    import asyncpg

HOME: Final = "33.02"
VILLAGE: Final = "33.02.01.2001"
ELSEWHERE: Final = 3301
MATRIX: Final = load_role_matrix()
WIB: Final = ZoneInfo("Asia/Jakarta")
_SALE: Final = """
insert into ewarong_transaction (regency_id, id, village_id, agent_id, programme_code, amount, balance, happened_at, received_at, day,
  clock_skew, last_four, card_id, family_id, family_regency_id, family_village_id, wallet_id, entry_id, receipt, unbalanced, basket,
  idempotency_key, request, reported_by)
values ($1, $2, $3, $4, 'SEMBAKO', $5, $6, $7, $8, $9, $10, '0001', $11, $12, $13, $14, $15, $2, $2::uuid::text, false, $16, $2, '', $4)
"""
_LINE: Final = """
insert into ewarong_line (regency_id, transaction_id, number, village_id, agent_id, commodity_code, quantity, unit_price, amount)
select $1, $2, n, $3, $4, 'RICE', 1, $6, $6 from generate_series(1, $5) n
"""
_REVERSAL: Final = """
insert into ewarong_reversal (regency_id, id, village_id, agent_id, transaction_id, amount, reason, entry_id, day, idempotency_key,
  reversed_by, reversed_by_name, reversed_at)
select regency_id, gen_random_uuid(), village_id, agent_id, id, amount, 'Salah catat', id, day, id, agent_id, 'Uji', now()
from ewarong_transaction where id = $1
"""
_TOP_UP: Final = """
with e as (
  insert into journal_entry (regency_id, id, village_low, village_high, happened_at, kind, programme_code, cycle_id, family_id, source_id,
    source_key, principal_id)
  values ($1, gen_random_uuid(), $2, $2, $3, 'TOP_UP', 'SEMBAKO', $4, $5, $6, gen_random_uuid(), $6) returning *
)
insert into journal_line (regency_id, entry_id, number, village_low, village_high, account, holder_id, programme_code, amount)
select regency_id, id, 2, village_low, village_high, 'WALLET', source_id, programme_code, $7 from e
"""
_INSTRUCTED: Final = """
insert into payment_order (regency_id, id, village_low, village_high, cycle_id, bank, number, state, entitlements, amount, made_by,
  made_by_name, made_at, instructed_at)
values ($1::int, gen_random_uuid(), $1::int * 1000000::bigint, $1::int * 1000000::bigint + 999999, $2, 'BRI', 1,
  'STANDING_INSTRUCTION', 1, 1, $2, 'Uji',
  $3, $3)
"""
_FAMILY: Final = """
insert into family (regency_id, id, village_id, edition_id, head_name, status, updated_at) values ($1, $2, $3, 1, 'Uji', $4, $5)
"""
_PERSON: Final = """
insert into person (regency_id, id, village_id, family_id, relationship, member_no, name, identity_status, sex, presence, updated_at)
values ($1, $2, $3, $4, 'HEAD', 1, 'Uji', 'MATCHED', 'MALE', $5, $6)
"""
_CARD: Final = """
insert into kks_card (regency_id, id, village_id, family_id, person_id, bank, state, last_four, token, state_at)
values ($1, $2, $3, $4, $5, 'BRI', 'ACTIVE', '0001', $6, now())
"""
_WALLET: Final = """
insert into wallet (regency_id, id, village_id, family_id, programme_code, balance, moved_at) values ($1, $2, $3, $4, 'SEMBAKO', $5, $6)
"""
_BARRED: Final = """
insert into barred_owner (regency_id, id, village_low, village_high, nik_digest, office, valid_from, valid_to, source, listed_by,
  listed_by_name, listed_at)
values ($1::int, gen_random_uuid(), $1::int * 1000000::bigint, $1::int * 1000000::bigint + 999999, $2, 'BANK_STAFF',
  '2019-01-01', $3, 'SK Uji',
  gen_random_uuid(), 'Uji', now())
"""
_OTHERS: Final = """
insert into ewarong_other_sales (regency_id, id, village_id, agent_id, month, amount, reported_by, reported_by_name, reported_at)
values ($1, gen_random_uuid(), $2, $3, $4, $5, $3, 'Uji', now())
"""
_DELIVERY: Final = """
insert into ewarong_delivery (regency_id, id, village_id, agent_id, supplier_id, commodity_code, quantity, unit_price, amount, delivered_on,
  idempotency_key, reported_by, reported_by_name, reported_at)
values ($1, gen_random_uuid(), $2, $3, $4, 'RICE', 1, $5, $5, $6, gen_random_uuid(), $3, 'Uji', now())
"""
_PLANTED: Final = (
    ("ewarong_transaction", "agent_id"),
    ("ewarong_line", "agent_id"),
    ("ewarong_reversal", "agent_id"),
    ("ewarong_other_sales", "agent_id"),
    ("ewarong_delivery", "agent_id"),
    ("ewarong_agent", "id"),
    ("person", "family_id"),
    ("kks_card", "family_id"),
    ("wallet", "family_id"),
    ("family", "id"),
)


@dataclass(frozen=True, slots=True)
class Buyer:
    """A family with its card; unless ``Stall.holder`` writes it, the registry knows nothing of it."""

    regency_id: int = 3302
    family_id: UUID = field(default_factory=uuid4)
    person_id: UUID = field(default_factory=uuid4)
    card_id: UUID = field(default_factory=uuid4)
    wallet_id: UUID = field(default_factory=uuid4)

    @property
    def village_id(self) -> int:
        return self.regency_id * 1_000_000 + 12_001


@dataclass(frozen=True, slots=True)
class Bazaar:
    """The database of ordinary business."""

    server: DatabaseServer
    owner: "asyncpg.Connection[asyncpg.Record]"
    database: Database
    first: date
    """The first day of its two months."""


@dataclass(slots=True)
class Stall:
    """What one test plants in the bazaar and takes away again."""

    bazaar: Bazaar
    planted: list[UUID] = field(default_factory=list)

    @property
    def owner(self) -> "asyncpg.Connection[asyncpg.Record]":
        return self.bazaar.owner

    @property
    def asked(self) -> Asked:
        """The regency of the bazaar and its two months."""
        last = (self.bazaar.first + timedelta(days=62)).replace(day=1) - timedelta(days=1)
        return Asked(RegionPath.parse(HOME).villages, self.bazaar.first, last, self.today)

    @property
    def today(self) -> date:
        return datetime.now(WIB).date()

    def at(self, day: int, hour: int = 10, minute: int = 0, second: int = 0, month: int = 0) -> datetime:
        """A moment of the first month (or a later one), in the time of Jakarta."""
        first = self.bazaar.first
        for _ in range(month):
            first = (first + timedelta(days=31)).replace(day=1)
        return datetime(first.year, first.month, day, hour, minute, second, tzinfo=WIB).astimezone(UTC)

    async def open(self, village: str = VILLAGE, **others: Any) -> Outlet:
        """An outlet."""
        outlet = await plant_agent(self.owner, village, **others)
        self.planted.append(outlet.id)
        return outlet

    async def sell(
        self,
        outlet: Outlet,
        at: datetime,
        *,
        to: Buyer | None = None,
        amount: int = 58_000,
        balance: int = 7_000,
        lines: int = 2,
        basket: bytes | None = None,
        received_after: timedelta = timedelta(seconds=2),
        skew: int | None = None,
        day: date | None = None,
    ) -> UUID:
        """A purchase of ``to``, or of a family that buys nowhere else."""
        buyer, identifier = to or Buyer(), uuid4()
        truly = at - timedelta(seconds=skew or 0)
        async with self.owner.transaction():
            await self.owner.execute("set local session_replication_role = replica")
            await self.owner.execute(
                _SALE,
                outlet.regency_id,
                identifier,
                outlet.village_id,
                outlet.id,
                amount,
                balance,
                at,
                truly + received_after,
                day or truly.astimezone(WIB).date(),
                skew,
                buyer.card_id,
                buyer.family_id,
                buyer.regency_id,
                buyer.village_id,
                buyer.wallet_id,
                basket or uuid4().bytes,
            )
            await self.owner.execute(
                _LINE, outlet.regency_id, identifier, outlet.village_id, outlet.id, lines, amount // lines
            )
        return identifier

    async def _write(self, statement: str, *values: object) -> None:
        async with self.owner.transaction():
            await self.owner.execute("set local session_replication_role = replica")
            await self.owner.execute(statement, *values)

    async def reverse(self, sale: UUID) -> None:
        await self._write(_REVERSAL, sale)

    async def top_up(
        self, buyer: Buyer, amount: int, posted_at: datetime, *, instructed_at: datetime | None = None
    ) -> None:
        """Money comes into the wallet; where ``instructed_at`` is given, that is when the bank was told."""
        cycle = None if instructed_at is None else uuid4()
        wallet = buyer.wallet_id
        await self._write(
            _TOP_UP, buyer.regency_id, buyer.village_id, posted_at, cycle, buyer.family_id, wallet, amount
        )
        if cycle is not None:
            await self._write(_INSTRUCTED, buyer.regency_id, cycle, instructed_at)

    async def holder(self, buyer: Buyer, since: datetime, *, presence: str = "PRESENT", status: str = "ACTIVE") -> None:
        """The registry and the bank know the family; the rows say so ``since`` then."""
        self.planted.append(buyer.family_id)
        regency_id, family_id, village_id = buyer.regency_id, buyer.family_id, buyer.village_id
        await self._write(_FAMILY, regency_id, family_id, village_id, status, since)
        await self._write(_PERSON, regency_id, buyer.person_id, village_id, family_id, presence, since)
        card = (regency_id, buyer.card_id, village_id, family_id, buyer.person_id, str(buyer.card_id))
        await self._write(_CARD, *card)

    async def wallet(self, buyer: Buyer, balance: int, moved_at: datetime) -> None:
        self.planted.append(buyer.family_id)
        await self._write(
            _WALLET, buyer.regency_id, buyer.wallet_id, buyer.village_id, buyer.family_id, balance, moved_at
        )

    async def bar(self, digest: bytes, *, regency_id: int = 3302, until: date | None = None) -> None:
        await self._write(_BARRED, regency_id, digest, until)

    async def other_sales(self, outlet: Outlet, month: date, amount: int) -> None:
        await self._write(_OTHERS, outlet.regency_id, outlet.village_id, outlet.id, month, amount)

    async def deliver(self, outlet: Outlet, supplier: UUID, amount: int, day: date) -> None:
        await self._write(_DELIVERY, outlet.regency_id, outlet.village_id, outlet.id, supplier, amount, day)

    async def look(
        self, code: SignalCode, asked: Asked | None = None, scope: TenantScope | None = None, **numbers: Decimal
    ) -> int:
        """How many signals of ``code`` are new; ``numbers`` are compared with instead of those of the catalogue."""
        async with self.bazaar.database.write(scope or scope_of(HOME)) as session:
            known = await thresholds(session, self.bazaar.first)
            return await tell(session, code, asked or self.asked, {**known, **numbers})

    async def told(self) -> "list[asyncpg.Record]":
        """All signals, by key."""
        return list(await self.owner.fetch("select * from ewarong_signal order by subject_key"))

    async def leads(self, signal: UUID) -> set[UUID]:
        rows = await self.owner.fetch("select transaction_id from ewarong_lead where signal_id = $1", signal)
        return {UUID(str(row["transaction_id"])) for row in rows}

    async def clear(self) -> None:
        """Leave the bazaar as it was."""
        async with self.owner.transaction():
            await self.owner.execute("set local session_replication_role = replica")
            for table, column in _PLANTED:
                await self.owner.execute(f"delete from {table} where {column} = any($1)", self.planted)  # noqa: S608  (our own words)
            await self.owner.execute(
                "delete from journal_line l using journal_entry e where e.id = l.entry_id and principal_id <> $1",
                OFFICER,
            )
            await self.owner.execute("delete from journal_entry where principal_id <> $1", OFFICER)
            await self.owner.execute("delete from barred_owner where listed_by <> $1", OFFICER)
            await self.owner.execute(
                "truncate ewarong_lead, ewarong_signal, ewarong_screening, payment_order, job cascade"
            )


def scope_of(code: str, role: Role = Role.REGENCY_VERIFIER) -> TenantScope:
    """What whoever screens ``code`` sees."""
    return access_of(MATRIX, grant(role, code)).scope(Permission.EWARONG_SIGNAL_SCREEN)


def figures(rows: "Sequence[asyncpg.Record]") -> list[tuple[str, Decimal, Decimal, int]]:
    """Code, measured, threshold and transactions of each signal."""
    return [(row["code"], row["measured"], row["threshold"], row["transactions"]) for row in rows]
