"""Starting, applying, checking again and discarding imports, and deciding about probable duplicates."""

from typing import Annotated, Any, Final, TypeAlias
from uuid import UUID

import strawberry

from app.authz.authorize import authorize
from app.authz.permissions import Permission
from app.domain.base import DomainError
from app.domain.regions.rules import parse_region
from app.domain.registry.imports.errors import ProfileWrong
from app.domain.registry.imports.models import DuplicateDecision, ImportFormat, ImportMode
from app.domain.registry.imports.profiles import known_profiles
from app.domain.registry.imports.service import (
    Actor,
    Asked,
    decide_duplicate,
    discard_import,
    request_apply,
    request_check,
    start_import,
)
from app.schema.context import Info
from app.schema.ids import parse_node_id
from app.schema.mutations import Acting, Key, Refusal, answered, change, read
from app.schema.registry.imports.rows import ImportDuplicate
from app.schema.registry.imports.types import Import

_RUN: Final = Permission.REGISTRY_IMPORT_RUN
_AFTERWARDS: Final = "The import as it stands now. Null where the caller may run imports and not read them."


@strawberry.input(description="A file to take in.")
class ImportStartInput:
    """Input of ``importStart``."""

    idempotency_key: UUID = strawberry.field(
        description="A UUID of your own for this request: sent again, it answers the first import and starts no other."
    )
    upload_id: strawberry.ID = strawberry.field(description="The `id` that `POST /uploads` has answered.")
    format: ImportFormat = strawberry.field(description="What the file looks like.")
    region: str = strawberry.field(
        description="What the file is about: the region of the upload, or one in it. `OPENSID` and `REGSOSEK_2022`: a village. Mode "
        "`EDITION`: a regency or a province. Kemendagri code with dots."
    )
    edition: str = strawberry.field(
        description="The edition that the data and its ranks belong to: scheme and period, such as `DTSEN:2026-Q3`; see "
        "`registryEditions`."
    )
    mode: ImportMode = strawberry.field(
        default=ImportMode.ADDITION, description="What the file means for families that it does not name."
    )
    profile: str | None = strawberry.field(
        default=None,
        description="Name of a mapping profile that ships with Kesos; needed by the format `PROFILE`, taken by no other.",
    )
    encoding: str = strawberry.field(default="utf-8-sig", description="Encoding of a CSV, such as `cp1252`.")


@strawberry.input(description="A checked import to apply.")
class ImportApplyInput:
    """Input of ``importApply``."""

    id: strawberry.ID = strawberry.field(description="The `id` of the import.")
    version: int = strawberry.field(description="Its `version` as you saw it: another one means another preview.")
    accept_valid: bool = strawberry.field(
        default=False, description="Apply the valid rows though others are rejected; a family goes with its head."
    )


@strawberry.input(description="An import to check again.")
class ImportCheckInput:
    """Input of ``importCheck``."""

    id: strawberry.ID = strawberry.field(description="The `id` of the import.")


@strawberry.input(description="An import to discard.")
class ImportDiscardInput:
    """Input of ``importDiscard``."""

    id: strawberry.ID = strawberry.field(description="The `id` of the import.")


@strawberry.input(description="What was decided about a probable duplicate.")
class ImportDuplicateDecideInput:
    """Input of ``importDuplicateDecide``."""

    id: strawberry.ID = strawberry.field(description="The `id` of the probable duplicate.")
    decision: DuplicateDecision = strawberry.field(description="Whether the two are one person.")


def _answered_import() -> Any:
    made = answered("import_key", description=_AFTERWARDS)
    made.graphql_name = "import"  # a word of Python
    return made


@strawberry.type(description="An import was started: a job checks the file, nothing is registered yet.")
class ImportStarted:
    """What ``importStart`` did."""

    import_key: strawberry.Private[Key]
    import_: Import | None = _answered_import()


@strawberry.type(description="A job applies the import, batch by batch.")
class ImportApplying:
    """What ``importApply`` did."""

    import_key: strawberry.Private[Key]
    import_: Import | None = _answered_import()


@strawberry.type(description="A job checks the file again, against the registry as it is now.")
class ImportChecking:
    """What ``importCheck`` did."""

    import_key: strawberry.Private[Key]
    import_: Import | None = _answered_import()


@strawberry.type(description="The import is over and nothing of it will be applied.")
class ImportDiscarded:
    """What ``importDiscard`` did."""

    import_key: strawberry.Private[Key]
    import_: Import | None = _answered_import()


@strawberry.type(description="The decision is kept. It can be changed until the import is applied.")
class ImportDuplicateDecided:
    """What ``importDuplicateDecide`` did."""

    duplicate_key: strawberry.Private[Key]
    duplicate: ImportDuplicate | None = answered(
        "duplicate_key",
        description="The probable duplicate as it stands now. Null where the caller may run imports and not read them.",
    )


class UploadIdInvalid(DomainError):
    """The text is no id of an upload."""

    code = "ID_INVALID"

    def __init__(self) -> None:
        super().__init__(
            "ID unggahan adalah UUID yang dijawab `POST /uploads`.",
            "The id of an upload is the UUID that `POST /uploads` answers.",
        )


def _upload_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise UploadIdInvalid from error


def _profile_name(name: str) -> str:
    profiles = known_profiles()
    if name not in profiles:
        raise ProfileWrong(profiles)
    return name


def _import_id(text: str) -> tuple[int, UUID]:
    regency_id, identifier = parse_node_id(text, "Import").key
    return regency_id, identifier


def _duplicate_id(text: str) -> tuple[int, UUID]:
    regency_id, identifier = parse_node_id(text, "ImportDuplicate").key
    return regency_id, identifier


def _actor(acting: Acting) -> Actor:
    principal = acting.access.principal
    return Actor(principal.id, principal.name, authorize(acting.access, _RUN))


async def _start(
    info: Info,
    given: Annotated[ImportStartInput, strawberry.argument(name="input", description="The file to take in.")],
) -> ImportStarted:
    async with change(info, _RUN) as acting:
        asked = Asked(
            idempotency_key=given.idempotency_key,
            upload_id=read("upload_id", _upload_id, given.upload_id),
            region=read("region", parse_region, given.region),
            format=given.format,
            mode=given.mode,
            edition=given.edition,
            profile=None if given.profile is None else read("profile", _profile_name, given.profile),
            encoding=given.encoding,
        )
        started = await start_import(acting.session, _actor(acting), asked)
        acting.concerns("Import", [started.id], started.villages)
    return ImportStarted(import_key=started.key)


async def _apply(
    info: Info,
    given: Annotated[ImportApplyInput, strawberry.argument(name="input", description="The import to apply.")],
) -> ImportApplying:
    async with change(info, _RUN) as acting:
        applying = await request_apply(
            acting.session,
            _actor(acting),
            read("id", _import_id, given.id),
            version=given.version,
            accept_valid=given.accept_valid,
        )
        acting.concerns("Import", [applying.id], applying.villages)
    return ImportApplying(import_key=applying.key)


async def _check(
    info: Info,
    given: Annotated[ImportCheckInput, strawberry.argument(name="input", description="The import to check again.")],
) -> ImportChecking:
    async with change(info, _RUN) as acting:
        checking = await request_check(acting.session, _actor(acting), read("id", _import_id, given.id))
        acting.concerns("Import", [checking.id], checking.villages)
    return ImportChecking(import_key=checking.key)


async def _discard(
    info: Info,
    given: Annotated[ImportDiscardInput, strawberry.argument(name="input", description="The import to discard.")],
) -> ImportDiscarded:
    async with change(info, _RUN) as acting:
        discarded = await discard_import(acting.session, _actor(acting), read("id", _import_id, given.id))
        acting.concerns("Import", [discarded.id], discarded.villages)
    return ImportDiscarded(import_key=discarded.key)


async def _decide(
    info: Info,
    given: Annotated[ImportDuplicateDecideInput, strawberry.argument(name="input", description="The decision.")],
) -> ImportDuplicateDecided:
    async with change(info, _RUN) as acting:
        key = read("id", _duplicate_id, given.id)
        found = await decide_duplicate(acting.session, _actor(acting), key, given.decision)
        acting.concerns("ImportDuplicate", [key[1]], found.villages)
    return ImportDuplicateDecided(duplicate_key=key)


ImportStartResult: TypeAlias = Annotated[
    ImportStarted | Refusal,
    strawberry.union("ImportStartResult", description="What `importStart` did, or why it did nothing."),
]
ImportApplyResult: TypeAlias = Annotated[
    ImportApplying | Refusal,
    strawberry.union("ImportApplyResult", description="What `importApply` did, or why it did nothing."),
]
ImportCheckResult: TypeAlias = Annotated[
    ImportChecking | Refusal,
    strawberry.union("ImportCheckResult", description="What `importCheck` did, or why it did nothing."),
]
ImportDiscardResult: TypeAlias = Annotated[
    ImportDiscarded | Refusal,
    strawberry.union("ImportDiscardResult", description="What `importDiscard` did, or why it did nothing."),
]
ImportDuplicateDecideResult: TypeAlias = Annotated[
    ImportDuplicateDecided | Refusal,
    strawberry.union(
        "ImportDuplicateDecideResult", description="What `importDuplicateDecide` did, or why it did nothing."
    ),
]


@strawberry.type
class ImportsMutation:
    """Mutations of imports."""

    import_start: ImportStartResult | None = strawberry.mutation(
        resolver=_start,
        description="Take up an uploaded file: a job reads and checks it. Nothing is registered before `importApply`. Needs "
        "`registry:import:run` for the whole region.",
    )
    import_apply: ImportApplyResult | None = strawberry.mutation(
        resolver=_apply,
        description="Apply a checked import. One that stopped before its end is taken up where it stood. Needs `registry:import:run`.",
    )
    import_check: ImportCheckResult | None = strawberry.mutation(
        resolver=_check,
        description="Check the file again, such as after the registry has changed. Needs `registry:import:run`.",
    )
    import_discard: ImportDiscardResult | None = strawberry.mutation(
        resolver=_discard,
        description="End an import without applying it; its upload can be imported anew until its time is over. "
        "Needs `registry:import:run`.",
    )
    import_duplicate_decide: ImportDuplicateDecideResult | None = strawberry.mutation(
        resolver=_decide,
        description="Say whether the two of a probable duplicate are one person. Needs `registry:import:run`.",
    )
