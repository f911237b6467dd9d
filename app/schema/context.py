"""What the resolvers of one request share."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias
from uuid import UUID

import strawberry
from graphql import DocumentNode
from strawberry.dataloader import DataLoader

from app.authz.authorize import Access, authorize
from app.authz.permissions import Permission
from app.domain.audit.models import Action, Purpose
from app.domain.audit.proofs import Proof, inclusion_proof
from app.domain.audit.service import Event, append_events
from app.domain.base import DomainError
from app.domain.registry.sealing import Seal
from app.schema.language import Language
from app.schema.plan.answer import Answer
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
class AskedProof:
    """An event that is to be proved, up to a seal that somebody ``noted``."""

    regency_id: int
    event_id: UUID
    noted: bytes | None


@dataclass
class RequestContext:
    """One request: who asks, in which language, and what its plan has answered."""

    access: Access
    language: Language
    request_id: str
    operation_name: str
    document_hash: bytes
    database: Database
    seal: Seal
    document: DocumentNode
    answer: Answer

    @cached_property
    def reveals(self) -> DataLoader[SealedSubject, str]:
        """Opens sealed numbers, all of one selection in one transaction that first logs them."""
        return DataLoader(load_fn=self._reveal)

    async def _reveal(self, subjects: list[SealedSubject]) -> list[str]:
        scope = authorize(self.access, Permission.REGISTRY_NIK_REVEAL)
        events = [
            Event(
                action=Action.REVEAL,
                principal_id=self.access.principal.id,
                roles=self.access.roles(Permission.REGISTRY_NIK_REVEAL),
                permission=Permission.REGISTRY_NIK_REVEAL,
                operation=self.operation_name,
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

    @cached_property
    def proofs(self) -> DataLoader[AskedProof, Proof | None]:
        """Proves events, one after the other: each proof reads a whole batch, and others need connections too."""
        return DataLoader(load_fn=self._prove)

    async def _prove(self, asked: list[AskedProof]) -> list[Proof | DomainError | None]:
        scope = authorize(self.access, Permission.AUDIT_EVENT_READ)
        found: list[Proof | DomainError | None] = []
        async with self.database.read(scope) as session:
            for each in asked:
                try:
                    found.append(await inclusion_proof(session, each.regency_id, each.event_id, noted=each.noted))
                except DomainError as refusal:
                    found.append(refusal)
        return found


ChangesOfAccess: TypeAlias = Callable[[], AsyncGenerator[Access, None]]
"""Each other access that the caller has from now on. A subscription that asks for it outlives such a change; all others end."""


@dataclass
class SubscriptionContext(RequestContext):
    """One subscription, from its first event to its last."""

    changes_of_access: ChangesOfAccess


Info: TypeAlias = strawberry.Info[RequestContext, None]
SubscriptionInfo: TypeAlias = strawberry.Info[SubscriptionContext, None]
