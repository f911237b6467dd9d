"""What a family can check with the code on its receipt: whether the sale was reported, and as it was."""

from typing import Any, Final

import sqlalchemy as sa
import strawberry
from sqlalchemy.dialects import postgresql as pg

from app.authz.permissions import Permission
from app.schema.bansos.programmes import Programme
from app.schema.ewarong.catalogue import Commodity
from app.schema.ewarong.prices import commodity_of
from app.schema.plan.source import Derived, Many, One, Reading, argument, column, expression, planned_field
from app.schema.regions import Region
from app.schema.scalars import Date, Rupiah
from app.schema.text import storable

_READ: Final = Permission.EWARONG_RECEIPT_READ
_COLUMNS: Final[dict[str, sa.types.TypeEngine[Any]]] = {
    "receipt": sa.Text(),
    "amount": sa.BigInteger(),
    "day": sa.Date(),
    "programme_code": sa.Text(),
    "outlet_name": sa.Text(),
    "regency_id": sa.Integer(),
    "is_reversed": sa.Boolean(),
    "lines": pg.JSONB(),
}
_LINE: Final[dict[str, sa.types.TypeEngine[Any]]] = {
    "number": sa.Integer(),
    "commodity_code": sa.Text(),
    "quantity": sa.Text(),
    "unit_price": sa.BigInteger(),
    "amount": sa.BigInteger(),
}


def _code(text: str) -> str:
    """A code as it was printed: people write it in small letters, with spaces and dashes, and O for 0."""
    plain = "".join(character for character in storable(text).upper() if character.isalnum())
    return plain.translate(str.maketrans("OIL", "011"))


def _found(reading: Reading) -> sa.FromClause:
    """The one receipt of that code. A function of the owner looks it up: whoever has the code may know what is on it."""
    code = reading.arguments["code"].bind(sa.Text(), _code)
    columns = [sa.column(name, sql_type) for name, sql_type in _COLUMNS.items()]
    found = sa.func.ewarong_receipt(code).table_valued(*columns, name="receipt_of")
    return sa.select(*found.c).subquery()


def _lines(reading: Reading) -> sa.FromClause:
    columns = [sa.column(name, sql_type) for name, sql_type in _LINE.items()]
    lines = sa.func.jsonb_to_recordset(reading.parent.c.lines).table_valued(*columns, name="line_of")
    return lines.render_derived(with_types=True)


def _all(_reading: Reading, _rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return []


@strawberry.type(description="Something that stands on a receipt.")
class EwarongReceiptLine:
    """A line of a transaction, as anybody may know it."""

    commodity: Commodity | None = planned_field(
        One(commodity_of), description="What was bought. Needs `ewarong:catalogue:read`."
    )
    commodity_code: str = column("commodity_code", description="Code of what was bought, such as `RICE`.")
    quantity: str = column("quantity", description="How many units, as a decimal such as `2.5`.")
    unit_price: Rupiah = column("unit_price", description="Rupiah a unit.")
    amount: Rupiah = column("amount", description="Rupiah.")


@strawberry.type(
    description="What was reported of a sale, for whoever holds its receipt. It says nothing of who bought, and not what is left."
)
class EwarongReceipt:
    """What ``ewarong_receipt`` tells."""

    code: str = column("receipt", description="The code.")
    amount: Rupiah = column("amount", description="Rupiah that were taken off the card.")
    day: Date = column("day", description="The day.")
    programme: Programme | None = planned_field(
        One(lambda reading, rows: [rows.c.code == reading.parent.c.programme_code]),
        description="The programme whose money was spent. Needs `bansos:programme:read`.",
    )
    outlet_name: str = column("outlet_name", description="What the e-Warong is called.")
    region: Region | None = planned_field(
        One(lambda reading, rows: [rows.c.id == reading.parent.c.regency_id]), description="The regency that it is in."
    )
    reversed: bool = expression(
        lambda row: row.c.is_reversed, description="Whether it was taken back: then the money is on the card again."
    )
    lines: list[EwarongReceiptLine] = planned_field(
        Many(_all, lambda rows: [rows.c.number], _lines), description="What was bought, in the order given."
    )


@strawberry.type
class EwarongReceiptQuery:
    """Queries about receipts."""

    ewarong_receipt: EwarongReceipt | None = planned_field(
        Derived(_found, _READ),
        description="The sale of a receipt, by its code; null where there is none. A family that was told another amount, or finds "
        f"nothing, should complain. Needs `{_READ.value}`, which everybody has by the public document `ewarong_receipt`.",
        arguments=[
            argument("code", str, "The ten characters on the receipt; small letters, spaces and dashes do not matter.")
        ],
    )
