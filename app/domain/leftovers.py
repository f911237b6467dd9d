"""Files of the vault that belong to nobody, because a process was killed between making them and recording them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import timedelta
from typing import Final, TypeAlias
from uuid import UUID

from app.domain.vault import Vault

LEFT_OVER_AFTER: Final = timedelta(hours=6)
"""How long a file may wait to be finished, or to be recorded."""

Holder: TypeAlias = Callable[[Collection[UUID]], Awaitable[set[UUID]]]
"""Says which of some files are its own. Whoever keeps files in the vault has one, or loses them after ``LEFT_OVER_AFTER``."""

_log = logging.getLogger(__name__)


async def remove_leftovers(vault: Vault, holders: Sequence[Holder], age: timedelta = LEFT_OVER_AFTER) -> int:
    """Delete unfinished files that nobody has written to within ``age``, and finished ones of that age that no holder knows; how many."""
    removed = await asyncio.to_thread(vault.sweep, age)
    ownerless = set(await asyncio.to_thread(lambda: list(vault.older_than(age))))
    for holder in holders:
        if ownerless:
            ownerless -= await holder(ownerless)
    for file_id in ownerless:
        await asyncio.to_thread(vault.delete, file_id)
    return removed + len(ownerless)


class Leftovers:
    """Removes what is nobody's again and again, for as long as a server runs."""

    def __init__(self, vault: Vault, holders: Sequence[Holder]) -> None:
        self._vault, self._holders = vault, holders

    async def run(self, interval: float) -> None:
        """Look every ``interval`` seconds, until cancelled."""
        while True:
            await asyncio.sleep(interval)
            try:
                if removed := await remove_leftovers(self._vault, self._holders):
                    _log.info("files that were nobody's are gone", extra={"files": removed})
            except Exception as error:  # noqa: BLE001  (a database or disk that is away must not end it)
                _log.warning("the vault could not be tidied", extra={"error": type(error).__name__})
