"""The job of an export: reads all rows in one snapshot, keeps whom they are about, and writes the file as they come."""

import asyncio
import base64
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, ParamSpec, Self, TypeVar

import orjson

from app.authz.authorize import Access, NotPermitted
from app.authz.permissions import Permission
from app.domain.audit.models import Action
from app.domain.audit.service import Event, append_events
from app.domain.exports.errors import ExportNotPermitted
from app.domain.exports.service import Export, export_at_work, finish_export
from app.domain.jobs.work import Work
from app.domain.registry.sealing import Seal
from app.domain.vault import Vault
from app.schema.exports.desk import Request
from app.schema.exports.nodes import Node, Rows, laid_out, layout_of, object_at, rows_into
from app.schema.exports.reading import RowPage, RowReading, named_operation
from app.schema.opening import Opening, SealedSubject
from app.schema.plan.planner import Planner
from app.schema.plan.rows import RevealedField
from app.schema.plan.selection import FieldDenied
from app.schema.plan.subjects import SubjectGroup
from app.settings import Settings

_Given = ParamSpec("_Given")
_Made = TypeVar("_Made")
_PERMISSION: Final = Permission.EXPORTS_EXPORT_RUN
EXPORT_SUBJECT: Final = "Export"


def export_events(access: Access, found: Export, request_id: str, groups: Sequence[SubjectGroup]) -> list[Event]:
    """What the audit trail keeps of an export, or of fetching one: an event for each of ``groups``."""
    return [
        Event(
            action=Action.EXPORT,
            principal_id=access.principal.id,
            roles=access.roles(_PERMISSION),
            permission=_PERMISSION.value,
            operation=found.operation,
            document_hash=found.document_hash,
            subject_type=group.type_name,
            subject_ids=group.ids,
            row_count=group.row_count,
            purpose=found.purpose,
            request_id=request_id,
            village_low=group.village_low,
            village_high=group.village_high,
        )
        for group in groups
    ]


def whole(found: Export, row_count: int) -> SubjectGroup:
    """An export itself as what an event is about."""
    return SubjectGroup(EXPORT_SUBJECT, found.villages.low, found.villages.high, row_count, (str(found.id),))


@dataclass(frozen=True, slots=True)
class ExportHandler:
    """Runs exports. Another attempt begins anew; what was kept of readers before stays, for they may have been read."""

    planner: Planner
    seal: Seal
    vault: Vault
    keep: timedelta
    test_nik_provinces: frozenset[str]

    @classmethod
    def of_settings(cls, settings: Settings, planner: Planner) -> Self:
        """The handler of a deployment."""
        return cls(
            planner,
            Seal.of_settings(settings),
            Vault.of_settings(settings),
            timedelta(hours=settings.export_hours),
            settings.nik_provinces_for_tests,
        )

    async def __call__(self, work: Work, access: Access) -> None:
        """Write the file of the export that ``work`` is about, with what ``access`` may read now.

        Raises:
            DomainError: it cannot be written, ever.
            JobCancelled: nobody wants it any more.
        """
        try:
            scope = access.scope(_PERMISSION)
            async with work.database.write(scope) as session:
                found = await export_at_work(session, work.subject_id)
            if found.request_sealed is None:
                return  # an earlier attempt was ended after its last step
            reading = await asyncio.to_thread(self._reading, found, found.request_sealed, access)
        except (NotPermitted, FieldDenied) as refusal:
            raise ExportNotPermitted(refusal.permission.value) from refusal
        run = _Run(work, access, found, reading)
        target = await _in_thread(self.vault.create, found.id)
        try:
            with rows_into(target, found.format, reading.plan.columns) as rows:
                await run.write(rows)
            await _in_thread(target.finish)
        finally:
            await _in_thread(target.discard)
        async with work.database.write(scope) as session:
            is_wanted = await finish_export(
                session,
                found,
                rights=access.fingerprint,
                row_count=run.done,
                size=target.size,
                sha256=target.sha256,
                keep=self.keep,
            )
            await append_events(session, export_events(access, found, str(work.job_id), [whole(found, run.done)]))
        if not is_wanted:
            await asyncio.to_thread(self.vault.delete, found.id)

    def _reading(self, found: Export, request_sealed: bytes, access: Access) -> RowReading:
        request = Request.opened(self.seal, request_sealed)
        operation = named_operation(self.planner.document(request.document), request.operation_name)
        return RowReading.of(
            self.planner,
            operation,
            request.variables,
            access,
            seal=self.seal,
            test_nik_provinces=self.test_nik_provinces,
            purpose=found.purpose,
        )


@dataclass(slots=True)
class _Run:
    """One attempt at an export."""

    work: Work
    access: Access
    found: Export
    reading: RowReading
    done: int = field(default=0, init=False)

    async def write(self, rows: Rows) -> None:
        """Write all rows."""
        opener = _Opener.of(self) if self.reading.plan.revealed else None
        async with self.work.database.read(self.reading.scope) as session:
            await self.reading.check(session)
            total = await self.reading.count(session)
            await self._keep(await self.reading.about(session))
            await self.work.progress(0, total)
            async for page in self.reading.pages(session):
                # Kept before anybody can have it: a file that is never finished may have been read off the disk.
                await self._keep(page.subjects)
                nodes = page.nodes if opener is None else await opener.opened(page)
                await _in_thread(rows.write, nodes)
                self.done += len(nodes)
                await self.work.progress(self.done, total)

    async def _keep(self, groups: Sequence[SubjectGroup]) -> None:
        if groups:
            events = export_events(self.access, self.found, str(self.work.job_id), groups)
            async with self.work.database.write(self.reading.scope) as session:
                await append_events(session, events)


class _Opener:
    """Puts numbers in full into rows."""

    def __init__(self, opening: Opening, reading: RowReading) -> None:
        self._opening = opening
        self._revealed = reading.plan.revealed
        self._layout = layout_of(reading.plan.columns)

    @classmethod
    def of(cls, run: _Run) -> Self:
        """For one attempt."""
        found, caller = run.found, run.reading.caller
        opening = Opening(
            caller.access, run.work.database, caller.seal, found.operation, found.document_hash, str(run.work.job_id)
        )
        return cls(opening, run.reading)

    async def opened(self, page: RowPage) -> list[Node]:
        """The rows of ``page`` with their numbers; those are logged first, all of a page in one transaction."""
        trees: list[Node] = [orjson.loads(node) for node in page.nodes]
        places: list[tuple[Node, str, SealedSubject | None]] = []
        for tree in trees:
            for revealed in self._revealed:
                above = object_at(tree, revealed.path[:-1])
                if above is not None:
                    places.append((above, revealed.path[-1], _subject(above, revealed)))
        # Who stands in the page twice, under the same purpose, is logged once.
        subjects = list(dict.fromkeys(subject for _, _, subject in places if subject is not None))
        numbers = dict(zip(subjects, await self._opening.reveal(subjects), strict=True)) if subjects else {}
        for above, key, subject in places:
            above[key] = None if subject is None else numbers[subject]
        return [laid_out(tree, self._layout) or {} for tree in trees]


def _subject(above: Node, revealed: RevealedField) -> SealedSubject | None:
    specification = revealed.specification
    sealed = above[f"{specification.column}$"]
    if sealed is None:
        return None
    return SealedSubject(
        specification.subject, above["id$"], above["village_id$"], base64.b64decode(sealed), revealed.purpose
    )


async def _in_thread(work: Callable[_Given, _Made], *given: _Given.args, **named: _Given.kwargs) -> _Made:
    """What ``work`` returns, done in a thread. Whoever is cancelled waits for it: the thread goes on using the file."""
    doing = asyncio.ensure_future(asyncio.to_thread(work, *given, **named))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        while not doing.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([doing])
        raise
