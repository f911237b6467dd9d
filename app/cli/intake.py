"""A file on its way into the registry, all in this process: into the vault, checked, and applied where that is asked for."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import Any, Final, NamedTuple, Self
from uuid import UUID, uuid4

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from app.authz.authorize import Access, authorize, operator_access
from app.authz.enforcer import load_role_matrix
from app.authz.permissions import Permission
from app.cli.console import Refusal, Step, speaks_indonesian, step, today
from app.domain.audit.models import Action
from app.domain.audit.service import Event, append_events
from app.domain.registry.imports.applying import apply_import
from app.domain.registry.imports.checking import check_import
from app.domain.registry.imports.findings import FINDINGS
from app.domain.registry.imports.models import import_issue, registry_import
from app.domain.registry.imports.queries import Import, locked_import
from app.domain.registry.imports.service import Actor, Asked, request_apply, start_import
from app.domain.registry.sealing import Seal
from app.domain.registry.service import current_edition
from app.domain.uploads.examination import examine
from app.domain.uploads.service import record_upload
from app.domain.vault import Vault
from app.settings import Settings
from app.tenants.region_path import RegionPath, Span
from app.tenants.scope import TenantScope
from app.tenants.server import DatabaseServer
from app.tenants.session import Database, open_loader

OPERATION: Final = "kesos import file"
_RUN: Final = Permission.REGISTRY_IMPORT_RUN
_PIECE: Final = 1 << 20
_KEPT_FOR: Final = timedelta(days=1)
_NO_LIMIT: Final = 1 << 62


class TerminalWork:
    """The ``Work`` of somebody who waits at a terminal."""

    def __init__(self, server: DatabaseServer, database: Database, found: Import, shown: Step) -> None:
        self.job_id: UUID = uuid4()
        self.subject_id: UUID = found.id
        self.villages: Span = found.villages
        self.database: Database = database
        self._server, self._shown = server, shown
        self._stage: str | None = None
        self._total: int | None = None
        self._began = perf_counter()
        self._first = 0

    def loader(self) -> "AbstractAsyncContextManager[asyncpg.Connection[asyncpg.Record]]":
        """A connection of kesos_loader."""
        return open_loader(self._server)

    async def progress(self, done: int, total: int | None = None, *, stage: str | None = None) -> None:
        """Show it, with the rate since the stage began and how long the rest takes at that rate."""
        if stage is not None and stage != self._stage:
            self._stage, self._total, self._began, self._first = stage, None, perf_counter(), done
        self._total = total if total is not None else self._total
        rate = (done - self._first) / max(perf_counter() - self._began, 1e-9)
        note = f"{(self._stage or '').lower()} {done:,}"
        if self._total is not None:
            note += f" of {self._total:,}"
        if done > self._first and rate >= 1:
            note += f", {rate:,.0f}/s"
            if self._total is not None:
                note += f", {timedelta(seconds=round(max(self._total - done, 0) / rate))} left"
        self._shown.at(done, note, total=self._total)


class Issue(NamedTuple):
    """Something found in a row, as a terminal shows it."""

    subject: str
    line: int
    column: str
    value: str
    text: str
    code: str


class Found(NamedTuple):
    """An import, what was counted, and the first things that were found: errors before warnings."""

    row: Any
    issues: Sequence[Issue]


@dataclass(frozen=True, slots=True)
class Operator:
    """The operator of the server, who may import everywhere."""

    server: DatabaseServer
    database: Database
    access: Access

    @classmethod
    @asynccontextmanager
    async def at(cls, server: DatabaseServer) -> AsyncIterator[Self]:
        """The operator of ``server``, for as long as the context is open."""
        database = Database(server.app, read_pool_size=2, write_pool_size=3)
        await database.open()
        try:
            yield cls(server, database, operator_access(RegionPath.country(), load_role_matrix()))
        finally:
            await database.close()

    @property
    def scope(self) -> TenantScope:
        """Where imports are run."""
        return authorize(self.access, _RUN)

    @property
    def actor(self) -> Actor:
        """The operator as the service knows them."""
        return Actor(self.access.principal.id, self.access.principal.name, self.scope)

    async def start(self, settings: Settings, file: Path, asked: Asked, edition: str | None) -> Import:
        """Put ``file`` into the vault and start an import of it; without an edition, of the present one of DTSEN.

        Raises:
            DomainError: the file or what is asked of it cannot be.
        """
        vault, upload_id = Vault.of_settings(settings), UUID(int=uuid7().int)
        with step(f"Reading {file.name}", keep=False) as shown:
            size, sha256 = await asyncio.to_thread(_seal, vault, upload_id, file, shown)
        try:
            with vault.open(upload_id) as sealed:
                kind = await asyncio.to_thread(examine, sealed)
            async with self.database.write(self.scope) as session:
                if edition is None:
                    present = await current_edition(session, today=today())
                    edition = f"{present.scheme.value}:{present.period}"
                upload = await record_upload(
                    session,
                    upload_id=upload_id,
                    region=asked.region,
                    principal_id=self.actor.id,
                    name=file.name[:200],
                    size=size,
                    sha256=sha256,
                    kind=kind,
                    kept_for=_KEPT_FOR,
                    most=_NO_LIMIT,
                )
                asked = replace(asked, upload_id=upload.id, edition=edition)
                started = await start_import(session, self.actor, asked, queued=False)
                await append_events(session, [self._event(started)])
        except BaseException:
            vault.delete(upload_id)
            raise
        return started

    async def check(self, settings: Settings, found: Import) -> None:
        """Check the file of an import.

        Raises:
            DomainError: it cannot be read.
        """
        with step("Checking", keep=False) as shown:
            await check_import(
                TerminalWork(self.server, self.database, found, shown),
                self.scope,
                vault=Vault.of_settings(settings),
                seal=Seal.of_settings(settings),
                today=today(),
                test_provinces=settings.nik_provinces_for_tests,
            )

    async def apply(self, found: Import, *, accept_valid: bool) -> None:
        """Apply a checked import.

        Raises:
            DomainError: it cannot be applied like this.
        """
        async with self.database.write(self.scope) as session:
            checked = await locked_import(session, *found.key)
            version = checked.version if checked is not None else 0
            await request_apply(
                session, self.actor, found.key, version=version, accept_valid=accept_valid, queued=False
            )
        with step("Applying", keep=False) as shown:
            await apply_import(
                TerminalWork(self.server, self.database, found, shown),
                self.scope,
                principal_id=self.actor.id,
                roles=self.access.roles(_RUN),
                permission=_RUN.value,
            )

    async def found(self, import_id: UUID, *, most_issues: int) -> Found:
        """What is known of an import.

        Raises:
            Refusal: there is none.
        """
        async with self.database.write(self.scope) as session:
            row = (
                await session.execute(sa.select(registry_import).where(registry_import.c.id == import_id))
            ).one_or_none()
            if row is None:
                raise Refusal(f"There is no import {import_id}: `kesos import list` tells which there are.")
            return Found(row, await _issues(session, row, most_issues))

    async def latest(self, region: RegionPath, most: int) -> Sequence[Any]:
        """The newest imports that lie in ``region``."""
        c = registry_import.c
        inside = (c.village_low >= region.villages.low, c.village_high <= region.villages.high)
        async with self.database.write(self.scope) as session:
            rows = await session.execute(sa.select(registry_import).where(*inside).order_by(c.id.desc()).limit(most))
            return rows.all()

    def _event(self, started: Import) -> Event:
        return Event(
            action=Action.CHANGE,
            principal_id=self.actor.id,
            roles=self.access.roles(_RUN),
            permission=_RUN.value,
            operation=OPERATION,
            document_hash=None,
            subject_type="Import",
            subject_ids=(started.id,),
            row_count=1,
            purpose=None,
            request_id=str(uuid4()),
            village_low=started.villages.low,
            village_high=started.villages.high,
        )


def _seal(vault: Vault, upload_id: UUID, file: Path, shown: Step) -> tuple[int, bytes]:
    with file.open("rb") as source, vault.create(upload_id) as sealed:
        while piece := source.read(_PIECE):
            sealed.write(piece)
            shown.at(sealed.size, total=file.stat().st_size)
    return sealed.size, sealed.sha256


async def _issues(session: AsyncSession, row: Any, most: int) -> list[Issue]:
    c = import_issue.c
    rows = await session.execute(
        sa.select(import_issue)
        .where(c.regency_id == row.regency_id, c.import_id == row.id)
        .order_by(c.severity, c.subject, c.line, c.code, c.column_name)
        .limit(most)
    )
    return [
        Issue(
            each.subject, each.line, each.column_name, each.value_masked, _text(each.code, each.other_line), each.code
        )
        for each in rows
    ]


def _text(code: str, other_line: int | None) -> str:
    found = FINDINGS.get(code)
    if found is None:
        return ""
    text = found.indonesian if speaks_indonesian() else found.english
    return text if other_line is None else text.replace("{line}", str(other_line))
