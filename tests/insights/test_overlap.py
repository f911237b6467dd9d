"""Who receives twice, and who is in target and receives nothing: held against counting family by family."""

from collections.abc import AsyncIterator
from datetime import date
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import pytest
import pytest_asyncio

from app.authz.roles import Role
from app.domain.bansos.models.programmes import Relation
from app.domain.registry.sealing import Seal
from app.settings import Settings
from app.tenants.server import DatabaseServer
from tests.insights.overlapping import PERIOD, counted, entitle
from tests.support.aid import plant_programme, plant_relation
from tests.support.client import ApiClient, api_of
from tests.support.world import BANYUMAS, CILACAP, SLEMAN, connected, drop, empty_country, fill

if TYPE_CHECKING:
    import asyncpg

RELATIONS: Final = {("PUSAT", "TUNAI"): "EXCLUSIVE", ("DAERAH", "PUSAT"): "TOP_UP", ("DESA", "TUNAI"): "EXCLUSIVE"}
COUNTS = """fragment C on OverlapCounts { familiesEntitled amount familiesWithSeveral familiesWithDoubleAid familiesToppedUp
  familiesInTarget familiesWithoutAid doubleAid { programmeCode otherCode families amount otherAmount excess }
  toppedUp { programmeCode toCode families amount toAmount } }"""
DOCUMENT = f"""query($region: String!, $by: RegionLevel!, $period: Date!, $to: Int! = 4) {{
  aidOverlap(region: $region, by: $by, period: $period, decileTo: $to) {{
    region {{ code }} period total {{ ...C }} rows {{ region {{ code level }} counts {{ ...C }} }} }} }} {COUNTS}"""
FAMILIES = """query($region: String!, $kind: OverlapKind!, $period: Date!, $first: Int! = 100, $after: String, $to: Int! = 4) {
  aidOverlapFamilies(region: $region, kind: $kind, period: $period, first: $first, after: $after, decileTo: $to) {
    totalCount nodes { id decile village { code } } pageInfo { hasNextPage endCursor } } }"""
DIGITS = {"PROVINCE": 2, "REGENCY": 4, "DISTRICT": 6, "VILLAGE": 10}


@pytest_asyncio.fixture(scope="module")
async def overlap_server(server: DatabaseServer, seal: Seal) -> AsyncIterator[DatabaseServer]:
    own = await empty_country(server, "overlap")
    await fill(own, seal, BANYUMAS, CILACAP, SLEMAN)
    async with connected(own) as owner:
        await _plant(owner)
    yield own
    await drop(own)


async def _plant(owner: "asyncpg.Connection[asyncpg.Record]") -> None:
    for code, months in (("PUSAT", 3), ("TUNAI", 1), ("DAERAH", 3), ("DESA", 1), ("LAIN", 3)):
        await plant_programme(owner, code, months=months)
    # Written from either side, it is the same; and one that no longer counts.
    await plant_relation(owner, "TUNAI", Relation.EXCLUSIVE, "PUSAT")
    await plant_relation(owner, "PUSAT", Relation.EXCLUSIVE, "TUNAI")
    await plant_relation(owner, "DESA", Relation.EXCLUSIVE, "TUNAI")
    await plant_relation(owner, "DAERAH", Relation.TOP_UP, "PUSAT")
    await plant_relation(owner, "LAIN", Relation.STACKABLE, "PUSAT")
    await plant_relation(owner, "LAIN", Relation.EXCLUSIVE, "TUNAI")
    await owner.execute(
        "update programme_relation set valid_to = '2026-06-30' where programme_code = 'LAIN' and relation = 'EXCLUSIVE'"
    )
    for regency in (CILACAP, BANYUMAS, SLEMAN):
        ids = [
            row["id"]
            for row in await owner.fetch("select id from family where regency_id = $1 order by id", regency.id)
        ]
        await entitle(owner, "PUSAT", regency.id, ids[:20], amount=600_000)
        await entitle(owner, "TUNAI", regency.id, ids[15:25], amount=200_000, months=1)
        await entitle(owner, "DAERAH", regency.id, ids[18:30:2], amount=150_000)
        await entitle(owner, "DESA", regency.id, ids[19:22], amount=300_000, months=1)
        await entitle(owner, "LAIN", regency.id, ids[:10:3], amount=50_000)
        # None of these brings anybody anything in July.
        await entitle(owner, "TUNAI", regency.id, ids[30:], amount=200_000, months=1, period=date(2026, 6, 1))
        await entitle(owner, "LAIN", regency.id, ids[35:40], amount=50_000, period=date(2026, 10, 1))
        await entitle(owner, "DESA", regency.id, ids[40:44], amount=1, months=1, period=date(2026, 8, 1))
        await owner.execute(
            "update entitlement set step = 'RETURNED' where regency_id = $1 and programme_code = 'TUNAI' and family_id = $2",
            *(regency.id, ids[16]),
        )
        await entitle(owner, "LAIN", regency.id, ids[44:], amount=9, state="SUPERSEDED", step="CANCELLED", revision=2)
    # A family that lives in another village than when it was entitled.
    await owner.execute(
        "update family set village_id = $2 where id = (select family_id from entitlement where regency_id = $1 "
        "and programme_code = 'PUSAT' order by family_id limit 1)",
        *(BANYUMAS.id, BANYUMAS.id * 1_000_000 + 22_003),
    )


@pytest_asyncio.fixture(scope="module")
async def overlap_owner(overlap_server: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    async with connected(overlap_server) as connection:
        yield connection


@pytest_asyncio.fixture(scope="module")
async def overlap_api(api_settings: Settings, overlap_server: DatabaseServer) -> AsyncIterator[ApiClient]:
    async with api_of(api_settings, overlap_server) as client:
        yield client


def told(counts: Any) -> tuple[dict[str, int], dict[tuple[str, str, str], dict[str, int]]]:
    """The counts of an answer as the Python count has them."""
    pairs = {
        ("EXCLUSIVE", each["programmeCode"], each["otherCode"]): {
            "families": each["families"], "amount": each["amount"], "other": each["otherAmount"], "excess": each["excess"],
        }
        for each in counts["doubleAid"]
    }  # fmt: skip
    tops = {
        ("TOP_UP", each["programmeCode"], each["toCode"]): {
            "families": each["families"], "amount": each["amount"], "other": each["toAmount"],
        }
        for each in counts["toppedUp"]
    }  # fmt: skip
    return {name: each for name, each in counts.items() if isinstance(each, int)}, pairs | tops


def expected(report: dict[str, Any]) -> tuple[dict[str, int], dict[tuple[str, str, str], dict[str, int]]]:
    pairs = {
        pair: {name: each for name, each in found.items() if name != "excess" or pair[0] == "EXCLUSIVE"}
        for pair, found in report["pairs"].items()
    }
    return dict(report["counts"]), pairs


@pytest.mark.parametrize(
    ("region", "by"),
    [
        ("33", "PROVINCE"),
        ("33", "REGENCY"),
        ("33", "VILLAGE"),
        (BANYUMAS.code, "REGENCY"),
        (BANYUMAS.code, "DISTRICT"),
        (BANYUMAS.district(2), "VILLAGE"),
    ],
)
@pytest.mark.parametrize("decile", [4, 10])
async def test_the_report_is_what_counting_gives(
    overlap_api: ApiClient,
    overlap_owner: "asyncpg.Connection[asyncpg.Record]",
    region: str,
    by: str,
    decile: int,
) -> None:
    caller = await overlap_api.as_(Role.PROVINCE_OFFICER, "33")
    answer = (await caller.query(DOCUMENT, region=region, by=by, period=PERIOD.isoformat(), to=decile))["aidOverlap"]
    low = int(region.replace(".", "").ljust(10, "0"))
    high = int(region.replace(".", "").ljust(10, "9"))
    found = await counted(overlap_owner, RELATIONS, low=low, high=high, by=by, decile=decile)
    assert (answer["region"], answer["period"]) == ({"code": region}, "2026-07-01")
    assert told(answer["total"]) == expected(found.pop(0))
    rows = {int(row["region"]["code"].replace(".", "")): told(row["counts"]) for row in answer["rows"]}
    assert rows == {id_: expected(each) for id_, each in found.items()}
    assert list(rows) == sorted(rows)
    assert all(row["region"]["level"] == by for row in answer["rows"])


async def test_every_kind_of_overlap_is_there_and_the_rows_add_up_to_the_total(overlap_api: ApiClient) -> None:
    caller = await overlap_api.as_(Role.MINISTRY_ANALYST)
    answer = (await caller.query(DOCUMENT, region="33", by="REGENCY", period="2026-07-01"))["aidOverlap"]
    counts, pairs = told(answer["total"])
    assert all(counts.values()), counts
    assert set(pairs) == {
        ("EXCLUSIVE", "PUSAT", "TUNAI"),
        ("EXCLUSIVE", "DESA", "TUNAI"),
        ("TOP_UP", "DAERAH", "PUSAT"),
    }
    assert len(answer["rows"]) == 2
    for name, number in counts.items():
        assert number == sum(row["counts"][name] for row in answer["rows"]), name


async def test_a_month_in_which_nobody_is_entitled_leaves_all_in_target_without_aid(overlap_api: ApiClient) -> None:
    caller = await overlap_api.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    answer = (await caller.query(DOCUMENT, region=BANYUMAS.code, by="REGENCY", period="2030-01-01"))["aidOverlap"]
    counts, pairs = told(answer["total"])
    assert counts["familiesWithoutAid"] == counts["familiesInTarget"] > 0
    assert (counts["familiesEntitled"], counts["amount"], pairs) == (0, 0, {})


async def test_a_place_without_families_has_a_total_of_nothing(overlap_api: ApiClient) -> None:
    caller = await overlap_api.as_(Role.MINISTRY_ANALYST)
    answer = (await caller.query(DOCUMENT, region="11", by="REGENCY", period="2026-07-01"))["aidOverlap"]
    assert set(told(answer["total"])[0].values()) == {0}
    assert answer["rows"] == []


KIND_COUNTS = {
    "DOUBLE_AID": "familiesWithDoubleAid",
    "SEVERAL_PROGRAMMES": "familiesWithSeveral",
    "TOPPED_UP": "familiesToppedUp",
    "WITHOUT_AID": "familiesWithoutAid",
}


@pytest.mark.parametrize("kind", KIND_COUNTS)
@pytest.mark.parametrize("region", ["33", BANYUMAS.code, BANYUMAS.district(2)])
async def test_the_families_of_a_kind_are_as_many_as_the_report_says(
    overlap_api: ApiClient, kind: str, region: str
) -> None:
    caller = await overlap_api.as_(Role.PROVINCE_OFFICER, "33")
    by = {2: "PROVINCE", 5: "REGENCY", 8: "DISTRICT"}[len(region)]
    report = (await caller.query(DOCUMENT, region=region, by=by, period="2026-07-01"))["aidOverlap"]
    seen: list[str] = []
    after = None
    while True:
        page = await caller.query(FAMILIES, region=region, kind=kind, period="2026-07-01", first=7, after=after)
        families = page["aidOverlapFamilies"]
        seen += [each["id"] for each in families["nodes"]]
        assert all(each["village"]["code"].startswith(region) for each in families["nodes"])
        after = families["pageInfo"]["endCursor"]
        if not families["pageInfo"]["hasNextPage"]:
            break
    assert len(set(seen)) == len(seen) == families["totalCount"] == report["total"][KIND_COUNTS[kind]]
    assert seen or region == BANYUMAS.district(2)


async def test_a_regency_sees_its_own_and_the_whole_province_only_as_far(overlap_api: ApiClient) -> None:
    banyumas = await overlap_api.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    own, whole = [
        (await banyumas.query(DOCUMENT, region=code, by="REGENCY", period="2026-07-01"))["aidOverlap"]
        for code in (BANYUMAS.code, "33")
    ]
    assert own["total"] == whole["total"]
    assert own["rows"] == whole["rows"]
    other = (await banyumas.query(DOCUMENT, region=CILACAP.code, by="REGENCY", period="2026-07-01"))["aidOverlap"]
    assert set(told(other["total"])[0].values()) == {0}
    families = await banyumas.query(FAMILIES, region="33", kind="WITHOUT_AID", period="2026-07-01")
    assert {each["village"]["code"][:5] for each in families["aidOverlapFamilies"]["nodes"]} == {BANYUMAS.code}


async def test_what_cannot_be_asked_is_told_by_its_code(overlap_api: ApiClient) -> None:
    caller = await overlap_api.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    psm = await overlap_api.as_(Role.PSM, BANYUMAS.village(1, 1))
    asked = {"region": BANYUMAS.code, "by": "REGENCY", "period": "2026-07-01"}
    assert await caller.codes(DOCUMENT, **asked | {"period": "2026-07-02"}) == ["OVERLAP_PERIOD_WRONG"]
    assert await caller.codes(DOCUMENT, **asked | {"by": "PROVINCE"}) == ["SUMMARY_LEVEL_INVALID"]
    assert await caller.codes(DOCUMENT, **asked | {"to": 11}) == ["DECILE_INVALID"]
    assert await caller.codes(DOCUMENT, **asked | {"region": "33.98"}) == ["REGION_UNKNOWN"]
    assert await psm.codes(DOCUMENT, **asked) == ["NOT_PERMITTED"]
    families = {"region": BANYUMAS.code, "kind": "DOUBLE_AID", "period": "2026-07-01"}
    assert await psm.codes(FAMILIES, **families) == ["NOT_PERMITTED"]
    assert await caller.codes(FAMILIES, **families | {"period": "2026-07-15"}) == ["OVERLAP_PERIOD_WRONG"]


async def test_whose_aid_was_looked_at_is_kept_in_the_audit_trail(
    overlap_api: ApiClient, overlap_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    caller = await overlap_api.as_(Role.REGENCY_VERIFIER, BANYUMAS.code)
    found = await caller.query(FAMILIES, region=BANYUMAS.code, kind="DOUBLE_AID", period="2026-07-01")
    ids = {UUID(each["id"].split(":")[2]) for each in found["aidOverlapFamilies"]["nodes"]}
    event = await overlap_owner.fetchrow(
        "select * from audit_event where action = 'READ' and subject_type = 'Family' order by happened_at desc limit 1"
    )
    assert event is not None
    assert set(event["subject_ids"]) == ids
