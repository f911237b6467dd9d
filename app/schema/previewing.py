"""Names in files that are being imported: whoever previews them is kept in the audit trail, as readers of the registry are."""

from dataclasses import dataclass
from uuid import UUID

from app.authz.authorize import Access, authorize
from app.authz.permissions import Permission
from app.domain.audit.models import Action
from app.domain.audit.service import Event, append_events
from app.tenants.session import Database


@dataclass(frozen=True, slots=True)
class StagedName:
    """The name of somebody in a file, and the span of villages that the file is about.

    Who is taken in keeps ``person_id``, so that asking who has read a person's data finds the preview too.
    """

    person_id: UUID
    name: str
    village_low: int
    village_high: int


@dataclass(frozen=True, slots=True)
class Preview:
    """Gives out names in one request."""

    access: Access
    database: Database
    operation_name: str
    document_hash: bytes
    request_id: str

    async def names(self, asked: list[StagedName]) -> list[str]:
        """The names that are ``asked`` for, after one event for each file that they stand in."""
        permission = Permission.REGISTRY_NAME_READ
        files: dict[tuple[int, int], dict[UUID, None]] = {}
        for each in asked:
            files.setdefault((each.village_low, each.village_high), {})[each.person_id] = None
        events = [
            Event(
                action=Action.READ,
                principal_id=self.access.principal.id,
                roles=self.access.roles(permission),
                permission=permission,
                operation=self.operation_name,
                document_hash=self.document_hash,
                subject_type="Person",
                subject_ids=tuple(persons),
                row_count=len(persons),
                purpose=None,
                request_id=self.request_id,
                village_low=low,
                village_high=high,
            )
            for (low, high), persons in files.items()
        ]
        async with self.database.write(authorize(self.access, permission)) as session:
            await append_events(session, events)
        return [each.name for each in asked]
