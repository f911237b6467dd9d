"""Documents about cycles, payments and the ledger."""

from typing import Final

from tests.differential.callers import ADMINISTRATOR
from tests.differential.known_documents import EVERYBODY, PAGE, SEVERAL, Case

_CYCLE: Final = """__typename id programmeCode programme { code } termsVersion period periodEnd regency { code } revision reason state
  awaitsSecondApproval families entitled amount outcomes { __typename outcome reason families amount }
  totals { __typename step entitlements amount } generation { __typename id programmeCode period regionCode job { id state } madeBy madeAt }
  madeBy madeAt generatedAt verifiedBy verifiedAt approvedBy approvedAt secondApprovedBy secondApprovedAt releasedBy releasedAt paidAt
  reconciledAt closedAt version"""
_ENTITLEMENT: Final = """__typename id family { id } recipient { id name } cycle { id state } programmeCode programme { name } period amount
  components { __typename code personId amount } step stepReason stepAt"""
_ORDER: Final = """__typename id cycleId bank number state entitlements amount validEntitlements validAmount spmNumber sp2dNumber
  madeBy madeAt checkedAt spmAt omspanAt sp2dAt instructedAt settledAt version regency { code } steps { __typename step count amount }"""
_FILE: Final = """__typename id kind format number rows amount sha256 applied repeated unknown mismatched madeBy madeAt
  results(first: 3) { totalCount nodes { __typename line verdict code amount entitlementId } }"""
_CARD: Final = (
    "__typename id familyId holderId village { code } bank state stateAt stateReason lastFour activatedAt version"
)
_ENTRY: Final = """__typename id happenedAt kind programme { code } regionCode cycle { id } familyId sourceKey reason
  lines { __typename number account walletId amount }"""
AID: Final = [
    Case(name, document, callers=callers)
    for name, document, callers in [
        ("cycles with all their fields", f"{{ aidCycles(first: 20) {{ nodes {{ {_CYCLE} }} {PAGE} }} }}", EVERYBODY),
        (
            "cycles by region, programme, period and state, and after a cursor",
            """{ city: aidCycles(region: "34.71", programme: "SEMBAKO") { totalCount nodes { id } }
          drafts: aidCycles(states: [DRAFT, CLOSED], period: "2031-04-01") { totalCount nodes { id state outcomes { families } } }
          next: aidCycles(first: 2, after: "<AidCycle list>") { edges { cursor node { id } } }
          whom: entitlements(cycle: "<AidCycle>", first: 2) { nodes { recipient { id } } }
          one: aidCycle(id: "<AidCycle>") { id } far: aidCycle(id: "<far AidCycle>") { id } }""",
            EVERYBODY,
        ),
        (
            "entitlements with all their fields",
            f"{{ entitlements(first: 30) {{ nodes {{ {_ENTITLEMENT} }} {PAGE} }} }}",
            EVERYBODY,
        ),
        (
            "entitlements by cycle, step and programme, and after a cursor",
            """{ entitlements(cycle: "<AidCycle>", steps: [TOPPED_UP, CANCELLED], region: "34.71.03.1001") { totalCount
          nodes { id family { id } } }
          next: entitlements(programme: "PKH", period: "2031-01-01", first: 3, after: "<Entitlement list>") { nodes { id } } }""",
            EVERYBODY,
        ),
        (
            "whom a cycle leaves out",
            f"""{{ aidExclusions(cycle: "<AidCycle>", first: 20) {{ nodes {{ __typename id family {{ id }} cycle {{ id }} programmeCode
          period outcome reason otherProgrammeCode }} {PAGE} }}
          double: aidExclusions(cycle: "<AidCycle>", outcomes: [EXCLUDED], reason: "DOUBLE_AID") {{ totalCount nodes {{ id }} }} }}""",
            EVERYBODY,
        ),
        (
            "what a family is entitled to and was paid, its cards and wallets, and all cards",
            f"""{{ families(first: 6) {{ nodes {{ id entitlements(first: 2) {{ totalCount nodes {{ id step }} }}
          early: payments(asOf: "2031-01-31") {{ totalCount }}
          payments(asOf: "2031-02-01") {{ totalCount nodes {{ __typename programmeCode programme {{ code }} period amount paidAt
          entitlementId }} pageInfo {{ endCursor }} }} cards {{ {_CARD} }} wallets {{ id balance }} }} }}
          kksCards(first: 20) {{ nodes {{ {_CARD} }} {PAGE} }} lost: kksCards(state: LOST, bank: BRI) {{ totalCount }}
          next: kksCards(first: 3, after: "<KksCard list>") {{ nodes {{ id }} }} }}""",
            EVERYBODY,
        ),
        (
            "orders of payment with all their fields",
            f"""{{ paymentOrders(first: 20) {{ nodes {{ {_ORDER} cycle {{ id }} files(first: 5) {{ totalCount nodes {{ {_FILE} }} }} }}
          {PAGE} }} }}""",
            EVERYBODY,
        ),
        (
            "orders by cycle, bank and state, their files by kind and their jobs",
            """{ paymentOrders(cycle: "<AidCycle>", bank: BNI) { totalCount nodes { id } }
          checked: paymentOrders(state: ACCOUNT_CHECK, region: "34.71") { nodes { id files(kind: TOP_UP_RESULT) { nodes {
          results(verdict: UNKNOWN) { nodes { line entitlementId } } } } jobs { totalCount nodes { id state } } } }
          next: paymentOrders(first: 1, after: "<PaymentOrder list>") { nodes { id } }
          paid: entitlements(cycle: "<AidCycle>", steps: [TOPPED_UP], first: 2) { nodes { family { id } } }
          one: paymentOrder(id: "<PaymentOrder>") { id } far: paymentOrder(id: "<far PaymentOrder>") { id } }""",
            EVERYBODY,
        ),
        (
            "links to files, which few may follow",
            '{ paymentOrder(id: "<PaymentOrder>") { files { nodes { downloadUrl } } } }',
            SEVERAL,
        ),
        (
            "entries with all their fields",
            f"{{ journalEntries(first: 20) {{ nodes {{ {_ENTRY} }} {PAGE} }} }}",
            EVERYBODY,
        ),
        (
            "entries by kind, cycle, family and wallet, and after a cursor",
            """{ released: journalEntries(kind: RELEASE, first: 2) { totalCount nodes { regionCode cycle { id } } }
          family: journalEntries(family: "<family>") { totalCount nodes { id } }
          wallet: journalEntries(wallet: "<Wallet>", programme: "PKH") { totalCount nodes { id } }
          cycle: journalEntries(cycle: "<AidCycle>") { totalCount }
          next: journalEntries(first: 3, after: "<JournalEntry list>") { nodes { id } }
          wallets(first: 2, after: "<Wallet list>") { nodes { id family { id } entries { nodes { id } } } }
          one: journalEntry(id: "<JournalEntry>") { id inclusionProof } }""",
            EVERYBODY,
        ),
        (
            "wallets and returns of idle balances with all their fields",
            f"""{{ wallets(first: 10) {{ nodes {{ __typename id family {{ id }} programme {{ code }} village {{ code }} balance movedAt
          entries(first: 1) {{ totalCount nodes {{ id kind }} pageInfo {{ endCursor }} }} }} {PAGE} }}
          holding: wallets(holding: true, programme: "PKH", region: "34.71") {{ totalCount }}
          idleReturns {{ nodes {{ __typename id region {{ code }} programme {{ code }} untouchedSince wallets amount job {{ id }}
          startedBy startedAt finishedAt }} {PAGE} }} pkh: idleReturns(programme: "PKH", region: "34.71") {{ totalCount }} }}""",
            EVERYBODY,
        ),
    ]
]
AID.append(
    Case(
        "nodes of cycles, payments and the ledger",
        """query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Wallet { balance family { id } }
          ... on AidExclusion { reason family { id } } } }""",
        {
            "ids": [
                f"<{far}{kind}>"
                for kind in (
                    *("AidCycle", "CycleGeneration", "Entitlement", "AidExclusion", "PaymentOrder"),
                    *("BankFile", "KksCard", "JournalEntry", "Wallet", "IdleReturn"),
                )
                for far in ("", "far ")
            ]
        },
        callers=EVERYBODY,
    )
)
REFUSED_AID: Final = [
    Case(name, document, callers=(ADMINISTRATOR,))
    for name, document in {
        "a cycle by the id of an order": '{ aidCycle(id: "<PaymentOrder>") { id } }',
        "exclusions by the id of a family": '{ aidExclusions(cycle: "<family>") { nodes { id } } }',
        "entries of a wallet that is a family": '{ journalEntries(wallet: "<family>") { nodes { id } } }',
        "wallets of a programme whose code cannot be": '{ wallets(programme: "\\u0000") { nodes { id } } }',
        "returns of a programme whose code cannot be": '{ idleReturns(programme: "\\u0000") { nodes { id } } }',
        "cycles of a programme whose code cannot be": '{ aidCycles(programme: "\\u0000") { nodes { id } } }',
        "entitlements of a programme whose code cannot be": '{ entitlements(programme: "\\u0000") { nodes { id } } }',
        "a family's entitlements of a programme whose code cannot be": """{ families(first: 1) {
      nodes { entitlements(programme: "\\u0000") { nodes { id } } } } }""",
        "exclusions for a reason that cannot be": """{ aidExclusions(cycle: "<AidCycle>", reason: "\\u0000") {
      nodes { id } } }""",
    }.items()
]
