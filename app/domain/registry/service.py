"""Editions of the social registry: reference data, written on a connection of kesos_loader and read by everybody."""

import csv
from datetime import date
from importlib.resources import files
from typing import Final, NamedTuple

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.registry.enums import RegistryScheme
from app.domain.registry.errors import EditionUnknown
from app.domain.registry.models import registry_edition


class Edition(NamedTuple):
    """One edition of a registry. Its id is given by hand, so that it is the same in every deployment."""

    id: int
    scheme: RegistryScheme
    period: str
    """For instance 2025-Q3: DTSEN is ranked anew each quarter."""
    label: str
    legal_basis: str | None
    published_on: date
    """The first day of the period where the day of publication is not known."""


def _standard_editions() -> tuple[Edition, ...]:
    text = (files("app.domain.registry") / "data" / "editions.csv").read_text(encoding="utf-8")
    return tuple(
        Edition(
            id=int(row["id"]),
            scheme=RegistryScheme[row["scheme"]],
            period=row["period"],
            label=row["label"],
            legal_basis=row["legal_basis"] or None,
            published_on=date.fromisoformat(row["published_on"]),
        )
        for row in csv.DictReader(text.splitlines())
    )


STANDARD_EDITIONS: Final = _standard_editions()
"""DTKS, and the quarters of DTSEN since Inpres 4/2025 of 5 February 2025 (domain facts, section 3)."""

_UPSERT: Final = """
insert into registry_edition as e (id, scheme, period, label, legal_basis, published_on)
values ($1, $2, $3, $4, $5, $6)
on conflict (id) do update
  set scheme = excluded.scheme, period = excluded.period, label = excluded.label,
      legal_basis = excluded.legal_basis, published_on = excluded.published_on
  where e is distinct from excluded
"""


async def ensure_edition(loader: "asyncpg.Connection[asyncpg.Record]", edition: Edition) -> bool:
    """Make the table say what ``edition`` says.

    Returns:
        Whether that took a change.

    Raises:
        asyncpg.UniqueViolationError: another id holds that scheme and period.
    """
    status: str = await loader.execute(_UPSERT, edition.id, edition.scheme.value, *edition[2:])
    return status != "INSERT 0 0"


async def load_editions(loader: "asyncpg.Connection[asyncpg.Record]") -> int:
    """Load ``STANDARD_EDITIONS``; run again, it changes nothing.

    Returns:
        The number of editions added or changed.
    """
    async with loader.transaction():
        return sum([await ensure_edition(loader, edition) for edition in STANDARD_EDITIONS])


async def current_edition(
    session: AsyncSession, *, today: date, scheme: RegistryScheme = RegistryScheme.DTSEN
) -> Edition:
    """The newest edition of ``scheme`` that was published by ``today``.

    Raises:
        EditionUnknown: none was.
    """
    row = (
        await session.execute(
            sa.select(registry_edition)
            .where(registry_edition.c.scheme == scheme, registry_edition.c.published_on <= today)
            .order_by(registry_edition.c.published_on.desc(), registry_edition.c.id.desc())
            .limit(1)
        )
    ).one_or_none()
    if row is None:
        raise EditionUnknown(scheme.value)
    return Edition(*row)
