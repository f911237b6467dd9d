"""Documents about the catalogue, prices and supply."""

from typing import Final

from tests.differential.known_documents import EVERYBODY, PAGE, Case

_COMMODITY: Final = "__typename id code name nameEnglish unit source"
_PRICE: Final = "__typename id week price ceiling observations source publishedBy publishedAt version"

SUPPLY: Final = [
    Case(name, document, {}, callers=EVERYBODY)
    for name, document in [
        (
            "groups and commodities",
            f"""{{ commodityGroups {{ __typename code name nameEnglish commodities {{ {_COMMODITY} group {{ code }} }} }}
      commodities(first: 30) {{ totalCount nodes {{ {_COMMODITY} group {{ name }} }} {PAGE} }}
      plants: commodities(group: "PROTEIN_NABATI") {{ totalCount edges {{ cursor node {{ code }} }} }}
      none: commodities(group: "") {{ totalCount nodes {{ id }} }} }}""",
        ),
        (
            "baskets of their eras",
            """query { first: basketRule(programme: "SEMBAKO", on: "2019-06-01") { ...rule }
      now: basketRule(programme: "SEMBAKO") { ...rule }
      cash: basketRule(programme: "SEMBAKO", channel: POS) { ...rule } none: basketRule(programme: "PKH", channel: BANK) { ...rule } }
      fragment rule on BasketRule { __typename programmeCode channel validFrom validTo open source groups { code } prohibited { code unit }
      balanced { name } }""",
        ),
        (
            "the regulation behind a basket",
            """{ basketRule(programme: "SEMBAKO", on: "2021-01-01") { programme { code name } legalBasis { code title } }
      house: basketRule(programme: "SEMBAKO") { legalBasis { code } } }""",
        ),
        (
            "numbers of oversight",
            """{ ewarongThresholds { __typename code value unit validFrom source }
      then: ewarongThresholds(on: "1999-12-31") { code value } none: ewarongThresholds(on: "1990-01-01") { code } }""",
        ),
        (
            "reference prices by region, week and commodity",
            f"""{{ referencePrices {{ totalCount nodes {{ {_PRICE} region {{ code }} commodity {{ code }} }} {PAGE} }}
      week: referencePrices(region: "34", week: "2000-01-02", commodity: "RICE") {{ totalCount nodes {{ {_PRICE} }} }}
      below: referencePrices(region: "34.71.03") {{ totalCount }}
      next: referencePrices(first: 2, after: "<ReferencePrice list>") {{ nodes {{ id }} {PAGE} }} }}""",
        ),
        (
            "prices that were seen, and what they are worth",
            f"""{{ priceObservations(first: 60) {{ totalCount nodes {{ __typename id place placeName observedOn price quality note
      deviation verdict observedBy observedAt village {{ code }} commodity {{ code }} reference {{ {_PRICE} }} }} {PAGE} }}
      markets: priceObservations(place: MARKET, commodity: "RICE", from: "1999-12-28", to: "2000-01-05") {{ totalCount }} }}""",
        ),
        (
            "the outlets of prices",
            """{ priceObservations(place: OUTLET, first: 10) { nodes { id agent { id name state } } } }""",
        ),
        (
            "suppliers",
            f"""{{ ewarongSuppliers {{ totalCount nodes {{ __typename id name number region {{ code }} }} {PAGE} }}
      found: ewarongSuppliers(region: "34.71.03", search: "ko") {{ totalCount nodes {{ name }} }}
      next: ewarongSuppliers(first: 1, after: "<EwarongSupplier list>") {{ nodes {{ id }} {PAGE} }} }}""",
        ),
        (
            "deliveries and other sales",
            f"""{{ ewarongDeliveries(first: 60) {{ totalCount nodes {{ __typename id quantity unitPrice amount deliveredOn reportedBy
      reportedAt supplier {{ id name }} commodity {{ code }} village {{ code }} }} {PAGE} }}
      some: ewarongDeliveries(agent: "<EwarongAgent>", commodity: "RICE", from: "1999-12-27") {{ totalCount nodes {{ id }} }}
      ewarongOtherSales(first: 60) {{ totalCount nodes {{ __typename id month amount reportedBy reportedAt village {{ code }} }} {PAGE} }}
      none: ewarongOtherSales(region: "34.71", agent: "<far EwarongAgent>") {{ totalCount }} }}""",
        ),
        (
            "the outlets of deliveries",
            """{ ewarongDeliveries(first: 5) { nodes { id agent { id name } } }
      ewarongOtherSales(first: 5) { nodes { id agent { id } } } }""",
        ),
    ]
] + [
    Case(
        "nodes of the catalogue, prices and supply",
        """query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Commodity { code } ... on ReferencePrice { price }
      ... on PriceObservation { verdict } ... on EwarongSupplier { name } ... on EwarongDelivery { quantity }
      ... on EwarongOtherSales { amount } } }""",
        {
            "ids": [
                "Commodity:RICE",
                "Commodity:BATU",
                *(
                    f"<{far}{kind}>"
                    for kind in (
                        "ReferencePrice",
                        "PriceObservation",
                        "EwarongSupplier",
                        "EwarongDelivery",
                        "EwarongOtherSales",
                    )
                    for far in ("", "far ")
                ),
            ]
        },
        callers=EVERYBODY,
    )
]
REFUSED_SUPPLY: Final = [
    Case("a commodity with NUL", """{ referencePrices(commodity: "a\\u0000") { totalCount } }"""),
    Case("a group with NUL", """{ commodities(group: "a\\u0000") { totalCount } }"""),
    Case("an outlet that is none", """{ ewarongDeliveries(agent: "Region:34") { totalCount } }"""),
]
