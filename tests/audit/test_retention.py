"""Events are deleted when the time is over that the table says, told by events of their own; the seals stay and still hold."""

from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest
import pytest_asyncio

from app.authz.authorize import OPERATOR_ID
from app.cli.auditing import expiry
from app.domain.audit import retention
from app.domain.audit.models import Action
from app.domain.audit.retention import Retention, count_due, delete_due
from app.domain.audit.seals import seal_new
from tests.audit.trail import COUNTRY, Trail, an_event

NOW = datetime(2026, 7, 31, 5, tzinfo=UTC)


def test_the_rule_in_force_decides() -> None:
    rules = Retention.of_rows(
        [("LOGIN", date(2020, 1, 1), 100), ("LOGIN", date(2026, 1, 1), 10), ("LOGIN", date(2027, 1, 1), 1)]
    )
    assert rules.due_before("LOGIN", NOW) == NOW - timedelta(days=10)
    assert rules.due_before("LOGIN", datetime(2025, 12, 31, tzinfo=UTC)) == datetime(2025, 9, 22, tzinfo=UTC)
    assert rules.due_before("LOGIN", datetime(2019, 1, 1, tzinfo=UTC)) is None
    assert rules.due_before("READ", NOW) is None


@pytest.mark.parametrize(
    ("happened_at", "may"),
    [
        (datetime(2026, 7, 1, tzinfo=UTC), False),
        (datetime(2025, 12, 1, tzinfo=UTC), False),
        (datetime(2025, 9, 20, tzinfo=UTC), True),
    ],
)
def test_a_longer_time_does_not_call_back_what_was_deleted_before_it(happened_at: datetime, *, may: bool) -> None:
    rules = Retention.of_rows([("LOGIN", date(2020, 1, 1), 100), ("LOGIN", date(2026, 1, 1), 1_000)])
    assert rules.may_be_gone("LOGIN", happened_at, NOW) is may
    assert not rules.may_be_gone("READ", happened_at, NOW)


async def test_every_action_has_a_time_and_a_basis_that_says_who_decides(trail: Trail) -> None:
    rows = await trail.owner.fetch("select * from audit_retention")
    assert {row["action"] for row in rows} == {action.value for action in Action}
    assert all("ditetapkan oleh instansi" in row["legal_basis"] for row in rows)


@pytest_asyncio.fixture
async def old(trail: Trail) -> Trail:
    """Sealed events of each action, of today, of two years ago and of six years ago; and two old logins that are not sealed."""
    for years in (0, 2, 6):
        await trail.append(*(an_event(action=action, purpose="AUDIT", operation=f"{years}") for action in Action))
    await trail.owner.execute("update audit_event set happened_at = now() - operation::int * interval '366 days'")
    await seal_new(trail.database, COUNTRY)
    await trail.append(*(an_event(action=Action.LOGIN, operation="unsealed") for _ in range(2)))
    await trail.owner.execute(
        "update audit_event set happened_at = now() - interval '23 hours' - interval '6 years' where operation = 'unsealed'"
    )
    return trail


async def deleted(trail: Trail) -> dict[str, int]:
    async with trail.owner.transaction():
        await trail.owner.execute("set local role kesos_owner")
        return await delete_due(trail.owner, datetime.now(UTC), expiry())


DUE = {"READ": 1, "REVEAL": 1, "EXPORT": 1, "CHANGE": 1, "LOGIN": 2, "REFUSAL": 2}


async def test_what_is_due_is_counted_and_stays(old: Trail) -> None:
    assert await count_due(old.owner, datetime.now(UTC)) == DUE
    assert await old.count() == 3 * len(Action) + 2


async def test_what_is_due_and_sealed_is_deleted_and_every_deletion_told(old: Trail) -> None:
    assert await deleted(old) == DUE
    left = await old.owner.fetch("select action, operation from audit_event where subject_type = 'Family'")
    kept = {(action.value, "0") for action in Action}
    kept |= {(action, "2") for action in ("READ", "REVEAL", "EXPORT", "CHANGE")} | {("LOGIN", "unsealed")}
    assert {(row["action"], row["operation"]) for row in left} == kept
    told = await old.owner.fetch("select * from audit_event where subject_type = 'AuditEvent'")
    assert {row["operation"]: row["row_count"] for row in told} == {
        f"kesos expire {action}": n for action, n in DUE.items()
    }
    for row in told:
        assert (row["action"], row["principal_id"], row["roles"]) == ("CHANGE", OPERATOR_ID, ["SYSTEM_OPERATOR"])
        assert (row["village_low"], row["village_high"]) == (0, 9_999_999_999)
    assert len({row["request_id"] for row in told}) == 1


async def test_what_was_sealed_still_holds_and_a_second_run_finds_nothing(old: Trail) -> None:
    await deleted(old)
    await seal_new(old.database, COUNTRY)
    assert await old.verify() == []
    # The two that were not sealed are now, and due.
    assert await deleted(old) == {action: 2 if action == "LOGIN" else 0 for action in DUE}
    await seal_new(old.database, COUNTRY)
    assert set((await deleted(old)).values()) == {0}
    assert await old.verify() == []


async def test_many_events_are_deleted_a_batch_at_a_time_each_with_its_own_event(
    trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "MOST_AT_ONCE", 4)
    await trail.append(*(an_event(action=Action.LOGIN) for _ in range(10)))
    await trail.owner.execute("update audit_event set happened_at = happened_at - interval '2 years'")
    await seal_new(trail.database, COUNTRY)
    assert (await deleted(trail))["LOGIN"] == 10
    told = await trail.owner.fetch("select row_count from audit_event order by row_count")
    assert [row["row_count"] for row in told] == [2, 4, 4]


async def test_nobody_but_the_owner_deletes(old: Trail) -> None:
    for role in ("app", "loader"):
        connection = await getattr(old.server, role).connect()
        try:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await delete_due(connection, datetime.now(UTC), expiry())
        finally:
            await connection.close()
