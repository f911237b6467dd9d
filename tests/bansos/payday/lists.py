"""Lists: made, looked at, approved, given to payment, or replaced."""

from typing import Any
from uuid import uuid4

from app.authz.permissions import Permission
from app.authz.roles import Role
from app.domain.bansos.cycles import service as cycles
from app.domain.bansos.cycles.errors import CycleSamePerson
from app.domain.bansos.cycles.generation import Maker, generate
from app.domain.bansos.cycles.service import Generation
from tests.bansos.payday.office import PEOPLE, PERIODS, Act, Office
from tests.support.world import BANYUMAS


class Lists(Office):
    """What officers do to a list."""

    async def make(self, act: Act) -> None:
        """Have the list made, or made again, for the period that is due."""
        closed = await self.owner.fetchval(
            "select count(*) from aid_cycle where programme_code = $1 and state = 'CLOSED'", act.programme
        )
        async with self.database.write(self.scope(Permission.BANSOS_CYCLE_MAKE)) as session:
            made = await cycles.make(
                session,
                act.person,
                programme=act.programme,
                period=PERIODS[closed % len(PERIODS)],
                region=BANYUMAS.path,
                idempotency_key=uuid4(),
            )
        await self._generate(made)

    async def _generate(self, made: Generation) -> None:
        maker = Maker(PEOPLE[0].id, (Role.REGENCY_ADMIN.value,), Permission.BANSOS_CYCLE_MAKE.value)
        await generate(self.work(made.id), self.scope(Permission.BANSOS_CYCLE_MAKE), maker)

    async def revise(self, act: Act) -> None:
        """A new revision, of which the list is made as often as not."""
        cycle = await self.at_hand(act)
        async with self.database.write(self.scope(Permission.BANSOS_CYCLE_MAKE)) as session:
            given = {"version": cycle["version"], "reason": "uji", "idempotency_key": uuid4()}
            new = await cycles.revise(session, act.person, (cycle["regency_id"], cycle["id"]), **given)
        if act.number % 2:
            await self._generate(Generation(new.regency_id, new.generation_id, new.villages))

    async def verify(self, act: Act) -> None:
        """Verify, as somebody who may have made it."""
        await self._decide(act, cycles.verify, Permission.BANSOS_CYCLE_VERIFY)

    async def approve(self, act: Act) -> None:
        """Approve, as somebody who may have made, verified or approved it."""
        await self._decide(act, cycles.approve, Permission.BANSOS_CYCLE_APPROVE)

    async def _decide(self, act: Act, step: Any, permission: Permission) -> None:
        cycle = await self.at_hand(act)
        before = {cycle["made_by"], cycle["verified_by"], cycle["approved_by"]}
        try:
            async with self.database.write(self.scope(permission)) as session:
                await step(session, act.person, (cycle["regency_id"], cycle["id"]), version=cycle["version"])
        except CycleSamePerson:
            assert act.person.id in before
            raise
        assert act.person.id not in before, "nobody decides on what they have made or decided on"

    async def release(self, act: Act) -> None:
        """Give the list to payment."""
        cycle = await self.at_hand(act)
        async with self.database.write(self.scope(Permission.BANSOS_CYCLE_RELEASE)) as session:
            await cycles.release(session, act.person, (cycle["regency_id"], cycle["id"]), version=cycle["version"])

    async def move(self, act: Act) -> None:
        """A family moves away, or comes back: the next list is another one."""
        await self.owner.execute(
            "update family set status = case when status = 'ACTIVE' then 'MOVED' else 'ACTIVE' end::family_status where id = ("
            "select id from family where status in ('ACTIVE', 'MOVED') and decile <= 4 order by id offset $1 limit 1)",
            act.number % 12,
        )
