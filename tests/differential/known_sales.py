"""Documents about transactions of outlets."""

from typing import Final

from tests.differential.known_documents import EVERYBODY, PAGE, Case

_SALE: Final = """__typename id amount balance happenedAt receivedAt day clockSkew deviceId deviceSequence latitude longitude
      lastFour receipt unbalanced"""

SALES: Final = [
    Case(name, document, {}, callers=EVERYBODY)
    for name, document in [
        (
            "transactions with their lines",
            f"""{{ ewarongTransactions(first: 40) {{ totalCount nodes {{ {_SALE} programme {{ code }}
      lines {{ __typename number quantity unitPrice amount verdict }} }} {PAGE} }} }}""",
        ),
        (
            "what was taken back",
            """{ ewarongTransactions(region: "34", programme: "SEMBAKO", from: "2031-07-01", to: "2031-07-02", first: 10) {
      totalCount nodes { id reversal { __typename amount reason day reversedBy reversedAt } } } }""",
        ),
        (
            "transactions page by page",
            f"""{{ ewarongTransactions(first: 3, after: "<EwarongTransaction list>") {{ nodes {{ id }} {PAGE} }} }}""",
        ),
        ("the outlets of transactions", "{ ewarongTransactions(first: 10) { nodes { id agent { id name state } } } }"),
        (
            "what the lines of transactions are",
            "{ ewarongTransactions(first: 10) { nodes { id lines { number commodity { code unit } } } } }",
        ),
    ]
]
