"""What can be listened to.

A subscription is an asynchronous generator: it listens first, reads what is so now, and yields; closing it must end whatever it
listens to. It runs under the access that it began with. When that changes it is ended for it, unless it asks for
``changes_of_access`` and yields only what the new access may see.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import strawberry

from app.schema.context import SubscriptionInfo
from app.schema.ewarong.live import EwarongTransactionNews, reported_transactions
from app.schema.jobs import JobProgress, progress_of_job
from app.schema.me import Me


async def _access_changed(info: SubscriptionInfo) -> AsyncGenerator[Me, None]:
    async with aclosing(info.context.changes_of_access()) as changes:
        yield Me.of(info.context.access)
        async for access in changes:
            yield Me.of(access)


@strawberry.type(
    description="What can be listened to, over WebSocket (`graphql-transport-ws`) or as server-sent events."
)
class Subscription:
    """All root fields."""

    access_changed: AsyncGenerator[Me, None] = strawberry.subscription(
        resolver=_access_changed,
        description="What the caller was granted and what that permits: once at the start, then each time it changes, wherever that is "
        "done. Nothing need be asked beside it. The other subscriptions of the caller end at a change with the error "
        "`ACCESS_CHANGED`: start them again.",
    )
    job_progress: AsyncGenerator[JobProgress, None] = strawberry.subscription(
        resolver=progress_of_job,
        description="A job now and at each change, a few times a second at most, whichever process works on it; ends after the job has. "
        "Needs `jobs:job:read`.",
    )
    ewarong_transaction_reported: AsyncGenerator[EwarongTransactionNews, None] = strawberry.subscription(
        resolver=reported_transactions,
        description="Redemptions at outlets as they come in, a moment after each is committed, whichever process it was reported to. An "
        "agent hears of its own outlet. What was committed by a process that died in that moment is not told: the list "
        "`ewarongTransactions` has it. Needs `ewarong:transaction:read`.",
    )
