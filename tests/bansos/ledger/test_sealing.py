"""The journal is sealed with its lines: whatever an owner of the database does to it is found and named."""

import json

import pytest
import pytest_asyncio

from app.authz.roles import Role
from app.domain.audit.proofs import Proof, ProofInvalid, check_proof, inclusion_proof, read_proof
from app.domain.audit.seals import newest_seal, seal_new
from app.domain.audit.streams import AUDIT, LEDGER
from app.domain.audit.verification import Finding, Wrong
from app.domain.bansos.models.ledger import EntryKind
from app.tenants.scope import TenantScope
from tests.bansos.ledger.books import COUNTRY, Books, EntryKey, entry, scope_of
from tests.support.world import BANYUMAS, CILACAP

OF_AN_ENTRY = [
    "village_low = village_low - 1",
    "village_high = village_high + 1",
    "happened_at = happened_at + interval '1 microsecond'",
    "kind = 'WITHDRAWAL'",
    "programme_code = 'UJI_B'",
    "cycle_id = gen_random_uuid()",
    "family_id = null",
    "source_id = gen_random_uuid()",
    "source_key = source_key || ' '",
    "principal_id = gen_random_uuid()",
    "kind = 'REVERSAL', reason = 'x'",
]
OF_A_LINE = [
    "village_low = village_low - 1",
    "village_high = village_high + 1",
    "account = case account when 'CLEARING' then 'TREASURY' else account end",
    "holder_id = case account when 'WALLET' then gen_random_uuid() end",
    "programme_code = 'UJI_B'",
    "amount = amount * 10",
    "number = number + 1",
]
LEFT_OUT = {"regency_id", "id", "entry_id"}
"""What names a row: changed, the row is another, and the one that was sealed is gone."""


@pytest_asyncio.fixture
async def wanted(books: Books) -> EntryKey:
    """An entry in the second of three sealed batches, and others beside it."""
    await books.top_up(books.purse(number=1))
    await seal_new(books.database, COUNTRY, LEDGER)
    others = [entry(EntryKind.TOP_UP, books.purse(CILACAP, at), 7) for at in range(4)]
    wanted = entry(EntryKind.TOP_UP, books.purse(), 600_000)
    await books.post(*others, wanted)
    await seal_new(books.database, COUNTRY, LEDGER)
    await books.reverse(await books.key(others[0]["source_key"]), 'salah "catat" é')
    await seal_new(books.database, COUNTRY, LEDGER)
    assert await books.count("seal_queue") == 0
    assert await books.verify() == []
    return await books.key(wanted["source_key"])


@pytest.mark.parametrize("change", OF_AN_ENTRY)
async def test_a_changed_entry_is_named(books: Books, wanted: EntryKey, change: str) -> None:
    await books.owner.execute(f"update journal_entry set {change} where id = $1", wanted.id)  # noqa: S608  (a test's own words)
    assert await books.verify() == [Finding(Wrong.EVENT_CHANGED, 2, wanted.regency_id, wanted.id)]


@pytest.mark.parametrize("change", OF_A_LINE)
async def test_an_entry_is_named_by_a_change_of_one_of_its_lines(books: Books, wanted: EntryKey, change: str) -> None:
    which = "number = 1" if "CLEARING" in change else "number = 2"
    await books.owner.execute(f"update journal_line set {change} where entry_id = $1 and {which}", wanted.id)  # noqa: S608  (a test's own words)
    assert await books.verify() == [Finding(Wrong.EVENT_CHANGED, 2, wanted.regency_id, wanted.id)]


@pytest.mark.parametrize(("table", "changes"), [("journal_entry", OF_AN_ENTRY), ("journal_line", OF_A_LINE)])
async def test_no_column_is_left_out(books: Books, table: str, changes: list[str]) -> None:
    columns = await books.owner.fetch("select column_name from information_schema.columns where table_name = $1", table)
    changed = {part.strip().partition(" =")[0] for change in changes for part in change.split(", ")}
    assert {row["column_name"] for row in columns} - LEFT_OUT == changed


async def test_lines_that_were_taken_away_added_or_exchanged_are_found(books: Books, wanted: EntryKey) -> None:
    found = [Finding(Wrong.EVENT_CHANGED, 2, wanted.regency_id, wanted.id)]
    for statement in (
        "delete from journal_line where entry_id = $1 and number = 2",
        "update journal_line set number = -number where entry_id = $1",
        "with gone as (delete from journal_line where entry_id = $1 returning 1) select count(*) from gone",
    ):
        transaction = books.owner.transaction()
        await transaction.start()
        await books.owner.execute(statement, wanted.id)
        await transaction.commit()
        assert await books.verify() == found, statement


async def test_an_entry_that_was_taken_away_is_missed(books: Books, wanted: EntryKey) -> None:
    await books.owner.execute("delete from journal_line where entry_id = $1", wanted.id)
    await books.owner.execute("delete from journal_entry where id = $1", wanted.id)
    assert await books.verify() == [Finding(Wrong.EVENT_MISSING, 2, wanted.regency_id, wanted.id)]


async def test_the_two_chains_are_apart(books: Books, wanted: EntryKey) -> None:
    assert wanted
    assert await newest_seal(books.database, AUDIT) is None
    head = await newest_seal(books.database, LEDGER)
    assert head is not None
    assert head.number == 3


async def test_an_entry_that_nobody_sealed_for_more_than_a_day_is_named(books: Books, wanted: EntryKey) -> None:
    assert wanted
    key = await books.top_up(books.purse())
    await books.owner.execute(
        "update journal_entry set happened_at = now() - interval '25 hours' where id = $1", key.id
    )
    assert await books.verify() == [Finding(Wrong.UNSEALED_OLD, None, key.regency_id, key.id)]


async def proof_of(
    books: Books, key: EntryKey, scope: TenantScope = COUNTRY, noted: bytes | None = None
) -> Proof | None:
    async with books.database.read(scope) as session:
        return await inclusion_proof(session, key.regency_id, key.id, noted=noted, stream=LEDGER)


async def test_a_proof_shows_the_lines_and_holds_without_a_database(books: Books, wanted: EntryKey) -> None:
    head = await newest_seal(books.database, LEDGER)
    assert head is not None
    proof = await proof_of(books, wanted, scope_of(Role.REGENCY_ADMIN, BANYUMAS.code), head.seal)
    assert proof is not None
    document = json.dumps(proof.as_json())
    batch = check_proof(read_proof(document.encode()), head.seal.hex())
    assert (batch.stream, batch.number) == ("ledger", 2)
    lines = proof.record["lines"]
    assert [(line["account"], line["amount"]) for line in lines] == [("CLEARING", -600_000), ("WALLET", 600_000)]
    for altered in (document.replace("600000", "900000"), document.replace("UJI_A", "UJI_B")):
        assert altered != document
        with pytest.raises(ProofInvalid):
            check_proof(read_proof(altered.encode()))


async def test_who_does_not_see_an_entry_gets_no_proof_of_it(books: Books, wanted: EntryKey) -> None:
    assert await proof_of(books, wanted, scope_of(Role.REGENCY_ADMIN, CILACAP.code)) is None
    unsealed = await books.top_up(books.purse())
    assert await proof_of(books, unsealed) is None
