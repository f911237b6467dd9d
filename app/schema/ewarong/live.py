"""Transactions of outlets as they come in, whichever process they were reported to."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Final
from uuid import UUID

import strawberry

from app.authz.authorize import authorize
from app.authz.permissions import Permission
from app.domain.ewarong.live import NewTransaction
from app.domain.regions.rules import parse_region
from app.schema.context import SubscriptionInfo
from app.schema.ewarong.transactions import EwarongTransaction
from app.schema.ids import parse_node_id
from app.schema.mutations import Key, answered
from app.schema.regions import CODE_ARGUMENT_HELP
from app.tenants.scope import TenantScope

_READ: Final = Permission.EWARONG_TRANSACTION_READ
_NONE: Final[Key] = (0, UUID(int=0))
"""The key of no transaction."""


@strawberry.type(description="A transaction that has come in, or that there may be some of which nothing was told.")
class EwarongTransactionNews:
    """What ``ewarongTransactionReported`` tells."""

    transaction_key: strawberry.Private[Key]
    transaction: EwarongTransaction | None = answered(
        "transaction_key",
        description="The transaction; null where `missed` is true.",
    )
    missed: bool = strawberry.field(
        description="Whether there may be transactions of which nothing was told: at the start those that came before, later those that "
        "came while the connection to the database was lost or the listener was too slow. Read `ewarongTransactions` then."
    )


class _Wanted:
    """Which transactions somebody listens for: those in scope, of one region or of one outlet."""

    def __init__(self, scope: TenantScope, region: str | None, agent: str | None) -> None:
        self._scope = scope
        self._villages = None if region is None else parse_region(region).villages
        self._agent = None if agent is None else tuple(parse_node_id(agent, "EwarongAgent").key)

    def has(self, new: NewTransaction) -> bool:
        """Whether ``new`` is one of them."""
        if self._villages is not None and not self._villages.low <= new.village_id <= self._villages.high:
            return False
        if self._agent is not None and self._agent != (new.regency_id, new.agent_id):
            return False
        return self._scope.reaches(new.village_id, new.agent_id)


async def reported_transactions(
    info: SubscriptionInfo,
    region: Annotated[
        str | None, strawberry.argument(description=f"Only of outlets in this region. {CODE_ARGUMENT_HELP}")
    ] = None,
    agent: Annotated[
        strawberry.ID | None, strawberry.argument(description="Only of this outlet: the `id` of an `EwarongAgent`.")
    ] = None,
) -> AsyncGenerator[EwarongTransactionNews, None]:
    """Each transaction that the caller may see, as it comes in, once it is listened for."""
    context = info.context
    wanted = _Wanted(authorize(context.access, _READ), region, agent)
    async with aclosing(context.transaction_news.events()) as news:
        async for new in news:
            if new is None:
                yield EwarongTransactionNews(transaction_key=_NONE, missed=True)
            elif wanted.has(new):
                yield EwarongTransactionNews(transaction_key=(new.regency_id, new.id), missed=False)
