"""How concentrated suppliers are: the statement agrees with arithmetic, and its parts make up the whole."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

import pytest_asyncio
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.authz.enforcer import load_role_matrix
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.domain.ewarong.supply.concentration import Bought, district_rows
from app.tenants.scope import TenantScope
from app.tenants.session import Database
from tests.authz.people import access_of, grant
from tests.support.outlets import Outlet, plant_agent
from tests.support.world import BANYUMAS, SLEMAN

if TYPE_CHECKING:
    import asyncpg

MATRIX: Final = load_role_matrix()
FIRST: Final = date(2025, 5, 1)
DAYS: Final = 30
SUPPLIERS: Final = tuple(UUID(f"01a40000-0000-7000-8000-{number:012}") for number in range(11, 15))
VILLAGES: Final = (SLEMAN.village(1, 1), SLEMAN.village(1, 2), SLEMAN.village(2, 1))
_SUPPLIER: Final = """
insert into ewarong_supplier (regency_id, id, village_low, village_high, name, number, listed_by, listed_by_name, listed_at)
values ($1::int, $2, $1::int * 1000000::bigint, $1::int * 1000000::bigint + 999999, $3, $4, $2, 'Uji', now()) on conflict do nothing
"""
_DELIVERY: Final = """
insert into ewarong_delivery (regency_id, id, village_id, agent_id, supplier_id, commodity_code, quantity, unit_price, amount,
  delivered_on, idempotency_key, reported_by, reported_by_name, reported_at)
values ($1, gen_random_uuid(), $2, $3, $4, 'RICE', 1, $5, $5, $6, gen_random_uuid(), $3, 'Uji', now())
"""


class Delivery(NamedTuple):
    outlet: int
    supplier: int
    amount: int
    day: int
    """Counted from a week before the span that is asked for."""


DELIVERIES: Final = st.lists(
    st.builds(
        Delivery,
        st.integers(0, len(VILLAGES) - 1),
        st.integers(0, len(SUPPLIERS) - 1),
        st.integers(1, 5_000_000_000),
        st.integers(0, DAYS + 13),
    ),
    max_size=40,
)


def scope(code: str) -> TenantScope:
    return access_of(MATRIX, grant(Role.REGENCY_VERIFIER, code)).scope(Permission.EWARONG_SUPPLY_READ)


@pytest_asyncio.fixture(scope="module")
async def outlets(market_owner: "asyncpg.Connection[asyncpg.Record]") -> list[Outlet]:
    for number, supplier in enumerate(SUPPLIERS):
        await market_owner.execute(_SUPPLIER, SLEMAN.id, supplier, f"Pemasok {number}", f"{number:013}")
    return [await plant_agent(market_owner, village) for village in VILLAGES]


async def concentration(database: Database, within: TenantScope) -> list[Any]:
    villages = SLEMAN.path.villages
    asked = Bought(
        sa.literal(villages.low, sa.BigInteger()),
        sa.literal(villages.high, sa.BigInteger()),
        sa.literal(FIRST, sa.Date()),
        sa.literal(FIRST + timedelta(days=DAYS - 1), sa.Date()),
    )
    async with database.write(within) as session:
        return list((await session.execute(district_rows(asked).order_by(sa.text("district_id")))).all())


async def brought(
    owner: "asyncpg.Connection[asyncpg.Record]", outlets: list[Outlet], deliveries: Sequence[Delivery]
) -> None:
    """Nothing but ``deliveries`` was brought in Sleman."""
    await owner.execute("delete from ewarong_delivery where regency_id = $1", SLEMAN.id)
    await owner.executemany(
        _DELIVERY,
        [
            (
                SLEMAN.id,
                outlets[each.outlet].village_id,
                outlets[each.outlet].id,
                SUPPLIERS[each.supplier],
                each.amount,
                FIRST + timedelta(days=each.day - 7),
            )
            for each in deliveries
        ],
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deliveries=DELIVERIES)
async def test_shares_and_index_are_those_of_arithmetic(
    market_database: Database,
    market_owner: "asyncpg.Connection[asyncpg.Record]",
    outlets: list[Outlet],
    deliveries: list[Delivery],
) -> None:
    await brought(market_owner, outlets, deliveries)
    bought: dict[int, dict[UUID, int]] = defaultdict(lambda: defaultdict(int))
    for each in deliveries:
        if 7 <= each.day < 7 + DAYS:
            bought[outlets[each.outlet].village_id // 10_000][SUPPLIERS[each.supplier]] += each.amount
    rows = await concentration(market_database, scope(SLEMAN.code))
    assert [row.district_id for row in rows] == sorted(bought)
    for row in rows:
        amounts = bought[row.district_id]
        total = sum(amounts.values())
        index = sum(Fraction(100 * amount, total) ** 2 for amount in amounts.values())
        largest = max(amounts.values())
        assert (row.amount, row.suppliers) == (total, len(amounts))
        assert {UUID(share["supplier_id"]): share["amount"] for share in row.shares} == amounts
        assert abs(Fraction(row.index) - index) < Fraction(1, 10**6)
        assert 0 < row.index <= 10_000
        assert UUID(int=row.largest_id.int) == min(each for each, amount in amounts.items() if amount == largest)
        assert abs(Fraction(row.largest_share) - Fraction(largest, total)) < Fraction(1, 10**9)
        assert row.concentrated == (index > 2_500 or Fraction(largest, total) > Fraction(6, 10))


async def test_one_supplier_alone_is_a_monopoly(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]", outlets: list[Outlet]
) -> None:
    await brought(market_owner, outlets, [Delivery(0, 1, 5, 7), Delivery(1, 1, 7, 8)])
    (row,) = await concentration(market_database, scope(SLEMAN.code))
    assert (row.amount, row.index, row.largest_share, row.concentrated) == (12, Decimal(10_000), Decimal(1), True)
    assert row.shares[0]["outlets"] == 2


async def test_what_lies_beyond_the_region_does_not_count(
    market_database: Database, market_owner: "asyncpg.Connection[asyncpg.Record]", outlets: list[Outlet]
) -> None:
    await brought(market_owner, outlets, [Delivery(0, 0, 5, 7), Delivery(1, 1, 7, 8), Delivery(2, 2, 9, 8)])
    (row,) = await concentration(market_database, scope(VILLAGES[0]))
    assert (row.amount, row.suppliers) == (5, 1)
    assert await concentration(market_database, scope(BANYUMAS.code)) == []
    own = outlets[0].access(MATRIX).scope(Permission.EWARONG_SUPPLY_READ)
    ((of_outlet),) = await concentration(market_database, own)
    assert of_outlet.amount == 5
