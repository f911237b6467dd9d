"""What becomes of money in wallets: spent, sent in again, undone, or returned because nobody has touched it."""

from datetime import date
from typing import Any
from uuid import uuid4

from app.authz.permissions import Permission
from app.authz.roles import Role
from app.domain.bansos.ledger.idle import Returner, return_idle_balances, start_idle_return
from app.domain.bansos.ledger.posting import post_entries
from app.domain.bansos.models.ledger import EntryKind
from tests.bansos.ledger.books import Purse, entry, source_of
from tests.bansos.payday.office import Act, Nothing, Office
from tests.support.reversal import reverse_entry
from tests.support.world import BANYUMAS


class Spending(Office):
    """What families, agents and time do."""

    async def redeem(self, act: Act) -> None:
        """A family spends at an agent's: a part, all, or more than it has. What was spent before is sent in again, as agents do."""
        await self._again(act)
        wallets = await self.owner.fetch("select * from wallet order by balance desc, id limit 5")
        if not wallets:
            raise Nothing
        row = wallets[act.number // 3 % len(wallets)]
        purse = Purse(row["regency_id"], row["id"], row["village_id"], row["family_id"], row["programme_code"])
        amounts = (max(1, row["balance"] // 3), row["balance"] + 1, max(1, row["balance"]))
        spent = entry(EntryKind.REDEMPTION, purse, amounts[act.number % 3])
        assert await self._post(spent) == 1
        self.spent.append(spent)

    async def _again(self, act: Act) -> None:
        if self.spent:
            before = await self.money()
            assert await self._post(self.spent[act.number % len(self.spent)]) == 0
            assert await self.money() == before, "what was spent is spent once, however often it is told"
            self.seen["redeem again"] += 1

    async def _post(self, row: dict[str, Any]) -> int:
        async with self.database.write(self.scope(Permission.BANSOS_PAYMENT_ORDER)) as session:
            return await post_entries(session, source_of([row]))

    async def reverse(self, act: Act) -> None:
        """Something that was posted about a family is undone."""
        # A cycle of which a top-up was undone is never reconciled, so that is seldom.
        kinds = ["TOP_UP"] if act.number % 5 == 0 else ["REDEMPTION", "IDLE_RETURN"]
        entries = await self.owner.fetch(
            "select regency_id, id from journal_entry where kind = any($1) order by happened_at, id", kinds
        )
        if not entries:
            raise Nothing
        chosen = entries[act.number % len(entries)]
        if await reverse_entry(self.owner, chosen["regency_id"], chosen["id"]) is None:
            raise Nothing

    async def idle(self, act: Act) -> None:
        """Time passes, and what some families have not touched goes back to the treasury."""
        self.days += 1
        # Only an administrator turns the clock back, and each time further: no wallet has moved on the same day twice.
        await self.owner.execute(
            "update wallet set moved_at = now() - make_interval(days => $1::int) where programme_code = $2 and right(id::text, 1) < 'a'",
            self.days,
            act.programme,
        )
        permission = Permission.BANSOS_LEDGER_RETURN
        async with self.database.write(self.scope(permission)) as session:
            started = await start_idle_return(
                session,
                principal_id=act.person.id,
                principal_name=act.person.name,
                region=BANYUMAS.path,
                programme_code=act.programme,
                today=date(2026, 7, 31),
                idempotency_key=uuid4(),
            )
        returner = Returner(act.person.id, (Role.MINISTRY_ADMIN.value,), permission.value)
        await return_idle_balances(self.work(started.id), self.scope(permission), returner)
