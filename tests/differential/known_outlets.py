"""Documents about outlets."""

from typing import Final

from tests.differential.known_documents import EVERYBODY, PAGE, Case

_AGENT: Final = """__typename id number name kind bank address latitude longitude state stateAt returnsTo proposedBy proposedAt version"""
_SERVICE: Final = (
    "__typename id place weekday validFrom validTo opens closes plannedBy plannedAt cancelledBy cancelledAt"
)

OUTLETS: Final = [
    Case(name, document, variables, callers=EVERYBODY)
    for name, document, variables in [
        (
            "outlets with all that belongs to them",
            f"""{{ ewarongAgents(first: 20) {{ totalCount nodes {{ {_AGENT} village {{ code }}
      steps {{ __typename fromState toState reason violationId takenBy takenAt }}
      dueDiligence {{ __typename criterion met note assessedBy assessedAt }}
      services(first: 2) {{ totalCount nodes {{ {_SERVICE} village {{ code }} agent {{ id }} }} {PAGE} }} }} {PAGE} }} }}""",
            {},
        ),
        (
            "owners, and families of a month",
            """{ ewarongAgents(first: 30) { nodes { id owner { __typename name nikMasked } families(month: "2031-07-01") { served most }
      none: families(month: "1990-01-01") { __typename served most } } } }""",
            {},
        ),
        (
            "outlets by state, kind, bank and region, and after a cursor",
            f"""{{ frozen: ewarongAgents(state: FROZEN) {{ totalCount nodes {{ {_AGENT} }} }}
      shops: ewarongAgents(kind: SHOP, bank: BRI, region: "34.71") {{ totalCount nodes {{ id }} }}
      next: ewarongAgents(first: 3, after: "<EwarongAgent list>") {{ edges {{ cursor node {{ id }} }} {PAGE} }} }}""",
            {},
        ),
        (
            "services by region and day",
            f"""{{ ewarongServices(first: 5) {{ totalCount nodes {{ {_SERVICE} }} {PAGE} }}
      day: ewarongServices(on: "1999-12-31", region: "34.71") {{ totalCount nodes {{ id agent {{ id name }} }} }}
      leap: ewarongServices(on: "2020-02-29") {{ totalCount nodes {{ weekday }} }}
      next: ewarongServices(first: 2, after: "<EwarongService list>") {{ nodes {{ id }} }} }}""",
            {},
        ),
        (
            "nodes of outlets and services",
            """query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on EwarongAgent { state owner { name } }
      ... on EwarongService { place } } }""",
            {"ids": ["<EwarongAgent>", "<far EwarongAgent>", "<EwarongService>", "<far EwarongService>"]},
        ),
    ]
]
REFUSED_OUTLETS: Final = [
    Case(
        "a month that does not begin on its first day",
        """{ ewarongAgents(first: 1) { nodes { families(month: "2031-07-02") { __typename } } } }""",
    )
]
