"""Whatever officers and banks do, in whatever order and however often: money is conserved, and nobody is paid twice."""

import secrets
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from app.authz.permissions import Permission
from app.domain.bansos.models.payments import Bank, FileFormat, FileKind
from app.domain.bansos.payments import chain
from app.domain.bansos.payments.closing import reconcile_cycle, settle_cycle
from app.domain.bansos.payments.errors import CycleUnsettled
from app.domain.bansos.payments.files import Header, Line
from app.domain.bansos.payments.orders import make_orders
from app.domain.bansos.payments.results import Reader, apply_results
from app.domain.bansos.payments.rows import Actor
from app.domain.base import DomainError
from app.domain.vault import Vault
from app.tenants.region_path import RegionPath
from tests.bansos.payments.answers import written
from tests.bansos.payments.office import COUNTRY, Office, key_of
from tests.registry.dukcapil.office import Attempt
from tests.support.world import BANYUMAS

FAMILIES: Final = 6
ACTOR: Final = Actor(UUID("01a30000-0000-7000-8000-00000000000a"), "Sari")
READER: Final = Reader(ACTOR.id, ACTOR.name, ("REGENCY_ADMIN",), Permission.BANSOS_PAYMENT_REPORT.value)
CODES: Final = ("OK", "OK", "OK", "ACCOUNT_CLOSED", "DORMANT")

orders = st.integers(0, 3)
acts = st.one_of(
    st.tuples(st.just("make"), st.just(0), st.none()),
    st.tuples(
        st.sampled_from(["note_spm", "note_omspan", "note_sp2d", "instruct", "return_failed"]), orders, st.none()
    ),
    st.tuples(
        st.sampled_from(["check", "top_up"]),
        orders,
        st.lists(st.tuples(st.integers(0, FAMILIES - 1), st.sampled_from(CODES)), max_size=FAMILIES + 2),
    ),
    st.tuples(st.just("replay"), st.integers(0, 9), st.none()),
    st.tuples(st.just("card"), st.integers(0, FAMILIES - 1), st.sampled_from(["ACTIVE", "BLOCKED", "LOST"])),
    st.tuples(st.just("revise"), st.just(0), st.none()),
    st.tuples(st.just("settle"), st.just(0), st.none()),
    st.tuples(st.just("redeem"), st.integers(0, FAMILIES - 1), st.none()),
)


@dataclass
class Play:
    """What was done so far to one cycle after the other."""

    office: Office
    vault: Vault
    cycle: str
    sent: list[tuple[UUID, bytes]] = field(default_factory=list)

    async def orders(self) -> list[Any]:
        rows: list[Any] = await self.office.owner.fetch("select * from payment_order order by made_at, id")
        return rows

    async def act(self, verb: str, which: int, with_: Any) -> None:
        """Do it; what is refused does nothing."""
        match verb:
            case "make":
                await self._do(
                    lambda session: make_orders(session, ACTOR, (BANYUMAS.id, key_of(self.cycle)), version=1)
                )
            case "card":
                await self._card(which, with_)
            case "revise":
                await self._revise()
            case "settle":
                await self._do(lambda session: settle_cycle(session, (BANYUMAS.id, key_of(self.cycle)), version=1))
            case "redeem":
                await self._redeem(which)
            case "replay":
                if self.sent:
                    await self._report(*self.sent[which % len(self.sent)])
            case "check" | "top_up":
                await self._answer(verb, which, with_)
            case _:
                await self._step(verb, which)

    async def _do(self, act: Any) -> None:
        await refused_or_done(self._in_transaction(act))

    async def _in_transaction(self, act: Any) -> None:
        async with self.office.database.write(COUNTRY) as session:
            await act(session)

    async def _step(self, name: str, which: int) -> None:
        made = await self.orders()
        if not made:
            return
        row = made[which % len(made)]
        given: dict[str, Any] = {"version": row["version"]}
        if name in {"note_spm", "note_sp2d"}:
            given["number"] = "1/2026"
        actor = () if name in {"note_spm", "note_omspan"} else (ACTOR,)
        step = getattr(chain, name)
        await self._do(lambda session: step(session, *actor, (row["regency_id"], row["id"]), **given))

    async def _answer(self, verb: str, which: int, told: list[tuple[int, str]]) -> None:
        """The bank says something of some families, whether or not anybody has asked."""
        made = await self.orders()
        if not made:
            return
        row = made[which % len(made)]
        rows = await self.office.owner.fetch(
            "select e.id, e.amount, c.token, c.last_four from entitlement e join kks_card c on c.family_id = e.family_id "
            "where e.cycle_id = $1 order by e.id, c.id",
            row["cycle_id"],
        )
        kind = FileKind.ACCOUNT_RESULT if verb == "check" else FileKind.TOP_UP_RESULT
        lines = [
            Line(UUID(int=each["id"].int), each["token"], each["last_four"], each["amount"], code)
            for place, code in told
            if place < len(rows)
            for each in [rows[place]]
        ]
        header = Header(
            kind, Bank(row["bank"]), UUID(int=row["id"].int), len(self.sent) + 1, datetime.now(tz=UTC).date()
        )
        content = written(header, lines, secrets.choice(list(FileFormat)))
        self.sent.append((row["id"], content))
        await self._report(row["id"], content)

    async def _report(self, order_id: UUID, content: bytes) -> None:
        file_id, report_id = uuid4(), uuid4()
        with self.vault.create(file_id) as target:
            target.write(content)
        await self.office.owner.execute(
            "insert into bank_report (regency_id, id, village_low, village_high, order_id, vault_id, idempotency_key, job_id, made_by, "
            "made_by_name, made_at) values ($1::int, $2, $1::bigint * 1000000, $1::bigint * 1000000 + 999999, $3, $4, $2, $2, $2, 'x', "
            "now())",
            BANYUMAS.id,
            report_id,
            order_id,
            file_id,
        )
        villages = RegionPath.parse(BANYUMAS.code).villages
        work = Attempt(self.office.server, self.office.database, report_id, villages)
        await refused_or_done(apply_results(work, COUNTRY, self.vault, READER))

    async def _card(self, which: int, state: str) -> None:
        await self.office.owner.execute(
            "update kks_card set state = $2, activated_at = now() where id = (select id from kks_card order by id offset $1 limit 1)",
            which,
            state,
        )

    async def _revise(self) -> None:
        """Another list takes the place of this one, though the money of the first is on its way."""
        revision = await self.office.owner.fetchval("select max(revision) from aid_cycle")
        await self.office.owner.execute("update aid_cycle set state = 'SUPERSEDED'")
        self.cycle = await self.office.cycle(families=FAMILIES, cards=0, revision=revision + 1)

    async def _redeem(self, which: int) -> None:
        """A family spends all that it has."""
        await self.office.redeem(which)


async def refused_or_done(act: Awaitable[None]) -> None:
    try:
        await act
    except DomainError:
        return


@settings(max_examples=30, deadline=None)
@given(st.lists(acts, min_size=4, max_size=24))
async def test_no_sequence_of_acts_makes_or_loses_money_or_pays_twice(
    any_office: Office, taken: list[tuple[str, int, Any]]
) -> None:
    await any_office.empty()
    play = Play(any_office, Vault.of_settings(any_office.settings), await any_office.cycle(families=FAMILIES))
    await play.act("make", 0, None)
    for verb, which, with_ in taken:
        await play.act(verb, which, with_)
        await any_office.assert_right()


USUAL_WAY: Final = ("note_spm", "note_omspan", "note_sp2d", "instruct")


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, FAMILIES - 1), st.sampled_from(CODES)), max_size=FAMILIES),
    st.lists(st.tuples(st.integers(0, FAMILIES - 1), st.sampled_from(CODES)), max_size=FAMILIES),
    st.lists(acts, max_size=6),
)
async def test_whatever_comes_between_a_cycle_that_is_paid_reconciles(
    any_office: Office, checks: list[Any], top_ups: list[Any], between: list[Any]
) -> None:
    await any_office.empty()
    play = Play(any_office, Vault.of_settings(any_office.settings), await any_office.cycle(families=FAMILIES))
    good = [(place, "OK") for place in range(FAMILIES)]
    way: list[tuple[str, int, Any]] = [("make", 0, None), ("check", 0, checks), ("check", 0, good)]
    way += [(name, 0, None) for name in USUAL_WAY]
    way += [*between, ("top_up", 0, top_ups), ("top_up", 0, good), ("return_failed", 0, None)]
    for act in way:
        await play.act(*act)
        await any_office.assert_right()
    cycle = (BANYUMAS.id, key_of(play.cycle))
    state = await any_office.owner.fetchval("select state from aid_cycle where id = $1", cycle[1])
    if state == "RELEASED":
        try:
            async with any_office.database.write(COUNTRY) as session:
                await settle_cycle(session, cycle, version=1)
        except CycleUnsettled:
            return  # somebody still waits, because of what came between
    async with any_office.database.write(COUNTRY) as session:
        found = await reconcile_cycle(session, cycle, version=2)
    assert found.id == cycle[1]
