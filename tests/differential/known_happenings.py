"""Documents about grants and about the audit trail."""

from typing import Any, Final

from tests.differential.callers import ADMINISTRATOR, TRUSTED
from tests.differential.known_documents import EVERYBODY, PAGE, Case

ELSEWHERE: Final = "an analyst who is also a social worker and an administrator elsewhere"
SOME: Final = (*TRUSTED, ELSEWHERE)
_GRANT: Final = (
    "__typename id principal { __typename subject name } role region { code level } entityKind entityId status inForce people reason "
    "validFrom validTo givenBy givenAt lapsesAt confirmedBy confirmedAt revokedBy revokedAt revocationReason"
)
_EVENT: Final = (
    "__typename id happenedAt action principalId roles permission operation documentHash subjectType subjectIds rowCount purpose "
    "requestId regionCode"
)
_FILTERED: Final = (
    "query ($filter: AuditEventFilter) { auditEvents(filter: $filter, first: 100) { nodes { id action } totalCount } }"
)
_WANTED: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"actions": ["REVEAL", "CHANGE"]},
    {"actions": []},
    {"principalId": "01800000-0000-7000-8000-000000003402"},
    {"since": "2024-03-01T00:05:00Z", "until": "2024-03-01T07:10:00+07:00"},
    {"since": "<moment>", "actions": "READ", "principalId": "01800000-0000-7000-8000-000000003401"},
)
HAPPENINGS: Final = [
    Case("grants with all their fields", f"{{ grants(first: 100) {{ nodes {{ {_GRANT} }} {PAGE} }} }}", callers=SOME),
    Case("grants, to whoever asks", "{ grants(first: 3) { nodes { id } totalCount } }", callers=EVERYBODY),
    Case(
        "grants by region, state and role",
        """{
      all: grants(region: null, status: null, role: null) { totalCount }
      city: grants(region: "34.71") { nodes { role status } totalCount }
      village: grants(region: "34.71.03.1001", role: PSM) { nodes { role inForce } totalCount }
      proposed: grants(status: PROPOSED) { nodes { status lapsesAt } totalCount }
      revoked: grants(status: REVOKED, region: "34.02") { nodes { revokedBy } totalCount }
      elsewhere: grants(region: "33") { totalCount }
    }""",
        callers=SOME,
    ),
    Case(
        "grants after a cursor",
        f'{{ grants(after: "<grants>", first: 2) {{ nodes {{ id }} edges {{ cursor node {{ id role }} }} {PAGE} }} }}',
        callers=SOME,
    ),
    Case(
        "events with all their fields", f"{{ auditEvents(first: 100) {{ nodes {{ {_EVENT} }} {PAGE} }} }}", callers=SOME
    ),
    Case("events, to whoever asks", "{ auditEvents(first: 3) { nodes { id } totalCount } }", callers=EVERYBODY),
    Case(
        "events after a cursor",
        f'{{ auditEvents(after: "<events>", first: 4) {{ edges {{ cursor node {{ id happenedAt }} }} {PAGE} }} }}',
        callers=SOME,
    ),
    *[
        Case(
            f"events in {code}",
            f'{{ auditEvents(region: "{code}") {{ totalCount nodes {{ regionCode }} }} }}',
            callers=SOME,
        )
        for code in ("34", "34.71", "34.02.01", "34.71.03.1001", "35")
    ],
    *[
        Case(f"events by {' and '.join(wanted) or 'nothing'}", _FILTERED, {"filter": wanted}, callers=SOME)
        for wanted in _WANTED
    ],
    Case(
        "who read the data of a person",
        f"""{{
      subjectAccess(nik: "<nik>", first: 100) {{ nodes {{ {_EVENT} }} {PAGE} }}
      since: subjectAccess(nik: "<nik>", since: "2024-03-01T00:00:00Z") {{ totalCount edges {{ cursor }} }}
      later: subjectAccess(nik: "<nik>", since: "2030-01-01T00:00:00+07:00") {{ totalCount nodes {{ id }} }}
      next: subjectAccess(nik: "<nik>", after: "<events>") {{ nodes {{ id }} pageInfo {{ hasPreviousPage }} }}
    }}""",
        callers=SOME,
    ),
    Case(
        "who read the data of those who share a NIK",
        '{ subjectAccess(nik: "<twin nik>") { nodes { id subjectIds } totalCount } }',
        callers=EVERYBODY,
    ),
    Case(
        "who read the data of a person, beside what lies in another scope",
        """{
      subjectAccess(nik: "<twin nik>") { nodes { id } totalCount }
      persons(first: 2) { nodes { id } }
      auditEvents(first: 2) { nodes { id } }
      grants(first: 2) { nodes { id } }
    }""",
        callers=SOME,
    ),
    Case(
        "nodes of grants and events",
        """query ($ids: [ID!]!) {
      nodes(ids: $ids) { __typename id ... on PrincipalGrant { role region { name } } ... on AuditEvent { action regionCode } }
    }""",
        {
            "ids": [
                "<grant>",
                "<far grant>",
                "<event>",
                "<far event>",
                "<family>",
                "PrincipalGrant:0190a1b2-0000-7000-8000-000000000000",
                "AuditEvent:0:0190a1b2-0000-7000-8000-000000000000",
            ]
        },
        callers=EVERYBODY,
    ),
]
_REFUSED: Final = {
    "an event by the id of a country that is none": '{ node(id: "Family:0:0190a1b2-0000-7000-8000-000000000000") { id } }',
    "a grant by an id with a regency": '{ node(id: "PrincipalGrant:3471:0190a1b2-0000-7000-8000-000000000000") { id } }',
    "a cursor of grants in the list of events": '{ auditEvents(after: "<grants>") { totalCount nodes { id } } }',
    "a cursor of events in the list of grants": '{ grants(after: "<events>") { nodes { id } } }',
    "a principal that is none": '{ auditEvents(filter: {principalId: "somebody"}) { nodes { id } } }',
    "a moment without its offset": '{ auditEvents(filter: {since: "2024-03-01T00:00:00"}) { nodes { id } } }',
    "a NIK that is none, of whose access is asked": '{ subjectAccess(nik: "3471") { totalCount } }',
    "a page of 101 events": "{ auditEvents(first: 101) { nodes { id } } }",
}
REFUSED_HAPPENINGS: Final = [
    *[Case(name, document, callers=(ADMINISTRATOR, ELSEWHERE)) for name, document in _REFUSED.items()],
    Case("a moment that is none, in a variable", _FILTERED, {"filter": {"since": "kemarin"}}, callers=SOME),
]
