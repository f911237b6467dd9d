"""Documents about memberships of health insurance."""

from typing import Final

from tests.differential.known_documents import EVERYBODY, PAGE, Case

_MEMBERSHIP: Final = """__typename id segment state stateAt validFrom validTo deactivationReason decree reactivationUntil facilityName
  facilityLetter officeStatement newborn refusalReason risk { __typename reason since } proposedBy proposedAt verifiedBy verifiedAt
  decidedBy decidedAt endedBy endedAt version"""
MEMBERSHIPS: Final = [
    Case(
        "memberships with all their fields",
        f"""{{ healthMemberships(first: 20) {{ nodes {{ {_MEMBERSHIP} village {{ code }} regency {{ code }} person {{ id name }}
      reactivates {{ id state reactivationUntil }} }} {PAGE} }} }}""",
        callers=EVERYBODY,
    ),
    Case(
        "memberships by state, segment and region, and after a cursor",
        f"""{{ ended: healthMemberships(state: DEACTIVATED, region: "34.71") {{ totalCount nodes {{ {_MEMBERSHIP} }} }}
      moved: healthMemberships(state: MOVED, segment: PBI_REGIONAL) {{ totalCount nodes {{ reactivates {{ state }} }} }}
      next: healthMemberships(first: 3, after: "<memberships>") {{ edges {{ cursor node {{ id }} }} {PAGE} }} }}""",
        callers=EVERYBODY,
    ),
    Case(
        "memberships at risk",
        """{ membershipsAtRisk(first: 5) { totalCount nodes { id risk { reason since } person { healthMemberships { id state } } } }
      none: membershipsAtRisk(reason: DECEASED) { totalCount nodes { id } } }""",
        callers=EVERYBODY,
    ),
    Case(
        "the memberships of a family's members",
        """{ families(first: 6) { nodes { members { id healthMemberships { id state reactivates { id } } } } } }""",
        callers=EVERYBODY,
    ),
    Case(
        "reviews of memberships",
        """{ membershipReviews(first: 4) { totalCount nodes { __typename id region { code } reviewedOn takenOver lookedAt atRisk startedBy
      startedAt finishedAt job { id state } } } next: membershipReviews(first: 2, after: "<reviews>", region: "34") { nodes { id } } }""",
        callers=EVERYBODY,
    ),
    Case(
        "nodes of memberships and reviews",
        """query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on HealthMembership { state }
      ... on MembershipReview { atRisk } } }""",
        {"ids": ["<membership>", "<far membership>", "<review>"]},
        callers=EVERYBODY,
    ),
]
