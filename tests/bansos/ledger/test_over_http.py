"""The ledger through the API: who sees which entry, wallet and total, proofs, and returning what lies idle."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest_asyncio

from app.authz.roles import Role
from app.domain.audit.proofs import check_proof, read_proof
from app.domain.audit.seals import newest_seal, seal_new
from app.domain.audit.streams import LEDGER
from app.domain.bansos.models.ledger import EntryKind
from app.settings import Settings
from app.tenants.server import DatabaseServer
from tests.bansos.ledger.books import COUNTRY, Books, entry
from tests.support.client import ApiClient, Caller, api_of
from tests.support.world import BANYUMAS, CILACAP, SLEMAN

ENTRIES = """query(
  $region: String, $programme: String, $kind: JournalEntryKind, $family: ID, $wallet: ID, $after: String, $first: Int! = 100
) {
  journalEntries(region: $region, programme: $programme, kind: $kind, family: $family, wallet: $wallet, after: $after, first: $first) {
    totalCount pageInfo { hasNextPage endCursor }
    nodes { id kind programme { code } regionCode familyId sourceKey reason cycle { id } happenedAt
      lines { number account walletId amount } } } }"""
WALLETS = """query($region: String, $programme: String, $holding: Boolean! = true) {
  wallets(region: $region, programme: $programme, holding: $holding, first: 100) {
    totalCount nodes { id balance movedAt programme { code } village { code } family { id headName }
      entries(first: 10) { totalCount nodes { kind lines { amount } } } } } }"""
BALANCES = """query($region: String, $by: LedgerLevel!, $programme: String) {
  ledgerBalances(region: $region, by: $by, programme: $programme) {
    region { code } total { ...amounts } rows { region { code } amounts { ...amounts } } } }
fragment amounts on LedgerAmounts { treasury clearing wallets agents withdrawn }"""
RETURN = """mutation($input: IdleBalancesReturnInput!) { answer: idleBalancesReturn(input: $input) {
  __typename ... on UserError { code message } ... on InvalidInput { fields }
  ... on IdleBalancesReturned { idleReturn { id wallets amount untouchedSince finishedAt startedBy region { code } programme { code }
    job { kind state } } } } }"""


@pytest_asyncio.fixture(scope="module")
async def ledger_api(api_settings: Settings, ledger_server: DatabaseServer) -> AsyncIterator[ApiClient]:
    async with api_of(api_settings, ledger_server) as client:
        yield client


@pytest_asyncio.fixture
async def banyumas(ledger_api: ApiClient) -> Caller:
    return await ledger_api.as_(Role.REGENCY_ADMIN, BANYUMAS.code)


@pytest_asyncio.fixture
async def ministry(ledger_api: ApiClient) -> Caller:
    return await ledger_api.as_(Role.MINISTRY_ADMIN)


@pytest_asyncio.fixture
async def posted(books: Books) -> Books:
    """A release, two top-ups and a purchase in Banyumas; a top-up in each of the others."""
    purse = books.purse()
    release = entry(
        EntryKind.RELEASE,
        purse,
        1_000,
        village_low=BANYUMAS.path.villages.low,
        village_high=BANYUMAS.path.villages.high,
        family_id=None,
        source_key="RELEASE:1",
    )
    await books.post(release)
    await books.post(entry(EntryKind.TOP_UP, purse, 300, source_key="TOP_UP:1"))
    await books.post(entry(EntryKind.TOP_UP, books.purse(number=1, programme="UJI_B"), 200, source_key="TOP_UP:2"))
    await books.post(entry(EntryKind.REDEMPTION, purse, 50, source_key="REDEMPTION:1"))
    await books.post(entry(EntryKind.TOP_UP, books.purse(CILACAP), 7, source_key="TOP_UP:3"))
    await books.post(entry(EntryKind.TOP_UP, books.purse(SLEMAN), 5, source_key="TOP_UP:4"))
    return books


async def keys(caller: Caller, **variables: Any) -> list[str]:
    page = (await caller.query(ENTRIES, **variables))["journalEntries"]
    assert page["totalCount"] == len(page["nodes"])
    return [node["sourceKey"] for node in page["nodes"]]


async def test_entries_are_listed_newest_first_with_their_lines(posted: Books, banyumas: Caller) -> None:
    page = (await banyumas.query(ENTRIES))["journalEntries"]
    assert [node["sourceKey"] for node in page["nodes"]] == ["REDEMPTION:1", "TOP_UP:2", "TOP_UP:1", "RELEASE:1"]
    bought, _, topped, released = page["nodes"]
    purse = posted.purse()
    wallet = f"Wallet:{purse.regency_id}:{purse.id}"
    assert topped["familyId"] == f"Family:{purse.regency_id}:{purse.family_id}"
    assert topped["lines"] == [
        {"number": 1, "account": "CLEARING", "walletId": None, "amount": -300},
        {"number": 2, "account": "WALLET", "walletId": wallet, "amount": 300},
    ]
    assert bought["lines"][1] == {"number": 2, "account": "AGENT", "walletId": None, "amount": 50}
    assert (released["regionCode"], released["familyId"], released["cycle"]) == (BANYUMAS.code, None, None)
    assert (topped["kind"], topped["programme"], topped["reason"]) == ("TOP_UP", {"code": "UJI_A"}, None)


async def test_entries_are_found_by_what_they_are_about(posted: Books, banyumas: Caller, ministry: Caller) -> None:
    purse = posted.purse()
    wallet, family = f"Wallet:{purse.regency_id}:{purse.id}", f"Family:{purse.regency_id}:{purse.family_id}"
    assert await keys(banyumas, kind="TOP_UP") == ["TOP_UP:2", "TOP_UP:1"]
    assert await keys(banyumas, programme="UJI_B") == ["TOP_UP:2"]
    assert await keys(banyumas, wallet=wallet) == ["REDEMPTION:1", "TOP_UP:1"]
    assert await keys(banyumas, family=family, kind="REDEMPTION") == ["REDEMPTION:1"]
    assert await keys(ministry, region="33", kind="TOP_UP") == ["TOP_UP:3", "TOP_UP:2", "TOP_UP:1"]
    assert await keys(ministry, region=SLEMAN.code) == ["TOP_UP:4"]
    assert await keys(ministry, programme="NOBODY") == []
    first = (await ministry.query(ENTRIES, first=4))["journalEntries"]
    rest = (await ministry.query(ENTRIES, after=first["pageInfo"]["endCursor"]))["journalEntries"]
    assert [node["sourceKey"] for node in first["nodes"] + rest["nodes"]] == await keys(ministry)


async def test_a_neighbour_sees_nothing_of_it(posted: Books, ledger_api: ApiClient, banyumas: Caller) -> None:
    purse = posted.purse()
    one = (await banyumas.query(ENTRIES, kind="REDEMPTION"))["journalEntries"]["nodes"][0]["id"]
    cilacap = await ledger_api.as_(Role.REGENCY_ADMIN, CILACAP.code)
    assert await keys(cilacap) == ["TOP_UP:3"]
    assert await keys(cilacap, wallet=f"Wallet:{purse.regency_id}:{purse.id}") == []
    document = "query($id: ID!) { journalEntry(id: $id) { id inclusionProof } node(id: $id) { id } }"
    assert await cilacap.query(document, id=one) == {"journalEntry": None, "node": None}
    assert (await banyumas.query(document, id=one))["journalEntry"] == {"id": one, "inclusionProof": None}
    assert (await cilacap.query(WALLETS))["wallets"]["totalCount"] == 1


async def test_wallets_tell_their_balance_and_what_moved_it(posted: Books, banyumas: Caller) -> None:
    page = (await banyumas.query(WALLETS))["wallets"]
    assert sorted(node["balance"] for node in page["nodes"]) == [200, 250]
    (held,) = [node for node in page["nodes"] if node["balance"] == 250]
    purse = posted.purse()
    assert held["id"] == f"Wallet:{purse.regency_id}:{purse.id}"
    assert held["family"]["id"] == f"Family:{purse.regency_id}:{purse.family_id}"
    assert [node["kind"] for node in held["entries"]["nodes"]] == ["REDEMPTION", "TOP_UP"]
    assert held["entries"]["totalCount"] == 2
    everything = (await banyumas.query(WALLETS, holding=False, programme="UJI_A"))["wallets"]
    assert everything["totalCount"] == 48


async def test_a_family_tells_its_wallets_to_whoever_may_read_the_ledger(
    posted: Books, banyumas: Caller, ledger_api: ApiClient
) -> None:
    purse = posted.purse()
    document = "query($id: ID!) { family(id: $id) { wallets { balance programme { code } } } }"
    id_ = f"Family:{purse.regency_id}:{purse.family_id}"
    assert (await banyumas.query(document, id=id_))["family"]["wallets"] == [
        {"balance": 250, "programme": {"code": "UJI_A"}},
        {"balance": 0, "programme": {"code": "UJI_B"}},
    ]
    verifier = await ledger_api.as_(Role.REGENCY_VERIFIER, BANYUMAS.code)
    assert await verifier.codes(document, id=id_) == ["NOT_PERMITTED"]
    for field in ("journalEntries", "wallets"):
        assert "NOT_PERMITTED" in await verifier.codes(f"{{ {field} {{ totalCount }} }}")


async def test_reading_a_wallet_is_kept_with_its_family(posted: Books, banyumas: Caller) -> None:
    response = await banyumas.post("{ wallets(first: 1, holding: true) { nodes { family { headName } balance } } }", {})
    events = await posted.owner.fetch(
        "select subject_type, subject_ids from audit_event where action = 'READ' and request_id = $1",
        response.headers["x-request-id"],
    )
    assert [row["subject_type"] for row in events] == ["Wallet"]
    families = {str(purse.family_id) for purse in posted.purses}
    assert {str(each) for each in events[0]["subject_ids"]} <= families


async def test_balances_add_up_to_their_total_at_every_level(posted: Books, ministry: Caller, banyumas: Caller) -> None:
    assert await posted.count("journal_entry") == 6
    answer = (await ministry.query(BALANCES, by="REGENCY"))["ledgerBalances"]
    assert answer["region"] is None
    rows = {row["region"]["code"]: row["amounts"] for row in answer["rows"]}
    assert rows[BANYUMAS.code] == {"treasury": -1_000, "clearing": 500, "wallets": 450, "agents": 50, "withdrawn": 0}
    assert rows.keys() == {BANYUMAS.code, CILACAP.code, SLEMAN.code}
    assert answer["total"] == {name: sum(row[name] for row in rows.values()) for name in answer["total"]}
    assert sum(answer["total"].values()) == 0
    provinces = (await ministry.query(BALANCES, by="PROVINCE"))["ledgerBalances"]
    assert [row["region"]["code"] for row in provinces["rows"]] == ["33", "34"]
    assert provinces["total"] == answer["total"]
    java = (await ministry.query(BALANCES, region="33", by="REGENCY"))["ledgerBalances"]
    assert java["total"] == provinces["rows"][0]["amounts"]
    assert java["region"] == {"code": "33"}
    of_b = (await ministry.query(BALANCES, by="PROVINCE", programme="UJI_B"))["ledgerBalances"]
    assert of_b["total"]["wallets"] == 200
    own = (await banyumas.query(BALANCES, by="REGENCY"))["ledgerBalances"]
    assert (own["total"], len(own["rows"])) == (rows[BANYUMAS.code], 1)
    neighbour = (await banyumas.query(BALANCES, region=CILACAP.code, by="REGENCY"))["ledgerBalances"]
    assert (set(neighbour["total"].values()), neighbour["rows"]) == ({0}, [])
    for region, by in ((BANYUMAS.code, "PROVINCE"), (BANYUMAS.district(1), "REGENCY")):
        assert await ministry.codes(BALANCES, region=region, by=by) == ["SUMMARY_LEVEL_INVALID"]


async def test_an_entry_proves_itself_up_to_a_noted_seal(posted: Books, banyumas: Caller) -> None:
    await seal_new(posted.database, COUNTRY, LEDGER)
    await posted.post(entry(EntryKind.TOP_UP, posted.purse(), 1))
    await seal_new(posted.database, COUNTRY, LEDGER)
    head = await newest_seal(posted.database, LEDGER)
    assert head is not None
    document = """query($seal: String) { journalEntries(kind: REDEMPTION, first: 5) { nodes { id inclusionProof(seal: $seal) } } }"""
    (node,) = (await banyumas.query(document, seal=head.seal.hex()))["journalEntries"]["nodes"]
    proof = node["inclusionProof"]
    assert proof["record"]["source_key"] == "REDEMPTION:1"
    batch = check_proof(read_proof(json.dumps(proof).encode()), head.seal.hex())
    assert (batch.stream, batch.number) == ("ledger", 1)
    assert await banyumas.codes(document, seal="zz") == ["SEAL_INVALID"]


async def test_idle_balances_are_returned_by_a_job(posted: Books, ministry: Caller, banyumas: Caller) -> None:
    given = {"region": "33", "programme": "UJI_A", "idempotencyKey": str(uuid4())}
    answer = (await ministry.query(RETURN, input=given))["answer"]
    assert answer["__typename"] == "IdleBalancesReturned"
    started = answer["idleReturn"]
    assert (started["region"], started["programme"]) == ({"code": "33"}, {"code": "UJI_A"})
    assert (started["wallets"], started["amount"], started["finishedAt"]) == (0, 0, None)
    assert started["job"] == {"kind": "IDLE_RETURN", "state": "QUEUED"}
    assert (await ministry.query(RETURN, input=given))["answer"] == answer
    listed = (await ministry.query('{ idleReturns(region: "33") { totalCount nodes { id } } }'))["idleReturns"]
    assert (listed["totalCount"], listed["nodes"]) == (1, [{"id": started["id"]}])
    (event,) = await posted.owner.fetch(
        "select * from audit_event where operation = 'idleBalancesReturn' and subject_ids @> array[$1::text::uuid] limit 1",
        started["id"].rpartition(":")[2],
    )
    assert (event["action"], event["subject_type"]) == ("CHANGE", "IdleReturn")
    for changed, code in (
        ({"programme": "UJI_B"}, "BALANCE_NEVER_IDLE"),
        ({"programme": "NOBODY"}, "PROGRAMME_NOT_FOUND"),
        ({"region": "33.98"}, "REGION_UNKNOWN"),
        ({"region": "3302"}, "REGION_CODE_MALFORMED"),
    ):
        refused = (await ministry.query(RETURN, input={**given, **changed, "idempotencyKey": str(uuid4())}))["answer"]
        assert refused["code"] == code
    assert await banyumas.codes(RETURN, input=given) == ["NOT_PERMITTED"]
    assert await posted.count("idle_return") == 1
