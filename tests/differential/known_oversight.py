"""Documents about inspections and violations."""

from typing import Any, Final

from tests.differential.known_documents import EVERYBODY, PAGE, Case

_INSPECTION: Final = """__typename id inspectedAt latitude longitude photos note met notMet reportedBy reportedAt"""
_VIOLATION: Final = """__typename id code state description signalId recordedBy recordedAt replyDue overdue repliedAt appealedAt
  appealAnsweredAt decisionReason decidedAt version"""

_ASKED: Final[list[tuple[str, str, dict[str, Any]]]] = [
    (
        "inspections with what was found",
        f"""{{ ewarongInspections(first: 20) {{ totalCount nodes {{ {_INSPECTION} village {{ code }} agent {{ id name }}
      findings {{ __typename result note item {{ __typename code question violation validFrom validTo }} }} }} {PAGE} }} }}""",
        {},
    ),
    (
        "violations with their steps and what was said",
        f"""{{ ewarongViolations(first: 30) {{ totalCount nodes {{ {_VIOLATION} village {{ code }} agent {{ id state }}
      steps {{ __typename step act fromState toState reason replyDue takenBy takenAt }}
      statements {{ __typename kind text against step saidBy saidAt }} }} {PAGE} }} }}""",
        {},
    ),
    ("inspections of violations", "{ ewarongViolations(first: 9) { nodes { id inspection { id met } } } }", {}),
    (
        "violations by state, code, outlet, region and what is overdue",
        """query ($agent: ID!) { state: ewarongViolations(state: FIRST_WARNING, region: "34.71") { totalCount nodes { id } }
      code: ewarongViolations(code: LEVY) { totalCount nodes { id code } }
      late: ewarongViolations(overdue: true, first: 7) { totalCount nodes { replyDue overdue } }
      early: ewarongViolations(overdue: false, agent: $agent) { totalCount nodes { replyDue overdue } }
      next: ewarongViolations(first: 3, after: "<EwarongViolation list>") { edges { cursor node { id } } } }""",
        {"agent": "<EwarongAgent>"},
    ),
    (
        "the checklist of a day, and of one before there was any",
        """{ now: ewarongChecklist(on: "2026-03-10") { code question questionEnglish violation source }
      before: ewarongChecklist(on: "2001-01-01") { code } }""",
        {},
    ),
    (
        "nodes of inspections and violations",
        """query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on EwarongInspection { photos }
      ... on EwarongViolation { state recordedBy signalId } } }""",
        {"ids": ["<EwarongInspection>", "<far EwarongInspection>", "<EwarongViolation>", "<far EwarongViolation>"]},
    ),
]
OVERSIGHT: Final = [Case(name, document, variables, callers=EVERYBODY) for name, document, variables in _ASKED]
