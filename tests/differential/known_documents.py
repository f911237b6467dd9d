"""Documents for each thing that a selection can hold. ``<name>`` in them stands for a sample (``tests.differential.samples``)."""

from dataclasses import dataclass, field
from typing import Any, Final

from tests.differential.callers import ADMINISTRATOR, PEOPLE

LONG: Final = "an_alias_that_is_much_longer_than_the_sixty_three_characters_of_a_column_name"
EVERYBODY: Final = tuple(PEOPLE)
SEVERAL: Final = (ADMINISTRATOR, "an analyst without names", "a social worker of one village")
ALONE: Final = (ADMINISTRATOR,)


@dataclass(frozen=True)
class Case:
    """A document, its variables, and who asks."""

    name: str
    document: str
    variables: dict[str, Any] = field(default_factory=dict)
    callers: tuple[str, ...] = SEVERAL

    def filled(self, samples: dict[str, str]) -> tuple[str, dict[str, Any]]:
        """Document and variables with samples in them."""
        filled: dict[str, Any] = _filled(self.variables, samples)
        return str(_filled(self.document, samples)), filled


def _filled(value: Any, samples: dict[str, str]) -> Any:
    match value:
        case str():
            for name, sample in samples.items():
                value = value.replace(f"<{name}>", sample)
            return value
        case dict():
            return {key: _filled(item, samples) for key, item in value.items()}
        case list():
            return [_filled(item, samples) for item in value]
        case _:
            return value


_REGION = "id code name level kind validFrom validTo decree"
_HOUSING = (
    "ownership landTitle floorAreaM2 floor wall roof drinkingWater sewageDistance lighting meter1 meter2 meter3 cookingFuel "
    "toilet toiletBowl sewageDisposal"
)
_ASSETS = (
    "gasCylinder55kg refrigerator airConditioner waterHeater landline flatTelevision gold10g computer motorcycle bicycle car "
    "boat motorBoat smartphone otherLand otherHouse internet activeBankAccount cattle buffalo horses pigs goatsSheep"
)
_PROGRAMMES = "sembako pkh bltVillageFund electricitySubsidy localAid fertiliserSubsidy lpgSubsidy"
_HEALTH = (
    "pregnant nutrition chronicDisease difficultySeeing difficultyHearing difficultyWalking difficultyUsingHands "
    "difficultyLearning difficultyControllingBehaviour difficultyCommunicating difficultyCaringForSelf "
    "difficultyRemembering depression caregiver healthInsurance"
)
_PERSON = (
    "id name nik temporaryId noNikReason identityStatus mismatchReason relationship presence sex birthPlace birthDate "
    "maritalStatus hasBirthCertificate hasChildIdentityCard hasIdentityCard version updatedAt "
    "education { participation level grade highestDiploma } "
    "work { working hoursPerWeek industry position hasTaxNumber ownBusiness turnoverBand employmentInsured }"
)
_COUNTS = (
    "families familiesUnranked familiesByDecile { decile families } persons "
    "personsByIdentityStatus { status persons } personsByAge { band sex persons }"
)
PAGE: Final = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount"

TYPES: Final = [
    Case(
        "a region with everything around it",
        f"""{{
      region(code: "34.71.03.1001") {{
        {_REGION} parent {{ {_REGION} parent {{ name }} }} ancestors {{ {_REGION} }}
        aliases {{ namespace code source }}
        changes {{ kind changedOn decree formerName fromRegion {{ {_REGION} }} toRegion {{ code name }} }}
        children {{ nodes {{ id }} edges {{ cursor }} {PAGE} }}
      }}
    }}""",
    ),
    Case(
        "a province, whose parent is null and which has no ancestors",
        """{
      region(code: "34") { parent { name } ancestors { name } aliases { code } changes { kind } }
    }""",
    ),
    Case("a region with dates of validity", '{ region(code: "34.71.03.1002") { code validFrom validTo decree } }'),
    Case(
        "connections within connections",
        """{
      region(code: "34") {
        children(first: 3, order: NAME) {
          totalCount
          edges { cursor node { name children(first: 2) { totalCount nodes { name parent { name } children(first: 1) {
            totalCount nodes { code ancestors { code } } pageInfo { hasNextPage endCursor } } } pageInfo { endCursor } } } }
        }
      }
    }""",
    ),
    Case(
        "regions by search, level and place",
        f"""{{
      villages: regions(search: "kota", level: VILLAGE, within: "34", first: 5) {{ nodes {{ {_REGION} }} {PAGE} }}
      named: regions(within: "34.71", order: NAME, first: 7) {{ edges {{ cursor node {{ name level }} }} {PAGE} }}
      wildcards: regions(search: "%") {{ nodes {{ name }} totalCount }}
      none: regions(search: "tidak ada", first: 1) {{ nodes {{ name }} edges {{ cursor }} {PAGE} }}
    }}""",
        callers=ALONE,
    ),
    Case(
        "a family with all its fields",
        f"""{{
      family(id: "<family>") {{
        id status headName kk decile version updatedAt
        housing {{ {_HOUSING} }} assets {{ {_ASSETS} }} programmesReceived {{ {_PROGRAMMES} }}
        village {{ {_REGION} }} district {{ name level }} regency {{ name kind }}
        members {{ {_PERSON} }} ranks {{ scheme decile percentile rankedOn edition {{ label }} }}
        edition {{ scheme period label legalBasis publishedOn }}
      }}
    }}""",
        callers=EVERYBODY,
    ),
    Case(
        "a family of which little is known",
        f"""{{
      family(id: "<bare family>") {{ kk decile updatedAt housing {{ {_HOUSING} }} assets {{ {_ASSETS} }} ranks {{ decile }} }}
    }}""",
        callers=EVERYBODY,
    ),
    Case(
        "where a family lives",
        '{ family(id: "<family>") { address hamlet rw rt latitude longitude } }',
        callers=EVERYBODY,
    ),
    Case("where all families live", "{ families(first: 100) { nodes { address latitude } } }", callers=EVERYBODY),
    Case(
        "a family elsewhere", '{ family(id: "<far family>") { headName address members { name } } }', callers=EVERYBODY
    ),
    Case(
        "a person with all its fields",
        f"""{{
      person(id: "<person>") {{
        {_PERSON} village {{ {_REGION} }} regency {{ name }}
        family {{ id headName members {{ name family {{ id }} }} village {{ name }} }}
      }}
    }}""",
        callers=EVERYBODY,
    ),
    Case(
        "the health of a person",
        f'{{ person(id: "<person>") {{ health {{ __typename {_HEALTH} }} }} }}',
        callers=EVERYBODY,
    ),
    Case(
        "the health of everybody",
        "{ persons(first: 100) { nodes { id health { __typename pregnant caregiver } } } }",
        callers=EVERYBODY,
    ),
    Case(
        "a person without a family",
        f"""{{
      person(id: "<lonely person>") {{ {_PERSON} family {{ id }} village {{ name }} }}
    }}""",
        callers=EVERYBODY,
    ),
    Case("a person by NIK", '{ personByNik(nik: "<nik>") { id name nik family { headName } } }', callers=EVERYBODY),
    Case(
        "a NIK that two regencies hold",
        '{ personByNik(nik: "<twin nik>") { id nik regency { name } } }',
        callers=EVERYBODY,
    ),
    Case(
        "editions, the newest first",
        "{ registryEditions { scheme period label legalBasis publishedOn } }",
        callers=EVERYBODY,
    ),
    *[
        Case(
            f"totals of {code} by {by}",
            f"""{{
          registrySummary(region: "{code}", by: {by}) {{
            region {{ code name }} total {{ {_COUNTS} }} rows {{ region {{ code }} counts {{ {_COUNTS} }} }}
          }}
        }}""",
            callers=EVERYBODY,
        )
        for code, by in (
            ("34", "PROVINCE"),
            ("34", "REGENCY"),
            ("34.71", "DISTRICT"),
            ("34.71.03", "VILLAGE"),
            ("34.71.03.1001", "VILLAGE"),
            ("34.71", "PROVINCE"),
            ("12", "REGENCY"),
        )
    ],
]
LISTS: Final = [
    *[
        Case(
            f"families by {order.lower()}",
            f"""{{
      families(order: {order}, first: 7) {{ nodes {{ id headName decile }} edges {{ cursor node {{ id }} }} {PAGE} }}
    }}""",
            callers=EVERYBODY,
        )
        for order in ("VILLAGE", "NAME", "DECILE")
    ],
    *[
        Case(
            f"families by {order.lower()} after a cursor",
            f"""{{
      families(order: {order}, first: 7, after: "<families by {order}>") {{ nodes {{ id }} edges {{ cursor }} {PAGE} }}
    }}""",
        )
        for order in ("VILLAGE", "NAME", "DECILE")
    ],
    *[
        Case(
            f"persons by {order.lower()}",
            f"""{{
      persons(order: {order}, first: 9) {{ nodes {{ id name }} edges {{ cursor }} {PAGE} }}
      on: persons(order: {order}, first: 9, after: "<persons by {order}>") {{ nodes {{ id name }} {PAGE} }}
    }}""",
            callers=EVERYBODY,
        )
        for order in ("VILLAGE", "NAME")
    ],
    *[
        Case(
            f"regions by {order.lower()} after a cursor",
            f"""{{
      regions(order: {order}, within: "34", first: 5, after: "<regions by {order}>") {{ nodes {{ name }} {PAGE} }}
    }}""",
            callers=ALONE,
        )
        for order in ("CODE", "NAME")
    ],
    Case(
        "a cursor whose numbers no row has",
        '{ families(order: DECILE, after: "<a decile beyond all>") { nodes { id } pageInfo { hasNextPage } totalCount } }',
    ),
    Case("a page that holds all there is", f"{{ families(first: 100) {{ nodes {{ id }} {PAGE} }} }}"),
    Case("a page without a count", "{ families { nodes { id } } }"),
    Case("a count without a page", "{ families { totalCount } persons { totalCount } }", callers=EVERYBODY),
    Case("where a page stands, without its rows", "{ families(first: 3) { pageInfo { hasNextPage endCursor } } }"),
    Case("an empty page", f'{{ families(region: "12", first: 3) {{ nodes {{ id }} edges {{ cursor }} {PAGE} }} }}'),
    *[
        Case(
            f"families in {code}",
            f'{{ families(region: "{code}") {{ totalCount nodes {{ id village {{ code }} }} }} }}',
        )
        for code in ("34", "34.71", "34.71.03", "34.71.03.1001", "34.02")
    ],
    Case(
        "families by decile and status",
        f"""{{
      families(filter: {{deciles: {{from: 2, to: 6}}, statuses: [ACTIVE, NOT_FOUND]}}) {{ nodes {{ decile status }} {PAGE} }}
      poorest: families(filter: {{deciles: {{to: 1}}}}) {{ totalCount }}
      all: families(filter: {{deciles: {{}}}}) {{ totalCount }}
      moved: families(filter: {{statuses: MOVED}}) {{ nodes {{ status }} }}
      none: families(filter: {{statuses: []}}) {{ totalCount }}
      unfiltered: families(filter: {{}}) {{ totalCount }}
      null: families(filter: null, region: null, after: null) {{ totalCount }}
    }}""",
    ),
    Case(
        "families by name of the head",
        """{
      families(filter: {search: "slamet"}) { nodes { headName } totalCount }
      quoted: families(filter: {search: "\\"ayu\\" \\\\ o'brien é"}) { nodes { headName } totalCount }
    }""",
        callers=EVERYBODY,
    ),
    Case(
        "persons by name and order of name",
        """{
      persons(filter: {search: "100%_\\\\"}, order: NAME) { nodes { name birthDate } totalCount }
    }""",
        callers=EVERYBODY,
    ),
    Case(
        "persons by what is known of them",
        f"""{{
      persons(filter: {{identityStatuses: [NO_IDENTITY, MATCHED], presences: [PRESENT], sex: FEMALE}}) {{
        nodes {{ identityStatus presence sex }} {PAGE}
      }}
      old: persons(filter: {{bornTo: "1960-12-31"}}) {{ nodes {{ birthDate }} totalCount }}
      young: persons(filter: {{bornFrom: "2015-01-01", bornTo: "2020-12-31"}}) {{ nodes {{ birthDate }} totalCount }}
    }}""",
        callers=EVERYBODY,
    ),
]
IDS: Final = [
    Case(
        "node of each type, with fragments on the interface and on types",
        """{
      family: node(id: "<family>") { ...Any }
      person: node(id: "<person>") { ...Any }
      region: node(id: "Region:34.71.03") { ...Any }
      bare: node(id: "<family>") { id }
      typed: node(id: "<person>") { __typename }
      other: node(id: "<person>") { ... on Region { name } }
    }
    fragment Any on Node {
      __typename id
      ... on Node { same: id }
      ... on Family { headName members { name } }
      ... on Person { name family { id } }
      ... on Region { name children(first: 2) { nodes { id } } }
    }""",
        callers=EVERYBODY,
    ),
    Case(
        "nodes in the order asked for, with gaps",
        """query ($ids: [ID!]!) {
      nodes(ids: $ids) { __typename id ... on Family { headName } ... on Person { name } ... on Region { code } }
    }""",
        {
            "ids": [
                "Region:34",
                "<person>",
                "Family:3471:0190a1b2-0000-7000-8000-000000000000",
                "<far family>",
                "<family>",
                "Region:99.99",
                "<person>",
            ]
        },
        callers=EVERYBODY,
    ),
    Case("nodes, none asked for", "{ nodes(ids: []) { id } }", callers=EVERYBODY),
    Case("nodes, one id without a list", '{ nodes(ids: "<family>") { id } }'),
    Case("a hundred nodes", "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ["<family>"] * 100}),
    Case(
        "health through node",
        '{ node(id: "Region:34") { id ... on Person { health { pregnant } } } }',
        callers=EVERYBODY,
    ),
]
