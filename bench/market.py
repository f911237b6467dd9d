"""Outlets, cards and full wallets for the benches and the torture of e-Warong: planted at once, past every rule, in a seeded registry."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson

from app.authz.development import ensure_principal, issue_token
from app.authz.roles import Role
from app.domain.bansos.programmes.loading import load_programmes
from app.domain.ewarong.catalogue.loading import load_catalogue
from app.settings import Settings
from app.tenants.region_path import RegionPath
from app.tenants.scope import EntityBinding
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader
from bench.load import http_request

if TYPE_CHECKING:
    import asyncpg

PLENTY: Final = 1_000_000_000_000
"""Rupiah in a wallet of the bench: it is never empty."""
REPORT: Final = """
mutation Report($input: EwarongTransactionReportInput!) {
  ewarongTransactionReport(input: $input) {
    __typename
    ... on EwarongTransactionReported { repeated transaction { id amount balance receipt happenedAt } }
    ... on UserError { code message }
  }
}
"""
SYNC: Final = """
mutation Sync($input: EwarongTransactionsSyncInput!) {
  ewarongTransactionsSync(input: $input) {
    __typename
    ... on EwarongTransactionsSynced { results { idempotencyKey status receipt balance } }
    ... on UserError { code message }
  }
}
"""
LINES: Final = (
    {"commodity": "RICE", "quantity": "10", "unitPrice": 12_000},
    {"commodity": "EGGS", "quantity": "1", "unitPrice": 28_000},
    {"commodity": "TEMPEH", "quantity": "2", "unitPrice": 5_000},
)
TOTAL: Final = 158_000
_NAMESPACE: Final = UUID("01b70000-0000-7000-8000-000000000001")
_VILLAGES: Final = "select distinct village_id from family order by village_id limit $1"
_OUTLET: Final = """
insert into ewarong_agent (regency_id, id, village_id, number, name, kind, bank, address, owner_name, owner_nik_sealed,
  owner_nik_digest, owner_nik_masked, state, idempotency_key, request, proposed_by, proposed_by_name, proposed_at, state_at)
values ($1, $2, $3, $4, 'Warung Bench', 'SHOP', 'BRI', 'Jalan Bench 1', 'Pemilik Bench', '\\x00', $5, '9902********0001', 'ACTIVE', $2,
  '\\x00', $2, 'Bench', '2026-01-01Z', '2026-01-01Z')
on conflict do nothing
"""
_CARDS: Final = """
insert into kks_card (regency_id, id, village_id, family_id, person_id, bank, state, last_four, token, activated_at, state_at)
select f.regency_id, gen_random_uuid(), f.village_id, f.id, p.id, 'BRI', 'ACTIVE', '1234',
  'bench-' || lpad((row_number() over (order by f.regency_id, f.id) - 1)::text, 8, '0'), '2026-01-01Z', '2026-01-01Z'
from family f cross join lateral (
  select id from person where regency_id = f.regency_id and family_id = f.id order by member_no, id limit 1
) p
where f.regency_id = any ($1) on conflict do nothing
"""
_WALLETS: Final = """
insert into wallet (regency_id, id, village_id, family_id, programme_code, created_at)
select regency_id, gen_random_uuid(), village_id, id, 'SEMBAKO', '2026-01-01Z' from family where regency_id = any ($1)
on conflict do nothing
"""
# Not as banks fill wallets: there are no lists that say who should have it.
_FILL: Final = """
with given as (
  select w.*, gen_random_uuid() as entry_id from wallet w where w.regency_id = any ($1) and w.balance = 0
), entered as (
  insert into journal_entry (regency_id, id, village_low, village_high, kind, programme_code, family_id, source_id, source_key,
    principal_id, reason)
  select regency_id, entry_id, village_id, village_id, 'REVERSAL', programme_code, family_id, id, 'REVERSAL:' || entry_id, id, 'bench'
  from given
)
insert into journal_line (regency_id, entry_id, number, village_low, village_high, account, holder_id, programme_code, amount)
select regency_id, entry_id, n, village_id, village_id, account, holder, programme_code, amount
from given, lateral (values (1, 'WITHDRAWN', null::uuid, -$2::bigint), (2, 'WALLET', id, $2::bigint)) v(n, account, holder, amount)
"""


@dataclass(frozen=True, slots=True)
class Stall:
    """An outlet, a token of whoever runs it, and the cards of the families that buy there."""

    village_id: int
    id: UUID
    token: str = field(repr=False)
    cards: tuple[str, ...] = field(repr=False)

    @property
    def regency_id(self) -> int:
        """Its regency."""
        return self.village_id // 1_000_000

    @property
    def node(self) -> str:
        """Its id in the API."""
        return f"EwarongAgent:{self.regency_id}:{self.id}"

    def purchase(self, card: str, key: UUID) -> dict[str, Any]:
        """The input of a report: three goods for ``TOTAL`` rupiah, bought now with ``card``."""
        return {
            "agent": self.node,
            "token": card,
            "lines": LINES,
            "total": TOTAL,
            "happenedAt": datetime.now(tz=UTC).isoformat(),
            "idempotencyKey": str(key),
        }


async def planted(settings: Settings, server: DatabaseServer, *, stalls: int, balance: int = PLENTY) -> list[Stall]:
    """``stalls`` outlets, each in the next village; the families of their regencies have cards and ``balance`` rupiah, and share them.

    What is there from an earlier run stays as it is.
    """
    async with open_loader(server) as loader:
        await load_programmes(loader)
        await load_catalogue(loader)
    owner = await server.admin.connect()
    try:
        villages = [row["village_id"] for row in await owner.fetch(_VILLAGES, stalls)]
        regencies = sorted({village // 1_000_000 for village in villages})
        async with owner.transaction():
            await owner.execute(_CARDS, regencies)
            await owner.execute(_WALLETS, regencies)
            await owner.execute(_FILL, regencies, balance)
        cards = [
            row["token"]
            for row in await owner.fetch("select token from kks_card where token like 'bench-%' order by token")
        ]
        made = [await _stall(settings, owner, village, tuple(cards[at::stalls])) for at, village in enumerate(villages)]
        await owner.execute("vacuum analyze")
    finally:
        await owner.close()
    return made


async def _stall(
    settings: Settings, owner: "asyncpg.Connection[asyncpg.Record]", village: int, cards: tuple[str, ...]
) -> Stall:
    identifier = uuid.uuid5(_NAMESPACE, str(village))
    await owner.execute(_OUTLET, village // 1_000_000, identifier, village, f"B{village}", identifier.bytes)
    code = str(village)
    subject = f"bench:{village}"
    await ensure_principal(
        owner,
        subject=subject,
        name="Agen Bench",
        role=Role.EWARONG_AGENT,
        region=RegionPath.parse(f"{code[:2]}.{code[2:4]}.{code[4:6]}.{code[6:]}"),
        entity=EntityBinding("ewarong", identifier),
    )
    return Stall(village, identifier, issue_token(settings, subject), cards)


def purchases(stall: Stall, url: str, cards: tuple[str, ...] | None = None) -> Iterator[bytes]:
    """Requests of ``stall`` without end, each a new transaction; its ``cards`` take turns."""
    # Written once: what is new in each are the card and the key, which are always as long.
    cards = cards or stall.cards
    card, key = "C" * len(cards[0]), str(UUID(int=0))
    body = orjson.dumps({"query": REPORT, "variables": {"input": stall.purchase(card, UUID(int=0))}})
    before, between, behind = re.split(f"{card}|{key}".encode(), body)
    head = (
        f"POST /graphql HTTP/1.1\r\nhost: {url.split('/')[2]}\r\nauthorization: Bearer {stall.token}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode()
    while True:
        for each in cards:
            yield b"".join((head, before, each.encode(), between, str(uuid.uuid4()).encode(), behind))


def batches(stall: Stall, url: str, size: int) -> Iterator[bytes]:
    """Requests of ``stall`` without end, each a sync of ``size`` new transactions."""
    device, sequence = str(uuid.uuid4()), 0
    while True:
        items = []
        for _ in range(size):
            card = stall.cards[sequence % len(stall.cards)]
            item = stall.purchase(card, uuid.uuid4()) | {"deviceSequence": sequence}
            items.append({name: value for name, value in item.items() if name != "agent"})
            sequence += 1
        given = {"agent": stall.node, "deviceId": device, "deviceNow": datetime.now(tz=UTC).isoformat(), "items": items}
        yield http_request(url, {"query": SYNC, "variables": {"input": given}}, stall.token)
