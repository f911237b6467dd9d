"""What anybody who works with aid reads of programmes."""

from app.authz.roles import Role
from tests.bansos.programmes.bureau import BANYUMAS, TERMS, Bureau

LIST = """query($on: Date, $region: String, $after: String) { programmes(first: 100, on: $on, region: $region, after: $after) {
  nodes { code } pageInfo { hasNextPage endCursor } } }"""
PKH = f"""{{ programme(code: "PKH") {{ id code name nameEnglish benefit fund channels region {{ code }} validFrom validTo
  legalBasis {{ code title validFrom validTo }}
  old: terms(on: "2021-10-01") {{ version }} none: terms(on: "2020-12-31") {{ version }} terms(on: "2026-10-01") {{ {TERMS} }}
  versions {{ totalCount nodes {{ version state }} }}
  relations(on: "2026-01-01") {{ other {{ code }} relation validFrom validTo legalBasis {{ code }} }} }} }}"""


async def test_pkh_says_its_terms_amounts_limits_and_relations(bureau: Bureau) -> None:
    caller = await bureau.officer(Role.PSM, "33.02.01.2001")
    pkh = (await caller.query(PKH))["programme"]
    assert (pkh["id"], pkh["benefit"], pkh["fund"], pkh["channels"], pkh["region"]) == (
        "Programme:PKH", "CASH", "STATE", ["BANK", "POS"], None)  # fmt: skip
    assert pkh["legalBasis"]["code"] == "PERMENSOS-1-2018"
    assert (pkh["old"], pkh["none"], pkh["terms"]["version"]) == ({"version": 1}, None, 2)
    assert [each["version"] for each in pkh["versions"]["nodes"]] == [2, 1]
    rules = pkh["terms"]["rules"]
    assert [rule["code"] for rule in rules[:2]] == ["DECILE_UNKNOWN", "DECILE_TOO_HIGH"]
    amounts = {each["code"]: each["amounts"] for each in pkh["terms"]["components"]}
    assert amounts["SMA"] == [{"year": 2021, "amount": 2_000_000}]
    related = [(each["other"]["code"], each["relation"]) for each in pkh["relations"]]
    # Others write that they exclude PKH; PKH says it, too.
    assert {("BLT_DD", "EXCLUSIVE"), ("JAMSOSRATU", "EXCLUSIVE"), ("SEMBAKO", "STACKABLE")} <= set(related)


async def test_a_programme_that_adds_to_another_says_so_and_the_other_does_not(bureau: Bureau) -> None:
    asked = "query($code: String!) { programme(code: $code) { relations { other { code } relation } } }"
    caller = await bureau.maker()
    top_up = (await caller.query(asked, code="BPNT_DAERAH_BANYUMAS"))["programme"]["relations"]
    assert top_up == [{"other": {"code": "SEMBAKO"}, "relation": "TOP_UP"}]
    sembako = (await caller.query(asked, code="SEMBAKO"))["programme"]["relations"]
    assert "BPNT_DAERAH_BANYUMAS" not in [each["other"]["code"] for each in sembako]


async def listed(bureau: Bureau, **filters: str) -> list[str]:
    caller = await bureau.maker()
    page = (await caller.query(LIST, **filters))["programmes"]
    nodes = page["nodes"]
    # Other tests leave programmes of theirs.
    while page["pageInfo"]["hasNextPage"]:
        page = (await caller.query(LIST, **filters, after=page["pageInfo"]["endCursor"]))["programmes"]
        nodes += page["nodes"]
    return [node["code"] for node in nodes if not node["code"].startswith("UJI_")]


async def test_programmes_are_listed_by_region_and_day(bureau: Bureau) -> None:
    everywhere = ["BLT_DD", "PBI_JK", "PKH", "SEMBAKO", "YAPI"]
    assert await listed(bureau) == sorted([*everywhere, "BPNT_DAERAH_BANYUMAS", "JAMSOSRATU"])
    assert await listed(bureau, region="36.02") == sorted([*everywhere, "JAMSOSRATU"])
    assert await listed(bureau, region=BANYUMAS) == sorted([*everywhere, "BPNT_DAERAH_BANYUMAS"])
    assert await listed(bureau, region="33") == sorted([*everywhere, "BPNT_DAERAH_BANYUMAS"])
    assert await listed(bureau, on="2018-01-01") == ["JAMSOSRATU", "SEMBAKO"]


async def test_what_there_is_not_is_null(bureau: Bureau) -> None:
    caller = await bureau.maker()
    assert await caller.query('{ programme(code: "TIDAK_ADA") { code } node(id: "Programme:TIDAK_ADA") { id } }') == {
        "programme": None,
        "node": None,
    }


async def test_programme_and_terms_are_found_again_by_their_ids(bureau: Bureau) -> None:
    caller = await bureau.maker()
    terms = (await caller.query('{ programme(code: "SEMBAKO") { terms(on: "2026-01-01") { id } } }'))["programme"][
        "terms"
    ]["id"]
    found = await caller.query(
        "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Programme { name } ... on ProgrammeTerms { amount } } }",
        ids=["Programme:SEMBAKO", terms],
    )
    assert found["nodes"] == [{"name": "Program Sembako (BPNT)"}, {"amount": 600_000}]


async def test_whoever_may_not_read_programmes_is_refused(bureau: Bureau) -> None:
    caller = await bureau.officer(Role.DUKCAPIL_OFFICER)
    assert await caller.codes("{ programmes { nodes { code } } }") == ["NOT_PERMITTED"]
