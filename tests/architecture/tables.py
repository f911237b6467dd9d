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
    | frozenset({"barred_owner", "ewarong_screening", "ewarong_signal", "ewarong_supplier", "reference_price"})
)
"""Rows that stand for a span of villages, as large as the country, and belong to the regency in which it begins."""

OF_AN_OUTLET = frozenset(
    {
        "ewarong_agent",
        "ewarong_agent_step",
        "ewarong_day",
        "ewarong_delivery",
        "ewarong_device",
        "ewarong_due_diligence",
        "ewarong_finding",
        "ewarong_inspection",
        "ewarong_line",
        "ewarong_other_sales",
        "ewarong_reversal",
        "ewarong_service",
        "ewarong_statement",
        "ewarong_transaction",
        "ewarong_violation",
        "ewarong_violation_step",
    }
)
"""Rows of one e-Warong: a grant that is bound to one sees those of no other."""

TENANT = (
    frozenset({"family", "ledger_total", "person", "registry_cohort", "registry_summary", "welfare_rank"})
    | frozenset({"aid_exclusion", "entitlement", "health_membership", "kks_card", "wallet"})
    | frozenset({"ewarong_lead", "price_observation"})
    | OF_AN_OUTLET
    | SPANNED
)
"""Rows of a regency, behind row-level security."""

NO_SECRET = frozenset({"reference_price"})
"""Rows of a regency that are written within the scope, and read by everybody."""

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
    | frozenset(
        {
            "basket_rule",
            "commodity",
            "commodity_group",
            "ewarong_checklist_item",
            "ewarong_threshold",
            "ewarong_violation_rule",
        }
    )
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
