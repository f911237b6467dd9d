"""Telling at the command line who is entitled twice."""

from collections.abc import Sequence
from typing import Final

from app.cli.console import plain, step
from app.cli.discrepancies import show
from app.domain.bansos.cycles.checking import CHECKS, Fault, check_lists
from app.domain.checking import Discrepancy
from app.tenants.server import DatabaseServer
from app.tenants.session import open_loader

_TEXTS: Final = {
    Fault.ENTITLED_TWICE: "entitlement {subject}: its recipient is entitled {counted} times to this programme and period",
}


async def lists_checked(server: DatabaseServer) -> list[Discrepancy[Fault]]:
    """Compare the lists of all regencies, and show how far that is."""
    async with open_loader(server) as loader:
        with step("Comparing lists of regencies", CHECKS, keep=False) as progress:
            return await check_lists(loader, progress.at)


def tell_of_lists(found: Sequence[Discrepancy[Fault]]) -> None:
    """Print who is entitled twice, a line each, and what to do about it: no total is wrong, and people decide."""
    show(found, _TEXTS)
    if found:
        plain(
            f"{len(found):,} entitlements are those of recipients whom two regencies have on their lists. "
            "Let these agree on who pays; what the other does is told in docs/overlap.md."
        )
