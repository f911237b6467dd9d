"""Documents for each thing that the query language can say, and for what is refused."""

from typing import Final

from tests.differential.known_documents import ALONE, EVERYBODY, LONG, Case

LANGUAGE: Final = [
    Case(
        "type names everywhere",
        """{
      __typename
      families(first: 2) {
        __typename nodes { __typename housing { __typename } village { __typename } members { __typename } }
        edges { __typename node { __typename } } pageInfo { __typename }
      }
      registrySummary(region: "34.71", by: DISTRICT) { __typename total { __typename familiesByDecile { __typename } } }
    }""",
    ),
    Case(
        "the same field under several aliases with other arguments",
        """{
      one: families(first: 1) { nodes { id } }
      two: families(first: 2, order: DECILE) { nodes { id decile } }
      region(code: "34.71") {
        a: children(first: 1) { nodes { first: name second: name name: code code: name } }
        b: children(first: 2, order: NAME) { nodes { name } }
        c: children(search: "keb") { totalCount }
      }
    }""",
    ),
    Case(
        "aliases that PostgreSQL could misread",
        """{
      families(first: 2) {
        nodes {
          anon_1: headName anon_2: status anon_3: id anon_4: kk object: decile select: version row: id order: kk
          to_json: status Upper: id upper: status _: kk __x: decile position: id key: kk id: status
          members { id: name name: id member_no: sex anon_1: nik anon_5: sex anon_6: id anon_7: presence }
        }
      }
      region(code: "34.71") { anon_1: code anon_2: name ancestors { anon_1: name anon_2: id anon_3: code id: code } }
      anon_1: nodes(ids: ["<family>", "Region:34"]) { anon_1: id anon_2: __typename }
    }""",
    ),
    Case(
        "aliases longer than a column's name may be",
        f"""{{
      families(first: 2) {{
        {LONG}: totalCount
        {LONG}_1: nodes {{
          id {LONG}: headName {LONG}_2: housing {{ {LONG}: roof }}
          {LONG}_3: members {{ {LONG}: name {LONG}_a: family {{ {LONG}: id {LONG}_b: ranks {{ {LONG}: decile }} }} }}
          {LONG}_4: village {{ {LONG}: children {{ {LONG}: totalCount }} {LONG}_p: parent {{ {LONG}: name }} }}
        }}
        edges {{ {LONG}: cursor {LONG}_n: node {{ {LONG}: kk }} }}
        pageInfo {{ {LONG}: endCursor }}
      }}
      {LONG}: node(id: "<person>") {{ {LONG}: id ... on Person {{ {LONG}_w: work {{ {LONG}: working }} }} }}
      {LONG}_s: registrySummary(region: "34.71", by: DISTRICT) {{ {LONG}: total {{ {LONG}: persons }} }}
    }}""",
    ),
    Case(
        "named, nested and inline fragments",
        """query {
      families(first: 2) { ...Page }
    }
    fragment Page on FamilyConnection { nodes { ...Whole } ... { totalCount } }
    fragment Whole on Family { ...Head ... on Family { decile } ... on Node { id } members { ...Human } }
    fragment Head on Family { headName village { ...Place } }
    fragment Human on Person { name village { ...Place } }
    fragment Place on Region { code name parent { ...Parent } }
    fragment Parent on Region { name }""",
    ),
    Case(
        "one key from several selections",
        """{
      families(first: 2) { nodes { id village { code } } }
      families(first: 2) { nodes { village { name } members { id } } totalCount }
      ...More
    }
    fragment More on Query { families(first: 2) { nodes { members { name } housing { roof } housing { wall } } } }""",
    ),
    Case(
        "the same fragment twice",
        """{
      region(code: "34.71") { ...R ...R children(first: 2) { nodes { ...R } } }
    }
    fragment R on Region { code name }""",
    ),
    Case(
        "skip and include with literals",
        """{
      families(first: 1) {
        nodes { id @include(if: true) kk @include(if: false) status @skip(if: true) decile @skip(if: false)
          headName @skip(if: false) @include(if: false) }
        ... @include(if: false) { totalCount }
        ...Count @skip(if: true)
      }
      registryEditions @skip(if: true) { label }
    }
    fragment Count on FamilyConnection { totalCount }""",
    ),
    *[
        Case(
            f"skip and include with variables {yes} and {no}",
            """query ($yes: Boolean!, $no: Boolean = true) {
      families(first: 1) @include(if: $yes) { nodes { id @skip(if: $no) kk } totalCount @include(if: $no) }
      region(code: "34") { name ... @skip(if: $yes) { code } ...Deep @include(if: $no) }
    }
    fragment Deep on Region { level @skip(if: $no) kind @include(if: $yes) }""",
            {"yes": yes, **no},
        )
        for yes in (True, False)
        for no in ({}, {"no": False})
    ],
    Case(
        "everything left out",
        """query ($no: Boolean = false) {
      families(first: 1) {
        nodes { id @include(if: $no) } pageInfo { endCursor @include(if: $no) }
        edges { node { members { id @skip(if: true) } village { id @include(if: $no) } housing { roof @skip(if: true) } } }
      }
      region(code: "34") { name @include(if: $no) }
      region2: region(code: "34") { children(first: 2) { nodes @skip(if: true) { id } } }
      node(id: "<family>") { ... on Region { name } }
      registrySummary(region: "34.71", by: DISTRICT) { total { persons @skip(if: true) } rows { counts { persons @skip(if: true) } } }
    }""",
    ),
    Case(
        "every root field left out",
        '{ region(code: "34") @skip(if: true) { name } families(first: 0) @include(if: false) { totalCount } }',
        callers=EVERYBODY,
    ),
    Case(
        "a refused field that is left out",
        """query ($no: Boolean!) {
      families(first: 1) { nodes { id address @include(if: $no) members { health @skip(if: true) { pregnant } } } }
    }""",
        {"no": False},
        callers=EVERYBODY,
    ),
    Case(
        "a document with a name and comments",
        """# nothing
      query Everything { region(code: "34") { name } }""",
    ),
]
_FILTERED: Final = "query ($filter: FamilyFilter) { families(filter: $filter) { nodes { decile status } totalCount } }"
_BY_PARTS: Final = """query ($from: Int, $to: Int = 4, $statuses: [FamilyStatus!], $first: Int = 3) {
  families(first: $first, filter: {deciles: {from: $from, to: $to}, statuses: $statuses}) { nodes { decile status } totalCount }
}"""
_BY_DEFAULT: Final = """query ($first: Int, $order: FamilyOrder, $after: String, $region: String) {
  families(first: $first, order: $order, after: $after, region: $region) { nodes { id } pageInfo { endCursor } }
}"""
VARIABLES: Final = [
    Case(
        "a filter from one variable", _FILTERED, {"filter": {"deciles": {"from": 3, "to": 7}, "statuses": ["ACTIVE"]}}
    ),
    Case("a filter from one variable, defaults within it", _FILTERED, {"filter": {"deciles": {"to": 3}}}),
    Case("a filter from one variable, empty", _FILTERED, {"filter": {}}),
    Case("a filter from one variable, null", _FILTERED, {"filter": None}),
    Case("a filter from one variable, null within it", _FILTERED, {"filter": {"deciles": None, "search": None}}),
    Case("a filter from one variable, absent", _FILTERED),
    Case("a filter from one variable, one status without a list", _FILTERED, {"filter": {"statuses": "MOVED"}}),
    Case("a filter from one variable with a name", _FILTERED, {"filter": {"search": "slamet"}}, callers=EVERYBODY),
    Case("variables within a filter", _BY_PARTS, {"from": 2, "to": 6, "statuses": ["ACTIVE"]}),
    Case("variables within a filter, absent", _BY_PARTS),
    Case("variables within a filter, null lists", _BY_PARTS, {"statuses": None}),
    Case("variables within a filter, null where it has a default", _BY_PARTS, {"from": None}),
    Case("variables within a filter, null over a default", _BY_PARTS, {"to": None}),
    Case("variables with defaults of the argument, absent", _BY_DEFAULT),
    Case("variables with defaults of the argument, null", _BY_DEFAULT, {"first": None}),
    Case("variables with defaults of the argument, a null order", _BY_DEFAULT, {"order": None}),
    Case(
        "variables with defaults of the argument, nulls that mean nothing", _BY_DEFAULT, {"after": None, "region": None}
    ),
    Case(
        "variables with defaults of the argument, given",
        _BY_DEFAULT,
        {"first": 4, "order": "DECILE", "after": "<families by DECILE>", "region": "34"},
    ),
    Case("a default in the document, absent", "query ($n: Int! = 2) { families(first: $n) { nodes { id } } }"),
    Case("a default in the document, given", "query ($n: Int! = 2) { families(first: $n) { nodes { id } } }", {"n": 3}),
    Case(
        "an enum from a variable",
        """query ($by: RegionLevel!, $order: RegionOrder = NAME) {
      registrySummary(region: "34.71", by: $by) { rows { region { code } counts { persons } } }
      region(code: "34.71") { children(order: $order, first: 3) { nodes { name } } }
    }""",
        {"by": "VILLAGE"},
    ),
    Case(
        "variables within lists",
        """query ($a: ID!, $b: FamilyStatus!, $c: ID!) {
      nodes(ids: [$a, "Region:34", $c]) { id }
      families(filter: {statuses: [MOVED, $b]}) { nodes { status } }
    }""",
        {"a": "<family>", "b": "ACTIVE", "c": "Region:34.71"},
    ),
    *[
        Case(
            f"a variable within a list that takes no null, {name}",
            """query ($status: FamilyStatus = MOVED) {
      families(filter: {statuses: [ACTIVE, $status]}) { nodes { status } totalCount }
    }""",
            variables,
        )
        for name, variables in {"null": {"status": None}, "absent": {}}.items()
    ],
    Case(
        "variables in nested fields and fragments",
        """query ($first: Int!, $search: String, $code: String!) {
      region(code: $code) { ...Children parent { children(first: $first) { nodes { name } } } }
    }
    fragment Children on Region { children(first: $first, search: $search) { nodes { name } totalCount } }""",
        {"first": 2, "search": "ko", "code": "34.71"},
    ),
    Case(
        "dates from variables",
        """query ($from: Date, $to: Date = "2000-01-01") {
      persons(filter: {bornFrom: $from, bornTo: $to}) { nodes { birthDate } totalCount }
    }""",
        {"from": "1950-01-01"},
    ),
    Case("an id from a number", "query ($id: ID!) { node(id: $id) { id } }", {"id": 7}),
    Case("a variable of the wrong type", "query ($n: Int!) { families(first: $n) { totalCount } }", {"n": "seven"}),
    Case("a variable that is missing", "query ($n: Int!) { families(first: $n) { totalCount } }"),
    Case(
        "a date that is none, in a variable",
        "query ($d: Date) { persons(filter: {bornFrom: $d}) { totalCount } }",
        {"d": "2026-02-30"},
    ),
]
_REFUSED: Final = {
    "an unknown region": '{ families(region: "34.99") { totalCount } }',
    "an unknown region below a field": '{ regions(within: "99") { totalCount } }',
    "a BPS code where a Kemendagri code is meant": '{ region(code: "3471") { name } }',
    "an unknown BPS code": '{ region(code: "9999", namespace: BPS) { name } }',
    "a malformed BPS code": '{ region(code: "34.71", namespace: BPS) { name } }',
    "a page of none": "{ families(first: 0) { totalCount } }",
    "a page of 101, below": '{ region(code: "34") { children(first: 101) { totalCount } } }',
    "a negative page": "{ persons(first: -1) { nodes { id } } }",
    "a cursor that is none": '{ families(after: "?") { nodes { id } } }',
    "a cursor of another order": '{ families(order: NAME, after: "<families by DECILE>") { nodes { id } } }',
    "a cursor of another list": '{ persons(after: "<regions by NAME>") { nodes { id } } }',
    "a decile beyond the tenth": "{ families(filter: {deciles: {from: 11}}) { totalCount } }",
    "an id that is none": '{ node(id: "Nobody:1") { id } }',
    "an id of another type": '{ family(id: "<person>") { id } person(id: "<family>") { id } }',
    "a NIK that is none": '{ personByNik(nik: "3471") { id } }',
    "NUL in a text": '{ regions(search: "a\\u0000") { totalCount } families(filter: {search: "\\u0000"}) { totalCount } }',
    "rows larger than the region": '{ registrySummary(region: "34.71.03", by: REGENCY) { total { persons } } }',
    "one refused field among others": '{ family(id: "x") { id } region(code: "34") { name } registryEditions { label } }',
    "a list that may not be null among others": '{ families(first: 0) { totalCount } region(code: "34") { name } }',
    "a date that is none": '{ persons(filter: {bornFrom: "2026-02-30"}) { totalCount } }',
    "a field that is none": "{ families { secret } }",
    "a text that is no document": "{ families {",
}
REFUSALS: Final = [
    *[Case(name, document, callers=EVERYBODY) for name, document in _REFUSED.items()],
    Case(
        "more than a hundred ids",
        "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }",
        {"ids": ["Region:34"] * 101},
        ALONE,
    ),
    Case("a code of the BPS", '{ region(code: "3471030001", namespace: BPS) { code aliases { code } } }'),
]
