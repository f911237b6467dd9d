"""Outlets, whoever runs them, and families that buy there, written straight into the tables. Others put their plantings beside these."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from app.authz.authorize import Access
from app.authz.development import ensure_principal
from app.authz.enforcer import RoleMatrix
from app.authz.roles import Role
from app.domain.ewarong.models.agents import AgentState
from app.tenants.region_path import RegionPath
from app.tenants.scope import EntityBinding
from tests.authz.people import access_of, grant
from tests.support.client import ApiClient, Caller

if TYPE_CHECKING:
    import asyncpg

PROPOSER: Final = UUID("01a30000-0000-7000-8000-000000000001")
OUTLET: Final = "ewarong"
"""The kind of thing that a grant of EWARONG_AGENT is bound to."""

_AGENT: Final = """
insert into ewarong_agent (regency_id, id, village_id, number, name, kind, bank, address, latitude, longitude, owner_name,
  owner_nik_sealed, owner_nik_digest, owner_nik_masked, state, returns_to, idempotency_key, request, proposed_by, proposed_by_name,
  proposed_at, state_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, '\\x00', $12, $13, $14, case when $14 in ('FROZEN', 'INACTIVE') then 'ACTIVE' end,
  $15, '\\x00', $16, 'Pengusul Uji', '2026-01-01Z', '2026-01-01Z')
"""
_FAMILY: Final = """
select f.id, f.village_id, p.id as person_id from family f
cross join lateral (
  select id from person where regency_id = f.regency_id and family_id = f.id order by member_no, id limit 1
) p
where f.regency_id = $1 and ($2::bigint is null or f.village_id = $2) and not exists (
  select from kks_card c where c.regency_id = f.regency_id and c.family_id = f.id
    and c.state in ('OPENING', 'PRINTED', 'DISTRIBUTED', 'ACTIVE', 'BLOCKED')
)
order by f.id limit 1 for update of f
"""
_CARD: Final = """
insert into kks_card (regency_id, id, village_id, family_id, person_id, bank, state, last_four, token, activated_at, state_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, now(), now())
"""
_WALLET: Final = """
insert into wallet (regency_id, id, village_id, family_id, programme_code) values ($1, $2, $3, $4, $5)
on conflict (regency_id, family_id, programme_code) do update set balance = wallet.balance returning id
"""
# As banks fill wallets; the triggers of the ledger move the balance.
_TOP_UP: Final = """
with e as (
  insert into journal_entry (regency_id, id, village_low, village_high, kind, programme_code, family_id, source_id, source_key,
    principal_id)
  values ($1, gen_random_uuid(), $2, $2, 'TOP_UP', $3, $4, $5, concat('TOP_UP:', gen_random_uuid()), $6)
  returning *
)
insert into journal_line (regency_id, entry_id, number, village_low, village_high, account, holder_id, programme_code, amount)
select e.regency_id, e.id, n, e.village_low, e.village_high, account, holder, e.programme_code, amount
from e, (values (1, 'CLEARING', null::uuid, -$7::bigint), (2, 'WALLET', $5::uuid, $7::bigint)) v(n, account, holder, amount)
"""


@dataclass(frozen=True, slots=True)
class Outlet:
    """An outlet that was planted."""

    village: str
    """Its village, as a code with dots."""
    id: UUID

    @property
    def path(self) -> RegionPath:
        return RegionPath.parse(self.village)

    @property
    def village_id(self) -> int:
        return self.path.id

    @property
    def regency_id(self) -> int:
        return self.village_id // 1_000_000

    @property
    def node(self) -> str:
        """What a node id holds."""
        return f"EwarongAgent:{self.regency_id}:{self.id}"

    @property
    def binding(self) -> EntityBinding:
        """What a grant for this outlet alone is bound to."""
        return EntityBinding(OUTLET, self.id)

    def access(self, matrix: RoleMatrix) -> Access:
        """What whoever runs it may do, without HTTP."""
        return access_of(matrix, grant(Role.EWARONG_AGENT, self.village, self.binding))


@dataclass(frozen=True, slots=True)
class Kpm:
    """A family with a card and a wallet."""

    regency_id: int
    village_id: int
    family_id: UUID
    person_id: UUID
    card_id: UUID
    token: str = field(repr=False)
    last_four: str
    wallet_id: UUID
    programme: str


async def plant_agent(
    owner: "asyncpg.Connection[asyncpg.Record]",
    village: str,
    *,
    state: AgentState = AgentState.ACTIVE,
    kind: str = "SHOP",
    bank: str = "BRI",
    identifier: UUID | None = None,
    name: str = "Warung Uji",
    owner_name: str = "Pemilik Uji",
    owner_digest: bytes | None = None,
    number: str | None = None,
    place: tuple[float, float] | None = None,
) -> Outlet:
    """An outlet in ``village`` (a code with dots), as if it had come to ``state`` long ago.

    ``owner_digest`` is that of its owner's NIK; without one the owner has none in common with anybody. ``place`` is latitude and
    longitude. The connection is one of the database's administrator; outside a transaction of its own what is planted is committed.
    """
    outlet = Outlet(village, identifier or uuid4())
    latitude, longitude = place or (None, None)
    await owner.execute(
        _AGENT,
        outlet.regency_id,
        outlet.id,
        outlet.village_id,
        number or f"A{outlet.id.hex[-12:]}",
        name,
        kind,
        bank,
        "Jalan Uji 1",
        latitude,
        longitude,
        owner_name,
        owner_digest or outlet.id.bytes,
        "9902********0001",
        state.value,
        uuid4(),
        PROPOSER,
    )
    return outlet


async def set_state(owner: "asyncpg.Connection[asyncpg.Record]", outlet: Outlet, state: AgentState) -> None:
    """Put ``outlet`` into ``state``, whoever may do so."""
    await owner.execute(
        "update ewarong_agent set state = $3, returns_to = case when $3 in ('FROZEN', 'INACTIVE') then 'ACTIVE' end, state_at = now(), "
        "version = version + 1 where regency_id = $1 and id = $2",
        *(outlet.regency_id, outlet.id, state.value),
    )


async def agent_principal(
    api: ApiClient,
    owner: "asyncpg.Connection[asyncpg.Record]",
    outlet: Outlet,
    *others: Outlet,
    region: str = "",
) -> Caller:
    """Whoever runs ``outlet`` (and ``others``) and acts over HTTP: an EWARONG_AGENT whose grants are bound to them alone.

    The grants are for the villages of the outlets, or for ``region`` if it is given: they reach no other outlet either way.
    """
    subject = "+".join(f"dev:EWARONG_AGENT:{each.id}" for each in (outlet, *others)) + region
    for each in (outlet, *others):
        await ensure_principal(
            owner,
            subject=subject,
            name="Agen Uji",
            role=Role.EWARONG_AGENT,
            region=RegionPath.parse(region or each.village),
            entity=each.binding,
        )
    return api.named(subject)


async def plant_kpm(
    owner: "asyncpg.Connection[asyncpg.Record]",
    regency_id: int,
    *,
    programme: str = "SEMBAKO",
    balance: int = 200_000,
    state: str = "ACTIVE",
    village_id: int | None = None,
    bank: str = "BRI",
) -> Kpm:
    """The first family of the regency (or village) without a card gets one in ``state``, and a wallet that holds ``balance`` rupiah.

    ``programme`` is known already. The family is one of those that are there: a regency of the small country has 48, so whoever needs
    many, or adds money up, has a database of their own (``market`` in tests/ewarong/conftest.py).
    """
    async with owner.transaction():
        family = await owner.fetchrow(_FAMILY, regency_id, village_id)
        assert family is not None, "every family there has a card already: use a database of your own"
        card_id = uuid4()
        kpm = Kpm(
            regency_id=regency_id,
            village_id=family["village_id"],
            family_id=UUID(str(family["id"])),
            person_id=UUID(str(family["person_id"])),
            card_id=card_id,
            token=f"tok-{card_id.hex}",
            last_four=f"{card_id.int % 10_000:04}",
            wallet_id=await plant_wallet(
                owner, regency_id, family["village_id"], UUID(str(family["id"])), programme=programme, balance=balance
            ),
            programme=programme,
        )
        await owner.execute(
            _CARD,
            regency_id,
            card_id,
            kpm.village_id,
            kpm.family_id,
            kpm.person_id,
            bank,
            state,
            kpm.last_four,
            kpm.token,
        )
    return kpm


async def plant_wallet(
    owner: "asyncpg.Connection[asyncpg.Record]",
    regency_id: int,
    village_id: int,
    family_id: UUID,
    *,
    programme: str,
    balance: int = 0,
) -> UUID:
    """The wallet of a family and programme, which holds ``balance`` rupiah more than before; its id."""
    found = await owner.fetchval(_WALLET, regency_id, uuid4(), village_id, family_id, programme)
    wallet_id = UUID(str(found))
    if balance:
        await owner.execute(_TOP_UP, regency_id, village_id, programme, family_id, wallet_id, PROPOSER, balance)
    return wallet_id


async def top_up(owner: "asyncpg.Connection[asyncpg.Record]", kpm: Kpm, amount: int) -> None:
    """Put ``amount`` rupiah more into the wallet of ``kpm``."""
    await plant_wallet(owner, kpm.regency_id, kpm.village_id, kpm.family_id, programme=kpm.programme, balance=amount)


async def balance_of(owner: "asyncpg.Connection[asyncpg.Record]", kpm: Kpm) -> int:
    """What the wallet of ``kpm`` holds, in rupiah."""
    balance: int = await owner.fetchval(
        "select balance from wallet where regency_id = $1 and id = $2", kpm.regency_id, kpm.wallet_id
    )
    return balance
