"""Which documents a caller may send, by text, by hash, or by both."""

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from app.authz.authentication import Unauthenticated
from app.authz.authorize import Access, public_access
from app.authz.enforcer import load_role_matrix
from app.authz.permissions import Permission
from app.authz.roles import Role
from app.domain.documents.errors import (
    DocumentNotTrusted,
    IntrospectionOff,
    PersistedQueryHashMismatch,
    PersistedQueryNotFound,
)
from app.domain.documents.files import NamedDocument, hash_of
from app.domain.documents.registry import DocumentRegistry
from app.domain.documents.service import register_documents
from app.schema.documents import Documents, Sent
from app.schema.plan.planner import Document
from app.schema.root import api
from app.tenants.session import Database
from tests.authz.people import access_of, grant

if TYPE_CHECKING:
    from app.domain.documents.service import Loader

MATRIX = load_role_matrix()
PUBLIC = public_access(MATRIX)
OPEN = NamedDocument("Open", 'query Open { region(code: "33") { name } }')
TRUSTED = NamedDocument("Trusted", "query Trusted { families { totalCount } }")
OWN = "query Own { persons { totalCount } }"
COMPOSER = access_of(MATRIX, grant(Role.REGENCY_ADMIN, "33.02"))
EXPLORERS = {Role.MINISTRY_ADMIN, Role.MINISTRY_ANALYST, Role.AUDITOR, Role.PROVINCE_OFFICER, Role.REGENCY_ADMIN}
WORKER = access_of(MATRIX, grant(Role.PSM, "33.02.01.2001"))


def documents_of(database: Database, *, development: bool = False) -> Documents:
    registry = DocumentRegistry(database, fresh_seconds=0, pause_seconds=0)
    return Documents(registry, public=PUBLIC, development=development)


@pytest_asyncio.fixture
async def documents(loader: "Loader", database: Database) -> Documents:
    """What a process in production decides, with one document of the public and one of a front end."""
    await register_documents(loader, [OPEN], client="site", is_public=True)
    await register_documents(loader, [TRUSTED], client="portal", is_public=False)
    return documents_of(database)


@pytest.mark.parametrize("access", [COMPOSER, WORKER])
@pytest.mark.parametrize("document", [OPEN, TRUSTED])
async def test_whoever_has_a_token_may_send_a_registered_document(
    documents: Documents, access: Access, document: NamedDocument
) -> None:
    sent = Sent(document.text, access, trusted=True)
    assert await documents.resolve(None, document.hash, access) == sent
    assert await documents.resolve(document.text, document.hash, access) == sent
    assert await documents.resolve(document.text, None, access) == sent


async def test_a_document_of_ones_own_is_for_those_who_may_compose(documents: Documents) -> None:
    assert await documents.resolve(OWN, None, COMPOSER) == Sent(OWN, COMPOSER, trusted=False)
    for document_hash in (None, hash_of(OWN)):
        with pytest.raises(DocumentNotTrusted):
            await documents.resolve(OWN, document_hash, WORKER)


@pytest.mark.parametrize("role", Role)
async def test_only_those_who_explore_data_may_compose(documents: Documents, role: Role) -> None:
    access = access_of(MATRIX, grant(role, "33"))
    if role in EXPLORERS:
        assert await documents.resolve(OWN, None, access) == Sent(OWN, access, trusted=False)
    else:
        with pytest.raises(DocumentNotTrusted):
            await documents.resolve(OWN, None, access)


async def test_in_development_whoever_has_a_token_may_compose_and_introspect(database: Database) -> None:
    documents = documents_of(database, development=True)
    assert await documents.resolve(OWN, None, WORKER) == Sent(OWN, WORKER, trusted=False)
    documents.admit(document_of("{ __schema { queryType { name } } }"), WORKER)


async def test_without_a_token_a_public_document_runs_as_the_public(documents: Documents) -> None:
    for query, document_hash in ((None, OPEN.hash), (OPEN.text, None), (OPEN.text, OPEN.hash)):
        assert await documents.resolve(query, document_hash, None) == Sent(OPEN.text, PUBLIC, trusted=True)


async def test_without_a_token_a_document_of_others_looks_like_one_that_does_not_exist(
    documents: Documents, database: Database
) -> None:
    sent: list[tuple[str | None, str | None]] = [
        (None, TRUSTED.hash),
        (TRUSTED.text, None),
        (TRUSTED.text, TRUSTED.hash),
        (None, "0" * 64),
        (OWN, None),
        (OWN, hash_of(OWN)),
    ]
    for each in (documents, documents_of(database, development=True)):
        for query, document_hash in sent:
            with pytest.raises(Unauthenticated) as refusal:
                await each.resolve(query, document_hash, None)
            assert str(refusal.value) == "TOKEN_MISSING"


@pytest.mark.parametrize("access", [COMPOSER, WORKER, None])
async def test_a_text_with_the_hash_of_another_is_refused(documents: Documents, access: Access | None) -> None:
    for text in (OWN, OPEN.text + " "):
        with pytest.raises(PersistedQueryHashMismatch):
            await documents.resolve(text, OPEN.hash, access)


async def test_a_hash_is_known_once_a_composer_has_sent_its_text_and_to_composers_only(documents: Documents) -> None:
    for access in (COMPOSER, WORKER):
        with pytest.raises(PersistedQueryNotFound):
            await documents.resolve(None, hash_of(OWN), access)
    await documents.resolve(OWN, hash_of(OWN), COMPOSER)
    assert await documents.resolve(None, hash_of(OWN), COMPOSER) == Sent(OWN, COMPOSER, trusted=False)
    with pytest.raises(PersistedQueryNotFound):
        await documents.resolve(None, hash_of(OWN), WORKER)
    with pytest.raises(Unauthenticated):
        await documents.resolve(None, hash_of(OWN), None)


async def test_a_text_without_a_hash_is_not_kept(documents: Documents) -> None:
    await documents.resolve(OWN, None, COMPOSER)
    with pytest.raises(PersistedQueryNotFound):
        await documents.resolve(None, hash_of(OWN), COMPOSER)
    assert documents._composed.currsize == 0


async def test_texts_of_composers_are_kept_within_bounds(database: Database) -> None:
    registry = DocumentRegistry(database)
    documents = Documents(registry, public=PUBLIC, development=False, most_bytes_of_composed_texts=10_000)
    texts = [f"query Own{number} {{ me {{ permissions }} }}".ljust(500) for number in range(20)]
    for text in [*texts, "{ me }".ljust(20_000)]:
        await documents.resolve(text, hash_of(text), COMPOSER)
    assert await documents.resolve(None, hash_of(texts[-1]), COMPOSER) == Sent(texts[-1], COMPOSER, trusted=False)
    for forgotten in (texts[0], "{ me }".ljust(20_000)):
        with pytest.raises(PersistedQueryNotFound):
            await documents.resolve(None, hash_of(forgotten), COMPOSER)


def document_of(text: str) -> Document:
    document = api().planner.document(text)
    assert isinstance(document, Document), document
    return document


@pytest.mark.parametrize(
    "text",
    [
        "{ __schema { queryType { name } } }",
        '{ a: __type(name: "Query") { name } }',
        "{ ... @include(if: false) { ...F } } fragment F on Query { __schema { queryType { name } } }",
        "query A { __typename } query B { __schema { queryType { name } } }",
    ],
)
async def test_introspection_is_for_those_who_may(documents: Documents, text: str) -> None:
    document = document_of(text)
    documents.admit(document, access_of(MATRIX, grant(Role.MINISTRY_ADMIN, "")))
    for access in (COMPOSER, WORKER, PUBLIC):
        with pytest.raises(IntrospectionOff):
            documents.admit(document, access)


@pytest.mark.parametrize(
    "text", ["{ __typename }", '{ a: region(code: "33") { __typename __schema: name } }', OPEN.text]
)
async def test_a_type_name_is_no_introspection(documents: Documents, text: str) -> None:
    documents.admit(document_of(text), WORKER)


def test_the_public_reaches_the_whole_country_and_open_data_only() -> None:
    assert PUBLIC.permissions == {
        Permission.REGIONS_REGION_READ,
        Permission.INSIGHTS_SUMMARY_READ,
        Permission.EWARONG_RECEIPT_READ,
    }
    everywhere: Any = PUBLIC.scope(Permission.INSIGHTS_SUMMARY_READ)
    assert everywhere.covers(grant(Role.PUBLIC, "33").region)
    assert everywhere.covers(grant(Role.PUBLIC, "").region)
