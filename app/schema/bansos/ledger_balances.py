"""What is with each account, by region: added up from the totals that the triggers of the journal keep."""

from enum import Enum
from typing import Final

import sqlalchemy as sa
import strawberry

from app.domain.bansos.models.ledger import Account, ledger_total
from app.domain.regions.rules import parse_region
from app.schema.bansos.entitlement_filters import of_programme
from app.schema.bansos.ledger import PROGRAMME_HELP, READ
from app.schema.enums import described_by
from app.schema.insights import SummaryLevelInvalid
from app.schema.plan.printing import constant
from app.schema.plan.source import (
    Derived,
    Many,
    One,
    Part,
    Reading,
    Rows,
    argument,
    column,
    planned_field,
)
from app.schema.regions import CODE_ARGUMENT_HELP, Region, known_region
from app.schema.scalars import Rupiah
from app.tenants.region_path import VILLAGE_DIGITS, RegionLevel
from app.tenants.rls import Tenancy


class LedgerLevel(Enum):
    """Levels of which the ledger keeps totals."""

    PROVINCE = "PROVINCE"
    REGENCY = "REGENCY"


_WIDTHS: Final = {
    LedgerLevel(level.value): 10 ** (VILLAGE_DIGITS - level.digits)
    for level in (RegionLevel.PROVINCE, RegionLevel.REGENCY)
}
"""How many villages a region of the level could have by its code."""
described_by({LedgerLevel.PROVINCE: "One row for each province.", LedgerLevel.REGENCY: "One row for each regency."})

_NOTHING: Final[sa.ColumnElement[int]] = sa.literal_column("0")


def _asked(reading: Reading) -> sa.FromClause:
    """The one row of balances: the id of the region asked for, null for all that the caller may see."""
    if "region" not in reading.arguments:
        return sa.select(sa.null().cast(sa.BigInteger()).label("region_id")).subquery()
    by = RegionLevel(reading.arguments["by"].known.value)

    def region_id(code: str) -> int:
        path = parse_region(code)
        if by.depth < path.level.depth:
            raise SummaryLevelInvalid
        return path.id

    region = known_region(reading, "region")
    return sa.select(region.bind(sa.BigInteger(), region_id).label("region_id")).subquery()


def _with(rows: sa.FromClause, account: Account) -> sa.ColumnElement[int]:
    of_account = sa.func.sum(rows.c.amount).filter(rows.c.account == constant(account.value))
    return sa.cast(sa.func.coalesce(of_account, _NOTHING), sa.BigInteger()).label(account.value.lower())


def _summed(*, by_region: bool) -> Rows:
    def summed(reading: Reading) -> sa.FromClause:
        asked = reading.parent.arguments
        rows = ledger_total.alias()
        conditions = [
            *reading.within(READ, Tenancy.SPAN, rows),
            *reading.in_regencies(READ, rows),
            *of_programme(asked, rows),
        ]
        if (region := asked.get("region")) is not None:
            low = region.bind(sa.BigInteger(), lambda code: parse_region(code).villages.low)
            high = region.bind(sa.BigInteger(), lambda code: parse_region(code).villages.high)
            conditions += [rows.c.village_low >= low, rows.c.village_high <= high]
        query = sa.select(*(_with(rows, account) for account in Account)).where(*conditions)
        if not by_region:
            return query.subquery()
        width: sa.ColumnElement[int] = sa.literal_column(f"{_WIDTHS[asked['by'].known]}::bigint")
        region_id = rows.c.village_low.op("/")(width)
        return query.add_columns(region_id.label("region_id")).group_by(sa.text(str(len(Account) + 1))).subquery()

    return summed


def _all(_reading: Reading, _rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return []


def _region_of_row(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return [rows.c.id == reading.parent.c.region_id]


@strawberry.type(description="What is with each account. Together it is nothing: what one has, another has given.")
class LedgerAmounts:
    """Totals, added up."""

    treasury: Rupiah = column("treasury", description="With the treasury; below zero: released and not returned.")
    clearing: Rupiah = column("clearing", description="With the banks, released and not paid out or returned yet.")
    wallets: Rupiah = column("wallet", description="In the wallets of families.")
    agents: Rupiah = column("agent", description="Owed to e-Warong agents by the banks.")
    withdrawn: Rupiah = column("withdrawn", description="Withdrawn in cash by families.")


@strawberry.type(description="What is with each account in one region.")
class LedgerBalanceRow:
    """Totals of one region."""

    region: Region = planned_field(One(_region_of_row), description="The region.")
    amounts: LedgerAmounts = planned_field(Part(), description="Its amounts.")


@strawberry.type(description="What is with each account in a region and below it, as far as the caller may see it.")
class LedgerBalances:
    """What ``ledgerBalances`` answers."""

    region: Region | None = planned_field(One(_region_of_row), description="The region asked for; null: none was.")
    total: LedgerAmounts = planned_field(
        One(_all, _summed(by_region=False)),
        description="All of it; equals the sum of `rows` in the same response.",
    )
    rows: list[LedgerBalanceRow] = planned_field(
        Many(_all, lambda rows: [rows.c.region_id], _summed(by_region=True)),
        description="One row for each region of level `by` in which money has moved, by code.",
    )


@strawberry.type
class LedgerBalancesQuery:
    """Queries about the totals of the ledger."""

    ledger_balances: LedgerBalances = planned_field(
        Derived(_asked, READ),
        description="What is with each account, with one row for each province or regency. Read from totals that are kept with every "
        f"entry. Whoever holds less than a regency sees nothing of it. Needs `{READ.value}`.",
        arguments=[
            argument(
                "region",
                str | None,
                f"The region to add up, a province or a regency; all that the caller may see where it is left out. {CODE_ARGUMENT_HELP}",
                default=None,
            ),
            argument("by", LedgerLevel, "The level of the rows: that of `region` or one below."),
            argument("programme", str | None, PROGRAMME_HELP, default=None),
        ],
    )
