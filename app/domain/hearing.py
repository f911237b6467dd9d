"""Hearing what PostgreSQL tells of a channel, for as long as the process lives: a lost line is opened again."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from app.tenants.session import Database, Heard, LineLost

_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 5.0
_log = logging.getLogger(__name__)


class Hearing:
    """One line of a process to one channel, opened the first time that somebody wants to hear."""

    def __init__(self, database: Database, channel: str, *, heard: Heard, missed: Callable[[], None]) -> None:
        """Call ``heard`` with each payload, and ``missed`` when the line stands (again) and something may not have been heard."""
        self._database, self._channel, self._missed = database, channel, missed
        self._tried: asyncio.Event | None = None
        database.hear(channel, heard)

    async def begin(self) -> None:
        """Return when the line stands, or could not be opened at once: then it is tried again."""
        if self._tried is None:
            self._tried = asyncio.Event()
            self._database.attend(self._listen(self._tried))
        await self._tried.wait()

    async def _listen(self, tried: asyncio.Event) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                async with self._database.listening(self._channel) as line:
                    tried.set()
                    pause = _FIRST_PAUSE_SECONDS
                    self._missed()
                    await line.until_lost()
            except LineLost as lost:
                _log.warning(
                    "a channel is not heard", extra={"channel": self._channel, "error": type(lost.__cause__).__name__}
                )
            except Exception:  # noqa: BLE001  (a process that never hears again would show nothing any more)
                _log.exception("a channel is not heard", extra={"channel": self._channel})
            finally:
                tried.set()
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
