"""Ids made of what a row is about, so that doing the same again finds the same row."""

from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

Given: TypeAlias = sa.ColumnElement[Any] | sa.ScalarSelect[Any]
_DIGITS: Final = 32


def _literal(text: str) -> sa.ColumnElement[Any]:
    return sa.literal_column(text)


def _made_of(kind: str, *parts: Given) -> sa.ColumnElement[Any]:
    """A UUID of version 8 (RFC 9562): SHA-256 of ``kind`` and ``parts``, but for the digits that say of which version it is."""
    text = sa.func.concat_ws(_literal("'/'"), _literal(f"'{kind}'"), *parts)
    hashed = sa.func.encode(sa.func.sha256(sa.func.convert_to(text, _literal("'UTF8'"))), _literal("'hex'"))
    digits = sa.func.left(hashed, _literal(str(_DIGITS)))
    for place, digit in ((13, "8"), (17, "a")):
        digits = sa.func.overlay(digits, _literal(f"'{digit}'"), _literal(str(place)))
    return sa.cast(digits, pg.UUID(as_uuid=True))


def entry_id_sql(regency_id: Given, source_key: Given) -> sa.ColumnElement[Any]:
    """The id of the journal entry of ``source_key``, which happens once only in its regency."""
    return _made_of("journal_entry", regency_id, source_key)


def wallet_id_sql(regency_id: Given, family_id: Given, programme_code: Given) -> sa.ColumnElement[Any]:
    """The id of the wallet of a family and programme."""
    return _made_of("wallet", regency_id, family_id, programme_code)
