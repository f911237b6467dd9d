"""Schemathesis asks every root field as three roles for whatever the schema allows: nothing breaks, and what is refused says why.

`FUZZ_CASES` is the number of cases of each field and role; `make fuzz` sets many more than `make test` has time for.
"""

import os
import re
from collections.abc import Iterator
from typing import Any, Final

import graphql
import httpx2
import pytest
import pytest_asyncio
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes
from schemathesis.core.result import Ok

from app.authz.roles import Role
from app.schema.root import api
from app.settings import Settings
from app.tenants.server import DatabaseServer
from tests.support.client import ApiClient
from tests.support.live import live
from tests.support.world import BANYUMAS, connected

CASES: Final = int(os.environ.get("FUZZ_CASES", "20"))
ROLES: Final = {
    "the regency's administrator": (Role.REGENCY_ADMIN, BANYUMAS.code),
    "a volunteer of a village": (Role.PSM, BANYUMAS.village(1, 1)),
    "an e-Warong agent": (Role.EWARONG_AGENT, BANYUMAS.code),
}
CODE: Final = re.compile(r"[A-Z][A-Z0-9_]+")
NASTY: Final = ["", "\0", "\x7f", "%", "_", "\\", "'; select 1 --", "Person:3302:", "33.02", "9" * 40, "é" * 300, "🏃"]
_SDL: Final = api().sdl

schemathesis.graphql.scalar("Date", st.dates().map(str).map(nodes.String) | st.text(max_size=12).map(nodes.String))
schemathesis.graphql.scalar("DateTime", st.datetimes().map(lambda moment: nodes.String(f"{moment.isoformat()}Z")))
schemathesis.graphql.scalar(
    "Rupiah", st.integers(-(2**53), 2**53).map(nodes.Int) | st.text(max_size=12).map(nodes.String)
)
schemathesis.graphql.scalar("UUID", st.uuids().map(str).map(nodes.String) | st.text(max_size=12).map(nodes.String))

OPERATIONS: Final = {
    operation.ok().label: operation.ok()
    for operation in schemathesis.graphql.from_file(_SDL).get_all_operations()
    if isinstance(operation, Ok)
}


@pytest_asyncio.fixture(scope="module")
async def known_ids(world: DatabaseServer) -> list[str]:
    """Ids of rows that are there, so that not every look-up ends in nothing."""
    async with connected(world) as owner:
        persons = await owner.fetch(
            "select 'Person:' || regency_id || ':' || id as id from person order by id limit 20"
        )
        families = await owner.fetch(
            "select 'Family:' || regency_id || ':' || id as id from family order by id limit 20"
        )
    return [row["id"] for row in [*persons, *families]] + ["Region:33", f"Region:{BANYUMAS.code}", BANYUMAS.code]


@pytest.fixture(scope="module")
def url(api_settings: Settings, world: DatabaseServer) -> Iterator[str]:
    with live(api_settings, world) as url:
        yield url


@pytest.fixture(scope="module")
def http() -> Iterator[httpx2.Client]:
    with httpx2.Client(timeout=60) as client:
        yield client


def with_strings_of(document: str, choose: Any) -> str:
    """``document`` with each text in its arguments exchanged for what ``choose`` draws."""

    class Exchange(graphql.Visitor):
        def enter_string_value(self, _node: graphql.StringValueNode, *_: Any) -> graphql.StringValueNode | None:
            drawn: str | None = choose()
            return None if drawn is None else graphql.StringValueNode(value=drawn, block=False)

    return graphql.print_ast(graphql.visit(graphql.parse(document), Exchange()))


@pytest_asyncio.fixture(scope="module", params=ROLES.values(), ids=ROLES)
async def token(request: pytest.FixtureRequest, api_client: ApiClient) -> str:
    role, code = request.param
    return (await api_client.as_(role, code)).token


@pytest.mark.parametrize("label", OPERATIONS)
def test_whatever_the_schema_allows_is_answered_or_refused_with_a_code(
    label: str, token: str, url: str, http: httpx2.Client, known_ids: list[str]
) -> None:
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


def test_the_cases_are_as_many_as_promised() -> None:
    fields = graphql.build_schema(_SDL)
    roots = [root for root in (fields.query_type, fields.mutation_type) if root is not None]
    assert len(OPERATIONS) == sum(len(root.fields) for root in roots)
    assert len(OPERATIONS) * len(ROLES) * CASES >= 2500
