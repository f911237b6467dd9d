"""An office of aid, a bank and what is common to all that happens to them."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

import httpx2

from app.authz.authorize import authorize
from app.authz.enforcer import load_role_matrix
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.domain.bansos.cycles.service import Actor
from app.domain.bansos.models.programmes import Relation
from app.domain.base import DomainError
from app.domain.vault import Vault
from app.simulation.bank import ASKED_PATH, Habits, bank
from app.tenants.scope import TenantScope
from app.tenants.server import DatabaseServer
from app.tenants.session import Database
from tests.authz.people import access_of, grant
from tests.bansos.cycles.bureau import Attempt
from tests.support.aid import plant_programme, plant_quotas, plant_relation
from tests.support.world import BANYUMAS

if TYPE_CHECKING:
    import asyncpg

PROGRAMMES: Final = ("UTAMA", "LAINNYA")
"""Two that exclude each other. Both may reach fewer families than are eligible, and need a second approval."""
PERIODS: Final = tuple(date(2026, month, 1) for month in (1, 4, 7, 10))
PEOPLE: Final = tuple(Actor(UUID(int=number), name) for number, name in enumerate(("Sari", "Budi", "Wati", "Joko"), 1))
QUOTA: Final = 6
AMOUNT: Final = 600_000
SECOND_APPROVAL_ABOVE: Final = 4 * AMOUNT
_EMPTIED: Final = (
    "entitlement, aid_exclusion, cycle_outcome, aid_cycle, cycle_generation, kks_card, payment_order, bank_file, bank_report, bank_result, "
    "journal_line, journal_entry, ledger_total, wallet, idle_return, seal_queue, seal_batch, sealed_leaf, audit_event, job, pgqueuer"
)
_ROLES: Final = (Role.REGENCY_ADMIN, Role.REGENCY_VERIFIER, Role.REGENCY_APPROVER)
_MONEY: Final = ("entitlement", "wallet", "journal_entry", "journal_line", "ledger_total", "kks_card", "aid_cycle")


class Act(NamedTuple):
    """Who does what to which; ``number`` chooses among whatever there is to choose."""

    verb: str
    programme: str
    person: Actor
    number: int


class Answered(NamedTuple):
    """A file of a bank that was taken up."""

    order: UUID
    content: bytes


class Nothing(DomainError):
    """There is nothing to do it to."""

    code = "NOTHING"

    def __init__(self) -> None:
        super().__init__("Tidak ada.", "There is nothing.")


@dataclass
class Office:
    """A regency whose aid is paid, and a bank."""

    server: DatabaseServer
    database: Database
    owner: "asyncpg.Connection[asyncpg.Record]"
    vault: Vault
    seen: Counter[str] = field(default_factory=Counter)
    """What has happened so far, in all of its lives."""
    taken_up: list[Answered] = field(default_factory=list)
    spent: list[dict[str, Any]] = field(default_factory=list)
    days: int = 105
    bank: httpx2.AsyncClient = field(init=False)
    bank_seed: int = field(init=False)

    def __post_init__(self) -> None:
        self._matrix = load_role_matrix()

    async def begin(self, seed: int) -> None:
        """Nobody has received anything, and no card is there. ``seed`` is that of the bank."""
        await self.owner.execute(f"truncate {_EMPTIED} cascade")
        await self.owner.execute("update family set status = 'ACTIVE' where status = 'MOVED'")
        for code in PROGRAMMES:
            await plant_programme(
                self.owner, code, amount=AMOUNT, second_approval_above=SECOND_APPROVAL_ABOVE, idle_days=105
            )
            await plant_quotas(self.owner, code, PERIODS[0].year, {BANYUMAS.id: QUOTA})
        await plant_relation(self.owner, PROGRAMMES[0], Relation.EXCLUSIVE, PROGRAMMES[1])
        self.bank_seed = seed
        transport = httpx2.ASGITransport(app=bank(Habits(bad_accounts=0.15, failed_top_ups=0.2, seed=seed)))
        self.bank = httpx2.AsyncClient(transport=transport, base_url="http://bank")
        self.taken_up.clear()
        self.spent.clear()

    async def end(self) -> None:
        """Hang up."""
        await self.bank.aclose()

    def scope(self, permission: Permission) -> TenantScope:
        """Where an officer of the regency who may do nearly all has ``permission``: rules alone hold these people."""
        roles = (Role.MINISTRY_ADMIN,) if permission is Permission.BANSOS_LEDGER_RETURN else _ROLES
        return authorize(access_of(self._matrix, *(grant(role, BANYUMAS.code) for role in roles)), permission)

    def work(self, subject_id: UUID) -> Attempt:
        return Attempt(self.server, self.database, subject_id, BANYUMAS.path.villages)

    async def cycle(self, programme: str) -> Any:
        """The newest cycle of ``programme`` that counts."""
        return await self.owner.fetchrow(
            "select * from aid_cycle where programme_code = $1 and state <> 'SUPERSEDED' order by period_start desc limit 1",
            programme,
        )

    async def at_hand(self, act: Act) -> Any:
        cycle = await self.cycle(act.programme)
        if cycle is None:
            raise Nothing
        return cycle

    async def money(self) -> dict[str, str]:
        """What is about money, digested."""
        digest = "select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {} t"
        return {table: await self.owner.fetchval(digest.format(table)) for table in _MONEY}

    async def paid_by_the_bank(self) -> int:
        """How many rupiah the bank says that it has paid."""
        paid: int = (await self.bank.get(ASKED_PATH)).json()["paid"]
        return paid
