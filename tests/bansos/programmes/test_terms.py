"""Terms as they hold for a period."""

from datetime import date

import pytest
import pytest_asyncio

from app.domain.bansos.models.programmes import Relation
from app.domain.bansos.programmes.errors import PeriodWrong, ProgrammeUnknown, TermsUnknown
from app.domain.bansos.programmes.queries import quota, related, terms_for, terms_of_version
from app.domain.bansos.terms import Component, RelatedProgramme
from app.tenants.region_path import RegionPath, Span
from app.tenants.scope import TenantScope
from app.tenants.server import DatabaseServer
from app.tenants.session import Database
from tests.support.aid import POOR, plant_programme, plant_quotas, plant_relation, plant_terms
from tests.support.world import BANYUMAS, CILACAP, connected

CHILD = Component("ANAK", "anak", "child", "person.age <= 6", 2, 750_000)
PUPIL = Component("SD", "murid SD", "pupil", "person.age > 6", None, 225_000)


@pytest_asyncio.fixture(scope="module")
async def planted(server: DatabaseServer) -> None:
    async with connected(server) as owner:
        await plant_programme(owner, "UJI_TETAP", second_approval_above=1_000_000, idle_days=90)
        await plant_terms(owner, "UJI_TETAP", version=2, amount=700_000, valid_from=date(2022, 7, 1))
        await plant_programme(owner, "UJI_ORANG", amount=None, components=[CHILD, PUPIL], most_persons=4)
        await plant_relation(owner, "UJI_TETAP", Relation.EXCLUSIVE, "UJI_ORANG")
        await plant_quotas(owner, "UJI_TETAP", 2026, {BANYUMAS.id: 12, CILACAP.id: 9})


def scope(*regions: RegionPath) -> TenantScope:
    return TenantScope.of(regions)


COUNTRY = scope(RegionPath.country())


@pytest.mark.usefixtures("planted")
async def test_the_newest_terms_that_hold_on_the_first_day_of_a_period_count(database: Database) -> None:
    async with database.write(COUNTRY) as session:
        before = await terms_for(session, "UJI_TETAP", date(2022, 4, 1))
        after = await terms_for(session, "UJI_TETAP", date(2022, 7, 1))
    assert (before.version, before.amount) == (1, 600_000)
    assert (after.version, after.amount, after.period_end) == (2, 700_000, date(2022, 9, 30))
    assert (before.rules, before.second_approval_above, before.idle_days) == (POOR, 1_000_000, 90)
    assert before.villages == Span(0, 9_999_999_999)


@pytest.mark.usefixtures("planted")
async def test_components_have_the_amount_of_their_period(database: Database) -> None:
    async with database.write(COUNTRY) as session:
        terms = await terms_for(session, "UJI_ORANG", date(2026, 10, 1))
    assert (terms.amount, terms.most_persons, terms.period_end) == (None, 4, date(2026, 12, 31))
    assert terms.components == (CHILD, PUPIL)


@pytest.mark.usefixtures("planted")
async def test_a_version_answers_whatever_is_in_force(database: Database) -> None:
    async with database.write(COUNTRY) as session:
        first = await terms_of_version(session, "UJI_TETAP", 1, date(2026, 1, 1))
        with pytest.raises(TermsUnknown):
            await terms_of_version(session, "UJI_TETAP", 9, date(2026, 1, 1))
    assert (first.version, first.period_start) == (1, date(2026, 1, 1))


@pytest.mark.parametrize(
    ("code", "day", "error"),
    [
        ("TIDAK_ADA", date(2026, 1, 1), ProgrammeUnknown),
        ("UJI_TETAP", date(2020, 10, 1), TermsUnknown),
        ("UJI_TETAP", date(2026, 2, 1), PeriodWrong),
        ("UJI_TETAP", date(2026, 1, 2), PeriodWrong),
    ],
)
@pytest.mark.usefixtures("planted")
async def test_no_terms_are_made_up(database: Database, code: str, day: date, error: type[Exception]) -> None:
    async with database.write(COUNTRY) as session:
        with pytest.raises(error):
            await terms_for(session, code, day)


@pytest.mark.usefixtures("planted")
async def test_an_exclusive_relation_counts_from_either_side_and_from_its_first_day(database: Database) -> None:
    async with database.write(COUNTRY) as session:
        assert await related(session, "UJI_TETAP", date(2026, 1, 1)) == (
            RelatedProgramme("UJI_ORANG", Relation.EXCLUSIVE),
        )
        assert await related(session, "UJI_ORANG", date(2026, 1, 1)) == (
            RelatedProgramme("UJI_TETAP", Relation.EXCLUSIVE),
        )
        assert await related(session, "UJI_ORANG", date(2020, 12, 31)) == ()


@pytest.mark.usefixtures("planted")
async def test_quotas_of_other_regencies_do_not_show(database: Database) -> None:
    async with database.write(scope(BANYUMAS.path)) as session:
        assert await quota(session, "UJI_TETAP", BANYUMAS.id, 2026) == 12
        assert await quota(session, "UJI_TETAP", BANYUMAS.id, 2025) is None
        assert await quota(session, "UJI_TETAP", CILACAP.id, 2026) is None
