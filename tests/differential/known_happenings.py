"""Documents about imports, jobs, exports, matchings, grants and the audit trail."""

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
_MATCHING: Final = (
    "__typename id region { code } statuses startedBy startedAt finishedAt counts { __typename found done matched nikEmpty nikNotFound "
    "nameDiffers birthDateDiffers nikDuplicate notRecorded deceased movedAbroad skipped }"
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
_IMPORT: Final = """__typename id stage format mode profile encoding region { code } edition { scheme period } createdBy createdAt
  validatedAt finishedAt acceptValid version job { id } counts { families { new left } persons { new } rowsWithWarnings }"""
_PREVIEW: Final = """issueCounts { code severity message count }
  rows { nodes { __typename subject line columnName code severity value otherLine message } totalCount edges { cursor } }
  changes { nodes { subject line outcome changed registeredId } totalCount edges { cursor } }
  departures { nodes { familyId reason village { code } } edges { cursor } }
  newFamilies { nodes { line decile village { code } } totalCount edges { cursor } }
  duplicates { nodes { id line name otherLine otherName personId score decision decidedAt } edges { cursor } }"""
_JOB: Final = (
    "__typename id kind state stage done total ratePerSecond estimatedSecondsLeft error { __typename code message } regionCode attempts "
    "startedBy createdAt startedAt finishedAt cancelRequestedAt"
)
_EXPORT: Final = (
    "__typename id format rootField operation documentHash purpose rowCount size sha256 createdAt finishedAt expiresAt removedAt "
    "downloadUrl"
)
HAPPENINGS: Final = [
    Case("jobs with all their fields", f"{{ jobs(first: 100) {{ nodes {{ {_JOB} }} {PAGE} }} }}", callers=SOME),
    Case("jobs, to whoever asks", "{ jobs(first: 3) { nodes { id } totalCount } }", callers=EVERYBODY),
    Case(
        "jobs by region, filter and after a cursor",
        f"""{{
      city: jobs(region: "34.71") {{ nodes {{ id regionCode }} totalCount }}
      elsewhere: jobs(region: "33") {{ totalCount }}
      none: jobs(filter: {{states: []}}) {{ totalCount nodes {{ id }} }}
      all: jobs(filter: {{states: null, kinds: null}}) {{ totalCount }}
      over: jobs(filter: {{states: [FAILED, SUCCEEDED], kinds: EXPORT}}) {{ nodes {{ id kind state }} totalCount }}
      next: jobs(after: "<jobs>", first: 2) {{ edges {{ cursor node {{ id }} }} {PAGE} }}
      one: job(id: "<job>") {{ {_JOB} }}
      failed: job(id: "<failed job>") {{ error {{ message }} }}
      far: job(id: "<far job>") {{ id }}
    }}""",
        callers=SOME,
    ),
    Case(
        "jobs of what they work on",
        """{
      imports(first: 100) { nodes { id job { id kind error { message } } } }
      civilRegistryMatchings(first: 100) { nodes { id job { id state regionCode } } }
      exports(first: 100) { nodes { id job { id ratePerSecond error { code } } } }
    }""",
        callers=SOME,
    ),
    Case(
        "exports with all their fields", f"{{ exports(first: 100) {{ nodes {{ {_EXPORT} }} {PAGE} }} }}", callers=SOME
    ),
    Case("exports, to whoever asks", "{ exports(first: 3) { nodes { id } totalCount } }", callers=EVERYBODY),
    Case(
        "exports, one's own and somebody else's",
        f"""{{
      next: exports(after: "<exports>", first: 2) {{ edges {{ cursor node {{ id }} }} {PAGE} }}
      one: export(id: "<export>") {{ {_EXPORT} job {{ id }} }}
      far: export(id: "<far export>") {{ id }}
    }}""",
        callers=SOME,
    ),
    Case(
        "nodes of jobs and exports",
        "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Job { state error { message } } ... on Export { rowCount size } } }",
        {
            "ids": [
                "<job>",
                "<failed job>",
                "<far job>",
                "<export>",
                "<far export>",
                "Job:0:0190a1b2-0000-7000-8000-000000000000",
            ]
        },
        callers=EVERYBODY,
    ),
    Case(
        "imports with all their fields", f"{{ imports(first: 100) {{ nodes {{ {_IMPORT} }} {PAGE} }} }}", callers=SOME
    ),
    Case("imports, to whoever asks", "{ imports(first: 3) { nodes { id } totalCount } }", callers=EVERYBODY),
    Case("the preview of an import", f'{{ import(id: "<import>") {{ {_PREVIEW} }} }}', callers=SOME),
    Case(
        "rows of an import, filtered",
        """{ import(id: "<import>") {
      errors: rows(filter: {severities: [ERROR], subject: FAMILY}) { totalCount nodes { line code } }
      codes: rows(filter: {codes: ["NIK_SERIAL_ZERO", "UNHEARD_OF"], lines: {from: 2, to: 3}}) { totalCount nodes { line code } }
      decided: duplicates(filter: {decided: true}) { nodes { line } }
      waiting: duplicates(filter: {decided: false}) { nodes { line } }
      moved: changes(filter: {outcomes: [MOVED, SAME], subject: PERSON}) { nodes { line outcome } }
    } }""",
        callers=SOME,
    ),
    Case(
        "imports by region, filter and after a cursor",
        """{
      city: imports(region: "34.71") { nodes { id } totalCount }
      done: imports(filter: {stages: [APPLIED, UPLOADED], formats: [KESOS_CSV]}) { nodes { id stage } totalCount }
      next: imports(after: "<imports>", first: 2) { nodes { id } }
      far: import(id: "<far import>") { id }
      node(id: "<duplicate>") { __typename id ... on ImportDuplicate { line score } }
    }""",
        callers=SOME,
    ),
    Case(
        "matchings with all their fields",
        f"{{ civilRegistryMatchings(first: 100) {{ nodes {{ {_MATCHING} }} {PAGE} }} }}",
        callers=SOME,
    ),
    Case(
        "matchings, to whoever asks",
        "{ civilRegistryMatchings(first: 3) { nodes { id } totalCount } }",
        callers=EVERYBODY,
    ),
    Case(
        "matchings by region and after a cursor",
        f"""{{
      city: civilRegistryMatchings(region: "34.71") {{ nodes {{ id counts {{ done }} }} totalCount }}
      village: civilRegistryMatchings(region: "34.71.03.1001") {{ totalCount }}
      elsewhere: civilRegistryMatchings(region: "33") {{ totalCount nodes {{ id }} }}
      next: civilRegistryMatchings(after: "<matchings>", first: 2) {{ edges {{ cursor node {{ id }} }} {PAGE} }}
      one: civilRegistryMatching(id: "<matching>") {{ {_MATCHING} }}
      far: civilRegistryMatching(id: "<far matching>") {{ id }}
    }}""",
        callers=SOME,
    ),
    Case(
        "nodes of matchings",
        "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on CivilRegistryMatching { startedBy counts { matched } } } }",
        {"ids": ["<matching>", "<far matching>", "CivilRegistryMatching:0:0190a1b2-0000-7000-8000-000000000000"]},
        callers=EVERYBODY,
    ),
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
    "a matching by the id of a family": '{ civilRegistryMatching(id: "<family>") { id } }',
    "a cursor of events in the list of matchings": '{ civilRegistryMatchings(after: "<events>") { nodes { id } } }',
    "a job by the id of an export": '{ job(id: "<export>") { id } }',
    "an export by the id of a job": '{ export(id: "<job>") { id } }',
    "a cursor of events in the list of jobs": '{ jobs(after: "<events>") { nodes { id } } }',
    "a cursor of events in the list of exports": '{ exports(after: "<events>") { nodes { id } } }',
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
