"""How much principals and addresses may ask of one process: requests, values, new documents, and tokens that prove nothing.

Every limit is a token bucket (GCRA): what a minute allows comes back evenly, and a part of it may be used at once. Counts live in this
process, in stores that forget whom they have not seen for longest, so that no number of addresses or principals fills its memory.
"""

from dataclasses import dataclass
from math import ceil
from typing import Final, Self
from uuid import UUID

from throttled import RateLimiterType, RateLimitResult, Throttled, per_min
from throttled.store import MemoryStore

from app.settings import Settings
from app.web.refusals import BudgetExceeded, DocumentsLimited, RateLimited

_REMEMBERED: Final = 50_000
_BODY_BYTES_OF_A_REQUEST: Final = 16_384
_DOCUMENT_CHARACTERS_OF_A_REQUEST: Final = 8
_REQUESTS_OF_A_FAILURE: Final = 100


@dataclass(frozen=True, slots=True)
class Budget:
    """What a principal may ask for: values of a minute, those left now, and the seconds until all are back."""

    limit: int
    remaining: int
    resets_in: int


class _Limit:
    """So many units a minute for each key, ``burst`` of them at once."""

    def __init__(self, per_minute: int, burst: int, refusal: type[RateLimited]) -> None:
        self._per_second = per_minute / 60
        self._at_once = max(1.0, self._per_second)
        self._burst = burst
        self._refusal = refusal
        self._buckets = Throttled(
            using=RateLimiterType.GCRA.value,
            quota=per_min(per_minute, burst=burst),
            store=MemoryStore(options={"MAX_SIZE": _REMEMBERED}),
        ).limiter

    def take(self, key: str, units: int) -> RateLimitResult:
        """Take ``units`` where there are so many."""
        return self._buckets.limit(key, units)

    def count(self, key: str, units: int) -> float:
        """Take ``units``; the seconds until what was taken beyond a second's worth has come back."""
        # What is more than a whole burst empties the bucket, so that no request is refused for ever.
        taken = self._buckets.limit(key, min(units, self._burst))
        if taken.limited:
            raise self._refusal(taken.state.retry_after)
        return max(0.0, self._burst - taken.state.remaining - self._at_once) / self._per_second

    def seconds_until_free(self, key: str) -> float:
        """How long it takes until there is a unit; 0 where there is one."""
        return self._buckets.peek(key).retry_after


def _limit(per_minute: int, *, at_once: int, refusal: type[RateLimited] = RateLimited) -> _Limit:
    """A limit of ``per_minute``, of which ``at_once`` seconds' worth may come at once."""
    return _Limit(max(1, per_minute), max(1, per_minute * at_once // 60), refusal)


class Rates:
    """The limits of one process."""

    def __init__(self, *, requests: int, requests_of_address: int, cost: int) -> None:
        """What a minute allows: ``requests`` and ``cost`` (values) of a principal, ``requests_of_address`` of an address.

        The limits that nobody sets follow from these: a request brings 8 characters of new documents, and a hundredth of the
        requests of an address may fail to prove who sends them.
        """
        self.turned_away = 0
        self._requests = _limit(requests, at_once=3)
        self._documents = _limit(requests * _DOCUMENT_CHARACTERS_OF_A_REQUEST, at_once=20, refusal=DocumentsLimited)
        self._addresses = _limit(requests_of_address, at_once=3)
        self._failures = _limit(requests_of_address // _REQUESTS_OF_A_FAILURE, at_once=10)
        self._cost = _limit(cost, at_once=60)

    @classmethod
    def of_settings(cls, settings: Settings) -> Self:
        """The limits that the settings name."""
        return cls(
            requests=settings.requests_per_minute,
            requests_of_address=settings.requests_per_minute_per_address,
            cost=settings.cost_per_minute,
        )

    def count_address(self, address: str) -> float:
        """Count a request of ``address`` before anything of it is looked at; the seconds that it has to wait.

        Many people may share an address, so what comes at once is let in at the pace of the limit rather than refused.

        Raises:
            RateLimited: the address sends more than may wait.
        """
        return self._addresses.count(address, 1)

    def count_request(self, caller: UUID, body_bytes: int) -> None:
        """Count a request of ``caller``; every 16 KiB of its body count as one more.

        Raises:
            RateLimited: the caller sends too many.
        """
        self._requests.count(caller.hex, 1 + body_bytes // _BODY_BYTES_OF_A_REQUEST)

    def count_document(self, caller: UUID, characters: int) -> None:
        """Count the text of a document that nobody has sent before, because it must be parsed, checked and planned.

        Raises:
            DocumentsLimited: the caller sends too many new documents.
        """
        self._documents.count(caller.hex, characters)

    def charge(self, caller: UUID, cost: int) -> Budget:
        """Take ``cost``, the values that a request may yield, from the budget of ``caller``.

        Raises:
            BudgetExceeded: there is less left; nothing is taken.
        """
        taken = self._cost.take(caller.hex, cost)
        if taken.limited:
            raise BudgetExceeded(cost, taken.state.limit, taken.state.retry_after)
        return Budget(taken.state.limit, taken.state.remaining, ceil(taken.state.reset_after))

    def count_failure(self, address: str) -> bool:
        """Count a request of ``address`` that did not prove who sent it; whether that is within what an address may."""
        return not self._failures.take(address, 1).limited

    def may_verify(self, address: str) -> None:
        """Let ``address`` have a token verified that is not remembered as good.

        Raises:
            RateLimited: too many of its requests proved nothing.
        """
        seconds = self._failures.seconds_until_free(address)
        if seconds > 0:
            raise RateLimited(seconds)
