"""Where exports are asked for: what is wrong with a request is found here, before anything is queued."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final, Self
from uuid import UUID

import orjson

from app.authz.authorize import Access
from app.domain.audit.models import Purpose
from app.domain.bansos.payments.links import BankFileLinks
from app.domain.exports.links import ExportLinks
from app.domain.exports.models import ExportFormat
from app.domain.exports.service import Wanted
from app.domain.registry.sealing import Seal
from app.domain.vault import Vault
from app.schema.documents import Documents
from app.schema.exports.errors import DocumentMissing, VariablesNoObject
from app.schema.exports.reading import RowReading, named_operation
from app.schema.plan.planner import Effort, Planner
from app.settings import Settings
from app.tenants.session import Database

EXPORTS_PATH: Final = "/exports/"
BANK_FILES_PATH: Final = "/bank-files/"


@dataclass(frozen=True, slots=True)
class Request:
    """What an export is made from: it names persons, perhaps, so it is kept sealed, and no longer than it is needed."""

    document: str
    operation_name: str | None
    variables: dict[str, Any]

    def sealed(self, seal: Seal) -> bytes:
        """The request as it is kept.

        Raises:
            VariablesNoObject: the variables hold something that cannot be kept, such as a number of a hundred digits.
        """
        return seal.seal(self._text([]))

    def digest(self, seal: Seal, *others: str | None) -> bytes:
        """16 bytes that are equal for requests that ask for the same, ``others`` included."""
        return seal.digest(self._text(list(others)))

    def _text(self, others: list[str | None]) -> str:
        try:
            parts = [self.document, self.operation_name, self.variables, *others]
            return orjson.dumps(parts, option=orjson.OPT_SORT_KEYS).decode()
        except TypeError as error:
            raise VariablesNoObject from error

    @classmethod
    def opened(cls, seal: Seal, request_sealed: bytes) -> Self:
        """The request that was sealed."""
        return cls(*orjson.loads(seal.unseal(request_sealed)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An export as it is asked for."""

    document: str | None
    document_hash: str | None
    operation_name: str | None
    variables: object
    format: ExportFormat
    purpose: Purpose | None
    idempotency_key: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportDesk:
    """Takes requests for exports, and hands out links to their files."""

    planner: Planner
    documents: Documents
    seal: Seal
    vault: Vault
    links: ExportLinks
    bank_links: BankFileLinks
    keep: timedelta
    address: str
    test_nik_provinces: frozenset[str]

    @classmethod
    def of_settings(cls, settings: Settings, planner: Planner, documents: Documents, vault: Vault) -> Self:
        """The desk of a deployment."""
        return cls(
            planner=planner,
            documents=documents,
            seal=Seal.of_settings(settings),
            vault=vault,
            links=ExportLinks.of_settings(settings),
            bank_links=BankFileLinks.of_settings(settings),
            keep=timedelta(hours=settings.export_hours),
            address=(settings.public_url or "").rstrip("/"),
            test_nik_provinces=settings.nik_provinces_for_tests,
        )

    async def take(self, asked: Asked, access: Access, database: Database, effort: Effort) -> Wanted:
        """What is to be queued for ``access``.

        Raises:
            NotPermitted, FieldDenied: it may not export, or not read what is selected where it may.
            DomainError: the document, its variables or the purpose cannot be.
        """
        if asked.document is None and asked.document_hash is None:
            raise DocumentMissing
        given = {} if asked.variables is None else asked.variables
        if not isinstance(given, dict):
            raise VariablesNoObject
        sent = await self.documents.resolve(asked.document, asked.document_hash, access)
        document = await self.planner.document_of(sent.text, effort, trusted=sent.trusted)
        operation = named_operation(document, asked.operation_name)
        if not sent.trusted:
            effort.charge(operation.characters)
        reading = await effort.run(
            lambda: RowReading.of(
                self.planner,
                operation,
                given,
                access,
                seal=self.seal,
                test_nik_provinces=self.test_nik_provinces,
                purpose=asked.purpose,
            )
        )
        async with database.read(reading.scope) as session:
            await reading.check(session)
        request = Request(sent.text, asked.operation_name, given)
        name = operation.node.name
        return Wanted(
            format=asked.format,
            root_field=reading.plan.root_field,
            operation=name.value if name is not None else "",
            document_hash=sha256(sent.text.encode()).digest(),
            request_digest=request.digest(
                self.seal, asked.format.value, asked.purpose.value if asked.purpose is not None else None
            ),
            request_sealed=request.sealed(self.seal),
            purpose=asked.purpose,
            idempotency_key=asked.idempotency_key,
        )

    def link(self, export_id: UUID, principal_id: UUID) -> str:
        """Where the file may be fetched from now on, for a while: a URL where the deployment knows its own, else a path."""
        return f"{self.address}{EXPORTS_PATH}{self.links.token(export_id, principal_id)}"

    def bank_file_link(self, file_id: UUID, principal_id: UUID) -> str:
        """The same of a file for a bank, by its place in the vault."""
        return f"{self.address}{BANK_FILES_PATH}{self.bank_links.token(file_id, principal_id)}"
