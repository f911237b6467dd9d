"""An office of one regency of many reads its own rows and nobody else's, and of those about as many as it asks for.

PostgreSQL tells what it read for the very statements that the application sends, as the application's role, behind the wall: with the
plan for the arguments of the day, and with the one that it keeps for any arguments.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

import pytest

from app.schema.root import api
from app.tenants.server import DatabaseServer
from tests.isolation.walking import Values
from tests.plan_shapes.cases import Case, relation_cases, root_cases
from tests.plan_shapes.country import BUSY, TABLES, UNPLANTED
from tests.plan_shapes.plans import MOST_READ, Asking, complaints, kept_plan_of, plan_of
from tests.support.world import connected

if TYPE_CHECKING:
    import asyncpg

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]

BLUEPRINT: Final = api().planner.blueprint
SCHEMA: Final = BLUEPRINT.schema
assert SCHEMA.query_type is not None
ROOT_FIELDS: Final = sorted(SCHEMA.query_type.fields)
NODE_TYPES: Final = sorted(
    name for name, source in BLUEPRINT.sources.items() if source.node is not None and source.tenancy is not None
)
WHOLE: Final = {
    "aidOverlap": "compares the aid of all families of a regency",
    "aidOverlapFamilies": "compares the aid of all families of a regency",
    "ewarongCoverage": "counts all cards of a regency",
}
"""Root fields that read all of a regency, because it is what they are asked for."""
SORTED: Final = {"DECILE", "NAME"}
"""Orders in which no index holds the rows of a regency: all of them are read and sorted."""
_CURSOR: Final = re.compile(r'"endCursor" ?: ?"([^"]+)", ?"hasNextPage" ?: ?true')


def _end(answer: "asyncpg.Record | None") -> str | None:
    """The cursor after which the next page begins; None where there is none."""
    found = _CURSOR.search(str(answer[0])) if answer is not None else None
    return found[1] if found is not None else None


async def _wrong(
    connection: "Connection", office: Asking, case: Case, rows: Mapping[str, int], *, page: bool
) -> list[str]:
    """What is wrong with the plans of ``case``: of its first page, and of the page that follows."""
    found: list[str] = []
    variables = dict(case.variables)
    for place in ("first", "next"):
        asked = office.statement(case.text, variables)
        if asked is None:
            break
        for kind, explained in (("", plan_of), ("kept ", kept_plan_of)):
            plan = await explained(connection, asked)
            found += [f"{case.name}, {place} page, {kind}plan: {told}" for told in complaints(plan, rows, page=page)]
        after = _end(await connection.fetchrow(asked.text, *asked.arguments)) if case.paged else None
        if after is None:
            break
        variables["after"] = after
    return found


@pytest.mark.parametrize("name", ROOT_FIELDS)
async def test_a_root_field_reads_no_rows_of_others_and_a_page_no_whole_regency(
    application: "Connection", office: Asking, values: Mapping[str, Values], rows: Mapping[str, int], name: str
) -> None:
    wrong: list[str] = []
    for case in root_cases(SCHEMA, name, values):
        page = case.plain and name not in WHOLE and SORTED.isdisjoint(case.literals)
        wrong += await _wrong(application, office, case, rows, page=page)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", NODE_TYPES)
async def test_an_object_and_its_relations_are_found_without_a_look_at_others(
    application: "Connection", office: Asking, values: Mapping[str, Values], rows: Mapping[str, int], name: str
) -> None:
    ids = [each for each in values["Query.node(id)"].always if each.startswith(f"{name}:")]
    assert ids, f"Query.node(id) has no id of a {name}: say in tests/isolation/arguments.py which"
    wrong: list[str] = []
    for case in relation_cases(SCHEMA, name, ids[0], values):
        wrong += await _wrong(application, office, case, rows, page=True)
    assert not wrong, "\n".join(wrong)


def test_every_table_has_so_many_rows_that_a_plan_tells_something(rows: Mapping[str, int]) -> None:
    assert {table for table, own in rows.items() if own == 0} == UNPLANTED
    assert all(rows[table] > 2 * MOST_READ for table in BUSY), "whoever reads all of a busy table would pass for a page"
    assert rows.keys() == TABLES


BROKEN: Final = {
    "an index of villages": ("families", "drop index family_village_ix", "is read from end to end"),
    "an index of regencies": ("jobs", "alter table job drop constraint job_pk cascade", "job"),
    "the order of an index": ("entitlements", "drop index entitlement_village_ix", "entitlement"),
    "the look-up by number": ("personByNik", "drop index person_nik_uq", "rows for a page"),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_whatever_is_taken_away_is_missed(
    country: DatabaseServer,
    office: Asking,
    values: Mapping[str, Values],
    rows: Mapping[str, int],
    broken: tuple[str, str, str],
) -> None:
    name, taken, told = broken
    (case, *_) = root_cases(SCHEMA, name, values)
    asked = office.statement(case.text, case.variables)
    assert asked is not None
    async with connected(country) as owner:
        transaction = owner.transaction()
        await transaction.start()
        await owner.execute(taken)
        await owner.execute("set local role kesos_app")
        wrong = list(complaints(await plan_of(owner, asked), rows, page=True))
        await transaction.rollback()
    assert any(told in each for each in wrong), wrong
