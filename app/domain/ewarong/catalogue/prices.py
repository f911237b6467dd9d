"""How a price stands to what the commodity costs in the regency in that week: SQL expressions over the columns of any row with a price."""

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from app.domain.base import Term
from app.domain.ewarong.catalogue.queries import threshold
from app.domain.ewarong.models.catalogue import reference_price


class PriceVerdict(Term):
    """What a price is worth."""

    FAIR = ("FAIR", "wajar")
    CHECK = ("CHECK", "perlu dicek")
    UNFAIR = ("UNFAIR", "tidak wajar, atau di atas harga eceran tertinggi")


PRICE_CHECK: Final = "PRICE_CHECK"
PRICE_UNFAIR: Final = "PRICE_UNFAIR"


def week_of(day: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """The Monday of the ISO week in which ``day`` lies."""
    # The first argument tells apart functions of one name; a day without it would be taken for a moment of some time zone.
    return sa.cast(sa.func.date_trunc(sa.literal_column("'week'"), sa.cast(day, sa.DateTime())), sa.Date())


def deviation_of(price: sa.ColumnElement[Any], reference: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """How much ``price`` lies above ``reference``, as a share of it: 0.25 is a quarter more, -0.1 a tenth less."""
    return sa.cast(price - reference, sa.Numeric()) / reference


def verdict_of(
    price: sa.ColumnElement[Any],
    reference: sa.ColumnElement[Any],
    ceiling: sa.ColumnElement[Any],
    day: sa.ColumnElement[Any],
) -> sa.ColumnElement[Any]:
    """The value of ``PriceVerdict`` of a price by the thresholds of ``day``; null where ``reference`` is, or they are."""
    above = deviation_of(price, reference)

    def text(verdict: PriceVerdict) -> sa.ColumnElement[str]:
        return sa.literal_column(f"'{verdict.value}'", sa.Text())

    return sa.case(
        (reference.is_(sa.null()), sa.null()),
        (sa.or_(price > ceiling, above > threshold(PRICE_UNFAIR, day)), text(PriceVerdict.UNFAIR)),
        (above > threshold(PRICE_CHECK, day), text(PriceVerdict.CHECK)),
        (above <= threshold(PRICE_CHECK, day), text(PriceVerdict.FAIR)),
    )


@dataclass(frozen=True, slots=True)
class PricedRow:
    """The columns of a row that holds a price: of an observation, or of a line of a transaction."""

    regency_id: sa.ColumnElement[Any]
    commodity_code: sa.ColumnElement[Any]
    day: sa.ColumnElement[Any]
    """The local day on which it was asked or paid."""
    price: sa.ColumnElement[Any]
    """Rupiah a unit."""

    def refers_to(self, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
        """The reference price that it is compared with: that of its regency, commodity and week, if one was published."""
        return [
            rows.c.regency_id == self.regency_id,
            rows.c.commodity_code == self.commodity_code,
            rows.c.week == week_of(self.day),
        ]

    @property
    def deviation(self) -> sa.ColumnElement[Any]:
        """How much it lies above the reference price, as a share of it; null where there is none."""
        rows = reference_price.alias()
        return self._compared(rows, deviation_of(self.price, rows.c.price))

    @property
    def verdict(self) -> sa.ColumnElement[Any]:
        """The value of its ``PriceVerdict``; null where there is no reference price."""
        rows = reference_price.alias()
        return self._compared(rows, verdict_of(self.price, rows.c.price, rows.c.ceiling, self.day))

    def _compared(self, rows: sa.FromClause, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.select(value).where(*self.refers_to(rows)).correlate_except(rows).scalar_subquery()
