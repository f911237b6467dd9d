"""Selling at planted outlets, without HTTP."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from app.authz.authorize import Access
from app.authz.enforcer import load_role_matrix
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.domain.audit.models import Action
from app.domain.audit.service import Event
from app.domain.checking import Discrepancy
from app.domain.ewarong.transactions.checking import Fault, check_transactions
from app.domain.ewarong.transactions.items import Line, Redemption
from app.domain.ewarong.transactions.service import Reported, report_transaction
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader
from tests.authz.people import access_of, grant
from tests.support.outlets import Kpm, Outlet, plant_wallet

if TYPE_CHECKING:
    import asyncpg

REPORT: Final = Permission.EWARONG_TRANSACTION_REPORT
RICE: Final = Line("RICE", Decimal("2.5"), 12_000)
EGGS: Final = Line("EGGS", Decimal(1), 28_000)
BASKET: Final = (RICE, EGGS)
PRICE: Final = 58_000
"""Rupiah that the basket costs."""
VILLAGE: Final = "33.02.01.2001"
OTHER_VILLAGE: Final = "33.02.02.2001"
MATRIX: Final = load_role_matrix()


_FAMILY: Final = """
insert into family (regency_id, id, village_id, edition_id, head_name)
select $1::int, $2::uuid, $3::bigint, min(id), 'Keluarga Uji' from registry_edition
"""
_CARD: Final = """
insert into kks_card (regency_id, id, village_id, family_id, person_id, bank, state, last_four, token, activated_at, state_at)
values ($1, $2, $3, $4, $4, 'BRI', $5, $6, $7, now(), now())
"""


async def plant_kpm(
    owner: "asyncpg.Connection[asyncpg.Record]", regency_id: int, *, balance: int = 200_000, state: str = "ACTIVE"
) -> Kpm:
    """A new family of the regency with a card in ``state`` and a wallet of Sembako that holds ``balance`` rupiah.

    Here so many families buy that those which are there would not do.
    """
    family_id, card_id, village_id = uuid4(), uuid4(), regency_id * 1_000_000 + 12_001
    last_four, token = f"{card_id.int % 10_000:04}", f"tok-{card_id.hex}"
    async with owner.transaction():
        await owner.execute(_FAMILY, regency_id, family_id, village_id)
        await owner.execute(_CARD, regency_id, card_id, village_id, family_id, state, last_four, token)
        wallet_id = await plant_wallet(owner, regency_id, village_id, family_id, programme="SEMBAKO", balance=balance)
    return Kpm(regency_id, village_id, family_id, family_id, card_id, token, last_four, wallet_id, "SEMBAKO")


def redemption(outlet: Outlet, kpm: Kpm, **others: Any) -> Redemption:
    """A basket that ``kpm`` bought at ``outlet`` a moment ago, but for ``others``."""
    bought = Redemption(
        regency_id=outlet.regency_id,
        agent_id=outlet.id,
        token=kpm.token,
        lines=BASKET,
        total=None,
        happened_at=datetime.now(UTC),
        idempotency_key=uuid4(),
    )
    return replace(bought, **others)


def event_of(access: Access, operation: str = "ewarongTransactionReport") -> Event:
    """What the audit trail keeps of ``access``, but for what and where."""
    return Event(
        action=Action.CHANGE,
        principal_id=access.principal.id,
        roles=access.roles(REPORT),
        permission=REPORT.value,
        operation=operation,
        document_hash=bytes(32),
        subject_type="EwarongTransaction",
        subject_ids=(),
        row_count=1,
        purpose=None,
        request_id="uji",
        village_low=0,
        village_high=0,
    )


async def sell(database: Database, outlet: Outlet, given: Redemption, *, access: Access | None = None) -> Reported:
    """Report ``given`` as whoever runs ``outlet``, or as ``access``."""
    acting = access or outlet.access(MATRIX)
    async with database.write(acting.scope(REPORT)) as session:
        return await report_transaction(session, given, event_of(acting))


def unbound(*villages: str) -> Access:
    """Somebody who sells for whatever outlet of ``villages``: no role of people, but what two walls must hold against."""
    return access_of(MATRIX, *(grant(Role.EWARONG_AGENT, village) for village in villages))


async def faults(server: DatabaseServer) -> list[Discrepancy[Fault]]:
    """What does not add up."""
    async with open_loader(server) as loader:
        return await check_transactions(loader)


async def rows_of(
    owner: "asyncpg.Connection[asyncpg.Record]", table: str, key: UUID, column: str = "id"
) -> "Sequence[asyncpg.Record]":
    """The rows of ``table`` whose ``column`` is ``key``."""
    found: Sequence[asyncpg.Record] = await owner.fetch(
        f"select * from {table} where {column} = $1",  # noqa: S608  (a test's own words)
        key,
    )
    return found
