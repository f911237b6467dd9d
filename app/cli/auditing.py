"""Sealing, checking and expiring the audit trail."""

from collections.abc import AsyncIterator
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
from app.domain.audit.verification import Finding, Verified, Wrong, count_sealed, verify_seals
from app.settings import get_settings
from app.tenants.region_path import RegionPath
from app.tenants.rls import OWNER_ROLE
from app.tenants.scope import TenantScope
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader

_SHOWN: Final = 20
_NOTED_HELP: Final = "A seal that you wrote down earlier, 64 hexadecimal digits."
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
    "if it is only that events are not sealed yet, run `kesos seal`; otherwise keep a copy of the database as it is, and report "
    "this with the lines above."
)

audit = typer.Typer()

Noted = Annotated[str | None, typer.Option("--seal", metavar="HEX", help=_NOTED_HELP, show_default=False)]


def sealing_scope() -> TenantScope:
    """The scope of the job that seals: the whole country."""
    return authorize(operator_access(RegionPath.country(), load_role_matrix()), Permission.AUDIT_EVENT_SEAL)


def noted_seal(text: str | None) -> bytes | None:
    """The seal that somebody typed.

    Raises:
        Refusal: the text is none.
    """
    if text is None:
        return None
    try:
        seal = bytes.fromhex(text.strip())
    except ValueError:
        seal = b""
    if len(seal) != 32:
        raise Refusal("--seal takes the 64 hexadecimal digits that `kesos seal` printed.")
    return seal


@audit.command()
def seal() -> None:
    """Seal the events that are new, and print the seal to write down. A server that runs does the same every minute."""
    with running(get_settings()) as server:

        async def work() -> tuple[int, Head | None]:
            await require_ready(server)
            async with _database(server) as database:
                with step("Sealing", keep=False):
                    sealed = await seal_new(database, sealing_scope())
                return sealed, await newest_seal(database)

        sealed, head = run(work())
    if head is None:
        plain("There is nothing to seal yet.")
    else:
        plain(f"{sealed:,} events sealed. Write down the seal of batch {head.number}: {head.seal.hex()}")


@audit.command()
def verify(
    file: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, readable=True, help="The proof of an event, as the API gives it."),
    ],
    seal: Noted = None,
) -> None:
    """Check, without a database, that an event is the one that was sealed; exit 1 if it is not.

    With --seal, check too that its batch belongs to the chain from which that seal was written down.
    """
    noted = noted_seal(seal)
    try:
        proof = read_proof(file.read_bytes())
        batch = check_proof(proof, None if noted is None else noted.hex())
    except ProofInvalid as reason:
        raise Refusal(f"{file.name} proves nothing: {reason}.") from reason
    chained = "" if noted is None else ", and the chain of batches leads from there to the seal that you noted"
    plain(
        f"Event {proof.record['id']} ({proof.kind} of {proof.record['happened_at']}) is the one that was sealed "
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


async def check_seals(server: DatabaseServer, noted: bytes | None) -> Verified:
    """Verify every seal, event and leaf of the trail, and show how far that is."""
    async with open_loader(server) as loader:
        with step("Checking every sealed event", await count_sealed(loader), keep=False) as progress:
            return await verify_seals(loader, noted=noted, on_progress=progress.at)


def told_of_seals(verified: Verified) -> list[str]:
    """Print what is wrong, a line each, or that nothing is; in a sentence, what to do about it."""
    for finding in verified.findings[:_SHOWN]:
        plain(_line(finding))
    if verified.findings:
        return [
            f"{len(verified.findings):,} things are wrong with the audit trail: {_ADVICE}",
        ]
    deleted = f", {verified.deleted_in_due_time:,} of them deleted in due time" if verified.deleted_in_due_time else ""
    plain(f"Every one of {verified.records:,} sealed events is as it was sealed{deleted}.")
    return []


def _line(finding: Finding) -> str:
    batch = "" if finding.batch_number is None else f"batch {finding.batch_number} "
    if finding.record_id is not None:
        thing = f"{batch}event {finding.record_id} of regency {finding.regency_id}"
    else:
        thing = batch.strip() or "the seal that you noted"
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
