"""What the resolvers of one request share."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias
from uuid import UUID

import strawberry
from graphql import DocumentNode
from strawberry.dataloader import DataLoader

from app.authz.authorize import Access, authorize
from app.authz.permissions import Permission
from app.domain.audit.proofs import Proof, inclusion_proof
from app.domain.audit.streams import AUDIT, LEDGER
from app.domain.bansos.terms import Terms
from app.domain.base import DomainError
from app.domain.ewarong.live import TransactionNews
from app.domain.jobs.changes import JobChanges
from app.domain.registry.sealing import Seal
from app.schema.bansos.terms_loading import TermsLoading, TermsOf
from app.schema.bansos.verdicts import AskedVerdict, GivenVerdict, Verdicts
from app.schema.exports.desk import ExportDesk
from app.schema.language import Language
from app.schema.opening import Opening, SealedSubject
from app.schema.plan.answer import Answer
from app.schema.plan.planner import Effort
from app.schema.previewing import Preview, StagedName
from app.tenants.session import Database

_PROVED: Final = {
    AUDIT.name: (AUDIT, Permission.AUDIT_EVENT_READ),
    LEDGER.name: (LEDGER, Permission.BANSOS_LEDGER_READ),
}
"""Of what there are proofs, and who may have them."""


@dataclass(frozen=True, slots=True)
class AskedProof:
    """A record of the stream of that name that is to be proved, up to a seal that somebody ``noted``."""

    stream: str
    regency_id: int
    record_id: UUID
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
    exports: ExportDesk
    effort: Effort
    document: DocumentNode
    answer: Answer
    dukcapil_configured: bool

    @cached_property
    def reveals(self) -> DataLoader[SealedSubject, str]:
        """Opens sealed numbers, all of one selection in one transaction that first logs them."""
        opening = Opening(
            self.access, self.database, self.seal, self.operation_name, self.document_hash, self.request_id
        )
        return DataLoader(load_fn=opening.reveal)

    @cached_property
    def staged_names(self) -> DataLoader[StagedName, str]:
        """Gives out names of files that are being imported, after keeping that they were read."""
        preview = Preview(self.access, self.database, self.operation_name, self.document_hash, self.request_id)
        return DataLoader(load_fn=preview.names)

    @cached_property
    def terms(self) -> DataLoader[TermsOf, Terms]:
        """Reads the terms of programmes."""
        return DataLoader(load_fn=TermsLoading(self.access, self.database).terms)

    @cached_property
    def verdicts(self) -> DataLoader[AskedVerdict, GivenVerdict | None]:
        """Decides which families may receive a programme."""
        return DataLoader(load_fn=Verdicts(self.access, self.database).given)

    @cached_property
    def proofs(self) -> DataLoader[AskedProof, Proof | None]:
        """Proves records, one after the other: each proof reads a whole batch, and others need connections too."""
        return DataLoader(load_fn=self._prove)

    async def _prove(self, asked: list[AskedProof]) -> list[Proof | DomainError | None]:
        found: list[Proof | DomainError | None] = []
        for each in asked:
            stream, permission = _PROVED[each.stream]
            async with self.database.read(authorize(self.access, permission)) as session:
                try:
                    found.append(
                        await inclusion_proof(session, each.regency_id, each.record_id, noted=each.noted, stream=stream)
                    )
                except DomainError as refusal:
                    found.append(refusal)
        return found


ChangesOfAccess: TypeAlias = Callable[[], AsyncGenerator[Access, None]]
"""Each other access that the caller has from now on. A subscription that asks for it outlives such a change; all others end."""


@dataclass
class SubscriptionContext(RequestContext):
    """One subscription, from its first event to its last."""

    changes_of_access: ChangesOfAccess
    job_changes: JobChanges
    transaction_news: TransactionNews


Info: TypeAlias = strawberry.Info[RequestContext, None]
SubscriptionInfo: TypeAlias = strawberry.Info[SubscriptionContext, None]
