"""The aggregate, for every role and at every level, held against counting the rows."""

from typing import TYPE_CHECKING

import pytest

from app.authz.roles import Role
from tests.support.client import ApiClient, Json
from tests.support.world import BANYUMAS, CILACAP

if TYPE_CHECKING:
    import asyncpg

COUNTS = """fragment C on RegistryCounts {
  families familiesUnranked familiesByDecile { decile families } persons
  personsByIdentityStatus { status persons } personsByAge { band sex persons } }"""
DOCUMENT = f"""query($region: String!, $by: RegionLevel!) {{ registrySummary(region: $region, by: $by) {{
  region {{ code }} total {{ ...C }} rows {{ region {{ code level }} counts {{ ...C }} }} }} }} {COUNTS}"""
DIGITS = {"PROVINCE": 2, "REGENCY": 4, "DISTRICT": 6, "VILLAGE": 10}
STATUSES = ["NO_IDENTITY", "IN_PROCESS", "NIK_ISSUED", "MATCHED", "UNMATCHED"]
_COUNTED = """
select {group} as region,
  count(*) filter (where t = 'f') as families,
  count(*) filter (where t = 'f' and decile is null) as unranked,
  {deciles},
  count(*) filter (where t = 'p') as persons,
  {statuses}
from (
  select 'f' as t, village_id, decile, null::identity_status as identity_status from family where status = 'ACTIVE'
  union all
  select 'p', village_id, null, identity_status from person where presence in ('PRESENT', 'NEW_MEMBER')
) as counted where village_id::text like $1 and village_id::text like $2 group by 1 order by 1
"""
_AGES = """
select {group} as region, case
  when birth_date is null then 'UNKNOWN' when age <= 6 then 'UNDER_7' when age <= 12 then 'FROM_7_TO_12'
  when age <= 15 then 'FROM_13_TO_15' when age <= 18 then 'FROM_16_TO_18' when age <= 59 then 'FROM_19_TO_59'
  when age <= 69 then 'FROM_60_TO_69' else 'FROM_70' end as band, sex::text, count(*)
from (select *, extract(year from current_date) - extract(year from birth_date) as age from person
  where presence in ('PRESENT', 'NEW_MEMBER')) as p
where village_id::text like $1 and village_id::text like $2 group by 1, 2, 3
"""


class Truth:
    """Counts of the rows themselves."""

    def __init__(self, owner: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._owner = owner

    async def counts(self, reach: str, region: str, digits: int) -> dict[str, Json]:
        """By the first ``digits`` of the village's code; all in one where there are none."""
        group = f"left(village_id::text, {digits})"
        prefixes = [f"{code.replace('.', '')}%" for code in (reach, region)]
        deciles = ", ".join(f"count(*) filter (where decile = {decile}) as d{decile}" for decile in range(1, 11))
        statuses = ", ".join(
            f"count(*) filter (where identity_status = '{status}') as {status.lower()}" for status in STATUSES
        )
        rows = await self._owner.fetch(_COUNTED.format(group=group, deciles=deciles, statuses=statuses), *prefixes)
        ages = await self._owner.fetch(_AGES.format(group=group), *prefixes)
        return {
            row["region"]: {
                "families": row["families"],
                "familiesUnranked": row["unranked"],
                "familiesByDecile": [{"decile": n, "families": row[f"d{n}"]} for n in range(1, 11)],
                "persons": row["persons"],
                "personsByIdentityStatus": [{"status": name, "persons": row[name.lower()]} for name in STATUSES],
                "personsByAge": {
                    (age["band"], age["sex"]): age["count"] for age in ages if age["region"] == row["region"]
                },
            }
            for row in rows
        }


@pytest.fixture
def truth(owner: "asyncpg.Connection[asyncpg.Record]") -> Truth:
    return Truth(owner)


def comparable(counts: Json) -> Json:
    """``counts`` with its age bands as a mapping, which their order does not matter to."""
    ages = {(age["band"], age["sex"]): age["persons"] for age in counts["personsByAge"]}
    assert len(ages) == len(counts["personsByAge"])
    return {**counts, "personsByAge": ages}


CASES = [
    (Role.MINISTRY_ANALYST, "", "33", "PROVINCE"),
    (Role.MINISTRY_ANALYST, "", "34", "VILLAGE"),
    (Role.PROVINCE_OFFICER, "33", "33", "PROVINCE"),
    (Role.PROVINCE_OFFICER, "33", "33", "REGENCY"),
    (Role.PROVINCE_OFFICER, "33", "33", "DISTRICT"),
    (Role.PROVINCE_OFFICER, "33", "33", "VILLAGE"),
    (Role.PROVINCE_OFFICER, "33", BANYUMAS.code, "REGENCY"),
    (Role.PROVINCE_OFFICER, "33", BANYUMAS.code, "DISTRICT"),
    (Role.PROVINCE_OFFICER, "33", BANYUMAS.district(1), "VILLAGE"),
    (Role.PROVINCE_OFFICER, "33", BANYUMAS.village(1, 1), "VILLAGE"),
    (Role.PROVINCE_OFFICER, "33", "34", "REGENCY"),
    (Role.REGENCY_ADMIN, BANYUMAS.code, "33", "PROVINCE"),
    (Role.REGENCY_ADMIN, BANYUMAS.code, "33", "REGENCY"),
    (Role.REGENCY_ADMIN, BANYUMAS.code, BANYUMAS.code, "VILLAGE"),
    (Role.REGENCY_APPROVER, BANYUMAS.code, CILACAP.code, "VILLAGE"),
    (Role.TKSK, BANYUMAS.district(2), "33", "REGENCY"),
    (Role.TKSK, BANYUMAS.district(2), BANYUMAS.code, "VILLAGE"),
    (Role.PSM, BANYUMAS.village(1, 2), "33", "PROVINCE"),
    (Role.PSM, BANYUMAS.village(1, 2), BANYUMAS.village(1, 2), "VILLAGE"),
]


@pytest.mark.parametrize("case", CASES, ids="-".join)
async def test_a_summary_counts_what_the_caller_may_see_of_the_region(
    api_client: ApiClient, truth: Truth, case: tuple[Role, str, str, str]
) -> None:
    role, reach, region, by = case
    caller = await api_client.as_(role, reach)
    summary = (await caller.query(DOCUMENT, region=region, by=by))["registrySummary"]
    assert summary["region"]["code"] == region
    rows = {row["region"]["code"].replace(".", ""): comparable(row["counts"]) for row in summary["rows"]}
    assert list(rows) == sorted(rows)
    assert {row["region"]["level"] for row in summary["rows"]} <= {by}
    assert rows == await truth.counts(reach, region, DIGITS[by])
    total = comparable(summary["total"])
    (whole,) = (await truth.counts(reach, region, 0)).values() or [None]
    if whole is None:
        assert total["families"] == total["persons"] == 0
        assert not total["personsByAge"]
    else:
        assert total == whole


async def test_the_total_is_the_sum_of_the_rows_of_the_same_answer(api_client: ApiClient) -> None:
    caller = await api_client.as_(Role.PROVINCE_OFFICER, "33")
    for by in DIGITS:
        summary = (await caller.query(DOCUMENT, region="33", by=by))["registrySummary"]
        total, rows = comparable(summary["total"]), [comparable(row["counts"]) for row in summary["rows"]]
        for counter in ("families", "familiesUnranked", "persons"):
            assert total[counter] == sum(row[counter] for row in rows)
        for band, persons in total["personsByAge"].items():
            assert persons == sum(row["personsByAge"].get(band, 0) for row in rows)
        assert total["persons"] == sum(total["personsByAge"].values())
        assert total["persons"] == sum(status["persons"] for status in total["personsByIdentityStatus"])
        ranked = sum(decile["families"] for decile in total["familiesByDecile"])
        assert total["families"] == ranked + total["familiesUnranked"]


async def test_a_summary_follows_what_is_written(
    api_client: ApiClient, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    caller = await api_client.as_(Role.PROVINCE_OFFICER, "33")
    document = '{ registrySummary(region: "33", by: REGENCY) { total { families } rows { counts { families } } } }'
    before = (await caller.query(document))["registrySummary"]
    await owner.execute("update family set status = 'DISSOLVED' where regency_id = 3302 and status = 'ACTIVE'")
    try:
        after = (await caller.query(document))["registrySummary"]
        counted = [row["counts"]["families"] for row in after["rows"]]
        assert counted == [before["rows"][0]["counts"]["families"], 0]
        assert after["total"]["families"] == sum(counted)
    finally:
        await owner.execute("update family set status = 'ACTIVE' where regency_id = 3302 and status = 'DISSOLVED'")
    assert (await caller.query(document))["registrySummary"] == before


async def test_a_region_where_nobody_is_left_has_no_row(api_client: ApiClient) -> None:
    """Families of the small country were moved out of these villages, which leaves summary rows of zeros behind."""
    caller = await api_client.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    document = """query($region: String!) { registrySummary(region: $region, by: VILLAGE) {
      total { families } rows { region { code } } } }"""
    summary = (await caller.query(document, region=BANYUMAS.district(1)))["registrySummary"]
    assert [row["region"]["code"] for row in summary["rows"]] == [BANYUMAS.village(1, number) for number in (1, 2, 3)]
    empty = (await caller.query(document, region=BANYUMAS.village(1, 4)))["registrySummary"]
    assert empty == {"total": {"families": 0}, "rows": []}
