"""Sealing and checking the audit trail and the journal of the ledger, and expiring the trail."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final
from uuid import uuid4

import asyncpg
import typer

from app.authz.authorize import OPERATOR_ID, authorize, operator_access
from app.authz.enforcer import load_role_matrix
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.cli.console import Refusal, plain, step
from app.cli.database import require_ready, run, running
from app.domain.audit.models import Action
from app.domain.audit.proofs import ProofInvalid, check_proof, read_proof
from app.domain.audit.retention import count_due, delete_due
from app.domain.audit.seals import Head, newest_seal, seal_new
from app.domain.audit.service import Event
from app.domain.audit.streams import AUDIT, LEDGER, STREAMS, Stream
from app.domain.audit.verification import Finding, Verified, Wrong, chain_of, count_sealed, verify_seals
from app.settings import get_settings
from app.tenants.region_path import RegionPath
from app.tenants.rls import OWNER_ROLE
from app.tenants.scope import TenantScope
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader

_SHOWN: Final = 20
_NOTED_HELP: Final = "A seal that you wrote down earlier, 64 hexadecimal digits."
_CALLED: Final = {AUDIT.name: ("event", "audit trail"), LEDGER.name: ("journal entry", "ledger")}
_MANY: Final = {AUDIT.name: "events", LEDGER.name: "journal entries"}
_MEANING: Final = {
    Wrong.EVENT_CHANGED: "is not what it was when it was sealed",
    Wrong.EVENT_MISSING: "is gone, before its time",
    Wrong.LEAF_CHANGED: "is not what its leaf says",
    Wrong.LEAF_MISSING: "has lost a leaf",
    Wrong.ROOT_CHANGED: "does not add up to its root",
    Wrong.CHAIN_BROKEN: "does not follow from the one before, or is gone",
    Wrong.UNSEALED_OLD: "is older than a day and not sealed",
}

_ADVICE: Final = (
    "if it is only that they are not sealed yet, run `kesos seal`; otherwise keep a copy of the database as it is, and report "
    "this with the lines above."
)

audit = typer.Typer()

Noted = Annotated[str | None, typer.Option("--seal", metavar="HEX", help=_NOTED_HELP, show_default=False)]
NotedSeals = Annotated[
    list[str] | None,
    typer.Option("--seal", metavar="HEX", help=f"{_NOTED_HELP} May be given for each chain.", show_default=False),
]


def sealing_scope() -> TenantScope:
    """The scope of the job that seals: the whole country."""
    return authorize(operator_access(RegionPath.country(), load_role_matrix()), Permission.AUDIT_EVENT_SEAL)


def noted_seal(text: str) -> bytes:
    """The seal that somebody typed.

    Raises:
        Refusal: the text is none.
    """
    try:
        seal = bytes.fromhex(text.strip())
    except ValueError:
        seal = b""
    if len(seal) != 32:
        raise Refusal("--seal takes the 64 hexadecimal digits that `kesos seal` printed.")
    return seal


@audit.command()
def seal() -> None:
    """Seal the events and journal entries that are new, and print the seals to write down: those of the audit trail and of the ledger.

    A server that runs does the same every minute.
    """
    with running(get_settings()) as server:

        async def work() -> list[tuple[Stream, int, Head]]:
            await require_ready(server)
            done: list[tuple[Stream, int, Head]] = []
            async with _database(server) as database:
                for stream in STREAMS:
                    with step("Sealing", keep=False):
                        sealed = await seal_new(database, sealing_scope(), stream)
                    head = await newest_seal(database, stream)
                    if head is not None:
                        done.append((stream, sealed, head))
            return done

        done = run(work())
    if not done:
        plain("There is nothing to seal yet.")
    for stream, sealed, head in done:
        called = _MANY[stream.name]
        plain(f"{sealed:,} {called} sealed. Write down the seal of batch {head.number}: {head.seal.hex()}")


@audit.command()
def verify(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            readable=True,
            help="The proof of an event or of a journal entry, as the API gives it.",
        ),
    ],
    seal: Noted = None,
) -> None:
    """Check, without a database, that an event or a journal entry is the one that was sealed; exit 1 if it is not.

    With --seal, check too that its batch belongs to the chain from which that seal was written down.
    """
    noted = None if seal is None else noted_seal(seal)
    try:
        proof = read_proof(file.read_bytes())
        batch = check_proof(proof, None if noted is None else noted.hex())
    except ProofInvalid as reason:
        raise Refusal(f"{file.name} proves nothing: {reason}.") from reason
    chained = "" if noted is None else ", and the chain of batches leads from there to the seal that you noted"
    called = _CALLED.get(batch.stream, ("record",))[0].capitalize()
    plain(
        f"{called} {proof.record['id']} ({proof.kind} of {proof.record['happened_at']}) is the one that was sealed "
        f"in batch {batch.number} at {batch.sealed_at} with the seal {batch.seal}{chained}."
    )


@audit.command()
def expire(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be deleted.")] = False,
) -> None:
    """Delete sealed events that have been kept for as long as the table audit_retention says. Their seals stay."""
    now = datetime.now(UTC)
    with running(get_settings()) as server:

        async def work() -> dict[str, int]:
            await require_ready(server)
            async with _owner(server) as owner:
                if dry_run:
                    return await count_due(owner, now)
                with step("Deleting events whose time is over") as progress:
                    deleted = await delete_due(owner, now, expiry(), progress.at)
                    progress.done(f"{sum(deleted.values()):,}")
                return deleted

        due = run(work())
    for action, count in due.items():
        plain(f"{action}: {count:,} events {'would be' if dry_run else 'were'} deleted")


async def check_seals(server: DatabaseServer, noted: Sequence[bytes]) -> Mapping[str, Verified]:
    """Verify every seal, leaf and record of all chains, and show how far that is; what it came to by the name of the chain."""
    async with open_loader(server) as loader:
        # A seal that is in no chain any more was most likely that of an event: there are more of them than of anything else.
        places = [(await chain_of(loader, seal) or AUDIT.name, seal) for seal in noted]
        found: dict[str, Verified] = {}
        for stream in STREAMS:
            title = f"Checking every sealed {_CALLED[stream.name][0]}"
            with step(title, await count_sealed(loader, stream), keep=False) as progress:
                seals = [seal for name, seal in places if name == stream.name]
                found[stream.name] = await verify_seals(loader, stream, noted=seals, on_progress=progress.at)
        return found


def told_of_seals(verified: Mapping[str, Verified]) -> list[str]:
    """Print what is wrong, a line each, or that nothing is; in sentences, what to do about it."""
    wrong: list[str] = []
    for name, found in verified.items():
        for finding in found.findings[:_SHOWN]:
            plain(_line(name, finding))
        if found.findings:
            wrong.append(f"{len(found.findings):,} things are wrong with the {_CALLED[name][1]}: {_ADVICE}")
        else:
            deleted = (
                f", {found.deleted_in_due_time:,} of them deleted in due time" if found.deleted_in_due_time else ""
            )
            plain(f"Every one of {found.records:,} sealed {_MANY[name]} is as it was sealed{deleted}.")
    return wrong


def _line(name: str, finding: Finding) -> str:
    batch = "" if finding.batch_number is None else f"batch {finding.batch_number} "
    if finding.record_id is not None:
        thing = f"{batch}{_CALLED[name][0]} {finding.record_id} of regency {finding.regency_id}"
    else:
        thing = batch.strip() or "the seal that you noted"
        thing = f"{thing} of the ledger" if name == LEDGER.name else thing
    return f"{finding.wrong.value} {thing} {_MEANING[finding.wrong]}"


def expiry() -> Event:
    """What a deletion is told as."""
    country = RegionPath.country().villages
    return Event(
        action=Action.CHANGE,
        principal_id=OPERATOR_ID,
        roles=(Role.SYSTEM_OPERATOR.value,),
        permission=None,
        operation="kesos expire",
        document_hash=None,
        subject_type="AuditEvent",
        subject_ids=(),
        row_count=0,
        purpose=None,
        request_id=str(uuid4()),
        village_low=country.low,
        village_high=country.high,
    )


@asynccontextmanager
async def _database(server: DatabaseServer) -> AsyncIterator[Database]:
    database = Database(server.app, read_pool_size=1, write_pool_size=1)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def _owner(server: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    connection = await server.admin.connect(server_settings={"TimeZone": "UTC"})
    try:
        await connection.execute(f"set role {OWNER_ROLE}")
        yield connection
    finally:
        await connection.close()
