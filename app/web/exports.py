"""GET /exports/{token}: the file of an export, for whoever brings its link while that is good.

The link stands for its principal, so the file is fetched with the rights that principal has now. Whatever is wrong with a link, it leads to
nothing: who brings it learns no more than that.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from app.authz.authorize import Access, NotPermitted, authorize
from app.authz.permissions import Permission
from app.domain.audit.service import append_events
from app.domain.exports.links import ExportLinks
from app.domain.exports.service import Export, offered_export
from app.domain.vault import FileGone, SealedReader, Vault
from app.schema.exports.running import export_events, whole
from app.tenants.session import Database
from app.web.headers import request_id
from app.web.telemetry import DOWNLOAD, RequestTelemetry, Telemetry

_PIECE: Final = 262_144
_SUFFIXES: Final = {"CSV": "csv", "XLSX": "xlsx", "NDJSON": "ndjson"}


@dataclass(frozen=True, slots=True)
class Downloads:
    """The ASGI application behind /exports/. ``access_of`` finds the access that a principal has now."""

    database: Database
    vault: Vault
    links: ExportLinks
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
        if request.method == "HEAD":
            await asyncio.to_thread(file.close)
            return Response(headers=_headers(found, file), media_type=found.format.media_type)
        return StreamingResponse(_pieces(file), headers=_headers(found, file), media_type=found.format.media_type)

    async def _opened(self, export_id: UUID, access: Access, request: Request) -> tuple[Export, SealedReader]:
        """The export and its file; that it is fetched is in the audit trail before the first byte leaves."""
        try:
            scope = authorize(access, Permission.EXPORTS_EXPORT_RUN)
            async with self.database.write(scope) as session:
                found = await offered_export(session, export_id, access.principal.id, access.fingerprint)
                if found is None:
                    raise HTTPException(HTTPStatus.NOT_FOUND)
                file = await asyncio.to_thread(self.vault.open, found.id)
                if request.method == "GET":
                    fetched = export_events(
                        access, found, request_id(request.scope), [whole(found, found.row_count or 0)]
                    )
                    await append_events(session, fetched)
        except (NotPermitted, FileGone):
            raise HTTPException(HTTPStatus.NOT_FOUND) from None
        return found, file


def _headers(found: Export, file: SealedReader) -> dict[str, str]:
    name = f"kesos-{found.root_field}-{str(found.id)[-12:]}.{_SUFFIXES[found.format.value]}"
    return {
        "content-disposition": f'attachment; filename="{name}"',
        "content-length": str(file.size),
        "cache-control": "no-store",
    }


async def _pieces(file: SealedReader) -> AsyncIterator[bytes]:
    try:
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece
    finally:
        file.close()
