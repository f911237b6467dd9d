"""What mutations of transactions are given."""

from enum import Enum
from typing import Final
from uuid import UUID

import strawberry

from app.schema.enums import described_by
from app.schema.scalars import DateTime, Rupiah

_KEY_HELP: Final = "A UUID that you make for each sale, and keep: sent again, the same answers the same. With other content it is refused."
_TOKEN_HELP: Final = "Token of the card (KKS), as the bank's reader gives it; never its number or PIN."  # noqa: S105  (a description)
_PROGRAMME_HELP: Final = "Code of the programme, such as `SEMBAKO`; needed where the family could spend several."
_TOTAL_HELP: Final = "What the family was told, in rupiah; refused where it is not the sum of the lines."
_WHEN_HELP: Final = "When it happened, by the clock of the device."
_LATITUDE_HELP: Final = "Degrees north, with `longitude`: where the device was."


class EwarongSyncStatus(Enum):
    """What became of an item."""

    REPORTED = "REPORTED"
    REPEATED = "REPEATED"
    REFUSED = "REFUSED"


described_by(
    {
        EwarongSyncStatus.REPORTED: "It is there from now on.",
        EwarongSyncStatus.REPEATED: "It was there already; nothing has changed.",
        EwarongSyncStatus.REFUSED: "It is not there; `code` says why.",
    }
)


@strawberry.input(description="Something that was bought.")
class EwarongLineInput:
    """A line of a transaction."""

    commodity: str = strawberry.field(description="Code of the commodity, such as `RICE`.")
    quantity: str = strawberry.field(
        description="How many of its units, as a decimal such as `2.5`: at most three digits after the point."
    )
    unit_price: Rupiah = strawberry.field(description="Rupiah a unit.")


@strawberry.input(description="What a family has bought at an e-Warong.")
class EwarongTransactionReportInput:
    """Input of ``ewarongTransactionReport``."""

    agent: strawberry.ID = strawberry.field(description="The `id` of the e-Warong.")
    token: str = strawberry.field(description=_TOKEN_HELP)
    programme: str | None = strawberry.field(default=None, description=_PROGRAMME_HELP)
    lines: list[EwarongLineInput] = strawberry.field(description="What was bought: 1 to 50 lines.")
    total: Rupiah | None = strawberry.field(default=None, description=_TOTAL_HELP)
    happened_at: DateTime = strawberry.field(description=_WHEN_HELP)
    device_id: UUID | None = strawberry.field(default=None, description="The device, with `deviceSequence`.")
    device_sequence: int | None = strawberry.field(
        default=None, description="The how many-th transaction of the device it is."
    )
    latitude: float | None = strawberry.field(default=None, description=_LATITUDE_HELP)
    longitude: float | None = strawberry.field(default=None, description="Degrees east.")
    idempotency_key: UUID = strawberry.field(description=_KEY_HELP)


@strawberry.input(description="What a family has bought at an e-Warong that was offline.")
class EwarongSyncItemInput:
    """An item of ``EwarongTransactionsSyncInput``."""

    token: str = strawberry.field(description=_TOKEN_HELP)
    programme: str | None = strawberry.field(default=None, description=_PROGRAMME_HELP)
    lines: list[EwarongLineInput] = strawberry.field(description="What was bought: 1 to 50 lines.")
    total: Rupiah | None = strawberry.field(default=None, description=_TOTAL_HELP)
    happened_at: DateTime = strawberry.field(description=_WHEN_HELP)
    device_sequence: int = strawberry.field(description="The how many-th transaction of the device it is.")
    latitude: float | None = strawberry.field(default=None, description=_LATITUDE_HELP)
    longitude: float | None = strawberry.field(default=None, description="Degrees east.")
    idempotency_key: UUID = strawberry.field(description=_KEY_HELP)


@strawberry.input(description="What a device has kept while it was offline.")
class EwarongTransactionsSyncInput:
    """Input of ``ewarongTransactionsSync``."""

    agent: strawberry.ID = strawberry.field(description="The `id` of the e-Warong whose device it is.")
    device_id: UUID = strawberry.field(description="A UUID that the device keeps.")
    device_now: DateTime = strawberry.field(
        description="What its clock says as it sends. How far that is off is taken off the moments of the items."
    )
    items: list[EwarongSyncItemInput] = strawberry.field(description="1 to 500 transactions, in whatever order.")


@strawberry.input(description="A transaction to take back.")
class EwarongTransactionReverseInput:
    """Input of ``ewarongTransactionReverse``."""

    id: strawberry.ID = strawberry.field(description="The `id` of the transaction.")
    reason: str = strawberry.field(description="Why, up to 500 characters.")
    idempotency_key: UUID = strawberry.field(
        description="A UUID that you make for it: sent again, the same answers the same."
    )
