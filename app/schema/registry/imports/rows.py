"""What is said of the rows of an import: findings, probable duplicates, and what the file changes."""

from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
import strawberry

from app.authz.permissions import Permission
from app.domain.registry.imports.findings import FINDINGS
from app.domain.registry.imports.models import (
    DepartureReason,
    DuplicateDecision,
    MatchOutcome,
    RowSubject,
    Severity,
    import_issue,
    staged_person,
)
from app.schema.context import Info
from app.schema.language import Language
from app.schema.node import Node
from app.schema.plan.printing import constant
from app.schema.plan.source import (
    SPECIFICATION,
    Computed,
    Expression,
    One,
    Reading,
    Row,
    column,
    expression,
    planned,
    planned_field,
)
from app.schema.previewing import StagedName
from app.schema.regions import VILLAGE, Region
from app.schema.registry.imports.sources import CHANGES, DEPARTURES, DUPLICATES, ISSUES, NEW_FAMILIES
from app.schema.scalars import DateTime
from app.tenants.rls import Tenancy
from app.tenants.scope import REGENCY_WIDTH

_READ: Final = Permission.REGISTRY_IMPORT_READ
_NAMES: Final = Permission.REGISTRY_NAME_READ
_REGENCY_WIDTH: Final[sa.ColumnElement[int]] = sa.literal_column(str(REGENCY_WIDTH))
_PREFIXES: Final = {RowSubject.FAMILY: "Family", RowSubject.PERSON: "Person"}
_NO_LINE: Final[sa.ColumnElement[int]] = sa.literal_column("null::int")


def _told(code: str, other_line: int | None, language: Language) -> str:
    found = FINDINGS.get(code)
    if found is None:
        # Another version of Kesos has found it, and this one does not know what to say of it.
        return code
    text = found.indonesian if language is Language.INDONESIAN else found.english
    return text.replace("{line}", "…" if other_line is None else str(other_line))


async def _message(root: Any, info: Info) -> str:
    return _told(root["code$"], root["other_line$"], info.context.language)


def _message_field(other_line: Expression) -> Any:
    return strawberry.field(
        resolver=_message,
        description=f"What to tell people, in the language of `Accept-Language`. Needs `{_READ.value}`.",
        metadata={
            SPECIFICATION: Computed({"code": lambda row: row.c.code, "other_line": other_line}, _READ, Tenancy.SPAN)
        },
    )


def registered_id(prefix: sa.ColumnElement[str], regency: str, identifier: str) -> Expression:
    """The node id of what is registered in one of the import's own regencies; null of what is registered elsewhere."""

    def text(row: Row) -> sa.ColumnElement[Any]:
        c = row.c
        inside = c[regency].between(c.village_low.op("/")(_REGENCY_WIDTH), c.village_high.op("/")(_REGENCY_WIDTH))
        printed = sa.func.concat(prefix, constant(":"), c[regency], constant(":"), c[identifier])
        return sa.case((inside, printed))

    return text


def counted_issues(_reading: Reading) -> sa.FromClause:
    """How often each finding was made, import by import."""
    said = import_issue.alias()
    kinds = [said.c[name] for name in ("regency_id", "import_id", "village_low", "village_high", "code", "severity")]
    return sa.select(*kinds, sa.func.count().label("count")).group_by(*kinds).subquery()


@strawberry.type(description="How many rows have a finding.")
class ImportIssueCount:
    """A group of rows of ``import_issue``."""

    code: str = column("code", description="Stable name of the finding, such as `NIK_SERIAL_ZERO`.")
    severity: Severity = column("severity", description="Whether such rows are accepted all the same.")
    message: str = _message_field(lambda _row: _NO_LINE)
    count: int = column("count", description="How many findings.")


@planned(ISSUES)
@strawberry.type(description="Something found in a row of the file.")
class ImportRow:
    """A row of ``import_issue``."""

    subject: RowSubject = column("subject", description="Whether it is about a family or a person.")
    line: int = column("line", description="Line of the file or sheet, the header included.")
    column_name: str | None = expression(
        lambda row: sa.func.nullif(row.c.column_name, constant("")),
        description="Name of the column; null where it is about the whole row.",
    )
    code: str = column("code", description="Stable name of the finding, such as `NIK_SERIAL_ZERO`.")
    severity: Severity = column("severity", description="Whether the row is accepted all the same.")
    value: str | None = expression(
        lambda row: sa.func.nullif(row.c.value_masked, constant("")),
        description="What stands there, personal numbers masked; null where nothing does.",
    )
    other_line: int | None = column("other_line", description="The other line, where the finding is about two.")
    message: str = _message_field(lambda row: row.c.other_line)


def _staged_name(line: str) -> Expression:
    def name(row: Row) -> sa.ColumnElement[Any]:
        return _of_staged(row, line, staged_person.alias(), "name")

    return name


def _staged_id(line: str) -> Expression:
    def identifier(row: Row) -> sa.ColumnElement[Any]:
        return _of_staged(row, line, staged_person.alias(), "id")

    return identifier


def _of_staged(row: Row, line: str, staged: Any, name: str) -> sa.ColumnElement[Any]:
    query = sa.select(staged.c[name]).where(
        staged.c.regency_id == row.c.regency_id,
        staged.c.import_id == row.c.import_id,
        staged.c.line == row.c[line],
    )
    return query.correlate(row.from_).scalar_subquery()


def _name_field(line: str, which: str) -> Any:
    async def resolve(root: Any, info: Info) -> str | None:
        name, person = root[f"{line}_name$"], root[f"{line}_person$"]
        if name is None:
            return None
        staged = StagedName(UUID(person), name, root["village_low$"], root["village_high$"])
        return await info.context.staged_names.load(staged)

    needs: dict[str, Expression] = {
        f"{line}_name": _staged_name(line),
        f"{line}_person": _staged_id(line),
        "village_low": lambda row: row.c.village_low,
        "village_high": lambda row: row.c.village_high,
    }
    return strawberry.field(
        resolver=resolve,
        description=f"Name in {which}, until the import is over. Needs `{_NAMES.value}`; reading it is kept in the audit trail.",
        metadata={SPECIFICATION: Computed(needs, _NAMES, Tenancy.SPAN)},
    )


@planned(DUPLICATES)
@strawberry.type(
    description="Two who may be one person: somebody in the file, and somebody in another line or in the registry with nearly the "
    "same name, the same birth date and the same village. Nothing is merged unless a person decides so."
)
class ImportDuplicate(Node):
    """A row of ``import_duplicate``."""

    id: strawberry.ID = expression(DUPLICATES.node_text, description="Id for `node(id:)` and `importDuplicateDecide`.")
    line: int = column("line", description="Line of the person in the file.")
    name: str | None = _name_field("line", "this line")
    other_line: int | None = column("other_line", description="The other line; null where it is somebody registered.")
    other_name: str | None = _name_field("other_line", "the other line")
    person_id: strawberry.ID | None = expression(
        registered_id(constant("Person"), "person_regency_id", "person_id"),
        description="Id of the registered person for `node(id:)`; null where it is another line.",
    )
    score: int = column("score", description="How alike the names are, 0 to 100.")
    decision: DuplicateDecision | None = column("decision", description="What was decided; null: nothing yet.")
    decided_at: DateTime | None = column("decided_at", description="When.")


@planned(DEPARTURES)
@strawberry.type(description="A registered family that is not in a full edition any more.")
class ImportDeparture:
    """A row of ``import_departure``."""

    family_id: strawberry.ID = expression(
        registered_id(constant("Family"), "family_regency_id", "family_id"),
        description="Id of the family for `node(id:)`.",
    )
    village: Region = planned_field(
        One(lambda reading, rows: [rows.c.id == reading.parent.c.family_village_id]),
        description="Where the family is registered.",
    )
    reason: DepartureReason = column("reason", description="Why it leaves.")


def _registered(row: Row) -> sa.ColumnElement[Any]:
    prefix = sa.case(
        *[(row.c.subject == constant(subject.value), constant(name)) for subject, name in _PREFIXES.items()]
    )
    return registered_id(prefix, "registered_regency_id", "registered_id")(row)


@planned(CHANGES)
@strawberry.type(description="A row of the file about a family or a person who is registered already.")
class ImportChange:
    """A row of ``import_match``."""

    subject: RowSubject = column("subject", description="Whether it is a family or a person.")
    line: int = column("line", description="Line of the file.")
    outcome: MatchOutcome = column("outcome", description="What the file would change.")
    changed: list[str] = column("changed", description="The columns whose values differ.")
    registered_id: strawberry.ID | None = expression(
        _registered,
        description="Id for `node(id:)`, as registered now; null where that is outside the region of the import.",
    )


@planned(NEW_FAMILIES)
@strawberry.type(description="A family of the file that is not registered yet, until the import is over.")
class ImportNewFamily:
    """A row of ``staged_family``."""

    line: int = column("line", description="Line of the file.")
    village: Region | None = planned_field(VILLAGE, description="The village that the file names.")
    decile: int | None = column("decile", description="Welfare decile in the file, 1 (poorest) to 10.")
