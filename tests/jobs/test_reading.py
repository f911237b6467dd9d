"""Jobs as a front end sees them: listed, fetched, cancelled and listened to, by whoever may and nobody else."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from app.authz.development import issue_token
from app.authz.roles import Role
from app.domain.jobs.models import JobKind, JobState
from app.main import create_app
from app.settings import DEVELOPMENT_ISSUER, Settings
from app.tenants.region_path import RegionPath
from app.tenants.server import DatabaseServer
from tests.authz.people import People
from tests.jobs.workshop import BANYUMAS, CILACAP, Workshop
from tests.support.client import ApiClient
from tests.support.sockets import Live, live_on

PROVINCE = RegionPath.parse("33")
_JOB = "query($id: ID!) { job(id: $id) { id kind state regionCode startedBy error { code message } } }"
_JOBS = "query($region: String, $filter: JobFilter) { jobs(first: 10, region: $region, filter: $filter) { totalCount nodes { id } } }"
_PACE = "query($id: ID!) { job(id: $id) { done total ratePerSecond estimatedSecondsLeft } }"
_CANCEL = """mutation($id: ID!) { jobCancel(input: {id: $id}) { __typename
  ... on JobCancelRequested { job { state cancelRequestedAt } } ... on UserError { code message } } }"""
_LISTEN = "subscription($id: ID!) { jobProgress(id: $id) { job { id state done error { code message } } } }"


def node(region: RegionPath, job_id: UUID) -> str:
    return f"Job:{region.villages.low // 1_000_000}:{job_id}"


@pytest_asyncio.fixture
async def live(api_settings: Settings, jobs_server: DatabaseServer) -> AsyncIterator[Live]:
    async with live_on(api_settings, create_app(api_settings, jobs_server)) as live:
        yield live


async def listed(api: ApiClient, role: Role, code: str, **arguments: Any) -> list[str]:
    answer = (await (await api.as_(role, code)).query(_JOBS, **arguments))["jobs"]
    assert answer["totalCount"] == len(answer["nodes"])
    return [each["id"] for each in answer["nodes"]]


async def test_jobs_are_listed_newest_first_where_the_caller_works(workshop: Workshop, jobs_api: ApiClient) -> None:
    first, second = await workshop.start(), await workshop.start(JobKind.MATCHING)
    next_door, above = await workshop.start(region=CILACAP), await workshop.start(region=PROVINCE)
    own = [node(BANYUMAS, second), node(BANYUMAS, first)]
    everything = [node(PROVINCE, above), node(CILACAP, next_door), *own]
    assert await listed(jobs_api, Role.REGENCY_ADMIN, "33.02") == own
    assert await listed(jobs_api, Role.REGENCY_VERIFIER, "33.01") == [node(CILACAP, next_door)]
    assert await listed(jobs_api, Role.PROVINCE_OFFICER, "33") == everything
    assert await listed(jobs_api, Role.MINISTRY_ADMIN, "") == everything
    assert await listed(jobs_api, Role.PROVINCE_OFFICER, "33", region="33.02") == own
    assert await listed(jobs_api, Role.PROVINCE_OFFICER, "34") == []
    psm = await jobs_api.as_(Role.PSM, "33.02.01.2001")
    assert await psm.codes(_JOBS) == ["NOT_PERMITTED"]


async def test_jobs_are_filtered_by_state_and_kind(workshop: Workshop, jobs_api: ApiClient) -> None:
    waiting, cancelled = await workshop.start(), await workshop.start()
    matching = await workshop.start(JobKind.MATCHING)
    await workshop.cancel(cancelled)
    wanted = {
        (("QUEUED",), None): [matching, waiting],
        (("CANCELLED", "FAILED"), None): [cancelled],
        (None, ("MATCHING",)): [matching],
        (("CANCELLED",), ("MATCHING",)): [],
        (("QUEUED",), ("IMPORT_CHECK", "EXPORT")): [waiting],
    }
    for (states, kinds), found in wanted.items():
        answer = await listed(jobs_api, Role.REGENCY_ADMIN, "33.02", filter={"states": states, "kinds": kinds})
        assert answer == [node(BANYUMAS, job_id) for job_id in found]


@pytest.mark.parametrize(
    ("region", "code"),
    [("0", None), ("33", "33"), ("33.02", "33.02"), ("33.02.01", "33.02.01"), ("33.02.01.2001", "33.02.01.2001")],
)
async def test_a_job_tells_of_the_region_that_it_is_about(
    workshop: Workshop, jobs_api: ApiClient, region: str, code: str | None
) -> None:
    path = RegionPath.country() if region == "0" else RegionPath.parse(region)
    job_id = await workshop.start(region=path)
    ministry = await jobs_api.as_(Role.MINISTRY_ADMIN)
    found = (await ministry.query(_JOB, id=node(path, job_id)))["job"]
    assert found == {
        "id": node(path, job_id),
        "kind": "IMPORT_CHECK",
        "state": "QUEUED",
        "regionCode": code,
        "startedBy": "Sari",
        "error": None,
    }
    again = "query($id: ID!) { node(id: $id) { id ... on Job { state error { message } } } }"
    fetched = (await ministry.query(again, id=node(path, job_id)))["node"]
    assert fetched == {"id": node(path, job_id), "state": "QUEUED", "error": None}


async def test_why_a_job_failed_is_told_in_the_language_of_the_caller(workshop: Workshop, jobs_api: ApiClient) -> None:
    job_id = await workshop.start()
    await workshop.owner.execute(
        "update job set state = 'FAILED', finished_at = now(), error_code = 'FILE_STRANGE', "
        "error_indonesian = 'Berkas ini aneh.', error_english = 'This file is strange.'"
    )
    clerk = await jobs_api.as_(Role.REGENCY_ADMIN, "33.02")
    for language, message in (("id", "Berkas ini aneh."), ("en", "This file is strange.")):
        for document, name in (
            (_JOB, "job"),
            ("query($id: ID!) { node(id: $id) { ... on Job { error { code message } } } }", "node"),
        ):
            response = await clerk.post(document, {"id": node(BANYUMAS, job_id)}, accept_language=language)
            found = response.json()["data"][name]
            assert found["error"] == {"code": "FILE_STRANGE", "message": message}


@pytest.mark.parametrize(
    ("values", "rate", "left"),
    [
        ("state = 'QUEUED'", None, None),
        (
            "state = 'RUNNING', paced_from = now() - interval '10 s', paced_done = null, done = 500, total = 1000",
            None,
            None,
        ),
        (
            "state = 'RUNNING', paced_from = now() + interval '10 s', paced_done = 0, done = 500, total = 1000",
            None,
            None,
        ),
        ("state = 'RUNNING', paced_from = now() - interval '10000 s', paced_done = 0, done = 0, total = 1000", 0, None),
        (
            "state = 'SUCCEEDED', finished_at = now(), paced_from = now() - interval '10 s', paced_done = 0, done = 1000, total = 1000",
            100,
            None,
        ),
        (
            "state = 'SUCCEEDED', finished_at = now(), paced_from = now() - interval '10 s', paced_done = 900, done = 1000, total = 1000",
            10,
            None,
        ),
    ],
)
async def test_the_pace_is_told_where_there_is_one(
    workshop: Workshop, jobs_api: ApiClient, values: str, rate: float | None, left: int | None
) -> None:
    job_id = await workshop.start()
    await workshop.owner.execute(f"update job set {values}")  # noqa: S608  (a test's own words)
    clerk = await jobs_api.as_(Role.REGENCY_ADMIN, "33.02")
    found = (await clerk.query(_PACE, id=node(BANYUMAS, job_id)))["job"]
    assert (found["ratePerSecond"], found["estimatedSecondsLeft"]) == (rate, left)


async def test_the_time_that_is_left_is_estimated_from_the_pace_of_the_stage(
    workshop: Workshop, jobs_api: ApiClient
) -> None:
    job_id = await workshop.start()
    await workshop.owner.execute(
        "update job set state = 'RUNNING', paced_from = now() - interval '1000 s', paced_done = 1000, done = 2000, total = 4000"
    )
    clerk = await jobs_api.as_(Role.REGENCY_ADMIN, "33.02")
    found = (await clerk.query(_PACE, id=node(BANYUMAS, job_id)))["job"]
    # A thousand in a thousand seconds, and the few that the test itself takes; two thousand are left.
    assert 0.9 < found["ratePerSecond"] <= 1.0
    assert 2_000 <= found["estimatedSecondsLeft"] < 2_200


async def test_nobody_estimates_the_time_of_work_whose_end_is_not_known(
    workshop: Workshop, jobs_api: ApiClient
) -> None:
    job_id = await workshop.start()
    await workshop.owner.execute(
        "update job set state = 'RUNNING', paced_from = now() - interval '10 s', paced_done = 0, done = 500, total = null"
    )
    clerk = await jobs_api.as_(Role.REGENCY_ADMIN, "33.02")
    found = (await clerk.query(_PACE, id=node(BANYUMAS, job_id)))["job"]
    assert found["ratePerSecond"] > 0
    assert found["estimatedSecondsLeft"] is None


@pytest.mark.parametrize(
    ("who", "kind", "outcome"),
    [
        ((Role.REGENCY_ADMIN, "33.02"), JobKind.IMPORT_APPLY, "JobCancelRequested"),
        ((Role.REGENCY_ADMIN, "33.02"), JobKind.EXPORT, "JobCancelRequested"),
        ((Role.REGENCY_ADMIN, "33.02"), JobKind.MATCHING, "JobCancelRequested"),
        ((Role.MINISTRY_ADMIN, ""), JobKind.IMPORT_CHECK, "JobCancelRequested"),
        ((Role.REGENCY_VERIFIER, "33.02"), JobKind.EXPORT, "JobCancelRequested"),
        ((Role.REGENCY_VERIFIER, "33.02"), JobKind.IMPORT_APPLY, "NotFound"),
        ((Role.PROVINCE_OFFICER, "33"), JobKind.MATCHING, "NotFound"),
        ((Role.REGENCY_ADMIN, "33.01"), JobKind.IMPORT_APPLY, "NotFound"),
        ((Role.REGENCY_ADMIN, "33.02.01"), JobKind.IMPORT_APPLY, "NotFound"),
    ],
)
async def test_a_job_is_cancelled_by_whoever_may_start_one(
    workshop: Workshop, jobs_api: ApiClient, who: tuple[Role, str], kind: JobKind, outcome: str
) -> None:
    job_id = await workshop.start(kind)
    caller = await jobs_api.as_(*who)
    told = (await caller.query(_CANCEL, id=node(BANYUMAS, job_id)))["jobCancel"]
    assert told["__typename"] == outcome
    state = (await workshop.row(job_id))["state"]
    events = await workshop.owner.fetch(
        "select operation, permission from audit_event where $1 = any(subject_ids)", job_id
    )
    if outcome == "JobCancelRequested":
        assert (told["job"]["state"], state) == ("CANCELLED", "CANCELLED")
        assert told["job"]["cancelRequestedAt"] is not None
        assert [event["operation"] for event in events] == ["jobCancel"]
    else:
        assert (told["code"], state, events) == ("JOB_UNKNOWN", "QUEUED", [])
        nowhere = (await caller.query(_CANCEL, id=node(BANYUMAS, uuid4())))["jobCancel"]
        assert told == nowhere


async def test_whoever_may_start_no_job_is_refused_and_an_ended_job_is_not_cancelled(
    workshop: Workshop, jobs_api: ApiClient
) -> None:
    job_id = await workshop.start()
    approver = await jobs_api.as_(Role.REGENCY_APPROVER, "33.02")
    assert await approver.codes(_CANCEL, id=node(BANYUMAS, job_id)) == ["NOT_PERMITTED"]
    await workshop.owner.execute("update job set state = 'SUCCEEDED', finished_at = now()")
    clerk = await jobs_api.as_(Role.REGENCY_ADMIN, "33.02")
    told = (await clerk.query(_CANCEL, id=node(BANYUMAS, job_id)))["jobCancel"]
    assert (told["__typename"], told["code"]) == ("Conflict", "JOB_ENDED")
    for wrong in ("Job:3302:x", "Family:3302:" + str(uuid4()), ""):
        told = (await clerk.query(_CANCEL, id=wrong))["jobCancel"]
        assert (told["__typename"], told["code"]) == ("InvalidInput", "ID_INVALID")


async def test_a_job_of_others_is_listened_to_like_one_that_is_not_there(
    live: Live, settings: Settings, workshop: Workshop
) -> None:
    people = People(workshop.owner)
    own = await people.add(DEVELOPMENT_ISSUER, (Role.REGENCY_ADMIN.value, BANYUMAS.id))
    other = await people.add(DEVELOPMENT_ISSUER, (Role.REGENCY_ADMIN.value, CILACAP.id))
    nobody = await people.add(DEVELOPMENT_ISSUER, (Role.PSM.value, 3302012001))
    job_id = await workshop.start()
    async with (
        live.begun(issue_token(settings, own)) as ours,
        live.begun(issue_token(settings, other)) as theirs,
        live.begun(issue_token(settings, nobody)) as refused,
    ):
        for socket in (ours, theirs, refused):
            await socket.subscribe("1", _LISTEN, variables={"id": node(BANYUMAS, job_id)})
        first = (await ours.hear())["payload"]["data"]["jobProgress"]["job"]
        assert first == {"id": node(BANYUMAS, job_id), "state": "QUEUED", "done": 0, "error": None}
        foreign = await theirs.hear()
        assert foreign["payload"] == {"data": {"jobProgress": {"job": None}}}
        assert await theirs.hear() == {"type": "complete", "id": "1"}
        await theirs.subscribe("1", _LISTEN, variables={"id": node(BANYUMAS, uuid4())})
        assert await theirs.hear() == foreign
        message = await refused.hear()
        assert message["payload"]["errors"][0]["extensions"]["code"] == "NOT_PERMITTED"
        await workshop.cancel(job_id)
        assert (await ours.hear())["payload"]["data"]["jobProgress"]["job"]["state"] == "CANCELLED"
        assert await ours.hear() == {"type": "complete", "id": "1"}


async def test_what_has_ended_is_told_once(live: Live, settings: Settings, workshop: Workshop) -> None:
    people = People(workshop.owner)
    subject = await people.add(DEVELOPMENT_ISSUER, (Role.REGENCY_VERIFIER.value, BANYUMAS.id))
    job_id = await workshop.start()
    await workshop.cancel(job_id)
    async with live.begun(issue_token(settings, subject)) as socket:
        await socket.subscribe("1", _LISTEN, variables={"id": node(BANYUMAS, job_id)})
        assert (await socket.hear())["payload"]["data"]["jobProgress"]["job"]["state"] == JobState.CANCELLED.value
        assert await socket.hear() == {"type": "complete", "id": "1"}


async def test_a_listener_goes_on_after_the_line_to_the_database_was_lost(
    live: Live, settings: Settings, workshop: Workshop
) -> None:
    people = People(workshop.owner)
    subject = await people.add(DEVELOPMENT_ISSUER, (Role.REGENCY_ADMIN.value, BANYUMAS.id))
    job_id = await workshop.start()
    async with live.begun(issue_token(settings, subject)) as socket:
        await socket.subscribe("1", _LISTEN, variables={"id": node(BANYUMAS, job_id)})
        await socket.hear()
        await workshop.owner.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'kesos listener' "
            "and datname = current_database() and query ilike 'listen \"kesos_job\"%'"
        )
        await workshop.cancel(job_id)
        states = []
        while (message := await socket.hear())["type"] == "next":
            states.append(message["payload"]["data"]["jobProgress"]["job"]["state"])
        assert states[-1] == "CANCELLED"
