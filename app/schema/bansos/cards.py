"""Cards (KKS): where they stand, and what happens to them. Never a number of a card, a token or a PIN is given out."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Final, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import strawberry
from sqlalchemy.dialects import postgresql as pg

from app.authz.authorize import Access
from app.authz.permissions import Permission
from app.domain.bansos.models.payments import Bank, CardState, kks_card
from app.domain.bansos.payments.cards import (
    MOST_CARDS,
    TRANSITIONS,
    Print,
    move_card,
    note_printed,
    open_accounts,
    replace_card,
)
from app.domain.bansos.payments.orders import enqueue_file
from app.schema.bansos.payment_terms import CARD, CYCLE, actor_of, card_key, cycle_key
from app.schema.context import Info
from app.schema.ids import tenant_node
from app.schema.mutations import Key, Refusal, answered, change, read
from app.schema.node import Node
from app.schema.paging import Connection, page_arguments
from app.schema.plan.printing import constant
from app.schema.plan.source import (
    Connect,
    Order,
    Reading,
    Source,
    argument,
    column,
    expression,
    planned,
    planned_field,
)
from app.schema.plan.source import Key as OrderKey
from app.schema.regions import CODE_ARGUMENT_HELP, VILLAGE, Region, in_region
from app.schema.scalars import DateTime
from app.tenants.region_path import Span
from app.tenants.rls import Tenancy

_READ: Final = Permission.BANSOS_CARD_READ
_CHANGE: Final = Permission.BANSOS_CARD_CHANGE
_NEEDS: Final = f"Needs `{_CHANGE.value}`."
_AFTERWARDS: Final = "The card as it stands now. Null where the caller may change cards and not read them."
_JAKARTA: Final = ZoneInfo("Asia/Jakarta")


class _CardOrder(Enum):
    VILLAGE = "VILLAGE"


CARDS: Final = Source(
    table=kks_card,
    permission=_READ,
    tenancy=Tenancy.VILLAGE,
    orders={
        _CardOrder.VILLAGE: Order(
            (
                OrderKey(lambda rows: rows.c.village_id, sa.BigInteger(), int),
                OrderKey(lambda rows: rows.c.id, pg.UUID(), UUID),
            )
        )
    },
    node=tenant_node(CARD),
    personal=True,
)


@planned(CARDS)
@strawberry.type(
    description="The card of a family (KKS) at a bank. Of its number only the last four digits are known here, and never a PIN."
)
class KksCard(Node):
    """A row of ``kks_card``."""

    id: strawberry.ID = expression(CARDS.node_text, description="Id for `node(id:)` and the mutations of cards.")
    family_id: strawberry.ID = expression(
        lambda row: sa.func.concat(constant("Family:"), row.c.regency_id, constant(":"), row.c.family_id),
        description="Id of the family, for `node(id:)`.",
    )
    holder_id: strawberry.ID = expression(
        lambda row: sa.func.concat(constant("Person:"), row.c.regency_id, constant(":"), row.c.person_id),
        description="Id of the person who holds it for the family, for `node(id:)`.",
    )
    village: Region = planned_field(VILLAGE, description="Where the family lived when the account was opened.")
    bank: Bank = column("bank", description="The bank.")
    state: CardState = column("state", description="Where the card stands.")
    state_at: DateTime = column("state_at", description="Since when.")
    state_reason: str | None = column("state_reason", description="Why, where that was said.")
    last_four: str | None = column(
        "last_four", description="The last four digits of its number; null until it is printed."
    )
    activated_at: DateTime | None = column("activated_at", description="When it was last activated.")
    version: int = column("version", description="Grows with every change; give it back to the mutations of cards.")


def _listed(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    conditions = in_region(reading, rows)
    for name in ("state", "bank"):
        if (given := reading.arguments.get(name)) is not None:
            conditions.append(rows.c[name] == constant(given.known.value))
    return conditions


@strawberry.type
class CardsQuery:
    """Queries about cards."""

    kks_cards: Connection[KksCard] = planned_field(
        Connect(_listed),
        description=f"Cards, by village. Needs `{_READ.value}`.",
        arguments=page_arguments(
            argument(
                "region",
                str | None,
                f"Only those whose `village`, where the account was opened, lies in this region. {CODE_ARGUMENT_HELP}",
                default=None,
            ),
            argument("state", CardState | None, "Only those that stand here.", default=None),
            argument("bank", Bank | None, "Only those of this bank.", default=None),
        ),
    )


@strawberry.input(description="A cycle whose families are to have accounts.")
class KksCardsOpenInput:
    """Input of ``kksCardsOpen``."""

    cycle: strawberry.ID = strawberry.field(description="The `id` of the cycle.")
    bank: Bank = strawberry.field(description="Where the accounts are opened.")


@strawberry.type(
    description="Accounts are being opened. Their cards stand at `OPENING` until the bank has said what their numbers end in."
)
class KksCardsOpened:
    """What ``kksCardsOpen`` did."""

    opened: int = strawberry.field(description="How many accounts were asked for now.")


@strawberry.input(description="A card that the bank has printed.")
class KksCardPrint:
    """One card of ``kksCardsPrint``."""

    id: strawberry.ID = strawberry.field(description="The `id` of the card.")
    last_four: str = strawberry.field(description="The last four digits of its number. Never send more of it.")
    token: str = strawberry.field(
        description="The token by which the bank knows the card: 8 to 40 letters, digits, `_` and `-`, at least one letter."
    )


@strawberry.input(description="Cards that the bank has printed.")
class KksCardsPrintInput:
    """Input of ``kksCardsPrint``."""

    cards: list[KksCardPrint] = strawberry.field(description=f"1 to {MOST_CARDS} cards.")


@strawberry.type(description="The cards are printed and can be handed out.")
class KksCardsPrinted:
    """What ``kksCardsPrint`` did."""

    printed: int = strawberry.field(description="How many cards.")


@strawberry.input(description="Where a card has got to.")
class KksCardMoveInput:
    """Input of ``kksCardMove``."""

    id: strawberry.ID = strawberry.field(description="The `id` of the card.")
    version: int = strawberry.field(description="Its `version` as you saw it.")
    state: CardState = strawberry.field(
        description="Where it stands now. From "
        + "; from ".join(
            f"`{before.value}`: "
            + ", ".join(sorted(f"`{after.value}`" for after in afters if after is not CardState.PRINTED))
            for before, afters in TRANSITIONS.items()
            if afters
        )
        + "."
    )
    reason: str | None = strawberry.field(
        default=None,
        description="Why, 1 to 200 characters; may be left out for `DISTRIBUTED` and `ACTIVE`. A run of more than four digits is refused: "
        "it may be a number of a card or a PIN.",
    )


@strawberry.type(description="The card stands where it was said to.")
class KksCardMoved:
    """What ``kksCardMove`` did."""

    card_key: strawberry.Private[Key]
    card: KksCard | None = answered("card_key", description=_AFTERWARDS)


@strawberry.input(description="A card that was lost, damaged or swapped.")
class KksCardReplaceInput:
    """Input of ``kksCardReplace``."""

    id: strawberry.ID = strawberry.field(description="The `id` of the card.")
    version: int = strawberry.field(description="Its `version` as you saw it.")


@strawberry.type(description="The bank is to print a new card.")
class KksCardReplaced:
    """What ``kksCardReplace`` did."""

    card_key: strawberry.Private[Key]
    card: KksCard | None = answered(
        "card_key", description="The new card. Null where the caller may change cards and not read them."
    )


def _may_order(access: Access, villages: Span) -> bool:
    """Whether the job that asks the bank may run for the caller."""
    permission = Permission.BANSOS_PAYMENT_ORDER
    return permission in access.permissions and any(span.holds(villages) for span in access.scope(permission).spans)


async def _open(
    info: Info,
    given: Annotated[KksCardsOpenInput, strawberry.argument(name="input", description="The cycle and the bank.")],
) -> KksCardsOpened:
    async with change(info, _CHANGE) as acting:
        key = read("cycle", cycle_key, given.cycle)
        cycle, opened = await open_accounts(acting.session, key, given.bank)
        if _may_order(acting.access, cycle.villages):
            await enqueue_file(acting.session, actor_of(acting), cycle.id, cycle.villages)
        acting.concerns(CYCLE, [cycle.id], cycle.villages)
    return KksCardsOpened(opened=opened)


async def _print(
    info: Info, given: Annotated[KksCardsPrintInput, strawberry.argument(name="input", description="The cards.")]
) -> KksCardsPrinted:
    async with change(info, _CHANGE) as acting:
        prints = [Print(read("cards", card_key, each.id), each.last_four, each.token) for each in given.cards]
        changed = await note_printed(acting.session, prints)
        for regency_id in {each.regency_id for each in changed}:
            there = [each for each in changed if each.regency_id == regency_id]
            villages = [each.village_id for each in there]
            acting.concerns(CARD, [each.id for each in there], Span(min(villages), max(villages)))
    return KksCardsPrinted(printed=len(changed))


async def _move(
    info: Info, given: Annotated[KksCardMoveInput, strawberry.argument(name="input", description="The card.")]
) -> KksCardMoved:
    async with change(info, _CHANGE) as acting:
        moved = await move_card(
            acting.session,
            read("id", card_key, given.id),
            version=given.version,
            state=given.state,
            reason=given.reason,
        )
        acting.concerns(CARD, [moved.id], moved.villages)
    return KksCardMoved(card_key=(moved.regency_id, moved.id))


async def _replace(
    info: Info, given: Annotated[KksCardReplaceInput, strawberry.argument(name="input", description="The card.")]
) -> KksCardReplaced:
    async with change(info, _CHANGE) as acting:
        made = await replace_card(
            acting.session,
            read("id", card_key, given.id),
            version=given.version,
            today=datetime.now(tz=_JAKARTA).date(),
        )
        acting.concerns(CARD, [made.id], made.villages)
    return KksCardReplaced(card_key=(made.regency_id, made.id))


KksCardsOpenResult: TypeAlias = Annotated[
    KksCardsOpened | Refusal,
    strawberry.union("KksCardsOpenResult", description="What `kksCardsOpen` did, or why it did nothing."),
]
KksCardsPrintResult: TypeAlias = Annotated[
    KksCardsPrinted | Refusal,
    strawberry.union("KksCardsPrintResult", description="What `kksCardsPrint` did, or why it did nothing."),
]
KksCardMoveResult: TypeAlias = Annotated[
    KksCardMoved | Refusal,
    strawberry.union("KksCardMoveResult", description="What `kksCardMove` did, or why it did nothing."),
]
KksCardReplaceResult: TypeAlias = Annotated[
    KksCardReplaced | Refusal,
    strawberry.union("KksCardReplaceResult", description="What `kksCardReplace` did, or why it did nothing."),
]


@strawberry.type
class CardsMutation:
    """Mutations of cards."""

    kks_cards_open: KksCardsOpenResult | None = strawberry.mutation(
        resolver=_open,
        description="Have accounts opened for all entitled families of a cycle that have never had a card (burekol). Where the bank can be "
        f"reached, a job asks it for their cards. {_NEEDS}",
    )
    kks_cards_print: KksCardsPrintResult | None = strawberry.mutation(
        resolver=_print,
        description="Note what the bank says of cards that it has printed: the last four digits and the token, of all of them or none. "
        f"{_NEEDS}",
    )
    kks_card_move: KksCardMoveResult | None = strawberry.mutation(
        resolver=_move,
        description=f"Note that a card was handed out, activated, lost, damaged, swapped, blocked or withdrawn. {_NEEDS}",
    )
    kks_card_replace: KksCardReplaceResult | None = strawberry.mutation(
        resolver=_replace,
        description="Have a new card made for one that was lost, damaged or swapped: the last one of its family alone. "
        "Its holder stays the same while living with the family; else it is whom lists would name: the head, or the oldest adult there. "
        f"{_NEEDS}",
    )
