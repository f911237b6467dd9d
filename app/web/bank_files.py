"""GET /bank-files/{token}: a file for a bank, for whoever brings its link while that is good.

The link stands for its principal, so the file is fetched with the rights that principal has now. Whatever is wrong with a link, it leads to
nothing: who brings it learns no more than that.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from app.authz.authorize import Access, NotPermitted, authorize
from app.authz.permissions import Permission
from app.domain.audit.models import Action
from app.domain.audit.service import Event, append_events
from app.domain.bansos.models.payments import FileFormat
from app.domain.bansos.payments.links import BankFileLinks
from app.domain.bansos.payments.reports import outgoing_file
from app.domain.vault import FileGone, SealedReader, Vault
from app.tenants.session import Database
from app.web.headers import request_id
from app.web.telemetry import DOWNLOAD, RequestTelemetry, Telemetry

_PERMISSION: Final = Permission.BANSOS_PAYMENT_REPORT
_PIECE: Final = 262_144
_OPERATION: Final = "bankFile"
_TYPES: Final = {FileFormat.FIXED: ("txt", "text/plain; charset=us-ascii"), FileFormat.CSV: ("csv", "text/csv")}


@dataclass(frozen=True, slots=True)
class BankDownloads:
    """The ASGI application behind /bank-files/. ``access_of`` finds the access that a principal has now."""

    database: Database
    vault: Vault
    links: BankFileLinks
    telemetry: Telemetry
    access_of: Callable[[UUID], Awaitable[Access | None]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        request = Request(scope, receive)
        with self.telemetry.request(request_id(scope), request.headers) as told:
            told.named(DOWNLOAD, DOWNLOAD, None)
            try:
                response = await self._answer(request, told)
            except HTTPException as refusal:
                told.answered(refusal.status_code)
                raise
            told.answered(response.status_code)
            await response(scope, receive, send)

    async def _answer(self, request: Request, told: RequestTelemetry) -> Response:
        linked = self.links.read(request.path_params["token"])
        access = await self.access_of(linked.principal_id) if linked is not None else None
        if linked is None or access is None or request.method not in {"GET", "HEAD"}:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        told.named(DOWNLOAD, DOWNLOAD, linked.principal_id)
        found, file = await self._opened(linked.export_id, access, request)
        suffix, media_type = _TYPES[FileFormat(found.format)]
        headers = {
            "content-disposition": f'attachment; filename="kesos-{found.kind.lower()}-{str(found.id)[-12:]}.{suffix}"',
            "content-length": str(file.size),
            "cache-control": "no-store",
        }
        if request.method == "HEAD":
            await asyncio.to_thread(file.close)
            return Response(headers=headers, media_type=media_type)
        return StreamingResponse(_pieces(file), headers=headers, media_type=media_type)

    async def _opened(self, file_id: UUID, access: Access, request: Request) -> tuple[Any, SealedReader]:
        """The row of the file and its content; that it is fetched is in the audit trail before the first byte leaves."""
        try:
            scope = authorize(access, _PERMISSION)
            async with self.database.write(scope) as session:
                found = await outgoing_file(session, file_id)
                if found is None:
                    raise HTTPException(HTTPStatus.NOT_FOUND)
                file = await asyncio.to_thread(self.vault.open, file_id)
                if request.method == "GET":
                    await append_events(session, [_event(found, access, request)])
        except (NotPermitted, FileGone):
            raise HTTPException(HTTPStatus.NOT_FOUND) from None
        return found, file


def _event(found: Any, access: Access, request: Request) -> Event:
    return Event(
        action=Action.EXPORT,
        principal_id=access.principal.id,
        roles=access.roles(_PERMISSION),
        permission=_PERMISSION.value,
        operation=_OPERATION,
        document_hash=None,
        subject_type="PaymentOrder",
        subject_ids=(UUID(int=found.order_id.int),),
        row_count=found.rows,
        purpose=None,
        request_id=request_id(request.scope),
        village_low=found.village_low,
        village_high=found.village_high,
    )


async def _pieces(file: SealedReader) -> AsyncIterator[bytes]:
    try:
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece
    finally:
        file.close()
