"""Checking at the command line that what outlets have sold is what the journal says."""

from collections.abc import Sequence
from typing import Final

from app.cli.console import plain, step
from app.cli.discrepancies import show
from app.domain.checking import Discrepancy
from app.domain.ewarong.transactions.checking import CHECKS, Fault, check_transactions
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader

_TEXTS: Final = {
    Fault.TRANSACTION_WITHOUT_ENTRY: "transaction {subject}: of {stored:,} rupiah, the journal has {counted:,}",
    Fault.REVERSAL_WITHOUT_ENTRY: "reversal {subject}: of {stored:,} rupiah, the journal has {counted:,}",
    Fault.AGENT_WITHOUT_TRANSACTION: "journal entry {subject}: {stored:,} rupiah for an e-Warong, of no transaction",
    Fault.LINES_DIFFER: "transaction {subject}: {stored:,} rupiah, its lines sum to {counted:,}",
    Fault.DAY_DIFFERS: "{subject}: the total of the day says {stored:,}, the rows give {counted:,}",
}


async def sales_checked(server: DatabaseServer) -> list[Discrepancy[Fault]]:
    """Compare transactions of outlets with the journal, and show how far that is."""
    async with open_loader(server) as loader:
        with step("Comparing sales with the ledger", CHECKS, keep=False) as progress:
            return await check_transactions(loader, progress.at)


def told_of_sales(found: Sequence[Discrepancy[Fault]]) -> list[str]:
    """Print what does not agree, a line each, or that all does; in a sentence, what to do about it."""
    show(found, _TEXTS)
    if found:
        advice = "settle with no e-Warong, keep a copy of the database as it is, and report this with the lines above."
        return [f"{len(found):,} things about sales of e-Warong do not agree with the ledger: {advice}"]
    plain("Sales of e-Warong agree with the ledger: every transaction, reversal and total of a day.")
    return []
