"""The proof that an event was sealed: made for who may see the event, and checked by anybody with a hash function."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from app.authz.roles import Role
from app.domain.audit import proofs
from app.domain.audit.canonical import canonical
from app.domain.audit.proofs import (
    BatchHeader,
    Proof,
    ProofInvalid,
    ProofTooLong,
    check_proof,
    inclusion_proof,
    read_proof,
)
from app.domain.audit.seals import seal_new
from app.tenants.scope import TenantScope
from tests.audit.trail import COUNTRY, Trail, a_reveal, an_event, odd_texts, of_region, reader
from tests.cli.terminal import ROOT, Ended, Terminal
from tests.support.world import BANYUMAS

Json = dict[str, Any]


async def proof_of(trail: Trail, operation: str, scope: TenantScope = COUNTRY, noted: bytes | None = None) -> Proof:
    proof = await proof_or_none(trail, operation, scope, noted)
    assert proof is not None
    return proof


async def proof_or_none(trail: Trail, operation: str, scope: TenantScope, noted: bytes | None = None) -> Proof | None:
    row = await trail.owner.fetchrow("select regency_id, id from audit_event where operation = $1", operation)
    assert row is not None
    async with trail.database.read(scope) as session:
        return await inclusion_proof(session, row["regency_id"], UUID(str(row["id"])), noted=noted)


def file_of(proof: Proof) -> Json:
    """The proof as whoever got it from the API has it."""
    document: Json = json.loads(json.dumps(proof.as_json()))
    return document


@pytest_asyncio.fixture
async def sealed(trail: Trail) -> Trail:
    """Four batches, of which the second has seven leaves; the wanted event is the fifth of them."""
    await trail.append(an_event())
    await seal_new(trail.database, COUNTRY)
    await trail.append(*(an_event(operation=f"before {at}") for at in range(4)))
    await trail.append(a_reveal(operation='Lihat "NIK" é', roles=("REGENCY_ADMIN", "TKSK")))
    await trail.append(*(an_event(operation=f"after {at}", **of_region("33.01")) for at in range(2)))
    await seal_new(trail.database, COUNTRY)
    for _ in range(2):
        await trail.append(an_event())
        await seal_new(trail.database, COUNTRY)
    return trail


@pytest_asyncio.fixture
async def proof(sealed: Trail) -> Proof:
    return await proof_of(sealed, 'Lihat "NIK" é')


async def seal_number(trail: Trail, number: int) -> bytes:
    seal: bytes = await trail.owner.fetchval("select seal from seal_batch where number = $1", number)
    return seal


def hash_of(document: Json) -> str:
    """As an auditor would write it, from what the decision record says."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).hexdigest()


def test_a_stranger_verifies_with_a_hash_function_and_the_decision_record(proof: Proof) -> None:
    document = file_of(proof)
    record = document["record"]
    (batch,) = document["chain"]
    leaf = {
        "format": 1,
        "stream": batch["stream"],
        "regency_id": record["regency_id"],
        "id": record["id"],
        "kind": document["kind"],
        "happened_at": record["happened_at"],
        "digest": hash_of(record),
    }
    text = json.dumps(leaf, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    here, last = document["leaf_index"], batch["leaf_count"] - 1
    found = sha256(b"\0" + text.encode()).digest()
    for beside in map(bytes.fromhex, document["path"]):
        while here == last and here % 2 == 0:
            here, last = here // 2, last // 2
        pair = beside + found if here % 2 else found + beside
        found, here, last = sha256(b"\1" + pair).digest(), here // 2, last // 2
    assert found.hex() == batch["root"]
    header = {"format": 1} | {name: value for name, value in batch.items() if name != "seal"}
    assert hash_of(header) == batch["seal"]


def test_the_example_of_the_decision_record_is_true() -> None:
    record_text = (ROOT / "docs/decisions/0007-audit-and-seals.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```text\n(.*?)```", record_text, re.DOTALL)
    shown = {line.partition(" ")[0]: line.partition(" ")[2].strip() for line in block.splitlines()}
    record, leaf, header = (json.loads(shown[name]) for name in ("record", "leaf", "header"))
    for name, document in (("record", record), ("leaf", leaf), ("header", header)):
        assert canonical(document).decode() == shown[name]
    assert (hash_of(record), hash_of(header)) == (shown["digest"], shown["seal"])
    assert sha256(b"\0" + shown["leaf"].encode()).hexdigest() == shown["hash"] == header["root"]
    batch = BatchHeader(**{name: value for name, value in header.items() if name != "format"}, seal=shown["seal"])
    proof = Proof(
        format=1, record=record, kind="REVEAL", leaf_index=0, path=[], batch_number=1, chain=[batch], head=batch
    )
    assert check_proof(proof, shown["seal"]) == batch


async def test_every_leaf_of_a_batch_is_proved(trail: Trail) -> None:
    texts = [*odd_texts(), *map(str, range(9))]
    await trail.append(*(an_event(operation=text, roles=(text,)) for text in texts))
    await seal_new(trail.database, COUNTRY)
    for text in texts:
        batch = check_proof(await proof_of(trail, text))
        assert (batch.number, batch.leaf_count) == (1, len(texts))


async def test_a_proof_tells_the_event_and_of_its_neighbours_nothing_but_hashes(sealed: Trail, proof: Proof) -> None:
    event = await sealed.owner.fetchrow("select * from audit_event where id = $1::text::uuid", proof.record["id"])
    assert event is not None
    assert proof.record["subject_ids"] == [str(subject) for subject in event["subject_ids"]]
    assert proof.record["roles"] == ["REGENCY_ADMIN", "TKSK"]
    assert (proof.leaf_index, proof.batch.leaf_count, len(proof.path)) == (4, 7, 3)
    assert proof.head.number == 4
    others = await sealed.owner.fetch("select id, request_id from audit_event where id <> $1", event["id"])
    text = json.dumps(file_of(proof))
    assert not any(str(value) in text for row in others for value in row.values())


async def test_who_may_not_see_an_event_gets_no_proof_of_it(sealed: Trail) -> None:
    wanted = 'Lihat "NIK" é'
    assert await proof_or_none(sealed, wanted, reader(Role.REGENCY_ADMIN, BANYUMAS.code)) is not None
    assert await proof_or_none(sealed, wanted, reader(Role.REGENCY_ADMIN, "33.01")) is None
    assert await proof_or_none(sealed, wanted, reader(Role.AUDITOR, "34")) is None


async def test_an_event_that_is_not_sealed_yet_and_one_that_is_none_have_no_proof(sealed: Trail) -> None:
    await sealed.append(an_event(operation="new"))
    assert await proof_or_none(sealed, "new", COUNTRY) is None
    async with sealed.database.read(COUNTRY) as session:
        assert await inclusion_proof(session, 3302, UUID(int=0)) is None


@pytest.mark.parametrize("noted", [1, 2, 3, 4])
async def test_the_chain_leads_to_the_seal_that_somebody_noted(sealed: Trail, noted: int) -> None:
    seal = await seal_number(sealed, noted)
    proof = await proof_of(sealed, 'Lihat "NIK" é', noted=seal)
    assert [header.number for header in proof.chain] == list(range(min(2, noted), max(2, noted) + 1))
    assert check_proof(proof, seal.hex()).number == 2
    with pytest.raises(ProofInvalid, match="no batch of the file bears the seal that you noted"):
        check_proof(proof, sha256(b"another").hexdigest())


async def test_a_noted_seal_of_another_chain_is_in_no_proof(sealed: Trail) -> None:
    another = sha256(b"another").digest()
    proof = await proof_of(sealed, 'Lihat "NIK" é', noted=another)
    assert check_proof(proof).number == 2
    with pytest.raises(ProofInvalid, match="ask for the proof up to that seal"):
        check_proof(proof, another.hex())


async def test_a_chain_too_long_for_one_proof_is_refused(sealed: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proofs, "MOST_BATCHES", 2)
    last, next_ = await seal_number(sealed, 4), await seal_number(sealed, 3)
    with pytest.raises(ProofTooLong) as refused:
        await proof_of(sealed, 'Lihat "NIK" é', noted=last)
    assert refused.value.code == "PROOF_TOO_LONG"
    assert len((await proof_of(sealed, 'Lihat "NIK" é', noted=next_)).chain) == 2


def rewritten(document: Json, place: str, value: Any) -> Json:
    """``document`` with another value at ``place``, a path of names and numbers."""
    before = json.dumps(document)
    *way, last = [int(step) if step.isdigit() else step for step in place.split(".")]
    here: Any = document
    for step in way:
        here = here[step]
    here[last] = value
    assert json.dumps(document) != before
    return document


def sealed_header(header: BatchHeader) -> BatchHeader:
    """``header`` with a seal that is right for what it says now."""
    members = {name: value for name, value in asdict(header).items() if name != "seal"}
    forged = replace(header, seal=hash_of({"format": 1} | members))
    assert forged.holds
    return forged


OTHER = "00" * 32
NOT_SEALED = r"the record is not the one that was sealed at place -?\d of batch 2"


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        ("record.row_count", 2, NOT_SEALED),
        ("record.row_count", 1.0, NOT_SEALED),
        ("record.row_count", "1", NOT_SEALED),
        ("record.purpose", "AUDIT", NOT_SEALED),
        ("record.subject_ids", [], NOT_SEALED),
        ("record.regency_id", 3301, NOT_SEALED),
        ("record.happened_at", "2020-01-01T00:00:00.000000Z", NOT_SEALED),
        ("record.more", True, NOT_SEALED),
        ("record", {}, NOT_SEALED),
        ("record.row_count", 10**30, "the record holds a number or a text that no record has"),
        ("kind", "READ", NOT_SEALED),
        ("leaf_index", 3, NOT_SEALED),
        ("leaf_index", -1, NOT_SEALED),
        ("path.0", OTHER, NOT_SEALED),
        ("path", [], NOT_SEALED),
        ("batch_number", 3, "does not hold batch 3"),
        ("chain", [], "does not hold batch 2"),
        ("chain.1.root", OTHER, NOT_SEALED),
        ("chain.1.leaf_count", 8, "the seal of batch 2 is not that of its contents"),
        ("chain.1.sealed_at", "2020-01-01T00:00:00.000000Z", "the seal of batch 2 is not that of its contents"),
        ("chain.1.seal", OTHER, "the seal of batch 2 is not that of its contents"),
        ("chain.0.root", OTHER, "the seal of batch 1 is not that of its contents"),
        ("head.root", OTHER, "the seal of batch 4 is not that of its contents"),
        ("format", 2, "format: Input should be 1"),
        ("path.0", "zz", "path.0: String should match"),
        ("more", 1, "more: Unexpected keyword argument"),
    ],
)
async def test_whatever_is_changed_in_a_proof_spoils_it(sealed: Trail, place: str, value: Any, reason: str) -> None:
    noted = await seal_number(sealed, 1)
    document = file_of(await proof_of(sealed, 'Lihat "NIK" é', noted=noted))
    check_proof(read_proof(json.dumps(document).encode()), noted.hex())
    spoilt = json.dumps(rewritten(document, place, value)).encode()
    with pytest.raises(ProofInvalid, match=reason):
        check_proof(read_proof(spoilt), noted.hex())


async def test_a_chain_with_a_gap_or_another_batch_in_between_leads_nowhere(sealed: Trail) -> None:
    noted = await seal_number(sealed, 4)
    proof = await proof_of(sealed, 'Lihat "NIK" é', noted=noted)
    batch, next_, last = proof.chain
    for chain in (
        [batch, last],
        [last, next_, batch],
        [batch, next_, last, last],
        [batch, sealed_header(replace(next_, previous=OTHER)), last],
        [batch, sealed_header(replace(next_, stream="ledger")), last],
    ):
        with pytest.raises(ProofInvalid, match="does not follow from batch"):
            check_proof(replace(proof, chain=chain), noted.hex())


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "no JSON", '{"format": 1', "[" * 100_000, "\udc00"])
def test_a_file_that_is_no_proof_is_refused(text: str) -> None:
    with pytest.raises(ProofInvalid):
        read_proof(text.encode("utf-8", "surrogatepass"))


@pytest.fixture
def verified(tmp_path: Path) -> Callable[..., Ended]:
    """Runs `kesos verify` where there is no database."""

    def verify(document: Json, *arguments: str) -> Ended:
        (tmp_path / "bukti.json").write_text(json.dumps(document))
        ended = Terminal(tmp_path, KESOS_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none").kesos(
            "verify", "bukti.json", *arguments
        )
        assert (ended.out + ended.err).count("\n") == 1
        return ended

    return verify


def test_the_command_says_what_was_sealed_and_when(verified: Callable[..., Ended], proof: Proof) -> None:
    ended = verified(file_of(proof))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        f"Event {proof.record['id']} (REVEAL of {proof.record['happened_at']}) is the one that was sealed in batch 2 at "
        f"{proof.batch.sealed_at} with the seal {proof.batch.seal}.\n"
    )


def test_the_command_checks_a_seal_that_somebody_noted(verified: Callable[..., Ended], proof: Proof) -> None:
    ended = verified(file_of(proof), "--seal", proof.batch.seal.upper())
    assert ended.code == 0
    assert ended.out.endswith(", and the chain of batches leads from there to the seal that you noted.\n")
    refused = verified(file_of(proof), "--seal", OTHER)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("kesos: bukti.json proves nothing: no batch of the file bears the seal")
    assert "--seal takes the 64 hexadecimal digits" in verified(file_of(proof), "--seal", "123").err


def test_the_command_says_why_a_proof_proves_nothing(verified: Callable[..., Ended], proof: Proof) -> None:
    refused = verified(rewritten(file_of(proof), "record.row_count", 7))
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == (
        "kesos: bukti.json proves nothing: the record is not the one that was sealed at place 4 of batch 2.\n"
    )
    whole_answer = verified({"data": {"auditEvents": {"nodes": [{"inclusionProof": file_of(proof)}]}}})
    assert "save the value of `inclusionProof` alone" in whole_answer.err
