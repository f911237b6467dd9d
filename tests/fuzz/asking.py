"""Schemathesis asks every root field for whatever the schema allows: nothing breaks, and what is refused says why.

`FUZZ_CASES` is the number of cases of each field and role; `make fuzz` sets many more than `make test` has time for.
"""

import os
import re
from typing import Any, Final

import graphql
import httpx2
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes
from schemathesis.core.result import Ok

from app.schema.root import api

CASES: Final = int(os.environ.get("FUZZ_CASES", "12"))
CODE: Final = re.compile(r"[A-Z][A-Z0-9_]+")
NASTY: Final = ["", "\0", "\x7f", "%", "_", "\\", "'; select 1 --", "Person:3302:", "33.02", "9" * 40, "é" * 300, "🏃"]
SDL: Final = api().sdl

schemathesis.graphql.scalar("Date", st.dates().map(str).map(nodes.String) | st.text(max_size=12).map(nodes.String))
schemathesis.graphql.scalar("DateTime", st.datetimes().map(lambda moment: nodes.String(f"{moment.isoformat()}Z")))
schemathesis.graphql.scalar(
    "Rupiah", st.integers(-(2**53), 2**53).map(nodes.Int) | st.text(max_size=12).map(nodes.String)
)
schemathesis.graphql.scalar("UUID", st.uuids().map(str).map(nodes.String) | st.text(max_size=12).map(nodes.String))

OPERATIONS: Final = {
    operation.ok().label: operation.ok()
    for operation in schemathesis.graphql.from_file(SDL).get_all_operations()
    if isinstance(operation, Ok)
}


def with_strings_of(document: str, choose: Any) -> str:
    """``document`` with each text in its arguments exchanged for what ``choose`` draws."""

    class Exchange(graphql.Visitor):
        def enter_string_value(self, _node: graphql.StringValueNode, *_: Any) -> graphql.StringValueNode | None:
            drawn: str | None = choose()
            return None if drawn is None else graphql.StringValueNode(value=drawn, block=False)

    return graphql.print_ast(graphql.visit(graphql.parse(document), Exchange()))


def ask_for_whatever_the_schema_allows(
    label: str, *, token: str, url: str, http: httpx2.Client, known_ids: list[str]
) -> None:
    """Ask the root field ``label`` in ``CASES`` ways, with ids that are there and texts that are nasty."""
    operation = OPERATIONS[label]

    @given(case=operation.as_strategy(), data=st.data())
    @example_settings(
        max_examples=CASES,
        derandomize="FUZZ_CASES" not in os.environ,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any, data: st.DataObject) -> None:
        exchanged = st.none() | st.sampled_from(known_ids) | st.sampled_from(NASTY)
        document = with_strings_of(case.body, lambda: data.draw(exchanged))
        response = http.post(url, json={"query": document}, headers={"authorization": f"Bearer {token}"})
        assert response.status_code < 500, f"{response.text}\n{document}"
        body = response.json()
        assert "data" in body or body["errors"], document
        for error in body.get("errors", []):
            code = error["extensions"]["code"]
            assert CODE.fullmatch(code), error
            assert code != "INTERNAL_ERROR", f"{error}\n{document}"
            assert error["message"], error

    ask()
