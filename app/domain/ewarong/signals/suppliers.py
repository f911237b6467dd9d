"""F8: a supplier that has most of what the outlets of a district buy in a month, or few suppliers that have all of it."""

from datetime import date
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.domain.ewarong.models.supply import ewarong_delivery
from app.domain.ewarong.supply.concentration import DISTRICT_WIDTH, MOST_INDEX, MOST_SHARE, Bought, district_rows
from app.tenants.region_path import Span

LEAST_OUTLETS: Final = "F8_OUTLETS"


def concentrated_suppliers(villages: Span, first: date, last: date) -> sa.Select[Any]:
    """``found`` (see ``statements``) for the month from ``first`` to ``last``, of the districts that lie wholly in ``villages``.

    The numbers to compare with are the parameters ``F8_SHARE``, ``F8_HHI`` and ``F8_OUTLETS``. Where a supplier's share is too large,
    that is what is told; where none is, and the index is, no supplier is named.
    """
    low, high = (sa.literal(end, sa.BigInteger()) for end in (villages.low, villages.high))
    days = sa.literal(first, sa.Date()), sa.literal(last, sa.Date())
    rows = district_rows(Bought(low, high, *days)).subquery()
    share, index, least = (sa.bindparam(code, type_=sa.Numeric()) for code in (MOST_SHARE, MOST_INDEX, LEAST_OUTLETS))
    bought = ewarong_delivery.alias()
    width = sa.literal(DISTRICT_WIDTH, sa.BigInteger())
    begins, ends = rows.c.district_id * width, rows.c.district_id * width + (width - 1)
    outlets = (
        sa.select(sa.func.count(bought.c.agent_id.distinct()))
        .where(bought.c.village_id.between(begins, ends), bought.c.delivered_on.between(*days))
        .scalar_subquery()
    )
    by_share = rows.c.largest_share > share
    nobody = sa.cast(sa.null(), pg.UUID(as_uuid=True))
    return sa.select(
        rows.c.regency_id,
        begins.label("village_low"),
        ends.label("village_high"),
        nobody.label("agent_id"),
        nobody.label("family_id"),
        sa.cast(rows.c.district_id, sa.BigInteger()).label("district_id"),
        sa.case((by_share, rows.c.largest_id)).label("supplier_id"),
        days[0].label("first_day"),
        days[1].label("last_day"),
        sa.case((by_share, rows.c.largest_share), else_=rows.c.index).label("measured"),
        sa.case((by_share, share), else_=index).label("threshold"),
        sa.literal(0, sa.Integer()).label("transactions"),
        sa.func.concat(rows.c.district_id, f":{first:%Y-%m}").label("about"),
        sa.cast(pg.array([], type_=pg.UUID(as_uuid=True)), pg.ARRAY(pg.UUID(as_uuid=True))).label("leads"),
        sa.cast(pg.array([], type_=sa.BigInteger()), pg.ARRAY(sa.BigInteger())).label("places"),
    ).where(begins >= low, ends <= high, sa.or_(by_share, rows.c.index > index), outlets >= least)
