"""What each table is. A new table is put in one of these sets by whoever makes it; the tests read the rest from the catalogue."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncpg

OF_AN_IMPORT = frozenset(
    {
        "import_batch",
        "import_departure",
        "import_duplicate",
        "import_issue",
        "import_match",
        "staged_family",
        "staged_person",
    }
)
"""What was read from a file and what is said of it: rows that belong to one import."""

SPANNED = (
    frozenset({"audit_event", "civil_registry_matching", "export", "job", "registry_import", "upload"})
    | OF_AN_IMPORT
    | frozenset({"aid_cycle", "cycle_generation", "cycle_outcome", "membership_review", "programme_quota"})
    | frozenset(
        {"bank_file", "bank_report", "bank_result", "idle_return", "journal_entry", "journal_line", "payment_order"}
    )
)
"""Rows that stand for a span of villages, as large as the country, and belong to the regency in which it begins."""

TENANT = (
    frozenset({"family", "ledger_total", "person", "registry_cohort", "registry_summary", "welfare_rank"})
    | frozenset({"aid_exclusion", "entitlement", "health_membership", "kks_card", "wallet"})
    | SPANNED
)
"""Rows of a regency, behind row-level security."""

OF_A_PROGRAMME = frozenset(
    {
        "benefit_component",
        "benefit_index",
        "eligibility_rule",
        "legal_basis",
        "programme",
        "programme_relation",
        "programme_terms",
    }
)
"""What a programme gives, to whom, by which regulation: no secret."""

REFERENCE = (
    frozenset(
        {
            "audit_retention",
            "health_segment_rule",
            "region",
            "region_alias",
            "region_change",
            "registry_edition",
            "trusted_document",
        }
    )
    | OF_A_PROGRAMME
)
"""Rows of nobody, which the application reads for everybody."""

WALLED = frozenset({"principal_grant"})
"""Rows that stand for a region of any level and belong to no regency, behind row-level security."""

SEALS = frozenset({"seal_batch", "seal_queue", "sealed_leaf"})
"""Ids and hashes of rows of all tenants, and no word of what the rows say: a proof needs the hashes beside its own."""

INTERNAL = frozenset({"alembic_version", "principal"})
"""What the application itself may not read."""

QUEUE = frozenset({"pgqueuer", "pgqueuer_log", "pgqueuer_statistics"})
"""Tables of the library that hands jobs to workers, as it declares them. An entry holds the id of a job and its regency."""

KNOWN = TENANT | REFERENCE | WALLED | SEALS | QUEUE | INTERNAL


async def tables_of(owner: "asyncpg.Connection[asyncpg.Record]") -> frozenset[str]:
    """Every table, view, materialised view and foreign table of the schema; extensions do not count."""
    rows = await owner.fetch(
        "select relname from pg_class c where relnamespace = 'public'::regnamespace and relkind = any ('{r,p,v,m,f}') "
        "and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')"
    )
    return frozenset(row["relname"] for row in rows)
