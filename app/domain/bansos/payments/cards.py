"""Cards (KKS): accounts are opened collectively, cards printed, handed out and activated; and what becomes of them after that.

Of the number of a card only the last four digits come in here, and never a PIN: whatever looks like more is refused, in reasons too.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.domain.bansos.eligibility.decisions import recipient
from app.domain.bansos.eligibility.facts import Sources
from app.domain.bansos.models.cycles import CycleState
from app.domain.bansos.models.payments import Bank, CardState, kks_card
from app.domain.bansos.payments.errors import (
    CardChanged,
    CardHolderMissing,
    CardReasonInvalid,
    CardStateWrong,
    CardsWrong,
    CardThere,
    CardTokenInvalid,
    CardTokenUsed,
    CardUnknown,
    LastFourInvalid,
)
from app.domain.bansos.payments.rows import Cycle, Key, at, join_by_hash, locked_cycle
from app.tenants.region_path import Span
from app.tenants.sqlstates import UNIQUE_VIOLATION, sqlstate_of

MOST_CARDS: Final = 500
TRANSITIONS: Final[Mapping[CardState, frozenset[CardState]]] = {
    CardState.OPENING: frozenset({CardState.PRINTED, CardState.WITHDRAWN}),
    CardState.PRINTED: frozenset(
        {CardState.DISTRIBUTED, CardState.LOST, CardState.DAMAGED, CardState.SWAPPED, CardState.WITHDRAWN}
    ),
    CardState.DISTRIBUTED: frozenset(
        {CardState.ACTIVE, CardState.LOST, CardState.DAMAGED, CardState.SWAPPED, CardState.WITHDRAWN}
    ),
    CardState.ACTIVE: frozenset(
        {CardState.LOST, CardState.DAMAGED, CardState.SWAPPED, CardState.BLOCKED, CardState.WITHDRAWN}
    ),
    CardState.BLOCKED: frozenset({CardState.ACTIVE, CardState.LOST, CardState.WITHDRAWN}),
    CardState.LOST: frozenset(),
    CardState.DAMAGED: frozenset(),
    CardState.SWAPPED: frozenset(),
    CardState.WITHDRAWN: frozenset(),
}
"""Where a card may go from where it is. The last four are its end; the first three of them are where it may be replaced."""
REPLACEABLE: Final = frozenset({CardState.LOST, CardState.DAMAGED, CardState.SWAPPED})
WITHOUT_REASON: Final = frozenset({CardState.DISTRIBUTED, CardState.ACTIVE})
"""Steps of the usual way, of which nobody asks why."""
_LIVING: Final = "state in ('OPENING', 'PRINTED', 'DISTRIBUTED', 'ACTIVE', 'BLOCKED')"
_LAST_FOUR: Final = re.compile(r"[0-9]{4}")
_TOKEN: Final = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9_-]{8,40}")
_RUN_OF_DIGITS: Final = re.compile(r"[0-9](?:[-_]?[0-9]){15,18}(?![-_]?[0-9])")
"""As long as the number of a card; what stands before it is looked at by ``_is_number_of_a_card``."""
_MORE_THAN_FOUR: Final = re.compile(r"(?:[0-9][ .-]?){5,}")
_FIRST_DIGITS: Final = frozenset({4, 5, 6})
_LONGEST_REASON: Final = 200
_OPENABLE: Final = (CycleState.GENERATED, CycleState.VERIFIED, CycleState.APPROVED, CycleState.RELEASED)

_OPEN: Final = """
insert into kks_card (regency_id, id, village_id, family_id, person_id, bank, state, state_at)
select e.regency_id, cast(md5(concat('kks_card', e.id)) as uuid), e.village_id, e.family_id, e.recipient_id, :bank, 'OPENING', now()
from entitlement e
where e.regency_id = :regency and e.cycle_id = :cycle and e.step <> 'CANCELLED'
  and not exists (select from kks_card c where c.regency_id = e.regency_id and c.family_id = e.family_id)
on conflict do nothing
returning id
"""


@dataclass(frozen=True, slots=True)
class Print:
    """A card that a bank has printed: ``card`` is its regency and id."""

    card: Key
    last_four: str
    token: str


@dataclass(frozen=True, slots=True)
class Changed:
    """A card that was changed, and where its family lives."""

    regency_id: int
    id: UUID
    village_id: int

    @property
    def villages(self) -> Span:
        """Its village."""
        return Span(self.village_id, self.village_id)


def check_reason(reason: str | None) -> str:
    """``reason`` as it is kept.

    Raises:
        CardReasonInvalid: there is none, it is too long, or it holds what may be a number of a card or a PIN.
    """
    text = (reason or "").strip()
    if not 0 < len(text) <= _LONGEST_REASON or not text.isprintable() or _MORE_THAN_FOUR.search(text) is not None:
        raise CardReasonInvalid
    return text


def check_print(last_four: str, token: str) -> None:
    """Make sure that nobody hands in the number of a card.

    Raises:
        LastFourInvalid, CardTokenInvalid: somebody does, or it is something else.
    """
    if _LAST_FOUR.fullmatch(last_four) is None:
        raise LastFourInvalid
    if _TOKEN.fullmatch(token) is None or any(_is_number_of_a_card(run[0]) for run in _RUN_OF_DIGITS.finditer(token)):
        raise CardTokenInvalid


def _is_number_of_a_card(run: str) -> bool:
    """Whether a run of 16 to 19 digits has the first digit and the check digit (Luhn) that numbers of debit cards have.

    Without these a token of hexadecimal digits would be taken for one now and then.
    """
    digits = [int(character) for character in run if character.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return digits[0] in _FIRST_DIGITS and (sum(doubled) + sum(digits[::-2])) % 10 == 0


async def open_accounts(session: AsyncSession, cycle_key: Key, bank: Bank) -> tuple[Cycle, int]:
    """Have accounts opened for all entitled families of a cycle that have never had a card; how many that are.

    Asking again opens nothing twice.

    Raises:
        CycleUnknown, CycleStateWrong: the cycle is not there, or has no list, or none that counts.
    """
    cycle = await locked_cycle(session, cycle_key, None, *_OPENABLE)
    statement = sa.text(_OPEN).bindparams(
        sa.bindparam("bank", bank.value, sa.Text()),
        sa.bindparam("regency", cycle.regency_id, sa.Integer()),
        sa.bindparam("cycle", cycle.id, pg.UUID(as_uuid=True)),
    )
    await join_by_hash(session)
    opened = len((await session.execute(statement)).all())
    return cycle, opened


async def note_printed(session: AsyncSession, prints: Sequence[Print]) -> list[Changed]:
    """Keep the last four digits and the tokens of cards that a bank has printed: OPENING -> PRINTED. All of them or none.

    A card that has this token already stays as it is, wherever it has got to since.

    Raises:
        CardsWrong: none, too many, or one twice.
        LastFourInvalid, CardTokenInvalid: something that is not to be kept.
        CardUnknown: a card is not there.
        CardStateWrong: a card is not OPENING.
        CardTokenUsed: a token belongs to another card.
    """
    if not 0 < len(prints) <= MOST_CARDS or len({each.card for each in prints}) != len(prints):
        raise CardsWrong(MOST_CARDS)
    for each in prints:
        check_print(each.last_four, each.token)
    c = kks_card.c
    keys = sa.tuple_(c.regency_id, c.id).in_([each.card for each in prints])
    found = {
        (row.regency_id, row.id): row
        for row in await session.execute(sa.select(kks_card).where(keys).order_by(c.regency_id, c.id).with_for_update())
    }
    for each in prints:
        row = found.get(each.card)
        if row is None:
            raise CardUnknown
        if row.state != CardState.OPENING.value and (row.token, row.last_four) != (each.token, each.last_four):
            raise CardStateWrong(CardState(row.state))
    values = sa.values(
        sa.column("regency", sa.Integer()),
        sa.column("card", pg.UUID(as_uuid=True)),
        sa.column("digits", sa.Text()),
        sa.column("told", sa.Text()),
        name="printed",
    ).data([(*each.card, each.last_four, each.token) for each in prints])
    changed = (
        sa.update(kks_card)
        .where(c.regency_id == values.c.regency, c.id == values.c.card, c.state == CardState.OPENING.value)
        .values(
            state=CardState.PRINTED.value,
            last_four=values.c.digits,
            token=values.c.told,
            state_at=sa.func.now(),
            version=c.version + 1,
        )
    )
    try:
        await session.execute(changed)
    except IntegrityError as error:
        if sqlstate_of(error) == UNIQUE_VIOLATION:
            # The cause is left out: it shows the token.
            raise CardTokenUsed from None
        raise
    return [Changed(row.regency_id, UUID(int=row.id.int), row.village_id) for row in found.values()]


async def move_card(
    session: AsyncSession, key: Key, *, version: int, state: CardState, reason: str | None = None
) -> Changed:
    """Take a card to ``state``, where ``TRANSITIONS`` lets it go; PRINTED is ``note_printed``'s alone.

    Raises:
        CardReasonInvalid: a reason is needed and is not given, or cannot be kept.
        CardUnknown, CardStateWrong, CardChanged: the card is not there, does not go there, or is not as the caller saw it.
    """
    told = None if state in WITHOUT_REASON and reason is None else check_reason(reason)
    row = await _locked(session, key)
    before = CardState(row.state)
    if state not in TRANSITIONS[before] or state is CardState.PRINTED:
        raise CardStateWrong(before)
    if row.version != version:
        raise CardChanged
    values: dict[str, Any] = {"state": state.value, "state_reason": told}
    if state is CardState.ACTIVE:
        values["activated_at"] = sa.func.now()
    await _write(session, key, values)
    return _changed(row)


async def replace_card(session: AsyncSession, key: Key, *, version: int, today: date) -> Changed:
    """Have a new card made for the family of one that was lost, damaged or swapped: the new card, which is OPENING.

    Its holder is the old one while they live with the family, and else who would receive for it ``today``.

    Raises:
        CardUnknown, CardStateWrong, CardChanged: the card is not there, not to be replaced, or not as the caller saw it.
        CardThere: the family was given another one since, wherever that one has got to.
        CardHolderMissing: nobody of the family may hold it.
    """
    row = await _locked(session, key)
    if CardState(row.state) not in REPLACEABLE:
        raise CardStateWrong(CardState(row.state))
    if row.version != version:
        raise CardChanged
    if await _has_newer(session, row):
        raise CardThere
    village_id, person_id = await _holder(session, row, today)
    kept = {name: getattr(row, name) for name in ("regency_id", "family_id", "bank")}
    new = {**kept, "village_id": village_id, "person_id": person_id}
    insertion = (
        pg.insert(kks_card)
        .values({**new, "id": uuid7(), "state": CardState.OPENING.value, "state_at": sa.func.now()})
        .on_conflict_do_nothing(
            index_elements=[kks_card.c.regency_id, kks_card.c.family_id], index_where=sa.text(_LIVING)
        )
        .returning(kks_card)
    )
    made = (await session.execute(insertion)).one_or_none()
    if made is None:
        raise CardThere
    await _write(session, key, {})
    return _changed(made)


async def _holder(session: AsyncSession, row: Any, today: date) -> tuple[int, UUID]:
    """The village of the family of a card, and who is to hold its next one."""
    sources = Sources(today)
    f, old = sources.family.c, sa.literal(row.person_id, pg.UUID(as_uuid=True))
    stays = sa.func.bool_or(sa.and_(sources.person.c.id == old, sources.living))
    statement = (
        sa.select(f.village_id, sa.case((stays, old), else_=recipient(sources)).label("person_id"))
        .select_from(sources.joined)
        .where(f.regency_id == row.regency_id, f.id == row.family_id)
        .group_by(f.regency_id, f.id)
    )
    found = (await session.execute(statement)).one_or_none()
    if found is None or found.person_id is None:
        raise CardHolderMissing
    return found.village_id, found.person_id


async def _has_newer(session: AsyncSession, row: Any) -> bool:
    """Whether the family of a card that is locked has one that was made after it."""
    c = kks_card.c
    newer = sa.exists().where(
        c.regency_id == row.regency_id,
        c.family_id == row.family_id,
        sa.tuple_(c.created_at, c.id) > (row.created_at, row.id),
    )
    return bool((await session.execute(sa.select(newer))).scalar_one())


async def _locked(session: AsyncSession, key: Key) -> Any:
    row = (await session.execute(sa.select(kks_card).where(at(kks_card, key)).with_for_update())).one_or_none()
    if row is None:
        raise CardUnknown
    return row


async def _write(session: AsyncSession, key: Key, values: dict[str, Any]) -> None:
    moved = {"state_at": sa.func.now()} if values else {}
    await session.execute(
        sa.update(kks_card).where(at(kks_card, key)).values(**values, **moved, version=kks_card.c.version + 1)
    )


def _changed(row: Any) -> Changed:
    return Changed(row.regency_id, UUID(int=row.id.int), row.village_id)
