"""Who sees what: each level of the tree, several grants at once, and things that are not the caller's."""

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from app.authz.enforcer import load_role_matrix
from app.authz.roles import Role
from app.schema.root import api
from app.tenants.region_path import RegionPath
from tests.authz.people import access_of, grant
from tests.support.client import ApiClient, Caller, Json
from tests.support.world import BANYUMAS, CILACAP, SLEMAN

if TYPE_CHECKING:
    import asyncpg

VILLAGE = BANYUMAS.village(1, 2)
DISTRICT = BANYUMAS.district(2)
EVERYTHING = """{
  families(first: 100) { totalCount nodes { id village { code } } }
  persons(first: 100) { totalCount nodes { id village { code } } }
}"""
SUMMARY = """query($region: String!, $by: RegionLevel!) { registrySummary(region: $region, by: $by) {
  total { families familiesUnranked persons familiesByDecile { families } personsByAge { band sex persons } }
  rows { region { code } counts { families familiesUnranked persons familiesByDecile { families } } }
} }"""

SOMETHING = {
    "Family": "select id from family where regency_id = $1 limit 1",
    "Person": "select id from person where regency_id = $1 limit 1",
}


class Truth:
    """Numbers as the administrator of the database counts them."""

    def __init__(self, owner: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._owner = owner

    async def count(self, table: str, *codes: str, where: str = "true") -> int:
        """Rows of ``table`` in the regions ``codes``."""
        spans = [RegionPath.parse(code).villages for code in codes]
        inside = " or ".join(f"village_id between {span.low} and {span.high}" for span in spans)
        counted = f"select count(*) from {table} where ({inside}) and {where}"  # noqa: S608  (a test's own words)
        found: int = await self._owner.fetchval(counted)
        return found

    async def active(self, *codes: str) -> int:
        return await self.count("family", *codes, where="status = 'ACTIVE'")

    async def present(self, *codes: str) -> int:
        return await self.count("person", *codes, where="presence in ('PRESENT', 'NEW_MEMBER')")


@pytest.fixture
def truth(owner: "asyncpg.Connection[asyncpg.Record]") -> Truth:
    return Truth(owner)


async def sees_exactly(caller: Caller, truth: Truth, *codes: str) -> None:
    """Lists and counts hold what lies in ``codes``, all of it and nothing besides."""
    seen = await caller.query(EVERYTHING)
    for field, table in (("families", "family"), ("persons", "person")):
        assert seen[field]["totalCount"] == await truth.count(table, *codes) > 0
        villages = {node["village"]["code"] for node in seen[field]["nodes"]}
        assert all(any(f"{village}.".startswith(f"{code}.") for code in codes) for village in villages)


async def summary(caller: Caller, region: str, by: str) -> Json:
    answer: Json = (await caller.query(SUMMARY, region=region, by=by))["registrySummary"]
    return answer


def codes_of(answer: Json) -> list[str]:
    return [row["region"]["code"] for row in answer["rows"]]


async def test_a_regency_sees_all_of_its_own_rows_and_no_other(api_client: ApiClient, truth: Truth) -> None:
    banyumas = await api_client.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    await sees_exactly(banyumas, truth, BANYUMAS.code)
    of_province = await summary(banyumas, "33", "REGENCY")
    assert codes_of(of_province) == [BANYUMAS.code]
    assert of_province["total"]["families"] == await truth.active(BANYUMAS.code)
    assert of_province["total"]["persons"] == await truth.present(BANYUMAS.code)
    assert (await summary(banyumas, CILACAP.code, "VILLAGE"))["total"]["families"] == 0


async def test_the_province_sees_both_regencies_and_its_total_is_the_sum_of_its_rows(
    api_client: ApiClient, truth: Truth
) -> None:
    province = await api_client.as_(Role.PROVINCE_OFFICER, "33")
    await sees_exactly(province, truth, CILACAP.code, BANYUMAS.code)
    answer = await summary(province, "33", "REGENCY")
    assert codes_of(answer) == [CILACAP.code, BANYUMAS.code]
    for counter in ("families", "familiesUnranked", "persons"):
        assert answer["total"][counter] == sum(row["counts"][counter] for row in answer["rows"]) > 0
    deciles = [[decile["families"] for decile in row["counts"]["familiesByDecile"]] for row in answer["rows"]]
    assert [decile["families"] for decile in answer["total"]["familiesByDecile"]] == [
        sum(counts) for counts in zip(*deciles, strict=True)
    ]
    assert answer["total"]["families"] == await truth.active("33")
    assert (await summary(province, "34", "REGENCY"))["rows"] == []


async def test_the_ministry_sees_every_province(api_client: ApiClient, truth: Truth) -> None:
    ministry = await api_client.as_(Role.MINISTRY_ANALYST)
    await sees_exactly(ministry, truth, "33", "34")
    assert codes_of(await summary(ministry, "34", "REGENCY")) == [SLEMAN.code]


async def test_a_tksk_sees_one_district(api_client: ApiClient, truth: Truth) -> None:
    tksk = await api_client.as_(Role.TKSK, DISTRICT)
    await sees_exactly(tksk, truth, DISTRICT)
    answer = await summary(tksk, BANYUMAS.code, "DISTRICT")
    assert codes_of(answer) == [DISTRICT]
    assert answer["total"]["families"] == await truth.active(DISTRICT)


async def test_a_psm_sees_one_village(api_client: ApiClient, truth: Truth) -> None:
    psm = await api_client.as_(Role.PSM, VILLAGE)
    await sees_exactly(psm, truth, VILLAGE)
    answer = await summary(psm, "33", "REGENCY")
    assert codes_of(answer) == [BANYUMAS.code]
    assert answer["total"]["families"] == answer["rows"][0]["counts"]["families"] == await truth.active(VILLAGE)
    assert sum(band["persons"] for band in answer["total"]["personsByAge"]) == await truth.present(VILLAGE)


async def test_two_grants_see_exactly_both_regions_and_nothing_that_lies_between(
    api_client: ApiClient, truth: Truth
) -> None:
    regencies = await api_client.granted((Role.REGENCY_VERIFIER, CILACAP.code), (Role.REGENCY_VERIFIER, SLEMAN.code))
    await sees_exactly(regencies, truth, CILACAP.code, SLEMAN.code)
    assert codes_of(await summary(regencies, "33", "REGENCY")) == [CILACAP.code]
    villages = await api_client.granted((Role.PSM, BANYUMAS.village(1, 1)), (Role.PSM, BANYUMAS.village(1, 3)))
    await sees_exactly(villages, truth, BANYUMAS.village(1, 1), BANYUMAS.village(1, 3))
    answer = await summary(villages, BANYUMAS.code, "VILLAGE")
    assert codes_of(answer) == [BANYUMAS.village(1, 1), BANYUMAS.village(1, 3)]
    assert answer["total"]["families"] == await truth.active(BANYUMAS.village(1, 1), BANYUMAS.village(1, 3))


async def test_a_village_and_a_whole_regency_of_another_province_are_seen_together(
    api_client: ApiClient, truth: Truth
) -> None:
    caller = await api_client.granted((Role.PSM, VILLAGE), (Role.REGENCY_ADMIN, SLEMAN.code))
    await sees_exactly(caller, truth, VILLAGE, SLEMAN.code)
    assert (await summary(caller, SLEMAN.code, "REGENCY"))["total"]["families"] == await truth.active(SLEMAN.code)
    assert (await summary(caller, BANYUMAS.code, "REGENCY"))["total"]["families"] == await truth.active(VILLAGE)


@pytest.mark.parametrize("kind", ["Family", "Person"])
async def test_what_is_the_neighbours_is_told_exactly_as_what_does_not_exist(
    api_client: ApiClient, owner: "asyncpg.Connection[asyncpg.Record]", kind: str
) -> None:
    field = kind.lower()
    existing = await owner.fetchval(SOMETHING[kind], CILACAP.id)
    documents = [
        f"query($i: ID!) {{ {field}(id: $i) {{ id }} }}",
        f"query($i: ID!) {{ node(id: $i) {{ __typename id ... on {kind} {{ version }} }} }}",
        "query($i: ID!) { nodes(ids: [$i, $i]) { __typename id } }",
        f"query($i: ID!) {{ {field}(id: $i) {{ id }} me {{ permissions }} }}",
    ]
    banyumas = await api_client.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    cilacap = await api_client.as_(Role.REGENCY_ADMIN, CILACAP.code)
    for document in documents:
        foreign = await banyumas.post(document, {"i": f"{kind}:{CILACAP.id}:{existing}"})
        nowhere = await banyumas.post(document, {"i": f"{kind}:{CILACAP.id}:{uuid4()}"})
        assert foreign.status_code == nowhere.status_code == 200
        assert foreign.content == nowhere.content
        assert "errors" not in foreign.json()
        own_headers = {name for name in foreign.headers if name != "x-request-id"}
        assert all(foreign.headers[name] == nowhere.headers[name] for name in own_headers)
        assert str(existing) in (await cilacap.post(document, {"i": f"{kind}:{CILACAP.id}:{existing}"})).text


async def test_a_nik_of_the_neighbours_is_told_exactly_as_one_that_nobody_has(
    api_client: ApiClient, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    document = "query($nik: String!) { personByNik(nik: $nik) { name } }"
    cilacap = await api_client.as_(Role.REGENCY_ADMIN, CILACAP.code)
    banyumas = await api_client.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    living = await owner.fetchval(
        "select id from person where regency_id = $1 and nik_sealed is not null and presence = 'PRESENT' limit 1",
        CILACAP.id,
    )
    asked = "query($i: ID!) { person(id: $i) { nikRevealed(purpose: AUDIT) } }"
    nik = (await cilacap.query(asked, i=f"Person:{CILACAP.id}:{living}"))["person"]["nikRevealed"]
    assert CILACAP.mark in (await cilacap.post(document, {"nik": nik})).text
    foreign = await banyumas.post(document, {"nik": nik})
    assert foreign.content == (await banyumas.post(document, {"nik": f"{nik[:12]}9999"})).content
    assert foreign.json()["data"] == {"personByNik": None}


async def test_callers_who_share_a_plan_see_only_their_own(api_client: ApiClient, truth: Truth) -> None:
    document = "{ families(first: 3) { totalCount nodes { village { code } } } # shared by regencies\n }"
    callers = [(regency, await api_client.as_(Role.REGENCY_ADMIN, regency.code)) for regency in (CILACAP, BANYUMAS)]
    for regency, caller in callers * 3:
        families = (await caller.query(document))["families"]
        assert families["totalCount"] == await truth.count("family", regency.code)
        assert all(node["village"]["code"].startswith(regency.code) for node in families["nodes"])
    assert plans_of(document) == 1


async def test_callers_who_share_a_plan_of_several_scopes_see_only_their_own(
    api_client: ApiClient, truth: Truth
) -> None:
    """For the first caller one scope holds the other, for the second the two lie apart: the plan may not know."""
    document = """{ persons(first: 100) { totalCount nodes { village { code } } }
      registrySummary(region: "33", by: REGENCY) { total { persons } rows { region { code } } } }"""
    within = ((Role.DUKCAPIL_OFFICER, "33"), (Role.SYSTEM_OPERATOR, BANYUMAS.code))
    apart = ((Role.DUKCAPIL_OFFICER, "34"), (Role.SYSTEM_OPERATOR, BANYUMAS.code))
    shapes = {access_of(load_role_matrix(), *(grant(*one) for one in grants)).shape for grants in (within, apart)}
    assert len(shapes) == 1
    for grants in (within, apart) * 3:
        seen = await (await api_client.granted(*grants)).query(document)
        assert seen["persons"]["totalCount"] == await truth.count("person", grants[0][1])
        assert all(node["village"]["code"].startswith(grants[0][1]) for node in seen["persons"]["nodes"])
        assert codes_of(seen["registrySummary"]) == [BANYUMAS.code]
        assert seen["registrySummary"]["total"]["persons"] == await truth.present(BANYUMAS.code)
    assert plans_of(document) == 1


def plans_of(text: str) -> int:
    """How many plans the only operation of a known document has."""
    document = api().planner.document(text)
    assert not isinstance(document, list)
    operation = document.operation(None)
    assert operation is not None
    return sum(kept is operation.identity for kept, *_ in operation.plans)
