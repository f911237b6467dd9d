"""An import and its preview."""

import sqlalchemy as sa
import strawberry

from app.domain.registry.imports.models import ImportFormat, ImportMode, ImportStage
from app.schema.jobs import Job
from app.schema.node import Node
from app.schema.paging import Connection, page_arguments
from app.schema.plan.source import Connect, Many, One, Part, Row, argument, column, expression, planned, planned_field
from app.schema.regions import Region
from app.schema.registry.imports.rows import (
    ImportChange,
    ImportDeparture,
    ImportDuplicate,
    ImportIssueCount,
    ImportNewFamily,
    ImportRow,
    counted_issues,
)
from app.schema.registry.imports.sources import (
    IMPORTS,
    ImportChangeFilter,
    ImportDuplicateFilter,
    ImportRowFilter,
    listed_changes,
    listed_departures,
    listed_duplicates,
    listed_new_families,
    listed_rows,
)
from app.schema.registry.ranks import RegistryEdition
from app.schema.scalars import DateTime


@strawberry.type(description="What becomes of the families of the file. Counted when the file is checked.")
class ImportFamilyCounts:
    """Columns of ``registry_import``."""

    staged: int = column("families_staged", description="Families read from the file.")
    accepted: int = column("families_accepted", description="Families without errors.")
    rejected: int = column("families_rejected", description="Families with errors: they are never applied.")
    new: int = column("families_new", description="Families that are not registered yet.")
    same: int = column("families_same", description="Families that are registered exactly so.")
    changed: int = column("families_changed", description="Families of which the file says something else.")
    moved: int = column("families_moved", description="Families that are registered in another village.")
    left: int = column(
        "families_left", description="Registered families that are not in this full edition; 0 for an addition."
    )


@strawberry.type(description="What becomes of the persons of the file. Counted when the file is checked.")
class ImportPersonCounts:
    """Columns of ``registry_import``."""

    staged: int = column("persons_staged", description="Persons read from the file.")
    accepted: int = column("persons_accepted", description="Persons without errors.")
    rejected: int = column("persons_rejected", description="Persons with errors: they are never applied.")
    new: int = column("persons_new", description="Persons who are not registered yet.")
    same: int = column("persons_same", description="Persons who are registered exactly so.")
    changed: int = column("persons_changed", description="Persons of whom the file says something else.")
    moved: int = column("persons_moved", description="Persons who are registered in another family or village.")


@strawberry.type(description="What was counted in the file; all 0 until it is checked.")
class ImportCounts:
    """Columns of ``registry_import``."""

    families: ImportFamilyCounts = planned_field(Part(), description="Families.")
    persons: ImportPersonCounts = planned_field(Part(), description="Persons.")
    rows_with_warnings: int = column("rows_with_warnings", description="Accepted rows with at least one warning.")
    probable_duplicates: int = column("probable_duplicates", description="Pairs who may be one person.")


def _profile_name(row: Row) -> sa.ColumnElement[str]:
    return sa.case(
        (sa.func.strpos(row.c.profile, sa.literal_column(r"E'\n'")) == sa.literal_column("0"), row.c.profile)
    )


@planned(IMPORTS)
@strawberry.type(
    description="A file on its way into the registry: checked first, then applied or discarded by a person's decision. Its whole "
    "region must be the caller's to be seen."
)
class Import(Node):
    """A row of ``registry_import``."""

    id: strawberry.ID = expression(IMPORTS.node_text, description="Id for `node(id:)` and the mutations of imports.")
    stage: ImportStage = column("stage", description="How far it has come.")
    format: ImportFormat = column("format", description="What the file looks like.")
    mode: ImportMode = column("mode", description="What the file means for families that it does not name.")
    profile: str | None = expression(
        _profile_name,
        description="Name of the mapping profile, for the format `PROFILE`; null where it was given as a file at the command line.",
    )
    encoding: str = column("encoding", description="Encoding of a CSV.")
    region: Region = planned_field(
        One(lambda reading, rows: [rows.c.id == reading.parent.c.region_id]), description="What the file is about."
    )
    edition: RegistryEdition = planned_field(
        One(lambda reading, rows: [rows.c.id == reading.parent.c.edition_id]),
        description="The edition that the file's data and ranks belong to.",
    )
    created_by: str = column("created_by_name", description="Who started it.")
    created_at: DateTime = column("created_at", description="When it was started.")
    validated_at: DateTime | None = column("validated_at", description="When the file was checked; null: not yet.")
    finished_at: DateTime | None = column("finished_at", description="When it was applied or discarded.")
    accept_valid: bool = column(
        "accept_valid", description="Whether it was decided to apply the valid rows though others are rejected."
    )
    version: int = column("version", description="Grows with every change; give it back to `importApply`.")
    job: Job | None = planned_field(
        One(
            lambda reading, rows: [
                rows.c.regency_id == reading.parent.c.regency_id,
                rows.c.id == reading.parent.c.job_id,
            ]
        ),
        description="The work that was last begun on it; null where that was done at the command line.",
    )
    counts: ImportCounts = planned_field(Part(), description="What was counted.")
    issue_counts: list[ImportIssueCount] = planned_field(
        Many(
            lambda reading, rows: [
                rows.c.regency_id == reading.parent.c.regency_id,
                rows.c.import_id == reading.parent.c.id,
            ],
            lambda rows: [rows.c.severity, rows.c.count.desc(), rows.c.code],
            counted_issues,
        ),
        description="What was found how often: errors first, the most frequent first.",
    )
    rows: Connection[ImportRow] = planned_field(
        Connect(listed_rows),
        description="What was found in which row: families by line, then persons by line. Rows without findings are accepted as they are.",
        arguments=page_arguments(argument("filter", ImportRowFilter | None, "Which findings.", default=None)),
    )
    duplicates: Connection[ImportDuplicate] = planned_field(
        Connect(listed_duplicates),
        description="Pairs who may be one person, by line.",
        arguments=page_arguments(argument("filter", ImportDuplicateFilter | None, "Which pairs.", default=None)),
    )
    new_families: Connection[ImportNewFamily] = planned_field(
        Connect(listed_new_families),
        description="Families that join the registry, by line; empty once the import is over.",
        arguments=page_arguments(),
    )
    changes: Connection[ImportChange] = planned_field(
        Connect(listed_changes),
        description="Rows about families and persons who are registered already: families by line, then persons by line.",
        arguments=page_arguments(argument("filter", ImportChangeFilter | None, "Which rows.", default=None)),
    )
    departures: Connection[ImportDeparture] = planned_field(
        Connect(listed_departures),
        description="Registered families that are not in this full edition; empty for an addition.",
        arguments=page_arguments(),
    )
