"""Checking the ledger at the command line."""

from collections.abc import Sequence
from typing import Final

from app.cli.console import plain, step
from app.cli.discrepancies import show
from app.domain.bansos.ledger.checking import CHECKS, Fault, check_ledger
from app.domain.checking import Discrepancy
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader

_TEXTS: Final = {
    Fault.ENTRY_UNBALANCED: "journal entry {subject}: its lines do not make a whole, or sum to {counted:,} rupiah",
    Fault.ENTRY_MISPLACED: "journal entry {subject}: it is gone, or a line lies elsewhere or is of another programme",
    Fault.WALLET_DIFFERS: "wallet {subject}: balance {stored:,}, its lines sum to {counted:,}",
    Fault.TOTAL_DIFFERS: "{subject}: total {stored:,}, the lines give {counted:,}",
    Fault.PROVINCE_DIFFERS: "{subject}: the regencies sum to {stored:,}, the province to {counted:,}",
    Fault.PAID_WITHOUT_ENTRY: "entitlement {subject}: topped up, and it has {counted} journal entries of that amount",
    Fault.ENTRY_WITHOUT_PAYMENT: "journal entry {subject}: a top-up of no entitlement that is topped up",
    Fault.CLEARING_LEFT: "payment order {subject}: {counted:,} rupiah are on the clearing account, its entitlements wait for {stored:,}",
    Fault.ORDER_DIFFERS: "payment order {subject}: {stored:,}, its entitlements give {counted:,}",
    Fault.RELEASE_DIFFERS: "payment order {subject}: {stored:,} rupiah were drawn, the journal released {counted:,}",
    Fault.RETURN_DIFFERS: "entitlement {subject}: {stored:,} rupiah were returned, the journal returned {counted:,}",
    Fault.CYCLE_DIFFERS: "cycle {subject}: {stored:,}, its list and orders give {counted:,}",
}


async def ledger_checked(server: DatabaseServer) -> list[Discrepancy[Fault]]:
    """Add the ledger up, and show how far that is."""
    async with open_loader(server) as loader:
        with step("Adding up the ledger", CHECKS, keep=False) as progress:
            return await check_ledger(loader, progress.at)


def told_of_ledger(found: Sequence[Discrepancy[Fault]]) -> list[str]:
    """Print what does not add up, a line each, or that all does; in a sentence, what to do about it."""
    show(found, _TEXTS)
    if found:
        advice = "pay nothing out, keep a copy of the database as it is, and report this with the lines above."
        return [f"{len(found):,} things do not add up in the ledger: {advice}"]
    plain("The ledger adds up: every entry, wallet, total and payment.")
    return []
