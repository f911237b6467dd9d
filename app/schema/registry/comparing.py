"""The job of a matching: what of the settings and of whoever started it the domain needs to know."""

from dataclasses import dataclass
from typing import Final, Self

from app.authz.authorize import Access, authorize
from app.authz.permissions import Permission
from app.domain.jobs.work import Work
from app.domain.registry.dukcapil.client import DukcapilClient
from app.domain.registry.dukcapil.matching import Sender, match_persons
from app.domain.registry.sealing import Seal
from app.settings import Settings

_PERMISSION: Final = Permission.REGISTRY_MATCHING_RUN


@dataclass(frozen=True, slots=True)
class MatchingHandler:
    """Compares the persons of a matching with the civil registry that the settings name."""

    settings: Settings
    seal: Seal

    @classmethod
    def of_settings(cls, settings: Settings) -> Self:
        """With the keys of the settings; that there is a civil registry to ask is looked at by each job."""
        return cls(settings, Seal.of_settings(settings))

    async def __call__(self, work: Work, access: Access) -> None:
        """Do the job, on behalf of ``access``.

        Raises:
            NotPermitted: it may not send persons out any more.
            DomainError: the civil registry is not set up, does not answer, or answers what cannot be used.
        """
        scope = authorize(access, _PERMISSION)
        sender = Sender(access.principal.id, access.roles(_PERMISSION), _PERMISSION.value)
        async with DukcapilClient.of_settings(self.settings) as client:
            await match_persons(work, scope, seal=self.seal, client=client, sender=sender)
