"""POST /uploads: a file, sealed into the vault while it comes, examined when it is there, and recorded for whoever sent it.

Nothing is read before it is known who sends it and that they may; never is more than a megabyte or two of the file in memory; and whatever
goes wrong, nothing of the file is left.
"""

import asyncio
import errno
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final, ParamSpec, Self, TypeVar
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uuid_utils import compat

from app.authz.authentication import Unauthenticated
from app.authz.authorize import Access, NotPermitted, authorize
from app.authz.permissions import Permission
from app.domain.audit.models import Action
from app.domain.audit.service import Event, append_events
from app.domain.regions.rules import parse_region
from app.domain.uploads import errors
from app.domain.uploads.examination import HEAD_BYTES, examine, examine_head
from app.domain.uploads.models import UploadKind
from app.domain.uploads.service import Upload, check_quota, record_upload
from app.domain.vault import SealedWriter, Vault
from app.schema.language import preferred_language
from app.settings import Settings
from app.tenants.region_path import RegionPath
from app.tenants.scope import TenantScope
from app.tenants.session import Database
from app.web.answers import Refusal, refusal_of
from app.web.bodies import JSON
from app.web.connections import expect_long_body
from app.web.execution import Turn
from app.web.gate import Lane, Place
from app.web.headers import client_address, request_id
from app.web.rates import Rates
from app.web.reception import Reception, presented_token
from app.web.refusals import BadRequest, Refused
from app.web.telemetry import CALLER_HUNG_UP, CANCELLED, UPLOAD, RequestTelemetry, Telemetry
from app.web.upload_headers import announced_digest, declared_length, expect_file, file_name

MOST_AT_ONCE: Final = 32
MOST_AT_ONCE_OF_CALLER: Final = 3
WAITING_FILES: Final = 4
"""How many files of the largest size one principal may have waiting to be imported."""
PATIENCE_SECONDS: Final = 30.0
_PATIENCE_BYTES: Final = 65_536
"""So many bytes must come within ``PATIENCE_SECONDS``."""
_LINGER_SECONDS: Final = 5.0
_PIECE: Final = 262_144
_PERMISSIONS: Final = (Permission.REGISTRY_IMPORT_RUN, Permission.BANSOS_PAYMENT_REPORT)
"""Whoever may import, and whoever may bring in the answers of banks, sends files."""
_SUBJECT: Final = "Upload"
_OPERATION: Final = "upload"
_OUT_OF_SPACE: Final = {errno.ENOSPC, errno.EDQUOT}
_STATUS: Final[Mapping[str, HTTPStatus]] = {
    errors.UploadRegionUnknown.code: HTTPStatus.NOT_FOUND,
    errors.UploadQuotaExceeded.code: HTTPStatus.CONFLICT,
    errors.UploadTooLarge.code: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UploadTypeUnsupported.code: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.UploadUnsafe.code: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.UploadDamaged.code: HTTPStatus.UNPROCESSABLE_ENTITY,
}

_Given = ParamSpec("_Given")
_Made = TypeVar("_Made")


class OnlyPost(BadRequest):
    """There is nothing to read here."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Which method does it."""
        return {**super().headers, "allow": "POST"}

    def __init__(self) -> None:
        super().__init__("Kirim berkas dengan POST.", "Send the file with POST.", HTTPStatus.METHOD_NOT_ALLOWED)


class RegionNeeded(BadRequest):
    """It is not said which region the file is about."""

    code = "UPLOAD_REGION_NEEDED"

    def __init__(self) -> None:
        super().__init__(
            "Sebutkan satu wilayah: POST /uploads?region=33.02.", "Name one region: POST /uploads?region=33.02."
        )


class TooSlow(BadRequest):
    """The body has stopped coming, or trickles."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"Unggahan berhenti selama {seconds:g} detik dan dibatalkan. Unggah lagi.",
            f"The upload came to a halt for {seconds:g} seconds and was given up. Upload the file again.",
            HTTPStatus.REQUEST_TIMEOUT,
        )


class StorageFull(Refused):
    """The disk of the deployment has no room."""

    code = "STORAGE_FULL"
    status = HTTPStatus.INSUFFICIENT_STORAGE

    def __init__(self) -> None:
        super().__init__(
            "Ruang penyimpanan server penuh; hubungi pengelola.", "The server has no room left; tell its operator."
        )


class HungUp(Exception):
    """Whoever sent the file is gone."""


class Body:
    """The body of one request, as it comes."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.is_complete = False

    async def part(self) -> bytes:
        """What has come since the last part.

        Raises:
            HungUp: nothing will come any more.
        """
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise HungUp
        self.is_complete = not message.get("more_body", False)
        part: bytes = message.get("body", b"")
        return part

    async def pieces(self, *, most: int, patience: float) -> AsyncGenerator[bytearray, None]:
        """The body in pieces of a quarter of a megabyte or a little more. Time that is spent on a piece is not held against the caller.

        Raises:
            UploadTooLarge: it has more than ``most`` bytes.
            TooSlow: 64 KiB take longer than ``patience`` seconds.
            HungUp: it breaks off.
        """
        size, piece = 0, bytearray()
        while not self.is_complete:
            try:
                async with asyncio.timeout(patience):
                    enough = min(len(piece) + _PATIENCE_BYTES, _PIECE)
                    while len(piece) < enough and not self.is_complete:
                        piece += await self.part()
            except TimeoutError as error:
                raise TooSlow(patience) from error
            if size + len(piece) > most:
                raise errors.UploadTooLarge(most)
            if len(piece) >= _PIECE:
                yield piece
                size += len(piece)
                piece = bytearray()
        yield piece

    async def drain(self) -> None:
        """Take what still comes for a moment: who is cut off while sending often does not read why."""
        with suppress(TimeoutError, HungUp):
            async with asyncio.timeout(_LINGER_SECONDS):
                while not self.is_complete:
                    await self.part()


@dataclass(frozen=True, slots=True)
class Received:
    """A file that lies in the vault."""

    id: UUID
    size: int
    sha256: bytes
    kind: UploadKind


@dataclass(frozen=True, slots=True)
class Asked:
    """What the head of an upload asks for, all of which was found good."""

    access: Access
    permission: Permission
    scope: TenantScope
    region: RegionPath
    name: str
    digest: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploads:
    """The ASGI application behind /uploads. ``session_token`` reads the token of a browser's session."""

    database: Database
    vault: Vault
    reception: Reception
    rates: Rates
    telemetry: Telemetry
    session_token: Callable[[Request], str | None]
    largest: int
    kept_for: timedelta
    patience: float = PATIENCE_SECONDS
    lane: Lane = field(default_factory=lambda: Lane(MOST_AT_ONCE, MOST_AT_ONCE_OF_CALLER, most_waiting=0))

    @classmethod
    def of_settings(cls, settings: Settings, **parts: Any) -> Self:
        """With the limits that the settings name, made of ``parts``."""
        return cls(
            **parts,
            largest=settings.largest_upload_bytes,
            kept_for=timedelta(hours=settings.upload_hours),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        request, body = Request(scope, receive), Body(receive)
        turn = Turn(preferred_language(request.headers.get("accept-language")), request_id(scope))
        with self.telemetry.request(turn.request_id, request.headers) as told:
            told.named(UPLOAD, UPLOAD, None)
            try:
                upload = await self._receive(request, body, turn, told)
            except HungUp:
                told.answered(CALLER_HUNG_UP, CANCELLED)
                return
            except Exception as error:  # noqa: BLE001  (whatever it is, the caller gets a coded answer)
                refusal = _refusal_of(error, turn)
                told.answered(refusal.status, refusal.code)
                await _refuse(refusal, body, send)
                return
            told.answered(HTTPStatus.CREATED)
            answer = Response(orjson.dumps(_told_of(upload)), HTTPStatus.CREATED, media_type=JSON)
            await answer(scope, receive, send)

    async def _receive(self, request: Request, body: Body, turn: Turn, told: RequestTelemetry) -> Upload:
        if request.method != "POST":
            raise OnlyPost
        token = presented_token(request, self.session_token)
        if token is None:
            raise Unauthenticated("TOKEN_MISSING")
        address = client_address(request.scope)
        access = await self.reception.access(token, address=address, request_id=turn.request_id)
        principal_id = access.principal.id
        told.named(UPLOAD, UPLOAD, principal_id)
        self.rates.count_request(principal_id, 0)
        asked = await self._asked(request, access)
        async with Place(self.lane, principal_id):
            expect_long_body(request.scope)
            file_id = compat.uuid7()
            try:
                received = await self._sealed(file_id, body, asked)
                return await self._recorded(received, asked, turn)
            except BaseException:
                await _in_thread(self.vault.delete, file_id)
                raise

    async def _asked(self, request: Request, access: Access) -> Asked:
        if access.permissions.isdisjoint(_PERMISSIONS):
            raise NotPermitted(Permission.REGISTRY_IMPORT_RUN)
        expect_file(request.headers)
        given = request.query_params.getlist("region")
        if len(given) != 1:
            raise RegionNeeded
        region = parse_region(given[0])
        name, digest = file_name(request.headers), announced_digest(request.headers)
        length = declared_length(request.headers, most=self.largest)
        known = await self.database.reference("select from region where id = $1", region.id)
        permission = _permission_for(access, region)
        if not known or permission is None:
            raise errors.UploadRegionUnknown(region.code)
        scope = authorize(access, permission)
        async with self.database.write(scope) as session:
            await check_quota(session, access.principal.id, length, most=self._most_waiting)
        return Asked(access, permission, scope, region, name, digest)

    @property
    def _most_waiting(self) -> int:
        return WAITING_FILES * self.largest

    async def _sealed(self, file_id: UUID, body: Body, asked: Asked) -> Received:
        writer = await _in_thread(self.vault.create, file_id)
        try:
            await self._written(writer, body)
            if asked.digest is not None and writer.sha256 != asked.digest:
                raise errors.UploadDigestDiffers
            await _in_thread(writer.finish)
        finally:
            await _in_thread(writer.discard)
        kind = await _in_thread(self._examined, file_id)
        return Received(file_id, writer.size, writer.sha256, kind)

    async def _written(self, writer: SealedWriter, body: Body) -> None:
        async with aclosing(body.pieces(most=self.largest, patience=self.patience)) as pieces:
            async for piece in pieces:
                if not writer.size:
                    examine_head(bytes(piece[:HEAD_BYTES]))
                await _in_thread(writer.write, piece)

    def _examined(self, file_id: UUID) -> UploadKind:
        with self.vault.open(file_id) as file:
            return examine(file)

    async def _recorded(self, received: Received, asked: Asked, turn: Turn) -> Upload:
        async with self.database.write(asked.scope) as session:
            upload = await record_upload(
                session,
                upload_id=received.id,
                region=asked.region,
                principal_id=asked.access.principal.id,
                name=asked.name,
                size=received.size,
                sha256=received.sha256,
                kind=received.kind,
                kept_for=self.kept_for,
                most=self._most_waiting,
            )
            await append_events(session, [_event(upload, asked, turn)])
        return upload


async def _in_thread(work: Callable[_Given, _Made], *arguments: _Given.args, **named: _Given.kwargs) -> _Made:
    """What ``work`` returns, done in a thread. Who is cancelled waits until it is done: the thread goes on using the file."""
    doing = asyncio.ensure_future(asyncio.to_thread(work, *arguments, **named))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        while not doing.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([doing])
        raise


def _permission_for(access: Access, region: RegionPath) -> Permission | None:
    """By which permission ``access`` may send files about ``region``; None: by none."""
    for permission in _PERMISSIONS:
        if permission in access.permissions and authorize(access, permission).covers(region):
            return permission
    return None


def _event(upload: Upload, asked: Asked, turn: Turn) -> Event:
    access, permission = asked.access, asked.permission
    return Event(
        action=Action.CHANGE,
        principal_id=upload.principal_id,
        roles=access.roles(permission),
        permission=permission.value,
        operation=_OPERATION,
        document_hash=None,
        subject_type=_SUBJECT,
        subject_ids=(upload.id,),
        row_count=1,
        purpose=None,
        request_id=turn.request_id,
        village_low=upload.villages.low,
        village_high=upload.villages.high,
    )


def _told_of(upload: Upload) -> dict[str, Any]:
    return {
        "id": str(upload.id),
        "name": upload.name,
        "size": upload.size,
        "sha256": upload.sha256.hex(),
        "kind": upload.kind.value,
        "region": upload.region.code,
        "expiresAt": upload.expires_at.isoformat(),
    }


def _refusal_of(error: Exception, turn: Turn) -> Refusal:
    if isinstance(error, OSError) and error.errno in _OUT_OF_SPACE:
        error = StorageFull()
    refusal = refusal_of(error, turn.language, turn.request_id)
    status = _STATUS.get(refusal.code)
    return refusal if status is None else replace(refusal, status=status)


async def _refuse(refusal: Refusal, body: Body, send: Send) -> None:
    """Answer, and end the connection where the file is still coming."""
    response = Response(
        orjson.dumps({"errors": refusal.entries}), refusal.status, dict(refusal.headers), media_type=JSON
    )
    if not body.is_complete:
        response.headers["connection"] = "close"
    await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": response.body, "more_body": True})
    await body.drain()
    await send({"type": "http.response.body"})
