"""Documents about signals and screenings."""

from typing import Final

from tests.differential.known_documents import EVERYBODY, PAGE, Case

_SIGNAL: Final = """__typename id code description descriptionEnglish regionCode firstDay lastDay measured threshold unit
      transactionCount state triagedBy triagedAt triageReason foundAt version"""

SIGNALS: Final = [
    Case(name, document, {}, callers=EVERYBODY)
    for name, document in [
        ("signals", f"{{ ewarongSignals(first: 60) {{ totalCount nodes {{ {_SIGNAL} }} {PAGE} }} }}"),
        (
            "whom and what signals are about",
            """{ ewarongSignals(first: 20) { nodes { id agent { id name } district { code } supplier { id name } } } }""",
        ),
        (
            "families that signals are about",
            "{ ewarongSignals(code: F12, first: 5) { nodes { id family { id status } } } }",
        ),
        (
            "transactions behind signals",
            f"""{{ ewarongSignals(first: 9) {{ nodes {{ id transactions(first: 2) {{ totalCount nodes {{ id amount }} {PAGE} }} }} }} }}""",
        ),
        (
            "some signals",
            f"""{{ open: ewarongSignals(state: OPEN, region: "34.71") {{ totalCount nodes {{ id }} }}
      share: ewarongSignals(code: F3) {{ totalCount nodes {{ measured threshold unit }} }}
      of: ewarongSignals(agent: "<EwarongAgent>") {{ totalCount nodes {{ id }} }}
      next: ewarongSignals(first: 3, after: "<EwarongSignal list>") {{ edges {{ cursor node {{ id }} }} {PAGE} }} }}""",
        ),
        (
            "screenings",
            f"""{{ ewarongScreenings {{ totalCount nodes {{ __typename id region {{ code }} firstDay lastDay signals startedBy startedAt
      finishedAt }} {PAGE} }} city: ewarongScreenings(region: "34.71") {{ totalCount }} }}""",
        ),
        ("jobs of screenings", "{ ewarongScreenings(first: 2) { nodes { job { id kind } } } }"),
    ]
]
