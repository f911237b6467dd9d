"""Once a list was generated the database itself refuses another one, whoever asks and however."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from app.domain.bansos.models.cycles import CycleState
from tests.bansos.cycles.bureau import Bureau
from tests.support.aid import plant_programme

if TYPE_CHECKING:
    import asyncpg

SETTLED: Final = "KC001"
NOT_REOPENED: Final = "KC002"
OPEN: Final = (CycleState.DRAFT, CycleState.GENERATED)
ADDED: Final = {
    # The same family once more, as another one that is not on the list.
    "entitlement": "insert into entitlement select (jsonb_populate_record(e, jsonb_build_object('id', gen_random_uuid(), "
    "'family_id', x.family_id))).* from entitlement e join aid_exclusion x using (regency_id, cycle_id) where e.cycle_id = $1 limit 1",
    "aid_exclusion": "insert into aid_exclusion select (jsonb_populate_record(x, jsonb_build_object('family_id', e.family_id))).* "
    "from aid_exclusion x join entitlement e using (regency_id, cycle_id) where x.cycle_id = $1 limit 1",
    "cycle_outcome": "insert into cycle_outcome select (jsonb_populate_record(o, jsonb_build_object('reason', 'LAIN'))).* "
    "from cycle_outcome o where cycle_id = $1 limit 1",
}
TAKEN: Final = {
    table: f"delete from {table} where cycle_id = $1"  # noqa: S608  (our own words)
    for table in ADDED
}
REWRITTEN: Final = {
    "entitlement": (
        "amount = amount + 1",
        "family_id = recipient_id",
        "cycle_id = id",
        "facts = '{}'",
        "village_id = 0",
    ),
    "aid_exclusion": ("reason = 'LAIN'", "outcome = 'OVER_QUOTA'", "family_id = cycle_id"),
    "cycle_outcome": ("amount = amount + 1", "families = families - 1"),
}


async def refusal(
    owner: "asyncpg.Connection[asyncpg.Record]", statement: str, *given: Any, state: CycleState | None = None
) -> str | None:
    """The SQLSTATE with which the administrator of the server is refused; what is done is undone."""
    transaction = owner.transaction()
    await transaction.start()
    try:
        if state is not None:
            await owner.execute("set local session_replication_role = replica")
            await owner.execute("update aid_cycle set state = $1", state.value)
            await owner.execute("set local session_replication_role = origin")
        await owner.execute(statement, *given)
    except Exception as error:
        code = getattr(error, "sqlstate", None)
        if code is None:
            raise
        return str(code)
    else:
        return None
    finally:
        await transaction.rollback()


@pytest.mark.parametrize("table", ADDED)
async def test_a_list_is_added_to_and_taken_from_while_it_is_generated_and_never_after(
    bureau: Bureau, table: str
) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    cycle = (await bureau.generated("PANGAN"))["id"]
    for statement in (ADDED[table], TAKEN[table]):
        refused = {state: await refusal(bureau.owner, statement, cycle, state=state) for state in CycleState}
        assert refused.pop(CycleState.DRAFT) is None
        assert set(refused.values()) == {SETTLED}


@pytest.mark.parametrize("table", REWRITTEN)
async def test_who_receives_what_is_not_rewritten_but_where_the_money_is_goes_on(bureau: Bureau, table: str) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    await bureau.generated("PANGAN")
    for change in REWRITTEN[table]:
        for state in (CycleState.DRAFT, CycleState.RELEASED):
            assert await refusal(bureau.owner, f"update {table} set {change}", state=state) == SETTLED  # noqa: S608  (our own words)
    step = "update entitlement set step = 'SPM', step_reason = 'X', step_at = now(), order_id = id"
    assert await refusal(bureau.owner, step, state=CycleState.RELEASED) is None


async def test_every_column_but_those_of_payment_is_settled(bureau: Bureau) -> None:
    for table, free in (
        ("entitlement", {"step", "step_reason", "step_at", "order_id"}),
        ("aid_exclusion", set[str]()),
        ("cycle_outcome", set[str]()),
    ):
        columns = await bureau.owner.fetch(
            "select column_name as name from information_schema.columns where table_name = $1", table
        )
        for column in {row["name"] for row in columns}:
            statement = f"update {table} set {column} = {column}"  # noqa: S608  (our own words)
            assert await refusal(bureau.owner, statement) == (None if column in free else SETTLED), column


async def test_neither_the_application_nor_whoever_loads_gets_past(bureau: Bureau) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    cycle = await bureau.generated("PANGAN")
    before = await bureau.lists(cycle["id"])
    with pytest.raises(DBAPIError) as refused:
        async with bureau.database.write(bureau.scope()) as session:
            await session.execute(sa.text("delete from entitlement"))
    assert getattr(refused.value.orig, "sqlstate", None) == SETTLED
    for statement in (
        "truncate entitlement cascade",
        "delete from aid_exclusion",
        "update cycle_outcome set amount = 0",
    ):
        async with bureau.owner.transaction():
            await bureau.owner.execute("set local role kesos_loader")
            assert await refusal(bureau.owner, statement) == "42501"
    assert await bureau.lists(cycle["id"]) == before


async def test_whoever_sees_a_village_alone_changes_no_list_of_the_regency(bureau: Bureau) -> None:
    """A family of the village can be written by them; the cycle is not theirs."""
    await plant_programme(bureau.owner, "PANGAN")
    await bureau.generated("PANGAN")
    village = await bureau.owner.fetchval("select village_id from entitlement order by id limit 1")
    code = f"{village:010}"
    scope = bureau.scope(f"{code[:2]}.{code[2:4]}.{code[4:6]}.{code[6:]}")
    for state in OPEN:
        await bureau.owner.execute("update aid_cycle set state = $1", state.value)
        with pytest.raises(DBAPIError) as refused:
            async with bureau.database.write(scope) as session:
                await session.execute(sa.text("delete from entitlement"))
        assert getattr(refused.value.orig, "sqlstate", None) == SETTLED


@pytest.mark.parametrize("before", CycleState)
async def test_a_cycle_is_opened_again_before_it_is_verified_and_never_after(
    bureau: Bureau, before: CycleState
) -> None:
    await plant_programme(bureau.owner, "PANGAN")
    await bureau.generated("PANGAN")
    expected: Sequence[str | None] = [None if before in OPEN else NOT_REOPENED] * len(OPEN)
    found = [
        await refusal(bureau.owner, "update aid_cycle set state = $1", after.value, state=before) for after in OPEN
    ]
    assert found == expected
    assert await refusal(bureau.owner, "update aid_cycle set state = 'SUPERSEDED'", state=before) is None
