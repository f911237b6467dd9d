"""Reporting what was seen in markets and outlets, and publishing the reference price of a week."""

from typing import Annotated, Final, TypeAlias
from uuid import UUID

import strawberry

from app.authz.permissions import Permission
from app.domain.ewarong.actors import Actor
from app.domain.ewarong.models.catalogue import Quality
from app.domain.ewarong.prices.errors import PriceInvalid
from app.domain.ewarong.prices.observing import MOST_LINES, Market, Seen, price_observations_report
from app.domain.ewarong.prices.publishing import Given, reference_price_publish
from app.domain.regions.rules import parse_region
from app.schema.context import Info
from app.schema.ewarong.agents import AGENT
from app.schema.ewarong.prices import OBSERVATION, PRICE, ReferencePrice
from app.schema.ids import parse_node_id
from app.schema.mutations import Key, Refusal, answered, change, read
from app.schema.scalars import Date, Rupiah
from app.schema.text import storable

_REPORT: Final = Permission.EWARONG_PRICE_REPORT
_PUBLISH: Final = Permission.EWARONG_PRICE_PUBLISH


@strawberry.input(description="One commodity that was looked at.")
class PriceObservationLine:
    """A line of ``priceObservationReport``."""

    commodity: str = strawberry.field(description="Code of the commodity, such as `RICE`.")
    price: Rupiah = strawberry.field(description="Rupiah a unit of the commodity.")
    quality: Quality = strawberry.field(description="How good it was.")
    note: str = strawberry.field(default="", description="What else was seen, at most 500 characters. Name nobody.")


@strawberry.input(
    description="What was seen on one visit: in a market, with `village` and `placeName`, or in an outlet, with `agent`."
)
class PriceObservationReportInput:
    """Input of ``priceObservationReport``."""

    agent: strawberry.ID | None = strawberry.field(default=None, description="The `id` of the outlet.")
    village: str | None = strawberry.field(
        default=None, description="Code of the village of the market, such as `33.02.01.2001`."
    )
    place_name: str | None = strawberry.field(default=None, description="Name of the market, 1 to 120 characters.")
    observed_on: Date = strawberry.field(description="The day of the visit.")
    lines: list[PriceObservationLine] = strawberry.field(
        description=f"1 to {MOST_LINES} commodities, each of them once."
    )
    idempotency_key: UUID = strawberry.field(
        description="A UUID that you make for each visit; the same again answers what was kept before."
    )


@strawberry.type(description="What was seen is kept.")
class PriceObservationReported:
    """What ``priceObservationReport`` did."""

    ids: list[strawberry.ID] = strawberry.field(description="Ids of the observations, in the order of `lines`.")


@strawberry.input(
    description="What a commodity costs in a week: without `price` and `source` the median of what was seen in the markets of the regency."
)
class ReferencePricePublishInput:
    """Input of ``referencePricePublish``."""

    region: str = strawberry.field(description="Code of the regency or city, such as `33.02`.")
    commodity: str = strawberry.field(description="Code of the commodity, such as `RICE`.")
    week: Date = strawberry.field(description="Any day of the week.")
    price: Rupiah | None = strawberry.field(
        default=None, description="Rupiah a unit, where another survey says so; give `source` too."
    )
    source: str | None = strawberry.field(default=None, description="That survey, 1 to 300 characters.")
    ceiling: Rupiah | None = strawberry.field(
        default=None, description="Rupiah a unit above which nobody may sell (HET)."
    )
    version: int | None = strawberry.field(
        default=None, description="The `version` that you have read, to publish it again; null: it is the first time."
    )


@strawberry.type(description="The price is published.")
class ReferencePricePublished:
    """What ``referencePricePublish`` did."""

    price_key: strawberry.Private[Key]
    reference_price: ReferencePrice | None = answered(
        "price_key", description="The price. Null where the caller may publish prices and not read them."
    )


def _agent_key(text: str) -> tuple[int, UUID]:
    regency_id, identifier = parse_node_id(text, AGENT).key
    return regency_id, identifier


class PricePlaceInvalid(PriceInvalid):
    """Neither a market nor an outlet was named, or both."""

    code = "PRICE_PLACE_INVALID"

    def __init__(self) -> None:
        super().__init__(
            "agent",
            "Isi `agent`, atau `village` dan `placeName`; jangan keduanya.",
            "Give `agent`, or `village` and `placeName`; not both.",
        )
        self.fields = ("agent", "village", "place_name")


def _where(given: PriceObservationReportInput) -> Market | tuple[int, UUID]:
    if given.agent is not None and given.village is None and given.place_name is None:
        return read("agent", _agent_key, given.agent)
    if given.agent is not None or given.village is None or given.place_name is None:
        raise PricePlaceInvalid
    return Market(read("village", parse_region, given.village), read("place_name", storable, given.place_name))


def _given(given: ReferencePricePublishInput) -> Given | None:
    if given.price is None and given.source is None:
        return None
    if given.price is None or given.source is None:
        field = "price" if given.price is None else "source"
        raise PriceInvalid(
            field, "Isi `price` dan `source` bersama-sama.", "Give `price` and `source` together, or neither."
        )
    return Given(given.price, read("source", storable, given.source))


async def _report(
    info: Info,
    given: Annotated[PriceObservationReportInput, strawberry.argument(name="input", description="The visit.")],
) -> PriceObservationReported:
    async with change(info, _REPORT) as acting:
        principal = acting.access.principal
        reported = await price_observations_report(
            acting.session,
            Actor(principal.id, principal.name),
            where=_where(given),
            observed_on=given.observed_on,
            lines=[
                Seen(
                    read("lines", storable, line.commodity),
                    line.price,
                    line.quality,
                    read("lines", storable, line.note),
                )
                for line in given.lines
            ],
            idempotency_key=given.idempotency_key,
        )
        acting.concerns(OBSERVATION, reported.ids, reported.villages)
    return PriceObservationReported(
        ids=[strawberry.ID(f"{OBSERVATION}:{reported.regency_id}:{each}") for each in reported.ids]
    )


async def _publish(
    info: Info,
    given: Annotated[ReferencePricePublishInput, strawberry.argument(name="input", description="The price.")],
) -> ReferencePricePublished:
    async with change(info, _PUBLISH) as acting:
        principal = acting.access.principal
        published = await reference_price_publish(
            acting.session,
            Actor(principal.id, principal.name),
            regency=read("region", parse_region, given.region),
            commodity=read("commodity", storable, given.commodity),
            day=given.week,
            ceiling=given.ceiling,
            given=_given(given),
            version=given.version,
        )
        acting.concerns(PRICE, [published.id], published.villages)
    return ReferencePricePublished(price_key=(published.regency_id, published.id))


PriceObservationReportResult: TypeAlias = Annotated[
    PriceObservationReported | Refusal,
    strawberry.union("PriceObservationReportResult", description="What `priceObservationReport` did, or why nothing."),
]
ReferencePricePublishResult: TypeAlias = Annotated[
    ReferencePricePublished | Refusal,
    strawberry.union("ReferencePricePublishResult", description="What `referencePricePublish` did, or why nothing."),
]


@strawberry.type
class PricesMutation:
    """Mutations of prices."""

    price_observation_report: PriceObservationReportResult | None = strawberry.mutation(
        resolver=_report,
        description="Report prices and quality of up to 50 commodities of one visit to a market or an outlet; sent again, it changes "
        f"nothing. Needs `{_REPORT.value}`.",
    )
    reference_price_publish: ReferencePricePublishResult | None = strawberry.mutation(
        resolver=_publish,
        description="Publish what a commodity costs in a regency in a week. Goods of poor quality and outlets do not count towards the "
        "median. Refused where no price was seen and none is given with its source. Needs "
        f"`{_PUBLISH.value}` in the whole regency.",
    )
