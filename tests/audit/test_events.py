"""What happened is appended in the transaction of what it tells of, read by who holds its place, and changed by nobody."""

from uuid import UUID, uuid4

import asyncpg
import pytest
import sqlalchemy as sa

from app.authz.roles import Role
from app.domain.audit.models import Action, Purpose
from app.domain.audit.service import Event, append_events
from app.tenants.scope import TenantScope
from tests.audit.trail import COUNTRY, SOMEBODY, Trail, a_reveal, an_event, of_region, reader
from tests.support.world import BANYUMAS, CILACAP


async def keep(trail: Trail, *events: Event) -> None:
    async with trail.database.write(COUNTRY) as session:
        await append_events(session, events)


async def seen(trail: Trail, scope: TenantScope) -> set[str]:
    async with trail.database.read(scope) as session:
        return {row["operation"] for row in await session.rows("select operation from audit_event")}


async def test_an_event_says_all_that_it_was_told(trail: Trail) -> None:
    subjects = (uuid4(), uuid4())
    event = a_reveal(subject_ids=(subjects[0], str(subjects[1])), row_count=2, **of_region(BANYUMAS.village(1, 1)))
    await keep(trail, event, an_event(roles=(), permission=None, document_hash=None, subject_ids=(), row_count=0))
    reveal, plain = await trail.owner.fetch("select * from audit_event order by action desc")
    assert dict(reveal) == {
        "regency_id": BANYUMAS.id,
        "id": reveal["id"],
        "village_low": 3302012001,
        "village_high": 3302012001,
        "happened_at": reveal["happened_at"],
        "action": "REVEAL",
        "principal_id": SOMEBODY,
        "roles": ["REGENCY_ADMIN"],
        "permission": "registry:family:read",
        "operation": "Page",
        "document_hash": bytes(range(32)),
        "subject_type": "Family",
        "subject_ids": list(subjects),
        "row_count": 2,
        "purpose": "COMPLAINT",
        "request_id": event.request_id,
    }
    assert reveal["id"].version == 7
    assert plain["permission"] is plain["document_hash"] is plain["purpose"] is None
    assert plain["roles"] == plain["subject_ids"] == []


async def test_an_event_is_kept_exactly_when_what_it_tells_of_is(trail: Trail) -> None:
    async with trail.database.write(COUNTRY) as session:
        await append_events(session, [an_event()])
        await session.rollback()
    assert (await trail.count(), await trail.count("seal_queue")) == (0, 0)
    await keep(trail, an_event(), an_event())
    assert (await trail.count(), await trail.count("seal_queue")) == (2, 2)


@pytest.mark.parametrize(
    ("region", "regency_id"),
    [("", 0), ("33", 3300), ("33.02", 3302), ("33.02.01", 3302), ("33.02.01.2001", 3302)],
)
async def test_an_event_belongs_to_the_regency_in_which_its_span_begins(
    trail: Trail, region: str, regency_id: int
) -> None:
    await trail.append(an_event(**of_region(region)))
    assert await trail.owner.fetchval("select regency_id from audit_event") == regency_id


async def test_whoever_holds_the_whole_place_of_an_event_reads_it_and_nobody_else(trail: Trail) -> None:
    places = {
        "country": "",
        "province": "33",
        "Banyumas": "33.02",
        "a village": BANYUMAS.village(1, 1),
        "Cilacap": "33.01",
    }
    await trail.append(*(an_event(operation=name, **of_region(code)) for name, code in places.items()))
    both = {"village_low": CILACAP.path.villages.low, "village_high": BANYUMAS.path.villages.high}
    await trail.append(an_event(operation="both", **both))
    assert await seen(trail, reader(Role.REGENCY_ADMIN, "33.02")) == {"Banyumas", "a village"}
    assert await seen(trail, reader(Role.REGENCY_ADMIN, "33.01")) == {"Cilacap"}
    assert await seen(trail, reader(Role.AUDITOR, "33")) == {*places, "both"} - {"country"}
    assert await seen(trail, reader(Role.AUDITOR, "34")) == set()
    assert await seen(trail, reader(Role.AUDITOR, "")) == {*places, "both"}
    assert await trail.database.reference("select id from audit_event") == []


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_event set row_count = 0",
        "delete from audit_event",
        "truncate audit_event",
        "update sealed_leaf set digest = ''",
        "delete from seal_batch",
    ],
)
@pytest.mark.parametrize("role", ["app", "loader"])
async def test_neither_requests_nor_jobs_change_what_happened(trail: Trail, statement: str, role: str) -> None:
    connection = await getattr(trail.server, role).connect()
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("audit_event_purpose_ck", {"action": Action.REVEAL, "purpose": None}),
        ("audit_event_span_ck", {"village_high": 0}),
        ("audit_event_row_count_ck", {"row_count": -1}),
        ("audit_event_document_hash_ck", {"document_hash": b"short"}),
    ],
)
async def test_an_event_that_makes_no_sense_is_refused(
    trail: Trail, constraint: str, changes: dict[str, object]
) -> None:
    with pytest.raises(sa.exc.IntegrityError, match=constraint):
        await keep(trail, an_event(**changes))
    assert await trail.count() == 0


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("purpose", Purpose)
async def test_every_action_and_purpose_can_be_told(trail: Trail, action: Action, purpose: Purpose) -> None:
    await trail.append(an_event(action=action, purpose=purpose))
    assert await trail.count(f"audit_event where action = '{action.value}' and purpose = '{purpose.value}'") == 1


async def about(trail: Trail, scope: TenantScope, *subjects: UUID, since: str = "-infinity") -> set[str]:
    statement = (
        "select e.operation from audit_events_about($1, cast(cast($2 as text) as timestamptz)) "
        "join audit_event e using (regency_id, id)"
    )
    async with trail.database.read(scope) as session:
        return {row["operation"] for row in await session.rows(statement, (subjects, since))}


async def test_who_read_about_somebody_is_found_by_person_or_family_where_the_caller_may_know_it(trail: Trail) -> None:
    person, family, other = uuid4(), uuid4(), uuid4()
    await trail.append(
        an_event(operation="person", subject_ids=(other, person)),
        an_event(operation="family", subject_ids=(family,)),
        an_event(operation="other", subject_ids=(other,)),
        an_event(operation="nobody", subject_ids=()),
        an_event(operation="elsewhere", subject_ids=(person,), **of_region("33.01")),
    )
    banyumas = reader(Role.REGENCY_ADMIN, "33.02")
    assert await about(trail, banyumas, person, family) == {"person", "family"}
    assert await about(trail, banyumas, person) == {"person"}
    assert await about(trail, banyumas, uuid4()) == set()
    assert await about(trail, banyumas, person, since="infinity") == set()
    assert await about(trail, reader(Role.AUDITOR, ""), person) == {"person", "elsewhere"}
