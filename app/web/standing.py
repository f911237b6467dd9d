"""What a stream rests on: a token that is good, and what its holder may do; both can end while the stream runs."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Final

from app.authz.authentication import Authenticator
from app.authz.authorize import Access
from app.domain.base import DomainError

_SHORTEST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 600.0
"""A timer knows nothing of a clock that is set, nor of a key that is withdrawn."""


class AccessChanged(DomainError):
    """The caller's grants changed while its subscription ran; what it may see now, a new subscription tells."""

    code = "ACCESS_CHANGED"

    def __init__(self) -> None:
        super().__init__(
            "Hak akses Anda berubah. Mulai lagi langganan ini; isinya mengikuti hak akses yang baru.",
            "Your access has changed. Subscribe again; the new subscription follows the new access.",
        )


class Standing:
    """Somebody whose token was good when the stream began."""

    def __init__(self, authenticator: Authenticator, token: str) -> None:
        self._authenticator, self._token = authenticator, token

    async def access(self) -> Access:
        """What the holder of the token may do now.

        Raises:
            Unauthenticated: the token is not good any more, or its holder is not known any more.
        """
        return self._authenticator.remembered(self._token) or await self._authenticator.authenticate(self._token)

    async def changes(self, since: Access) -> AsyncGenerator[Access, None]:
        """Each other access that the holder has after ``since``, for as long as the token is good.

        Raises:
            Unauthenticated: it is not good any more, or its holder is not known any more.
        """
        async with self._authenticator.changes.of(since.principal.id) as events:
            # Asked once more now that changes are heard: one may have come since the caller was told its access.
            while True:
                access = await self.access()
                if access.principal != since.principal:
                    yield access
                    since = access
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._wait_seconds()):
                        await anext(events)

    def _wait_seconds(self) -> float:
        remaining = self._authenticator.usable_until(self._token) - time.time()
        return min(max(remaining, _SHORTEST_WAIT), _LONGEST_WAIT)


class Following:
    """Tells one subscription of changes of its caller's access. A subscription that asks for them outlives them; others end."""

    def __init__(self) -> None:
        self._told = asyncio.Event()
        self._latest: Access | None = None
        self._is_used = False

    def tell(self, access: Access) -> bool:
        """The caller has ``access`` from now on; whether the subscription asks for that."""
        self._latest = access
        self._told.set()
        return self._is_used

    def changes(self) -> AsyncGenerator[Access, None]:
        """Each access that is told, of several at once the last."""
        self._is_used = True
        return self._changes()

    async def _changes(self) -> AsyncGenerator[Access, None]:
        while True:
            await self._told.wait()
            self._told.clear()
            if self._latest is not None:
                yield self._latest
