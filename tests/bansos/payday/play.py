"""What officers, banks, families and time do to the aid of a regency, from the list of a cycle to what is spent: each act by the services
that the API calls, as the application's role, committed, and with files that a bank has really answered.
"""

from typing import Any, Final

from app.domain.base import DomainError
from tests.bansos.payday.lists import Lists
from tests.bansos.payday.office import PEOPLE, Act
from tests.bansos.payday.payments import Payments
from tests.bansos.payday.spending import Spending

_NEXT: Final = {
    "GENERATED": "verify", "VERIFIED": "approve", "APPROVED": "release", "PAID": "reconcile", "RECONCILED": "close",
}  # fmt: skip


class Payday(Lists, Payments, Spending):
    """All that can happen, act by act."""

    async def do(self, act: Act) -> None:
        """Do it; what is refused is counted by its code."""
        try:
            await getattr(self, act.verb)(act)
        except DomainError as refusal:
            self.seen[refusal.code] += 1
        else:
            self.seen[act.verb] += 1

    async def go_on(self, act: Act) -> None:
        """Whatever comes next for the programme, mostly by somebody who may."""
        cycle = await self.cycle(act.programme)
        if cycle is not None and act.number % 6:
            acted = {cycle["made_by"], cycle["verified_by"], cycle["approved_by"]}
            free = [each for each in PEOPLE if each.id not in acted]
            act = act._replace(person=free[act.number % len(free)])
        verb = await self._next(cycle)
        await getattr(self, verb)(act)
        self.seen[verb] += 1

    async def _next(self, cycle: Any) -> str:
        if cycle is None or cycle["state"] in {"DRAFT", "CLOSED"}:
            return "make"
        if cycle["state"] != "RELEASED":
            return _NEXT[cycle["state"]]
        without_card = await self.owner.fetchval(
            "select count(*) from entitlement e where cycle_id = $1 and step = 'WAITING' "
            "and not exists (select from kks_card c where c.family_id = e.family_id)",
            cycle["id"],
        )
        waiting = await self.owner.fetchval(
            "select count(*) from entitlement where cycle_id = $1 and step = 'WAITING'", cycle["id"]
        )
        if waiting:
            return "cards" if without_card else "order"
        return "settle" if await self.next_order(cycle) is None else "pay"
