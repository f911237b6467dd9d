"""The jobs of payments: what of the settings and of whoever started them the domain needs to know."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self
from zoneinfo import ZoneInfo

from app.authz.authorize import Access, authorize
from app.authz.permissions import Permission
from app.domain.bansos.payments.bank import BankClient
from app.domain.bansos.payments.opening import ask_for_cards
from app.domain.bansos.payments.results import Reader, apply_results
from app.domain.bansos.payments.writing import Writer, write_file
from app.domain.jobs.work import Work
from app.domain.vault import Vault
from app.settings import Settings

_ORDER: Final = Permission.BANSOS_PAYMENT_ORDER
_REPORT: Final = Permission.BANSOS_PAYMENT_REPORT
_JAKARTA: Final = ZoneInfo("Asia/Jakarta")


def _now() -> datetime:
    return datetime.now(tz=UTC)


@dataclass(frozen=True, slots=True)
class PaymentHandlers:
    """Writes files for banks and reads their answers."""

    settings: Settings
    vault: Vault
    clock: Callable[[], datetime] = _now
    """Of the day in Jakarta at that moment is a file that goes out."""

    @classmethod
    def of_settings(cls, settings: Settings) -> Self:
        """The handlers of a deployment; that there is a bank to reach is looked at by each job."""
        return cls(settings, Vault.of_settings(settings))

    async def write(self, work: Work, access: Access) -> None:
        """Write the file that an order waits for, or ask for the cards that a cycle waits for, on behalf of ``access``.

        Raises:
            NotPermitted: it may not pay any more.
            DomainError: the bank does not take it.
        """
        scope = authorize(access, _ORDER)
        writer = Writer(access.principal.id, access.principal.name, access.roles(_ORDER), _ORDER.value)
        client = BankClient.of_settings(self.settings)
        async with client if client is not None else nullcontext():
            today = self.clock().astimezone(_JAKARTA).date()
            if not await write_file(work, scope, self.vault, writer, client, today):
                await ask_for_cards(work, scope, writer, client)

    async def read(self, work: Work, access: Access) -> None:
        """Read a file of results, on behalf of ``access``.

        Raises:
            NotPermitted: it may not bring results any more.
            DomainError: the file cannot be believed, or does not fit the order.
        """
        scope = authorize(access, _REPORT)
        reader = Reader(access.principal.id, access.principal.name, access.roles(_REPORT), _REPORT.value)
        await apply_results(work, scope, self.vault, reader)
