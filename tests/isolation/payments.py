"""Orders of payment, files of banks and cards with ids and moments that are the same in every database, each marked with its regency."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from uuid import UUID

from app.tenants.server import DatabaseServer
from tests.isolation.cycles import PROGRAMME, cycle_of
from tests.isolation.working import job_of
from tests.support.triggers import past_triggers
from tests.support.world import Regency, connected

if TYPE_CHECKING:
    import asyncpg

_MAKER: Final = "01b00000-0000-7000-8000-000000000000"
_ORDER: Final = """
insert into payment_order (regency_id, id, village_low, village_high, cycle_id, bank, number, state, entitlements, amount,
  valid_entitlements, valid_amount, spm_number, made_by, made_by_name, made_at)
values ($1::int, $2::text::uuid, $1::bigint * 1000000, $1::bigint * 1000000 + 999999, $3::text::uuid, 'BRI', $4, $5, 2, 1200000, 2,
  1200000, $6, $7::text::uuid, $6, '2100-01-01Z')
on conflict do nothing
"""
_FILES: Final = """
insert into bank_file (regency_id, id, village_low, village_high, order_id, kind, format, number, rows, amount, sha256, vault_id, applied,
  repeated, unknown, mismatched, made_by, made_by_name, made_at)
select $1::int, f.id::uuid, $1::bigint * 1000000, $1::bigint * 1000000 + 999999, $2::text::uuid, f.kind, 'CSV', 1, 2, 1200000,
  sha256(f.id::bytea), case when f.kind = 'TOP_UP' then f.id::uuid end, 1, 1, 0, 0, $3::text::uuid, $4, '2100-01-01Z'
from (values ('TOP_UP', $5::text), ('TOP_UP_RESULT', $6::text)) f(kind, id)
on conflict do nothing
"""
_RESULTS: Final = """
insert into bank_result (regency_id, file_id, line, village_low, village_high, verdict, entitlement_id, code, amount)
select $1::int, $2::text::uuid, n, $1::bigint * 1000000, $1::bigint * 1000000 + 999999, 'MISMATCH', e.id, $3, 600000
from (select id, (row_number() over (order by id))::int as n from entitlement where regency_id = $1 and cycle_id = $4::text::uuid) e
on conflict do nothing
"""
_CARDS: Final = """
insert into kks_card (regency_id, id, village_id, family_id, person_id, bank, state, last_four, token, state_at, state_reason)
select regency_id, md5(id::text)::uuid, village_id, family_id, recipient_id, 'BRI', 'BLOCKED', '0042', concat('token-', id),
  '2100-01-01Z', $2
from entitlement where regency_id = $1 and cycle_id = $3::text::uuid
on conflict do nothing
"""


def _uuid(number: int, place: int) -> str:
    return f"01fe0000-0000-7000-8000-{number:02}{place:010}"


def _of(node: str) -> str:
    return node.rpartition(":")[2]


def order_of(regency: Regency) -> str:
    """The node id of an order of ``regency``. Its UUID is that of a job, which so is about it."""
    return f"PaymentOrder:{regency.id}:{_of(job_of(regency))}"


def bank_file_of(regency: Regency) -> str:
    """The node id of an answer of a bank in ``regency``."""
    return f"BankFile:{regency.id}:{_uuid(3, regency.id)}"


async def card_of(owner: "asyncpg.Connection[asyncpg.Record]", regency: Regency) -> str:
    """The node id of a card of a family of ``regency``."""
    found = "select min(id::text) from kks_card where regency_id = $1 and state_reason = $2"
    return f"KksCard:{regency.id}:{await owner.fetchval(found, regency.id, regency.mark)}"


async def plant_payments(server: DatabaseServer, *regencies: Regency) -> None:
    """Give each of ``regencies``, which have cycles, two orders and cards; the first order has a file, and an answer with two lines."""
    async with connected(server) as owner:
        for regency in regencies:
            cycle, mark = _of(cycle_of(regency)), regency.mark
            order, other = _of(order_of(regency)), _uuid(1, regency.id)
            for number, order_id in enumerate((order, other), 1):
                await owner.execute(_ORDER, regency.id, order_id, cycle, number, "SETTLED", mark, _MAKER)
            answer = _uuid(3, regency.id)
            await owner.execute(_FILES, regency.id, order, _MAKER, mark, _uuid(2, regency.id), answer)
            await owner.execute(_RESULTS, regency.id, answer, "KODE", cycle)
            await owner.execute(_CARDS, regency.id, mark, cycle)


_STATES: Final = {
    "paymentOrderSpm": "ACCOUNTS_CHECKED",
    "paymentOrderOmspan": "SPM",
    "paymentOrderDisburse": "OMSPAN",
    "paymentOrderInstruct": "SP2D",
    "paymentOrderReturn": "SETTLED",
    "paymentOrderSend": "ACCOUNT_CHECK",
    "bankResultsRead": "ACCOUNT_CHECK",
}
_CYCLES: Final = {
    "kksCardsOpen": ("2085-01-01", "GENERATED"),
    "paymentOrdersMake": ("2086-01-01", "RELEASED"),
    "cycleSettle": ("2087-01-01", "RELEASED"),
    "cycleReconcile": ("2088-01-01", "PAID"),
    "cycleClose": ("2089-01-01", "RECONCILED"),
}
_ORDERED: Final = "2090-01-01"
_CARD_STATES: Final = {"kksCardsPrint": "OPENING", "kksCardMove": "ACTIVE", "kksCardReplace": "LOST"}
_FAMILY: Final = """
insert into family (regency_id, id, village_id, edition_id, head_name)
select $1::int, $2::text::uuid, $1::bigint * 1000000 + 12001, min(id), 'Uji' from registry_edition on conflict do nothing
"""
# Who may hold the next card of a family.
_HEAD: Final = """
insert into person (regency_id, id, village_id, family_id, relationship, name, identity_status, sex)
values ($1::int, $2::text::uuid, $1::bigint * 1000000 + 12001, $2::text::uuid, 'HEAD', 'Uji', 'MATCHED', 'FEMALE')
"""
_CYCLE: Final = """
insert into aid_cycle (regency_id, id, village_low, village_high, programme_code, terms_version, period_start, period_end, state,
  generation_id, families, entitled, amount, generated_at, made_by, made_by_name, made_at)
values ($1::int, $2::text::uuid, $1::bigint * 1000000, $1::bigint * 1000000 + 999999, $3,
  (select min(version) from programme_terms where programme_code = $3), $4::text::date, $4::text::date + 89, $5, $2::text::uuid, 1, 1,
  600000, now(), $6::text::uuid, 'Uji', now())
"""
_ENTITLED: Final = """
insert into entitlement (regency_id, id, village_id, cycle_id, programme_code, terms_version, period_start, family_id, recipient_id, amount,
  facts, step, order_id)
select regency_id, $3::text::uuid, $1::bigint * 1000000 + 12001, id, programme_code, terms_version, period_start, $4::text::uuid,
  $4::text::uuid, 600000, '{}', $5, $6::text::uuid
from aid_cycle where regency_id = $1::int and id = $2::text::uuid
"""
_CARD: Final = """
insert into kks_card (regency_id, id, village_id, family_id, person_id, bank, state, last_four, token, state_at)
values ($1::int, $2::text::uuid, $1::bigint * 1000000 + 12001, $3::text::uuid, $3::text::uuid, 'BRI', $4,
  case when $4 <> 'OPENING' then '0042' end, case when $4 <> 'OPENING' then concat('token-', $2::text) end, now())
"""
_ENTITLED_BEFORE: Final = "delete from entitlement where regency_id = $1 and family_id = any($2)"
_CLEARED: Final = (
    "delete from bank_report where regency_id = $1 and order_id = any($2)",
    "delete from payment_order where regency_id = $1 and id = any($2)",
    "delete from kks_card where regency_id = $1 and family_id = any($2)",
    "delete from person where regency_id = $1 and id = any($2)",
    "delete from aid_cycle where regency_id = $1 and id = any($2)",
    "delete from journal_line where regency_id = $1 and entry_id in (select id from journal_entry where source_id = any($2))",
    "delete from journal_entry where regency_id = $1 and source_id = any($2)",
    "delete from family where regency_id = $1 and id = any($2)",
)


async def plant_payable(owner: "asyncpg.Connection[asyncpg.Record]", regency: Regency) -> Mapping[str, str]:
    """A cycle, an order or a card for each mutation of payments that can be done to it; node ids by the name of the mutation."""
    await clear_payable(owner, regency)
    ids, place = {}, regency.id
    families = [_uuid(number, place) for number in range(10, 15)]
    for family in families:
        await owner.execute(_FAMILY, place, family)
        await owner.execute(_HEAD, place, family)
    for number, (mutation, (period, state)) in enumerate(_CYCLES.items(), 20):
        cycle = _uuid(number, place)
        await owner.execute(_CYCLE, place, cycle, PROGRAMME, period, state, _MAKER)
        ids[mutation] = f"AidCycle:{place}:{cycle}"
        if mutation in {"kksCardsOpen", "paymentOrdersMake"}:
            await _entitle(owner, place, cycle, _uuid(number + 20, place), families[0], "WAITING", None)
    ordered = _uuid(30, place)
    await owner.execute(_CYCLE, place, ordered, PROGRAMME, _ORDERED, "RELEASED", _MAKER)
    for number, (mutation, state) in enumerate(_STATES.items(), 50):
        order = _uuid(number, place)
        await owner.execute(_ORDER, place, order, ordered, number, state, "Uji", _MAKER)
        ids[mutation] = f"PaymentOrder:{place}:{order}"
        if mutation == "paymentOrderReturn":
            await _entitle(owner, place, ordered, _uuid(60, place), families[1], "TOP_UP_FAILED", order)
    for number, (mutation, state) in enumerate(_CARD_STATES.items(), 2):
        card = _uuid(number + 60, place)
        await owner.execute(_CARD, place, card, families[number], state)
        ids[mutation] = f"KksCard:{place}:{card}"
    return ids


async def _entitle(owner: "asyncpg.Connection[asyncpg.Record]", *given: object) -> None:
    async with past_triggers(owner):
        await owner.execute(_ENTITLED, *given)


async def clear_payable(owner: "asyncpg.Connection[asyncpg.Record]", *regencies: Regency) -> None:
    """Take away what ``plant_payable`` has planted, and what became of it."""
    for regency in regencies:
        planted = [UUID(_uuid(number, regency.id)) for number in range(10, 70)]
        async with past_triggers(owner):
            await owner.execute(_ENTITLED_BEFORE, regency.id, planted)
        for statement in _CLEARED:
            await owner.execute(statement, regency.id, planted)
