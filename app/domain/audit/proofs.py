"""Proof that one record was sealed: given by the API to whoever may see the record, checked by anybody, without a database."""

from dataclasses import asdict
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import orjson
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from app.domain.audit.canonical import FORMAT, LEAF_HASH_SQL, Leaf, digest_of, moment_sql, seal_of
from app.domain.audit.merkle import inclusion_path, parted, root_by_path
from app.domain.audit.streams import AUDIT, Stream
from app.domain.base import DomainError
from app.tenants.session import ReadSession

MOST_BATCHES: Final = 10_000
"""Of the chain between a record and a seal that somebody noted: a week of sealing once a minute."""

Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
"""A SHA-256 in lower-case hexadecimal."""
_STRICT: Final = ConfigDict(strict=True, extra="forbid")


class ProofTooLong(DomainError):
    """More batches lie between a record and a noted seal than one proof may hold."""

    code = "PROOF_TOO_LONG"

    def __init__(self) -> None:
        super().__init__(
            "Segel yang dicatat terlalu jauh dari peristiwa itu; sebutkan segel yang lebih dekat.",
            "The seal that was noted lies too far from that event; name one that is nearer.",
        )


class ProofInvalid(Exception):
    """The proof does not prove what it says; the message is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class BatchHeader:
    """What the seal of a batch is made of, and the seal."""

    stream: str
    number: int
    previous: Hash | None
    root: Hash
    leaf_count: int
    sealed_at: str
    seal: Hash

    @property
    def holds(self) -> bool:
        """Whether the seal is that of this header."""
        seal = seal_of(
            stream=self.stream,
            number=self.number,
            previous=None if self.previous is None else bytes.fromhex(self.previous),
            root=bytes.fromhex(self.root),
            leaf_count=self.leaf_count,
            sealed_at=self.sealed_at,
        )
        return seal.hex() == self.seal


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Proof:
    """A record, its place in a batch, and the batches that lead from there to a seal that somebody noted.

    ``record`` has the members that are hashed; ``kind`` is what its leaf calls it. ``chain`` begins or ends with the batch of the
    record and has every batch up to the one whose seal was noted, or that batch alone. ``head`` was the newest batch when the
    proof was made: its seal is the one to write down.
    """

    format: Literal[1]
    record: dict[str, Any]
    kind: str
    leaf_index: int
    path: list[Hash]
    batch_number: int
    chain: list[BatchHeader]
    head: BatchHeader

    def as_json(self) -> dict[str, Any]:
        """The proof as JSON: written to a file, ``kesos verify`` reads it."""
        return asdict(self)

    @property
    def batch(self) -> BatchHeader:
        """The batch of the record.

        Raises:
            ProofInvalid: the chain does not hold it.
        """
        for header in self.chain:
            if header.number == self.batch_number:
                return header
        raise ProofInvalid(f"the file does not hold batch {self.batch_number}, to which it says the record belongs")


_PROOF: Final = TypeAdapter(Proof)


def read_proof(document: bytes) -> Proof:
    """Read what ``Proof.as_json`` wrote.

    Raises:
        ProofInvalid: it is no proof of a form that this Kesos knows.
    """
    try:
        return _PROOF.validate_json(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        advice = "save the value of `inclusionProof` alone, without the answer around it"
        raise ProofInvalid(f"{place}: {first['msg']}; {advice}") from error


def check_proof(proof: Proof, noted: str | None = None) -> BatchHeader:
    """Check ``proof`` and return the batch in which its record was sealed; ``noted`` is a seal that the reader wrote down earlier.

    Raises:
        ProofInvalid: the record is not the one that was sealed, or the seal is not that of the chain.
    """
    batch = proof.batch
    try:
        digest = digest_of(proof.record)
    except TypeError as error:
        raise ProofInvalid("the record holds a number or a text that no record has") from error
    leaf = Leaf(
        stream=batch.stream,
        regency_id=proof.record.get("regency_id", 0),
        id=proof.record.get("id", ""),
        kind=proof.kind,
        happened_at=proof.record.get("happened_at", ""),
        digest=digest,
    )
    path = [bytes.fromhex(each) for each in proof.path]
    root = root_by_path(leaf.hash, proof.leaf_index, batch.leaf_count, path)
    if root is None or root.hex() != batch.root:
        raise ProofInvalid(
            f"the record is not the one that was sealed at place {proof.leaf_index} of batch {batch.number}"
        )
    _check_chain(proof)
    if noted is not None and noted not in {header.seal for header in proof.chain}:
        raise ProofInvalid(
            "no batch of the file bears the seal that you noted: ask for the proof up to that seal, and if there is none, "
            "the chain is no longer the one that you noted it from"
        )
    return batch


def _check_chain(proof: Proof) -> None:
    for header in (*proof.chain, proof.head):
        if not header.holds:
            raise ProofInvalid(f"the seal of batch {header.number} is not that of its contents")
    for before, after in zip(proof.chain, proof.chain[1:], strict=False):
        if (after.stream, after.number, after.previous) != (before.stream, before.number + 1, before.seal):
            raise ProofInvalid(f"batch {after.number} does not follow from batch {before.number}")


def _record_sql(stream: Stream) -> str:
    # S608: the text is made of the names and expressions of a stream, which are our own.
    return f"""
select l.batch_number, l.position, l.kind, (select row_to_json(r) from {stream.record_sql} r) as record
from {stream.table} e join sealed_leaf l on l.stream = $1 and l.regency_id = e.regency_id and l.record_id = e.id
where e.regency_id = $2 and e.id = $3"""  # noqa: S608


_LEAVES: Final = f"""
select string_agg({LEAF_HASH_SQL}, ''::bytea order by l.position) as hashes
from sealed_leaf l where l.stream = $1 and l.batch_number = $2"""  # noqa: S608  (our own words)
_HEADERS: Final = f"""
select stream, number, encode(previous, 'hex') as previous, encode(root, 'hex') as root, leaf_count,
  {moment_sql("sealed_at")} as sealed_at, encode(seal, 'hex') as seal
from seal_batch where stream = $1 and number between $2 and $3 order by number"""  # noqa: S608  (our own words)
_NOTED: Final = "select number from seal_batch where stream = $1 and seal = $2"
_NEWEST: Final = "select number from seal_batch where stream = $1 order by number desc limit 1"


async def inclusion_proof(
    session: ReadSession, regency_id: int, record_id: UUID, *, noted: bytes | None = None, stream: Stream = AUDIT
) -> Proof | None:
    """The proof that a record was sealed, and that its batch is one of the chain to which the seal ``noted`` belongs.

    None where the scope of ``session`` does not show the record, and where it is not sealed yet. What the proof says of other records
    is the hashes beside it.

    Raises:
        ProofTooLong: there are more than 10,000 batches between the record and ``noted``.
    """
    row = await session.row(_record_sql(stream), (stream.name, regency_id, record_id))
    if row is None:
        return None
    number: int = row["batch_number"]
    found = None if noted is None else await session.row(_NOTED, (stream.name, noted))
    first, last = sorted((number, number if found is None else found["number"]))
    if last - first >= MOST_BATCHES:
        raise ProofTooLong
    leaves = await session.row(_LEAVES, (stream.name, number))
    newest = await session.row(_NEWEST, (stream.name,))
    if leaves is None or newest is None:
        raise LookupError("a sealed record has a batch")
    (head,) = await _headers(session, stream, newest["number"], newest["number"])
    return Proof(
        format=FORMAT,
        record=orjson.loads(row["record"]),
        kind=row["kind"],
        leaf_index=row["position"],
        path=[each.hex() for each in inclusion_path(parted(leaves["hashes"]), row["position"])],
        batch_number=number,
        chain=await _headers(session, stream, first, last),
        head=head,
    )


async def _headers(session: ReadSession, stream: Stream, first: int, last: int) -> list[BatchHeader]:
    return [BatchHeader(**row) for row in await session.rows(_HEADERS, (stream.name, first, last))]
