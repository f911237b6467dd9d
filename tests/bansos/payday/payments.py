"""Payments: cards, orders, files to a bank and what it has answered, to the end of a cycle."""

from datetime import date
from typing import Any, Final
from uuid import UUID, uuid4

from app.authz.permissions import Permission
from app.authz.roles import Role
from app.domain.bansos.models.payments import Bank, CardState, FileFormat
from app.domain.bansos.payments import chain, closing
from app.domain.bansos.payments.cards import Print, move_card, note_printed, open_accounts
from app.domain.bansos.payments.contract import FILES_PATH
from app.domain.bansos.payments.orders import make_orders
from app.domain.bansos.payments.reports import take_report
from app.domain.bansos.payments.results import Reader, apply_results
from app.domain.bansos.payments.rows import Actor, locked_order
from app.domain.bansos.payments.writing import Writer, write_file
from app.simulation.bank import card_of
from tests.bansos.payday.office import Act, Answered, Nothing, Office
from tests.bansos.payments.answers import opened, written
from tests.support.world import BANYUMAS

_FILES_OF: Final = date(2026, 7, 31)
_WITHOUT_CARD: Final = """
select count(*) from entitlement e join payment_order o on o.id = e.order_id
where o.id = $1 and e.step = 'STANDING_INSTRUCTION' and not exists (
  select from kks_card c where c.family_id = e.family_id and c.bank = o.bank and c.state = 'ACTIVE'
)
"""


class Payments(Office):
    """What officers and the bank do to pay a list."""

    async def cards(self, act: Act) -> None:
        """Have accounts opened for all who never had one, and hand out what the bank prints."""
        cycle = await self.at_hand(act)
        scope = self.scope(Permission.BANSOS_CARD_CHANGE)
        async with self.database.write(scope) as session:
            chosen = (Bank.BRI, Bank.BSI)[act.number % 2]
            await open_accounts(session, (cycle["regency_id"], cycle["id"]), chosen)
        opening = await self.owner.fetch("select * from kks_card where state = 'OPENING'")
        if not opening:
            return
        told = {row["id"]: card_of(UUID(int=row["id"].int).hex, self.bank_seed) for row in opening}
        async with self.database.write(scope) as session:
            await note_printed(
                session,
                [Print((BANYUMAS.id, identifier), card.last_four, card.token) for identifier, card in told.items()],
            )
            for row in opening:
                for place, state in enumerate((CardState.DISTRIBUTED, CardState.ACTIVE), 1):
                    await move_card(session, (BANYUMAS.id, row["id"]), version=row["version"] + place, state=state)

    async def block(self, act: Act) -> None:
        """A card is blocked, or works again, or is lost for good."""
        cards = await self.owner.fetch("select * from kks_card where state in ('ACTIVE', 'BLOCKED') order by family_id")
        if not cards:
            raise Nothing
        card = cards[act.number % len(cards)]
        state = CardState.BLOCKED if card["state"] == "ACTIVE" else CardState.ACTIVE
        if act.number % 7 == 0:
            state = CardState.LOST
        async with self.database.write(self.scope(Permission.BANSOS_CARD_CHANGE)) as session:
            await move_card(session, (BANYUMAS.id, card["id"]), version=card["version"], state=state, reason="uji")

    async def order(self, act: Act) -> None:
        """Order the payment of all who have a card."""
        cycle = await self.at_hand(act)
        async with self.database.write(self.scope(Permission.BANSOS_PAYMENT_ORDER)) as session:
            key = (cycle["regency_id"], cycle["id"])
            await make_orders(session, officer(act), key, version=cycle["version"])

    async def next_order(self, cycle: Any) -> Any:
        """The first order that is not at its end."""
        return await self.owner.fetchrow(
            "select * from payment_order o where cycle_id = $1 and (state <> 'SETTLED' or exists ("
            "select from entitlement e where e.order_id = o.id and e.step = 'TOP_UP_FAILED')) order by bank, number limit 1",
            cycle["id"],
        )

    async def pay(self, act: Act) -> None:
        """What comes next for the order that is not at its end."""
        cycle = await self.at_hand(act)
        order = await self.next_order(cycle)
        if order is None:
            raise Nothing
        steps = {"ACCOUNTS_CHECKED": "note_spm", "SPM": "note_omspan", "OMSPAN": "note_sp2d", "SP2D": "instruct"}
        if order["state"] in steps:
            await self._step(act, order, steps[order["state"]])
        elif order["state"] == "SETTLED":
            await self._step(act, order, "return_failed")
        else:
            await self._file(act, order)
            await self._answer(act, order)

    async def any_step(self, act: Act) -> None:
        """Some step of some order, whether or not it is its turn."""
        orders = await self.owner.fetch("select * from payment_order order by made_at, bank, number")
        if not orders:
            raise Nothing
        names = ("note_spm", "note_omspan", "note_sp2d", "instruct", "return_failed")
        await self._step(act, orders[act.number % len(orders)], names[act.number % len(names)])

    async def _step(self, act: Act, order: Any, name: str) -> None:
        given: dict[str, Any] = {"version": order["version"]}
        if name in {"note_spm", "note_sp2d"}:
            given["number"] = "1/2026"
        actor = () if name in {"note_spm", "note_omspan"} else (officer(act),)
        async with self.database.write(self.scope(Permission.BANSOS_PAYMENT_ORDER)) as session:
            await getattr(chain, name)(session, *actor, (order["regency_id"], order["id"]), **given)
        self.seen[name] += 1
        if name == "instruct":
            assert await self.owner.fetchval(_WITHOUT_CARD, order["id"]) == 0, (
                "nobody is paid on a card that is blocked or lost"
            )

    async def _file(self, act: Act, order: Any) -> None:
        permission = Permission.BANSOS_PAYMENT_ORDER
        writer = Writer(act.person.id, act.person.name, (Role.REGENCY_ADMIN.value,), permission.value)
        assert await write_file(self.work(order["id"]), self.scope(permission), self.vault, writer, None, _FILES_OF)

    async def _answer(self, act: Act, order: Any) -> None:
        """The bank answers the file, and somebody brings in what it said: all of it, or half, or something else."""
        kind = "ACCOUNT_CHECK" if order["state"] == "ACCOUNT_CHECK" else "TOP_UP"
        vault_id = await self.owner.fetchval(
            "select vault_id from bank_file where order_id = $1 and kind = $2 and format = 'FIXED'", order["id"], kind
        )
        with self.vault.open(UUID(int=vault_id.int)) as file:
            answer = await self.bank.post(FILES_PATH, content=file.read())
        assert answer.status_code == 200
        header, lines = opened(answer.content)
        half = written(header, lines[: len(lines) // 2])
        altered = {
            1: half,
            2: written(header, lines + lines, FileFormat.CSV),
            3: written(header, [line._replace(amount=line.amount + 1) for line in lines]),
            4: half[:-1] + b"0",
            5: written(header, [line._replace(entitlement_id=uuid4()) for line in lines]),
        }
        await self._report(act, Answered(order["id"], altered.get(act.number % 10, answer.content)))

    async def _report(self, act: Act, answered: Answered) -> None:
        file_id, permission = uuid4(), Permission.BANSOS_PAYMENT_REPORT
        with self.vault.create(file_id) as target:
            target.write(answered.content)
        async with self.database.write(self.scope(permission)) as session:
            order = await locked_order(session, (BANYUMAS.id, answered.order))
            report = await take_report(session, officer(act), order, vault_id=file_id, idempotency_key=uuid4())
        reader = Reader(act.person.id, act.person.name, (Role.REGENCY_ADMIN.value,), permission.value)
        await apply_results(self.work(report.id), self.scope(permission), self.vault, reader)
        self.taken_up.append(answered)

    async def replay(self, act: Act) -> None:
        """A file that was taken up comes in again, as it was or in the other format: nothing that is about money changes."""
        if not self.taken_up:
            raise Nothing
        again = self.taken_up[act.number % len(self.taken_up)]
        if act.number % 3 == 0:
            header, lines = opened(again.content)
            again = again._replace(content=written(header, lines, FileFormat.CSV))
        before = await self.money()
        try:
            await self._report(act, again)
        finally:
            assert await self.money() == before, "a file that comes in again changes nothing"

    async def settle(self, act: Act) -> None:
        """Say that all is paid."""
        await self._end(act, closing.settle_cycle)

    async def reconcile(self, act: Act) -> None:
        """Compare the books."""
        await self._end(act, closing.reconcile_cycle)

    async def close(self, act: Act) -> None:
        """Close."""
        await self._end(act, closing.close_cycle)

    async def _end(self, act: Act, step: Any) -> None:
        cycle = await self.at_hand(act)
        async with self.database.write(self.scope(Permission.BANSOS_PAYMENT_ORDER)) as session:
            await step(session, (cycle["regency_id"], cycle["id"]), version=cycle["version"])


def officer(act: Act) -> Actor:
    return Actor(act.person.id, act.person.name)
