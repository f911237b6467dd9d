"""Editions of the registry and the welfare ranks that they give."""

import strawberry

from app.domain.registry.enums import RegistryScheme
from app.schema.plan.source import Many, One, column, planned, planned_field
from app.schema.registry.sources import EDITIONS, RANKS
from app.schema.scalars import Date


@planned(EDITIONS)
@strawberry.type(
    description="An edition of the social registry. DTKS became DTSEN in 2025; both names are editions of one registry."
)
class RegistryEdition:
    """A row of ``registry_edition``."""

    scheme: RegistryScheme = column("scheme", description="Which registry.")
    period: str = column("period", description="Period of the edition, such as `2026-Q3`.")
    label: str = column("label", description="What to show people.")
    legal_basis: str | None = column("legal_basis", description="The regulation behind it.")
    published_on: Date = column("published_on", description="The day it was published.")


@planned(RANKS)
@strawberry.type(description="The welfare rank that an edition gave a family.")
class WelfareRank:
    """A row of ``welfare_rank``."""

    scheme: RegistryScheme = column("scheme", description="The registry whose ranking it is.")
    decile: int = column("decile", description="1 (poorest tenth of all families) to 10.")
    percentile: int | None = column("percentile", description="1 to 100, where the edition gives it.")
    ranked_on: Date = column("ranked_on", description="The day of the ranking.")
    edition: RegistryEdition = planned_field(
        One(lambda reading, rows: [rows.c.id == reading.parent.c.edition_id]), description="The edition that ranked."
    )


EDITIONS_NEWEST_FIRST = planned_field(
    Many(lambda _reading, _rows: [], lambda rows: [rows.c.published_on.desc(), rows.c.id.desc()]),
    description="All editions of the registry, the newest first.",
)
