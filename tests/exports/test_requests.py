"""What is asked for: refusals that queue nothing, replays, limits, and exports that are nobody else's."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncSession

from app.authz.authorize import authorize, operator_access, public_access
from app.authz.enforcer import load_role_matrix
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.domain.base import DomainError
from app.domain.documents.errors import DocumentNotTrusted, PersistedQueryNotFound
from app.domain.documents.registry import DocumentRegistry
from app.domain.exports.errors import TooManyExports
from app.domain.exports.models import ExportFormat
from app.domain.exports.service import MOST_UNFINISHED, Export, Wanted, expire_exports, start_export
from app.domain.vault import Vault
from app.schema.documents import Documents
from app.schema.exports.desk import Asked, ExportDesk, Request
from app.schema.plan.planner import Made
from app.schema.root import api
from app.settings import Settings
from app.tenants.region_path import RegionPath
from app.tenants.scope import TenantScope
from app.tenants.server import DatabaseServer
from app.tenants.session import Database
from tests.authz.people import access_of, grant
from tests.exports.exporting import Exporter
from tests.support.client import ApiClient
from tests.support.world import BANYUMAS, CILACAP

if TYPE_CHECKING:
    import asyncpg

    from app.domain.registry.sealing import Seal

NIK: Final = "9933020101900001"
NODES: Final = "{ families { nodes { id } } }"


class RolledBack(Exception):
    """Ends a transaction of which nothing shall stay."""


@asynccontextmanager
async def rolled_back(database: Database, scope: TenantScope) -> AsyncIterator[AsyncSession]:
    """A transaction of which nothing stays: nobody works on what is queued in it."""
    with suppress(RolledBack):
        async with database.write(scope) as session:
            yield session
            raise RolledBack


class Free:
    """Effort that nobody is charged for."""

    def charge(self, characters: int) -> None:
        """Take nothing."""

    async def run(self, work: Callable[[], Made]) -> Made:
        return work()


@pytest_asyncio.fixture(scope="module")
async def desk_database(country: DatabaseServer) -> AsyncIterator[Database]:
    database = Database(country.app, read_pool_size=1, write_pool_size=1)
    await database.open()
    yield database
    await database.close()


@pytest.fixture(scope="module")
def desk(desk_database: Database, export_settings: Settings) -> ExportDesk:
    """The desk of a deployment in which not everybody may compose documents."""
    public = public_access(load_role_matrix())
    documents = Documents(DocumentRegistry(desk_database), public=public, development=False)
    return ExportDesk.of_settings(export_settings, api().planner, documents, Vault.of_settings(export_settings))


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({}, "EXPORT_DOCUMENT_MISSING"),
        ({"document": "{ families { nodes"}, "EXPORT_DOCUMENT_INVALID"),
        ({"document": "{ families { nodes { nik } } }"}, "EXPORT_DOCUMENT_INVALID"),
        ({"document": "{ " + "a: me { permissions } " * 3_000 + "}"}, "EXPORT_DOCUMENT_INVALID"),
        ({"document": f"query A {NODES} query B {NODES}"}, "OPERATION_UNKNOWN"),
        ({"document": f"query A {NODES}", "operationName": "B"}, "OPERATION_UNKNOWN"),
        ({"document": "{ me { permissions } }"}, "EXPORT_NOT_A_CONNECTION"),
        ({"document": "{ __schema { types { name } } }"}, "EXPORT_NOT_A_CONNECTION"),
        ({"document": "{ registryEditions { label } }"}, "EXPORT_NOT_A_CONNECTION"),
        ({"document": "{ a: families { nodes { id } } b: families { nodes { id } } }"}, "EXPORT_NOT_A_CONNECTION"),
        ({"document": 'mutation { jobCancel(input: {id: "x"}) { __typename } }'}, "EXPORT_NOT_A_CONNECTION"),
        ({"document": "{ families { totalCount } }"}, "EXPORT_NODES_MISSING"),
        ({"document": "{ families { edges { node { id } } } }"}, "EXPORT_NODES_MISSING"),
        ({"document": "{ families { a: nodes { id } b: nodes { kk } } }"}, "EXPORT_NODES_MISSING"),
        ({"document": "{ families { nodes { id members { id } } } }"}, "EXPORT_HOLDS_LIST"),
        ({"document": "{ families { nodes { village { children { nodes { code } } } } } }"}, "EXPORT_HOLDS_LIST"),
        ({"document": "{ auditEvents { nodes { id inclusionProof } } }"}, "EXPORT_FIELD_REFUSED"),
        ({"document": "query($r: String!) { families(region: $r) { nodes { id } } }"}, "EXPORT_VARIABLES_INVALID"),
        ({"document": NODES, "variables": [1]}, "EXPORT_VARIABLES_INVALID"),
        (
            {
                "document": "query($s: FamilyStatus = MOVED) { families(filter: {statuses: [$s]}) { nodes { id } } }",
                "variables": {"s": None},
            },
            "ARGUMENT_NULL",
        ),
        ({"document": '{ families(region: "99.99") { nodes { id } } }'}, "REGION_UNKNOWN"),
        ({"document": "{ families(filter: {deciles: {from: 0}}) { nodes { id } } }"}, "DECILE_INVALID"),
        ({"document": NODES, "documentHash": "0" * 64}, "PERSISTED_QUERY_HASH_MISMATCH"),
        ({"documentHash": "0" * 64}, "PERSISTED_QUERY_NOT_FOUND"),
    ],
)
async def test_what_cannot_be_exported_is_refused_with_its_reason_and_queues_nothing(
    admin: Exporter, country_owner: "asyncpg.Connection[asyncpg.Record]", wanted: dict[str, Any], code: str
) -> None:
    before = await country_owner.fetchrow("select (select count(*) from export), (select count(*) from job)")
    assert await admin.refusal(**wanted) == code
    assert await country_owner.fetchrow("select (select count(*) from export), (select count(*) from job)") == before


async def test_what_a_screen_asks_for_is_exported_as_it_is(admin: Exporter) -> None:
    screen = """query Layar($first: Int!, $after: String) { families(first: $first, after: $after) { __typename totalCount
      pageInfo { endCursor } ...Baris } } fragment Baris on FamilyConnection { nodes { id } }"""
    found = await admin.finished(screen, variables={"first": 10})
    assert found["rowCount"] == (await admin.finished(NODES))["rowCount"]


async def test_the_same_request_sent_again_is_the_same_export_and_another_one_is_a_conflict(
    admin: Exporter, export_api: ApiClient, country_owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    key = str(uuid4())
    first = await admin.start(NODES, "CSV", idempotencyKey=key, variables={})
    await admin.ended(first["export"]["id"])
    again = await admin.start(NODES, "CSV", idempotencyKey=key)
    assert again == first
    assert await country_owner.fetchval("select count(*) from job where subject_id = $1", uuid_of(first)) == 1
    for other in ({"format_": "XLSX"}, {"document": NODES + " "}, {"purpose": "AUDIT"}, {"variables": {"x": 1}}):
        changed: dict[str, Any] = {"document": NODES, "format_": "CSV", "idempotencyKey": key, **other}
        assert await admin.refusal(**changed) == "IDEMPOTENCY_KEY_REUSED"
    colleague = Exporter(await export_api.as_(Role.REGENCY_VERIFIER, BANYUMAS.code))
    theirs = await colleague.start(NODES, "CSV", idempotencyKey=key)
    assert theirs["export"]["id"] != first["export"]["id"]


def uuid_of(started: dict[str, Any]) -> UUID:
    return UUID(started["export"]["id"].rpartition(":")[2])


async def test_an_export_is_seen_by_whoever_asked_for_it_and_by_nobody_else(
    admin: Exporter, export_api: ApiClient
) -> None:
    found = await admin.finished(NODES)
    colleague = Exporter(await export_api.as_(Role.REGENCY_VERIFIER, BANYUMAS.code))
    above = Exporter(await export_api.as_(Role.PROVINCE_OFFICER, "33"))
    stranger = Exporter(await export_api.as_(Role.REGENCY_ADMIN, CILACAP.code))
    listed = "{ exports(first: 100) { nodes { id } totalCount } }"
    node = "query($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }"
    own = (await admin.caller.query(listed))["exports"]
    assert own["nodes"][0]["id"] == found["id"]
    assert own["totalCount"] >= len(own["nodes"])
    assert (await admin.caller.query(node, id=found["id"]))["node"] == {"id": found["id"]}
    for other in (colleague, above, stranger):
        assert found["id"] not in str(await other.caller.query(listed))
        assert await other.caller.query(node, id=found["id"]) == {"node": None, "nodes": [None]}
        assert await other.look(found["id"]) is None
        assert await other.delete(found["id"]) == {"__typename": "NotFound", "code": "EXPORT_UNKNOWN"}
    assert (await admin.fetch(found)).status_code == 200


async def test_deleting_twice_changes_nothing_and_a_wrong_id_is_told(admin: Exporter) -> None:
    found = await admin.finished(NODES)
    first = await admin.delete(found["id"])
    assert await admin.delete(found["id"]) == first
    assert (await admin.delete("Export:3302:x"))["code"] == "ID_INVALID"
    assert (await admin.delete(f"Export:3302:{uuid4()}"))["code"] == "EXPORT_UNKNOWN"


async def test_exports_whose_time_is_over_lose_their_files_and_nothing_else(
    admin: Exporter, export_settings: Settings, country: DatabaseServer,
    country_owner: "asyncpg.Connection[asyncpg.Record]",
) -> None:  # fmt: skip
    over, kept = await admin.finished(NODES), await admin.finished(NODES)
    over_id = UUID(over["id"].rpartition(":")[2])
    await country_owner.execute("update export set expires_at = now() where id = $1", over_id)
    vault = Vault.of_settings(export_settings)
    database = Database(country.app, read_pool_size=1, write_pool_size=1)
    scope = authorize(operator_access(RegionPath.country(), load_role_matrix()), Permission.JOBS_JOB_READ)
    assert await expire_exports(database, scope, vault) >= 1
    assert await expire_exports(database, scope, vault) == 0
    await database.close()
    assert not list(vault.folder.glob(f"{over_id}*"))
    assert (await admin.look(over["id"]))["removedAt"]
    assert (await admin.fetch(kept)).status_code == 200


async def test_the_request_is_kept_sealed(desk: ExportDesk, desk_database: Database, seal: "Seal") -> None:
    access = access_of(load_role_matrix(), grant(Role.AUDITOR, ""))
    document = "query($n: String!) { subjectAccess(nik: $n) { nodes { id } } }"
    asked = _asked(document=document, variables={"n": NIK})
    wanted = await desk.take(asked, access, desk_database, Free())
    assert NIK.encode() not in wanted.request_sealed
    assert Request.opened(seal, wanted.request_sealed).variables == {"n": NIK}
    assert wanted.document_hash == sha256(document.encode()).digest()
    assert sha256(wanted.request_sealed).digest() != wanted.request_digest


async def test_a_number_that_cannot_be_kept_is_refused(desk: ExportDesk, desk_database: Database) -> None:
    access = access_of(load_role_matrix(), grant(Role.REGENCY_ADMIN, BANYUMAS.code))
    with pytest.raises(DomainError) as refusal:
        await desk.take(_asked(document=NODES, variables={"x": 10**100}), access, desk_database, Free())
    assert refusal.value.code == "EXPORT_VARIABLES_INVALID"


async def test_who_may_not_compose_exports_registered_documents_alone(
    desk: ExportDesk, desk_database: Database
) -> None:
    matrix = load_role_matrix()
    verifier = access_of(matrix, grant(Role.REGENCY_VERIFIER, BANYUMAS.code))
    administrator = access_of(matrix, grant(Role.REGENCY_ADMIN, BANYUMAS.code))
    with pytest.raises(DocumentNotTrusted):
        await desk.take(_asked(document=NODES), verifier, desk_database, Free())
    with pytest.raises(PersistedQueryNotFound):
        await desk.take(_asked(document_hash="0" * 64), verifier, desk_database, Free())
    assert (await desk.take(_asked(document=NODES), administrator, desk_database, Free())).root_field == "families"


async def test_nobody_has_more_unfinished_exports_than_a_few(desk: ExportDesk, desk_database: Database) -> None:
    access = access_of(load_role_matrix(), grant(Role.REGENCY_ADMIN, BANYUMAS.code))
    wanted = [
        await desk.take(_asked(document=NODES), access, desk_database, Free()) for _ in range(MOST_UNFINISHED + 1)
    ]

    async def start(session: AsyncSession, one: Wanted) -> Export:
        villages, keep = BANYUMAS.path.villages, timedelta(hours=1)
        principal_id = access.principal.id
        return await start_export(
            session, one, principal_id=principal_id, principal_name="Uji", villages=villages, keep=keep
        )

    async with rolled_back(desk_database, access.scope(Permission.EXPORTS_EXPORT_RUN)) as session:
        for one in wanted[:-1]:
            await start(session, one)
        with pytest.raises(TooManyExports):
            await start(session, wanted[-1])
        assert (await start(session, wanted[0])).root_field == "families"


def _asked(**given: Any) -> Asked:
    usual: dict[str, Any] = {
        "document": None, "document_hash": None, "operation_name": None, "variables": None, "format": ExportFormat.CSV,
        "purpose": None, "idempotency_key": uuid4(),
    }  # fmt: skip
    return Asked(**(usual | given))
