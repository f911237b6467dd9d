"""From the making of a list to the spending of the money, whatever is done by whomever in whatever order, and how often: money is neither
made nor lost, nobody is paid twice or without being entitled, and nobody decides on what they have made.

`MONEY_CASES` is the number of sequences; `make fuzz` sets many more than `make test` has time for.
"""

import os
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from app.domain.bansos.ledger.checking import Fault, check_ledger
from app.domain.registry.sealing import Seal
from app.domain.vault import Vault
from app.settings import Settings
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader
from tests.bansos.payday.office import AMOUNT, PEOPLE, PROGRAMMES, QUOTA, SECOND_APPROVAL_ABOVE, Act
from tests.bansos.payday.play import Payday
from tests.support.world import BANYUMAS, connected, drop, empty_country, fill

if TYPE_CHECKING:
    import asyncpg

USUAL: Final = 10
CASES: Final = int(os.environ.get("MONEY_CASES", USUAL))
SELDOM: Final = ("make", "verify", "approve", "release", "settle", "any_step", "cards", "order")
OFTEN: Final = ("revise", "move", "block", "replay", "redeem", "redeem", "reverse", "reverse", "idle")
# Mostly things take their course, or nothing would ever be paid.
VERBS: Final = (*["go_on"] * 50, *OFTEN * 2, *SELDOM)
ACTS: Final = st.builds(
    Act, st.sampled_from(VERBS), st.sampled_from(PROGRAMMES), st.sampled_from(PEOPLE), st.integers(0, 209)
)
REACHED: Final = {
    "CYCLE_SAME_PERSON", "INSUFFICIENT_BALANCE", "note_sp2d", "instruct", "return_failed", "reconcile", "replay", "redeem", "redeem again",
    "reverse", "idle", "revise", "block", "topped up", "excluded",
}  # fmt: skip
"""What the sequences of a run must have come to: one that never pays proves little."""
PAYABLE: Final = {"RELEASED", "PAID", "RECONCILED", "CLOSED"}
ON_ITS_WAY: Final = ("SP2D", "STANDING_INSTRUCTION", "TOP_UP_FAILED")
"""Whoever stands here is owed what the clearing account holds."""


@pytest_asyncio.fixture(scope="module")
async def money_server(server: DatabaseServer, seal: Seal) -> AsyncIterator[DatabaseServer]:
    """A database of its own, with the families of a regency."""
    own = await empty_country(server, "money")
    await fill(own, seal, BANYUMAS)
    yield own
    await drop(own)


@pytest_asyncio.fixture(scope="module")
async def payday(settings: Settings, money_server: DatabaseServer) -> AsyncIterator[Payday]:
    database = Database(money_server.app, read_pool_size=1, write_pool_size=3)
    await database.open()
    async with connected(money_server) as owner:
        yield Payday(money_server, database, owner, Vault.of_settings(settings))
    await database.close()


@pytest.fixture(scope="module")
def seen(payday: Payday) -> Iterator[Counter[str]]:
    """What has happened in all sequences together."""
    yield payday.seen
    if CASES >= USUAL:
        assert set(payday.seen) >= REACHED, payday.seen


class Proof:
    """Looks at what is committed after each act, as the administrator, and remembers what must not change any more."""

    def __init__(self, payday: Payday, loader: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._payday, self._owner, self._loader = payday, payday.owner, loader
        self._settled: dict[Any, Any] = {}

    async def holds(self) -> None:
        """Assert all that must hold."""
        entries = await self._owner.fetch("select * from journal_entry")
        lines = await self._owner.fetch("select * from journal_line")
        cycles = {row["id"]: row for row in await self._owner.fetch("select * from aid_cycle")}
        entitled = {row["id"]: row for row in await self._owner.fetch("select * from entitlement")}
        excluded = {
            (row["cycle_id"], row["family_id"]): (row["outcome"], row["reason"])
            for row in await self._owner.fetch("select * from aid_exclusion")
        }
        orders = {row["id"]: row for row in await self._owner.fetch("select * from payment_order")}
        reversed_ = {entry["source_id"] for entry in entries if entry["kind"] == "REVERSAL"}
        await self._money_is_conserved(lines)
        self._nobody_is_paid_twice_or_unentitled(entries, lines, cycles, entitled, excluded)
        self._nobody_decides_twice(cycles.values())
        self._lists_are_settled(cycles, entitled.values(), excluded)
        undone = [entitled[e["source_id"]] for e in entries if e["kind"] == "TOP_UP" and e["id"] in reversed_]
        standing_idle = {e["id"] for e in entries if e["kind"] == "IDLE_RETURN" and e["id"] not in reversed_}
        idle = sum(
            line["amount"] for line in lines if line["entry_id"] in standing_idle and line["account"] == "TREASURY"
        )
        await self._each_book_tells_of_the_same(lines, entitled.values(), orders.values(), undone, idle)
        await self._the_check_finds_what_was_undone_and_nothing_else(entitled.values(), undone)

    async def _money_is_conserved(self, lines: Any) -> None:
        by_entry, by_wallet, by_account = defaultdict[Any, int](int), defaultdict[Any, int](int), Counter[str]()
        for line in lines:
            by_entry[line["entry_id"]] += line["amount"]
            by_account[line["account"]] += line["amount"]
            if line["account"] == "WALLET":
                by_wallet[line["holder_id"]] += line["amount"]
        assert not any(by_entry.values())
        assert sum(by_account.values()) == 0
        assert set(by_account) <= {"TREASURY", "CLEARING", "WALLET", "AGENT", "WITHDRAWN"}
        wallets = {row["id"]: row["balance"] for row in await self._owner.fetch("select id, balance from wallet")}
        assert all(balance >= 0 for balance in wallets.values())
        assert wallets == {wallet: by_wallet[wallet] for wallet in wallets}
        assert set(by_wallet) <= set(wallets)
        totals = await self._owner.fetch(
            "select account, sum(amount)::bigint as amount from ledger_total group by account"
        )
        assert {row["account"]: row["amount"] for row in totals} == dict(by_account)

    def _nobody_is_paid_twice_or_unentitled(
        self, entries: Any, lines: Any, cycles: Any, entitled: Any, excluded: Any
    ) -> None:
        assert not {(each["cycle_id"], each["family_id"]) for each in entitled.values()} & set(excluded)
        into_wallets = {line["entry_id"]: line["amount"] for line in lines if line["account"] == "WALLET"}
        paid = Counter[Any]()
        for entry in entries:
            if entry["kind"] != "TOP_UP":
                continue
            entitlement = entitled[entry["source_id"]]
            cycle = cycles[entitlement["cycle_id"]]
            assert cycle["state"] in PAYABLE
            assert into_wallets[entry["id"]] == entitlement["amount"] == AMOUNT
            assert entry["family_id"] == entitlement["family_id"]
            # The two programmes exclude each other, so one key stands for both.
            paid[cycle["period_start"], entry["family_id"]] += 1
            self._payday.seen["topped up"] += 1
        assert all(times == 1 for times in paid.values()), "nobody is topped up twice"
        per_cycle = Counter(each["cycle_id"] for each in entitled.values())
        assert all(count <= QUOTA for count in per_cycle.values())
        self._payday.seen["excluded"] += any(reason == "DOUBLE_AID" for _, reason in excluded.values())

    def _nobody_decides_twice(self, cycles: Any) -> None:
        for cycle in cycles:
            people = [cycle[f"{what}_by"] for what in ("made", "verified", "approved", "second_approved")]
            acted = [each for each in people if each is not None]
            assert len(set(acted)) == len(acted)
            if cycle["state"] in PAYABLE | {"APPROVED"}:
                assert len(acted) == (4 if cycle["amount"] > SECOND_APPROVAL_ABOVE else 3)

    def _lists_are_settled(self, cycles: Any, entitled: Any, excluded: Any) -> None:
        lists = defaultdict[Any, set[Any]](set)
        for each in entitled:
            lists[each["cycle_id"]].add((each["family_id"], each["recipient_id"], each["amount"], each["id"]))
        for (cycle_id, family_id), why in excluded.items():
            lists[cycle_id].add((family_id, *why))
        for identifier, cycle in cycles.items():
            if cycle["state"] not in {"DRAFT", "GENERATED"}:
                assert self._settled.setdefault(identifier, lists[identifier]) == lists[identifier]

    async def _each_book_tells_of_the_same(
        self, lines: Any, entitled: Any, orders: Any, undone: list[Any], idle: int
    ) -> None:
        accounts, steps = Counter[str](), Counter[str]()
        for line in lines:
            accounts[line["account"]] += line["amount"]
        for each in entitled:
            steps[each["step"]] += each["amount"]
        drawn = sum(order["valid_amount"] for order in orders if order["sp2d_at"] is not None)
        taken_back = sum(each["amount"] for each in undone)
        assert -accounts["TREASURY"] == drawn - steps["RETURNED"] - idle
        assert accounts["WALLET"] + accounts["AGENT"] == steps["TOPPED_UP"] - taken_back - idle
        assert accounts["CLEARING"] == sum(steps[step] for step in ON_ITS_WAY) + taken_back
        assert await self._payday.paid_by_the_bank() >= steps["TOPPED_UP"]

    async def _the_check_finds_what_was_undone_and_nothing_else(self, entitled: Any, undone: list[Any]) -> None:
        expected = {(Fault.PAID_WITHOUT_ENTRY, str(each["id"]), 1, 0) for each in undone}
        for identifier in {each["order_id"] for each in undone}:
            held = sum(
                each["amount"] for each in entitled if each["order_id"] == identifier and each["step"] in ON_ITS_WAY
            )
            left = held + sum(each["amount"] for each in undone if each["order_id"] == identifier)
            expected.add((Fault.CLEARING_LEFT, str(identifier), held, left))
        found = await check_ledger(self._loader)
        assert {(each.fault, each.subject, each.stored, each.counted) for each in found} == expected


@given(acts=st.lists(ACTS, min_size=50, max_size=70), bank_seed=st.integers(0, 2**16))
@example_settings(
    max_examples=CASES,
    derandomize="MONEY_CASES" not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
async def test_whatever_is_done_money_is_conserved_and_nobody_is_paid_twice_or_unentitled(
    payday: Payday, seen: Counter[str], acts: list[Act], bank_seed: int
) -> None:
    assert seen is payday.seen
    await payday.begin(bank_seed)
    try:
        async with open_loader(payday.server) as loader:
            proof = Proof(payday, loader)
            for act in acts:
                await payday.do(act)
                await proof.holds()
    finally:
        await payday.end()
