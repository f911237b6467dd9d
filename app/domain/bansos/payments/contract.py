"""What Kesos and a bank exchange over HTTP (docs/bank-files.md), as both sides of the wire read it."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from app.domain.bansos.models.payments import Bank

FILES_PATH: Final = "/v1/files"
ACCOUNTS_PATH: Final = "/v1/accounts"
FILE_TYPE: Final = "application/vnd.kesos.bank-file"
MOST_ACCOUNTS: Final = 500
LARGEST_FILE: Final = 256 * 1024 * 1024
"""Bytes of a file: a million lines need half of it."""


class _Message(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore", hide_input_in_errors=True
    )


_Reference = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class Opening(_Message):
    """Accounts to open collectively (burekol), each named by the id of the card that it is to have."""

    bank: Bank
    references: list[_Reference] = Field(min_length=1, max_length=MOST_ACCOUNTS)


class OpenedAccount(_Message):
    """An account that is open, and its card: what of its number may be kept."""

    reference: _Reference
    token: str = Field(pattern=r"^[A-Za-z0-9_-]{8,40}$", repr=False)
    last_four: str = Field(pattern=r"^[0-9]{4}$")


class Opened(_Message):
    """What came of opening accounts. One that is missing is still being opened: it is asked for again."""

    accounts: list[OpenedAccount] = Field(max_length=MOST_ACCOUNTS)
