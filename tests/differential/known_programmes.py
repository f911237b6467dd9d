"""Documents about programmes of aid."""

from typing import Final

from tests.differential.callers import ADMINISTRATOR
from tests.differential.known_documents import EVERYBODY, PAGE, Case

_TERMS: Final = """__typename id version state validFrom legalBasis { code title validFrom validTo } periodMonths amount mostPersons
  secondApprovalAbove idleDays rules { __typename number code condition met metEnglish unmet unmetEnglish }
  components { __typename code name nameEnglish condition mostPerFamily amounts { year amount } } proposedBy proposedAt decidedBy decidedAt
  reason"""
_PROGRAMME: Final = f"""__typename id code name nameEnglish benefit fund channels region {{ code }} legalBasis {{ code }} validFrom validTo
  terms(on: "2026-10-01") {{ {_TERMS} }} relations {{ relation validFrom validTo other {{ code }} legalBasis {{ code }} }}"""
PROGRAMMES: Final = [
    Case("programmes with all their fields", f"{{ programmes(first: 7) {{ nodes {{ {_PROGRAMME} }} {PAGE} }} }}"),
    Case(
        "programmes by region and day, and after a cursor",
        """query ($on: Date) {
      here: programmes(region: "34.71", on: $on) { nodes { code } totalCount }
      banten: programmes(region: "36", on: "2018-01-01") { nodes { code } totalCount }
      next: programmes(first: 2, after: "<programmes>") { edges { cursor node { code } } totalCount }
    }""",
        {"on": "2026-10-01"},
        callers=EVERYBODY,
    ),
    Case(
        "terms by day and state",
        """{ programme(code: "SEMBAKO") { old: terms(on: "2019-02-01") { version amount } none: terms(on: "2017-12-31") { version }
      terms { version } active: versions(state: ACTIVE, first: 2) { totalCount nodes { version } pageInfo { endCursor hasNextPage } }
      proposed: versions(state: PROPOSED) { totalCount } } }""",
        callers=EVERYBODY,
    ),
    Case(
        "relations on a day",
        """{ programme(code: "PKH") { before: relations(on: "2016-12-31") { other { code } }
      relations(on: "2021-01-01") { relation other { code terms(on: "2021-01-01") { version } } } } }""",
    ),
    Case(
        "quotas within the caller's own regions",
        f"""{{ programme(code: "PKH") {{
      quotas(first: 100) {{ nodes {{ __typename id year families source updatedAt region {{ code }} }} {PAGE} }}
      of: quotas(year: 2026) {{ totalCount nodes {{ year }} }}
      city: quotas(region: "34.71", first: 2) {{ totalCount edges {{ cursor node {{ families }} }} }}
      next: quotas(first: 2, after: "<quotas>") {{ nodes {{ year region {{ code }} }} }} }} }}""",
        callers=EVERYBODY,
    ),
    Case(
        "nodes of programmes, terms and quotas",
        """query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Programme { name } ... on ProgrammeTerms { version amount }
      ... on ProgrammeQuota { families } } }""",
        {"ids": ["Programme:PKH", "Programme:TIDAK_ADA", "<terms>", "<quota>", "<far quota>"]},
        callers=EVERYBODY,
    ),
    Case("no programme", '{ programme(code: "TIDAK_ADA") { code } }', callers=EVERYBODY),
    *[
        Case(name, document, callers=(ADMINISTRATOR,))
        for name, document in {
            "a programme whose code cannot be": '{ programme(code: "\\u0000") { code } }',
            "programmes of a region that is none": '{ programmes(region: "34.99") { nodes { code } } }',
            "a cursor of quotas in the list of versions": '{ programme(code: "PKH") { versions(after: "<quotas>") { nodes { id } } } }',
            "a node id of a programme in small letters": '{ node(id: "Programme:pkh") { id } }',
        }.items()
    ],
]
