"""Opening sealed numbers: first it is kept who reads which of them and why, then they are read."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.authz.authorize import Access, authorize
from app.authz.permissions import Permission
from app.domain.audit.models import Action, Purpose
from app.domain.audit.service import Event, append_events
from app.domain.registry.sealing import Seal
from app.tenants.session import Database


@dataclass(frozen=True, slots=True)
class SealedSubject:
    """A sealed number that is to be read in full, whose it is, and why."""

    subject_type: str
    subject_id: str
    village_id: int
    sealed: bytes
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class Opening:
    """Opens numbers for one request, or one job."""

    access: Access
    database: Database
    seal: Seal
    operation: str
    document_hash: bytes
    request_id: str

    async def reveal(self, subjects: Sequence[SealedSubject]) -> list[str]:
        """The numbers of ``subjects``, in their order; they are logged in one transaction.

        Raises:
            NotPermitted: numbers are not revealed to whoever asks.
        """
        permission = Permission.REGISTRY_NIK_REVEAL
        scope = authorize(self.access, permission)
        events = [
            Event(
                action=Action.REVEAL,
                principal_id=self.access.principal.id,
                roles=self.access.roles(permission),
                permission=permission,
                operation=self.operation,
                document_hash=self.document_hash,
                subject_type=subject.subject_type,
                subject_ids=(subject.subject_id,),
                row_count=1,
                purpose=subject.purpose,
                request_id=self.request_id,
                village_low=subject.village_id,
                village_high=subject.village_id,
            )
            for subject in subjects
        ]
        async with self.database.write(scope) as session:
            await append_events(session, events)
        return [self.seal.unseal(subject.sealed) for subject in subjects]
