"""The jobs behind imports: whoever has asked for one does its work with the access that they have now."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final, Self

from app.authz.authorize import Access, authorize
from app.authz.permissions import Permission
from app.domain.jobs.work import Work
from app.domain.registry.imports.applying import apply_import
from app.domain.registry.imports.checking import check_import
from app.domain.registry.sealing import Seal
from app.domain.vault import Vault
from app.settings import Settings

_RUN: Final = Permission.REGISTRY_IMPORT_RUN
_JAKARTA: Final = timezone(timedelta(hours=7))


@dataclass(frozen=True, slots=True)
class ImportHandlers:
    """Checks and applies imports."""

    vault: Vault
    seal: Seal
    test_provinces: frozenset[str]

    @classmethod
    def of_settings(cls, settings: Settings) -> Self:
        """With the files and keys of a deployment."""
        return cls(Vault.of_settings(settings), Seal.of_settings(settings), settings.nik_provinces_for_tests)

    async def check(self, work: Work, access: Access) -> None:
        """Read and check a file; clear away what was staged of an import that was discarded.

        Raises:
            NotPermitted: whoever asked for it may not run imports any more.
            DomainError: the file is gone or cannot be read.
        """
        await check_import(
            work,
            authorize(access, _RUN),
            vault=self.vault,
            seal=self.seal,
            today=datetime.now(tz=_JAKARTA).date(),
            test_provinces=self.test_provinces,
        )

    async def apply(self, work: Work, access: Access) -> None:
        """Apply what was checked and decided upon.

        Raises:
            NotPermitted: whoever asked for it may not run imports any more.
            DomainError: it cannot be applied as it was checked.
        """
        await apply_import(
            work,
            authorize(access, _RUN),
            principal_id=access.principal.id,
            roles=access.roles(_RUN),
            permission=_RUN.value,
        )
