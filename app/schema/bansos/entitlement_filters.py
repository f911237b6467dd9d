"""Which entitlements a field lists: of a family, of a programme and period, at a step, or paid by a day; and the enums of cycles."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from app.authz.permissions import Permission
from app.domain.bansos.models.cycles import CycleState, Outcome, PaymentStep
from app.schema.bansos.payment_terms import cycle_key
from app.schema.enums import described_by
from app.schema.plan.arguments import Arguments
from app.schema.plan.source import Reading, argument
from app.schema.scalars import Date
from app.schema.text import storable

described_by({term: f"{term.indonesian[0].upper()}{term.indonesian[1:]}." for term in CycleState}, "AidCycleState")
described_by({term: f"{term.indonesian[0].upper()}{term.indonesian[1:]}." for term in Outcome}, "AidOutcome")
PROGRAMME_HELP: Final = "Code of the programme, such as `SEMBAKO`."
PERIOD_HELP: Final = "The first day of the period."
NEEDS: Final = f"Needs `{Permission.BANSOS_ENTITLEMENT_READ.value}`."
_TOPPED_UP: Final[sa.ColumnElement[str]] = sa.literal_column(f"'{PaymentStep.TOPPED_UP.value}'")
_OFFICE_TIME: Final[sa.ColumnElement[str]] = sa.literal_column("'Asia/Jakarta'")
CHOSEN: Final = (
    argument("programme", str | None, f"Only of this programme. {PROGRAMME_HELP}", default=None),
    argument("period", Date | None, f"Only of this period. {PERIOD_HELP}", default=None),
    argument("steps", list[PaymentStep] | None, "Only those whose money is at one of these steps.", default=None),
)
"""Arguments that ``chosen`` reads."""
AS_OF: Final = argument("asOf", Date | None, "Only what had reached it by the end of this day (WIB).", default=None)


def of_programme(arguments: Arguments, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """Rows of the programme that the argument ``programme`` names, where it is given."""
    given = arguments.get("programme")
    return [] if given is None else [rows.c.programme_code == given.bind(sa.Text(), storable)]


def of_period(arguments: Arguments, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """Rows of the period that begins on the day of the argument ``period``, where it is given."""
    given = arguments.get("period")
    return [] if given is None else [rows.c.period_start == given.bind(sa.Date())]


def chosen(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """The conditions of the arguments ``programme``, ``period`` and ``steps``."""
    conditions = [*of_programme(reading.arguments, rows), *of_period(reading.arguments, rows)]
    if (steps := reading.arguments.get("steps")) is not None:
        listed = steps.bind(pg.ARRAY(sa.Text()), lambda terms: [term.value for term in terms])
        conditions.append(rows.c.step == sa.any_(listed))
    return conditions


def of_cycle(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """Rows of the cycle of the argument ``cycle``, if it is given."""
    given = reading.arguments.get("cycle")
    if given is None:
        return []
    return [
        rows.c.regency_id == given.bind(sa.Integer(), lambda text: cycle_key(text)[0]),
        rows.c.cycle_id == given.bind(pg.UUID(), lambda text: cycle_key(text)[1]),
    ]


def of_family(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """Entitlements of the family that the field stands on."""
    family = reading.parent.c
    return [rows.c.regency_id == family.regency_id, rows.c.family_id == family.id, *chosen(reading, rows)]


def paid_to_family(reading: Reading, rows: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    """Entitlements of the family that were topped up by the day ``asOf``, as offices in the west of the country count days."""
    conditions = [*of_family(reading, rows), rows.c.step == _TOPPED_UP, rows.c.step_at.is_not(None)]
    if (given := reading.arguments.get("asOf")) is not None:
        day = sa.cast(sa.func.timezone(_OFFICE_TIME, rows.c.step_at), sa.Date())
        conditions.append(day <= given.bind(sa.Date()))
    return conditions
