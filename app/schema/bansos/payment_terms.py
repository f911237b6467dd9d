"""The coded values of payments as GraphQL enums, and the ids that inputs of payments name."""

from typing import Final
from uuid import UUID

from app.domain.bansos.models.cycles import PaymentStep
from app.domain.bansos.models.payments import Bank, CardState, FileFormat, FileKind, OrderState, ResultVerdict
from app.domain.bansos.payments.rows import Actor, Key
from app.domain.base import Term
from app.schema.enums import described_by
from app.schema.ids import parse_node_id
from app.schema.mutations import Acting

CYCLE: Final = "AidCycle"
ORDER: Final = "PaymentOrder"
CARD: Final = "KksCard"
_ENUMS: Final[tuple[tuple[type[Term], str], ...]] = (
    (OrderState, "PaymentOrderState"),
    (FileKind, "BankFileKind"),
    (FileFormat, "BankFileFormat"),
    (ResultVerdict, "BankResultVerdict"),
    (CardState, "KksCardState"),
    (Bank, "Bank"),
    (PaymentStep, "PaymentStep"),
)
for _terms, _name in _ENUMS:
    described_by({term: f"{term.indonesian[0].upper()}{term.indonesian[1:]}." for term in _terms}, _name)


def cycle_key(text: str) -> Key:
    """Regency and id of a cycle from its node id."""
    return _key(text, CYCLE)


def order_key(text: str) -> Key:
    """Regency and id of an order from its node id."""
    return _key(text, ORDER)


def card_key(text: str) -> Key:
    """Regency and id of a card from its node id."""
    return _key(text, CARD)


def _key(text: str, prefix: str) -> Key:
    regency_id, identifier = parse_node_id(text, prefix).key
    return int(regency_id), UUID(int=identifier.int)


def actor_of(acting: Acting) -> Actor:
    """Who acts."""
    return Actor(acting.access.principal.id, acting.access.principal.name)
