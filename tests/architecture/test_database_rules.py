"""The rules of a database that runs on stock PostgreSQL and on Citus alike, read from the catalogue of a migrated one."""

import re
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from app.tenants.server import DatabaseServer
from tests.architecture.tables import (
    INTERNAL,
    KNOWN,
    NO_SECRET,
    OF_AN_IMPORT,
    OF_AN_OUTLET,
    QUEUE,
    REFERENCE,
    SEALS,
    SPANNED,
    TENANT,
    WALLED,
    tables_of,
)
from tests.support.world import connected

LONGEST_NAME = 45
SUFFIXES = {"p": "_pk", "f": "_fk", "u": "_uq", "c": "_ck", "x": "_ex"}
APPENDED = {"audit_event", "journal_entry"}
"""Appended, read within a scope, and changed by nobody."""
PLACED = {"journal_entry"}
"""Appended within the scope alone; to the others anybody appends."""
MAY = {
    "aid_exclusion": {"SELECT", "INSERT", "DELETE"},
    "bank_file": {"SELECT", "INSERT"},
    "bank_report": {"SELECT", "INSERT"},
    "bank_result": {"SELECT", "INSERT"},
    "benefit_component": {"SELECT", "INSERT"},
    "benefit_index": {"SELECT", "INSERT"},
    "cycle_outcome": {"SELECT", "INSERT", "DELETE"},
    "eligibility_rule": {"SELECT", "INSERT"},
    "entitlement": {"SELECT", "INSERT", "DELETE"},
    "ewarong_agent_step": {"SELECT", "INSERT"},
    "ewarong_delivery": {"SELECT", "INSERT"},
    "ewarong_due_diligence": {"SELECT", "INSERT"},
    "ewarong_finding": {"SELECT", "INSERT"},
    "ewarong_inspection": {"SELECT", "INSERT"},
    "ewarong_lead": {"SELECT", "INSERT"},
    "ewarong_line": {"SELECT", "INSERT"},
    "ewarong_reversal": {"SELECT", "INSERT"},
    "ewarong_statement": {"SELECT", "INSERT"},
    "ewarong_supplier": {"SELECT", "INSERT"},
    "ewarong_transaction": {"SELECT", "INSERT"},
    "ewarong_violation_step": {"SELECT", "INSERT"},
    "import_batch": {"SELECT", "UPDATE"},
    "import_departure": {"SELECT"},
    "import_duplicate": {"SELECT", "UPDATE"},
    "import_issue": {"SELECT"},
    "import_match": {"SELECT"},
    "journal_entry": {"SELECT"},
    "journal_line": {"SELECT", "INSERT"},
    "pgqueuer": {"SELECT", "INSERT"},
    "pgqueuer_log": {"INSERT"},
    "price_observation": {"SELECT", "INSERT"},
    "programme_terms": {"SELECT", "INSERT"},
    "staged_family": {"SELECT"},
    "staged_person": {"SELECT"},
    "upload": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    "wallet": {"SELECT"},
}
"""What the application may do where that is not what it may do with other tables of its kind: the rest is done by jobs."""
DERIVED = {"ledger_total", "registry_summary", "registry_cohort"}
"""Kept by triggers; the application reads them."""
KEPT_BY_OWNER = (
    DERIVED
    | {"barred_owner", "family", "journal_line", "kks_card", "registry_import", "wallet"}
    | {"ewarong_agent", "ewarong_line", "ewarong_reversal", "ewarong_transaction"}
)
"""What triggers and functions of the owner write to, or look up."""
READ_BY_JOBS = (
    APPENDED | SEALS | {"aid_exclusion", "cycle_outcome", "entitlement", "journal_line", "ledger_total", "wallet"}
)
"""What jobs read past the walls and do not change."""
PARTS = {
    "aid_exclusion": ["regency_id", "cycle_id", "family_id"],
    "bank_result": ["regency_id", "file_id", "line"],
    "cycle_outcome": ["regency_id", "cycle_id", "outcome", "reason"],
    "ewarong_day": ["regency_id", "agent_id", "day", "slot"],
    "ewarong_device": ["regency_id", "id", "agent_id"],
    "ewarong_finding": ["regency_id", "inspection_id", "item_code"],
    "ewarong_lead": ["regency_id", "signal_id", "transaction_id"],
    "ewarong_line": ["regency_id", "transaction_id", "number"],
    "journal_line": ["regency_id", "entry_id", "number"],
    "programme_quota": ["regency_id", "programme_code", "year"],
}
"""Tables whose rows have no id of their own, or share it: they are known by what they belong to."""
CHANGED_OF_A_GRANT = {
    "status", "valid_from", "confirmed_by", "confirmed_by_name", "confirmed_at",
    "revoked_by", "revoked_by_name", "revoked_at", "revocation_reason",
}  # fmt: skip
"""Who holds which role where, given by whom, is never changed."""
CHANGED_OF_TERMS = {"state", "reason", "confirmed_by", "confirmed_by_name", "confirmed_at"}
"""What was proposed is never changed, only how it stands."""
SET_BY_THE_DATABASE = {
    "journal_entry": {"happened_at"},
    "wallet": {"balance", "moved_at", "created_at"},
}
"""What the application does not say of a row that it inserts."""
CHANGED_OF_AN_ENTITLEMENT = {"step", "step_reason", "step_at", "order_id"}
"""Who receives what, and why, is never changed; where its money is, is."""
SECURITY_DEFINERS = {
    "analyze_imports",
    "audit_events_about",
    "audit_index_subjects",
    "ewarong_booked",
    "ewarong_owner_barred",
    "ewarong_purse",
    "ewarong_purses_locked",
    "ewarong_receipt",
    "ewarong_reversal_posted",
    "ewarong_transaction_posted",
    "families_named",
    "is_import_applying",
    "journal_entry_posted",
    "journal_line_posted",
    "principal_by_id",
    "principal_by_subject",
    "principal_for_grant",
    "registry_summary_families",
    "registry_summary_persons",
    "wallets_locked",
}


@pytest_asyncio.fixture(scope="module")
async def catalogue(server: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    async with connected(server) as connection:
        yield connection


_CONSTRAINTS = """
select c.conname as name, c.contype::text as kind, t.relname as table, f.relname as target, c.condeferrable as deferrable,
  c.confdeltype::text as on_delete, c.confupdtype::text as on_update,
  array(select attname::text from unnest(c.conkey) with ordinality k(n, at) join pg_attribute a
    on a.attrelid = c.conrelid and a.attnum = k.n order by at) as columns,
  array(select attname::text from unnest(c.confkey) with ordinality k(n, at) join pg_attribute a
    on a.attrelid = c.confrelid and a.attnum = k.n order by at) as target_columns
from pg_constraint c join pg_class t on t.oid = c.conrelid left join pg_class f on f.oid = c.confrelid
where c.connamespace = 'public'::regnamespace and c.contype <> 'n'
"""
_INDEXES = """
select i.relname as name, t.relname as table, x.indisunique as unique,
  array(select attname::text from unnest(x.indkey::int[]) with ordinality k(n, at)
    left join pg_attribute a on a.attrelid = x.indrelid and a.attnum = k.n order by at) as columns
from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class t on t.oid = x.indrelid
where t.relnamespace = 'public'::regnamespace
"""


@pytest_asyncio.fixture(scope="module")
async def constraints(catalogue: "asyncpg.Connection[asyncpg.Record]") -> "list[asyncpg.Record]":
    rows: list[asyncpg.Record] = await catalogue.fetch(_CONSTRAINTS)
    assert rows
    return rows


@pytest_asyncio.fixture(scope="module")
async def indexes(catalogue: "asyncpg.Connection[asyncpg.Record]") -> "list[asyncpg.Record]":
    rows: list[asyncpg.Record] = await catalogue.fetch(_INDEXES)
    assert rows
    return rows


async def test_every_table_says_whose_it_is(catalogue: "asyncpg.Connection[asyncpg.Record]") -> None:
    assert await tables_of(catalogue) == KNOWN
    assert sum(map(len, (TENANT, REFERENCE, WALLED, SEALS, QUEUE, INTERNAL))) == len(KNOWN)
    owned = await catalogue.fetch(
        "select distinct table_name from information_schema.columns "
        "where table_schema = 'public' and column_name = 'regency_id'"
    )
    assert {row["table_name"] for row in owned} == TENANT | SEALS - {"seal_batch"}


def test_the_primary_key_of_a_tenant_table_begins_with_its_regency(constraints: "list[asyncpg.Record]") -> None:
    keys = {row["table"]: row["columns"] for row in constraints if row["kind"] == "p"}
    assert keys.keys() >= TENANT
    for table in TENANT:
        assert keys[table][0] == "regency_id", table
        if table in OF_AN_IMPORT and keys[table] != ["regency_id", "id"]:
            assert keys[table][:2] == ["regency_id", "import_id"], table
        else:
            assert table in DERIVED or keys[table] == PARTS.get(table, ["regency_id", "id"]), table


async def test_ids_are_uuids_and_the_regency_is_an_int(catalogue: "asyncpg.Connection[asyncpg.Record]") -> None:
    rows = await catalogue.fetch(
        "select table_name, column_name, data_type, is_nullable from information_schema.columns "
        "where table_schema = 'public' and table_name = any($1) and column_name in ('id', 'regency_id', 'village_id')",
        list(TENANT),
    )
    wanted = {"id": "uuid", "regency_id": "integer", "village_id": "bigint"}
    for row in rows:
        assert row["data_type"] == wanted[row["column_name"]], row["table_name"]
        # A staged row may name a village that there is not: it belongs to the span of its import.
        staged = row["table_name"] in OF_AN_IMPORT and row["column_name"] == "village_id"
        assert staged or row["is_nullable"] == "NO", row["table_name"]


def test_everything_unique_in_a_tenant_table_is_unique_within_its_regency(
    constraints: "list[asyncpg.Record]", indexes: "list[asyncpg.Record]"
) -> None:
    unique = [row for row in constraints if row["kind"] in {"u", "x"}] + [row for row in indexes if row["unique"]]
    for row in unique:
        assert row["table"] not in TENANT or "regency_id" in row["columns"], row["name"]


def test_a_foreign_key_stays_in_its_regency_or_points_at_reference_data(constraints: "list[asyncpg.Record]") -> None:
    for row in (row for row in constraints if row["kind"] == "f"):
        if row["target"] in TENANT:
            assert row["table"] in TENANT, row["name"]
            pairs = list(zip(row["columns"], row["target_columns"], strict=True))
            assert pairs[0] == ("regency_id", "regency_id"), row["name"]
        elif row["table"] in TENANT | REFERENCE:
            assert row["target"] in REFERENCE, row["name"]


async def test_a_row_lies_in_a_village_of_its_regency(catalogue: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Policies look at the village alone, so a table must not hold a village of another regency."""
    checked = await catalogue.fetch(
        "select conrelid::regclass::text as table from pg_constraint where contype = 'c' and convalidated "
        "and pg_get_constraintdef(oid) like '%(village_id / 1000000) = regency_id%'"
    )
    assert {row["table"] for row in checked} == TENANT - DERIVED - SPANNED
    for condition in ("(village_low / 1000000) = regency_id", "village_low <= village_high"):
        spanned = await catalogue.fetch(
            "select conrelid::regclass::text as table from pg_constraint where contype = 'c' and convalidated "
            "and strpos(pg_get_constraintdef(oid), $1) > 0",
            condition,
        )
        assert {row["table"] for row in spanned} == SPANNED | {"ledger_total"} | (
            {"programme"} if condition.startswith("village_low <=") else set()
        )


def test_nothing_is_deferred_set_null_or_cascaded(constraints: "list[asyncpg.Record]") -> None:
    for row in constraints:
        assert not row["deferrable"], row["name"]
        if row["kind"] == "f":
            assert (row["on_delete"], row["on_update"]) == ("a", "a"), row["name"]


async def test_there_are_no_constraint_triggers_and_no_rules(catalogue: "asyncpg.Connection[asyncpg.Record]") -> None:
    assert not await catalogue.fetch("select tgname from pg_trigger where tgconstraint <> 0 and not tgisinternal")
    assert not await catalogue.fetch(
        "select rulename from pg_rewrite r join pg_class c on c.oid = r.ev_class "
        "where c.relnamespace = 'public'::regnamespace and rulename <> '_RETURN'"
    )


async def test_tables_are_of_a_kind_that_citus_spreads_over_nodes(
    catalogue: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    """Whole and logged tables; ids of tenants are made by nobody's sequence, and reference tables have no triggers."""
    assert not await catalogue.fetch(
        "select relname from pg_class where relname = any ($1) and (relkind <> 'r' or relispartition or relpersistence <> 'p')",
        list(TENANT | REFERENCE),
    )
    assert not await catalogue.fetch(
        "select from pg_inherits i join pg_class c on c.oid = i.inhrelid where relkind = 'r'"
    )
    counted = await catalogue.fetch(
        "select c.relname, a.attname, a.atttypid::regtype::text as type from pg_attribute a join pg_class c on c.oid = a.attrelid "
        "where c.relname = any ($1) and a.attnum > 0 and (a.attidentity <> '' or exists (select from pg_attrdef d "
        "where d.adrelid = c.oid and d.adnum = a.attnum and pg_get_expr(d.adbin, c.oid) like '%nextval%'))",
        list(TENANT | REFERENCE),
    )
    assert {(row["relname"], row["attname"], row["type"]) for row in counted} == {("region_change", "id", "bigint")}
    assert not await catalogue.fetch(
        "select tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid where c.relname = any ($1) and not tgisinternal",
        list(REFERENCE),
    )


async def test_the_regency_of_a_row_is_plain_and_never_changes(
    catalogue: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    """A row cannot move between nodes, and what it is distributed by cannot be computed."""
    columns = await catalogue.fetch(
        "select attrelid::regclass::text as table from pg_attribute where attname = 'regency_id' and attgenerated <> ''"
    )
    assert columns == []
    bodies = await catalogue.fetch(
        "select proname, prosrc from pg_proc where pronamespace = 'public'::regnamespace and prosrc ~* 'set\\s+regency_id\\s*='"
    )
    assert bodies == []


async def test_functions_ask_for_no_time_where_rows_conflict(catalogue: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Citus takes no function that is not immutable in an update upon conflict: `now()` is put into the row that is inserted."""
    bodies = await catalogue.fetch("select proname, prosrc from pg_proc where pronamespace = 'public'::regnamespace")
    for row in bodies:
        for statement in re.findall(
            r"on\s+conflict.*?do\s+update\s+set(.*?)(?:;|\Z)", row["prosrc"], re.IGNORECASE | re.DOTALL
        ):
            volatile = re.search(
                r"\b(now|clock_timestamp|random|gen_random_uuid|nextval)\s*\(", statement, re.IGNORECASE
            )
            assert volatile is None, row["proname"]


def test_names_are_given_by_hand_and_short_enough_for_citus(
    constraints: "list[asyncpg.Record]", indexes: "list[asyncpg.Record]"
) -> None:
    ours = KNOWN - QUEUE - {"alembic_version"}
    for row in [*constraints, *indexes]:
        assert len(row["name"]) <= LONGEST_NAME, row["name"]
        assert row["table"] not in ours or row["name"].startswith(row["table"]), row["name"]
    for row in constraints:
        assert row["table"] not in ours or row["name"].endswith(SUFFIXES[row["kind"]]), row["name"]
    backed = {row["name"] for row in constraints}
    for row in indexes:
        assert row["name"] in backed or row["table"] not in ours or row["name"].endswith(("_ix", "_uq")), row["name"]


async def test_a_view_asks_with_the_rights_of_who_asks_it(catalogue: "asyncpg.Connection[asyncpg.Record]") -> None:
    views = await catalogue.fetch(
        "select relname, relkind::text as kind, coalesce(reloptions, '{}') as options from pg_class "
        "where relnamespace = 'public'::regnamespace and relkind = any ('{v,m}')"
    )
    for view in views:
        assert view["kind"] == "v", f"{view['relname']} is materialised: it would hold rows of all tenants"
        assert "security_invoker=true" in view["options"], view["relname"]


async def test_row_level_security_is_forced_on_every_tenant_table(
    catalogue: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    rows = await catalogue.fetch(
        "select relname from pg_class where relnamespace = 'public'::regnamespace and relrowsecurity and relforcerowsecurity"
    )
    assert {row["relname"] for row in rows} == TENANT | WALLED


async def test_policies_compare_with_the_scope_and_ask_no_other_table(
    catalogue: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    rows = await catalogue.fetch("select *, roles::text[] as to_roles from pg_policies where schemaname = 'public'")
    placing = [row for row in rows if row["permissive"] == "RESTRICTIVE"]
    assert {(row["tablename"], row["cmd"]) for row in placing} == {(table, "INSERT") for table in PLACED}
    (span,) = {row["qual"] for row in rows if row["policyname"] == "journal_line_tenant"}
    assert {row["with_check"] for row in placing} == {span}
    appending = [row for row in rows if row["cmd"] == "INSERT" and row not in placing]
    assert {row["tablename"] for row in appending} == APPENDED
    for row in appending:
        assert (row["to_roles"], row["permissive"], row["with_check"]) == (["kesos_app"], "PERMISSIVE", "true")
    public = [row for row in rows if row["qual"] == "true" and row["to_roles"] == ["kesos_app"]]
    assert {(row["tablename"], row["cmd"], row["permissive"]) for row in public} == {
        (table, "SELECT", "PERMISSIVE") for table in NO_SECRET
    }
    apart = [*appending, *placing, *public]
    of_application = [row for row in rows if row["to_roles"] == ["kesos_app"] and row not in apart]
    assert {row["tablename"] for row in of_application} == TENANT | WALLED
    for row in of_application:
        appended = row["tablename"] in APPENDED
        assert (row["cmd"], row["permissive"]) == ("SELECT" if appended else "ALL", "PERMISSIVE")
        assert row["with_check"] == (None if appended else row["qual"])
        for setting in ("app.village_low", "app.village_high", "app.villages"):
            assert f"NULLIF(current_setting('{setting}'::text, true), ''::text)" in row["qual"]
        assert "select" not in row["qual"].lower()
        # Whose grant is bound to an outlet sees that outlet's rows alone.
        assert ("app.entities" in row["qual"]) == ("app.unbound" in row["qual"]) == (row["tablename"] in OF_AN_OUTLET)
    of_owner = KEPT_BY_OWNER | APPENDED | WALLED
    assert {row["tablename"] for row in rows if row["to_roles"] == ["kesos_owner"]} == of_owner
    assert len(rows) == len(TENANT | WALLED) + len(APPENDED) + len(PLACED) + len(NO_SECRET) + len(of_owner)


async def test_the_application_owns_nothing_and_bypasses_nothing(
    catalogue: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    role = await catalogue.fetchrow("select * from pg_roles where rolname = 'kesos_app'")
    assert role is not None
    for attribute in ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolreplication"):
        assert role[attribute] is False, attribute
    assert not await catalogue.fetch("select from pg_auth_members where member = 'kesos_app'::regrole")
    owned = "select classid::regclass, objid from pg_shdepend where refobjid = 'kesos_app'::regrole and deptype = 'o'"
    assert await catalogue.fetch(owned) == []
    for privilege, thing, object_ in (
        ("CREATE", "schema", "public"),
        ("CREATE", "database", await catalogue.fetchval("select current_database()")),
    ):
        assert not await catalogue.fetchval(f"select has_{thing}_privilege('kesos_app', $1, $2)", object_, privilege)


async def test_the_application_may_do_with_each_table_what_it_needs_and_no_more(
    catalogue: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    rows = await catalogue.fetch(
        "select c.relname as table, array_agg(a.privilege_type order by 1) as may from pg_class c, aclexplode(c.relacl) a "
        "where c.relnamespace = 'public'::regnamespace and a.grantee = 'kesos_app'::regrole "
        "and c.relkind in ('r', 'p', 'v') group by 1"
    )
    may = {row["table"]: set(row["may"]) for row in rows}
    expected = {table: {"SELECT", "INSERT", "UPDATE"} for table in TENANT - DERIVED - APPENDED}
    expected |= {table: {"SELECT", "INSERT"} for table in APPENDED | SEALS}
    expected["seal_queue"] |= {"DELETE"}
    expected |= {table: {"SELECT"} for table in DERIVED | REFERENCE}
    expected |= {table: {"SELECT", "INSERT"} for table in WALLED}
    expected |= MAY
    assert may == expected
    columns = await catalogue.fetch(
        "select attrelid::regclass::text as table, attname, p.privilege_type as may from pg_attribute, aclexplode(attacl) p "
        "where p.grantee = 'kesos_app'::regrole"
    )
    assert {(row["table"], row["may"]) for row in columns} == {
        ("principal_grant", "UPDATE"),
        ("programme_terms", "UPDATE"),
        ("entitlement", "UPDATE"),
        *((table, "INSERT") for table in SET_BY_THE_DATABASE),
    }
    for table, unsaid in SET_BY_THE_DATABASE.items():
        every = await catalogue.fetch("select column_name from information_schema.columns where table_name = $1", table)
        said = {row["attname"] for row in columns if row["table"] == table}
        assert said == {row["column_name"] for row in every} - unsaid
    assert {row["attname"] for row in columns if row["table"] == "principal_grant"} == CHANGED_OF_A_GRANT
    assert {row["attname"] for row in columns if row["table"] == "programme_terms"} == CHANGED_OF_TERMS
    assert {row["attname"] for row in columns if row["table"] == "entitlement"} == CHANGED_OF_AN_ENTITLEMENT
    public = await catalogue.fetch(
        "select c.relname from pg_class c, aclexplode(c.relacl) a where c.relnamespace = 'public'::regnamespace and a.grantee = 0"
    )
    assert public == []


async def test_jobs_read_what_is_appended_and_sealed_and_change_nothing_of_it(
    catalogue: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    rows = await catalogue.fetch(
        "select c.relname as table, a.privilege_type as may from pg_class c, aclexplode(c.relacl) a "
        "where c.relname = any($1) and a.grantee = 'kesos_loader'::regrole",
        list(READ_BY_JOBS),
    )
    assert {(row["table"], row["may"]) for row in rows} == {(table, "SELECT") for table in READ_BY_JOBS}


async def test_workers_take_from_the_queue_and_nobody_else_does(
    catalogue: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    rows = await catalogue.fetch(
        "select c.relname as table, pg_get_userbyid(a.grantee) as role, array_agg(a.privilege_type order by 1) as may "
        "from pg_class c, aclexplode(c.relacl) a where c.relname = any($1) and a.grantee <> c.relowner group by 1, 2",
        list(QUEUE),
    )
    assert {(row["table"], row["role"]): set(row["may"]) for row in rows} == {
        ("pgqueuer", "kesos_app"): {"SELECT", "INSERT"},
        ("pgqueuer_log", "kesos_app"): {"INSERT"},
        ("pgqueuer", "kesos_loader"): {"SELECT", "INSERT", "UPDATE", "DELETE"},
        ("pgqueuer_log", "kesos_loader"): {"SELECT", "INSERT", "DELETE"},
        ("pgqueuer_statistics", "kesos_loader"): {"SELECT"},
    }


@pytest.mark.parametrize(
    "statement",
    [
        "select * from principal",
        "update principal_grant set role = 'MINISTRY_ADMIN'",
        "delete from principal_grant",
        "insert into principal (id, issuer, subject, name) values (gen_random_uuid(), 'i', 's', 'n')",
        "select count(*) from principal",
        "table alembic_version",
        "update audit_event set purpose = 'AUDIT'",
        "delete from audit_event",
        "truncate audit_event",
        "update audit_retention set days = 1",
        "update seal_queue set regency_id = 0",
        "update seal_batch set number = 0",
        "delete from seal_batch",
        "update sealed_leaf set digest = ''",
        "delete from sealed_leaf",
        "delete from family",
        "delete from job",
        "update pgqueuer set priority = 1",
        "delete from pgqueuer",
        "select * from pgqueuer_log",
        "select * from pgqueuer_statistics",
        "update registry_summary set families = 0",
        "insert into region (id) values (1)",
        "create table mine (id int)",
        "set role kesos_owner",
        "set role kesos_loader",
        "alter table family disable row level security",
        "drop policy family_tenant on family",
        "select kesos_scope(1, 1, 1, 1, '', '', '') from pg_read_file('/etc/hostname')",
    ],
)
async def test_the_application_is_refused_what_is_not_its_business(server: DatabaseServer, statement: str) -> None:
    connection = await server.app.connect()
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_functions_that_act_for_their_owner_are_few_and_look_nowhere_else(
    catalogue: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    rows = await catalogue.fetch(
        "select proname, coalesce(proconfig, '{}') as config, pg_get_userbyid(proowner) as owner, "
        "has_function_privilege('public', oid, 'execute') as public from pg_proc "
        "where pronamespace = 'public'::regnamespace and prosecdef"
    )
    assert {row["proname"] for row in rows} == SECURITY_DEFINERS
    for row in rows:
        path, *planning = row["config"]
        assert path == "search_path=public, pg_temp", row["proname"]
        assert all(setting.startswith(("enable_", "plan_cache_mode=")) for setting in planning), row["proname"]
        assert row["owner"] == "kesos_owner"
    callable_by_all = {row["proname"] for row in rows if row["public"]}
    # A trigger function cannot be called, so it harms nobody that everybody might.
    assert callable_by_all <= {"registry_summary_families", "registry_summary_persons"}
