"""Documents as front ends keep them, and what is wrong with some before they are registered."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from app.authz.authorize import public_access
from app.authz.enforcer import load_role_matrix
from app.domain.documents.errors import DocumentFileInvalid
from app.domain.documents.files import NamedDocument, public_documents, read_documents
from app.schema.examination import faults_of, operation_names
from app.schema.language import Language
from app.schema.root import api

PLANNER = api().planner
PUBLIC = public_access(load_role_matrix())
TEXTS = ["query One { me { permissions } }", "query Two { families { totalCount } }"]
HASHES = [sha256(text.encode()).hexdigest() for text in TEXTS]


def written(folder: Path, name: str, content: Any) -> Path:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return file


def apollo(*operations: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [*operations], **others}


def operation(text: str, **others: Any) -> dict[str, Any]:
    return {"id": sha256(text.encode()).hexdigest(), "name": "Name", "type": "query", "body": text, **others}


def test_a_file_of_graphql_is_one_document_as_it_stands(tmp_path: Path) -> None:
    text = "# Komentar: é\nquery One { me { permissions } }\n"
    (document,) = read_documents(written(tmp_path, "one.graphql", text.encode()))
    assert document == NamedDocument("", text)
    assert document.hash == sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    "manifest",
    [
        apollo(*[operation(text) for text in TEXTS]),
        dict(zip(HASHES, TEXTS, strict=True)),
    ],
    ids=["Apollo", "Relay and urql"],
)
def test_a_manifest_is_many(tmp_path: Path, manifest: Any) -> None:
    documents = read_documents(written(tmp_path, "manifest.json", manifest))
    assert [document.text for document in documents] == TEXTS
    assert [document.hash for document in documents] == HASHES


MD5 = "0cc175b9c0f1b6a831c399e269772661"
INVALID: dict[str, Any] = {
    "no JSON": b"query { me }",
    "no UTF-8": b"\xff\xfe{}",
    "JSON of depth 100,000": b"[" * 100_000,
    "a list": TEXTS,
    "a number": 1,
    "another format": apollo(format="other"),
    "another version": apollo(version=2),
    "operations that are no list": {"format": "apollo-persisted-query-manifest", "version": 1, "operations": {}},
    "an operation without a body": apollo({"id": HASHES[0], "name": "One"}),
    "an operation that is a text": apollo(operation(TEXTS[0]), "x"),  # type: ignore[arg-type]
    "an id that is no hash": apollo(operation(TEXTS[0], id="One")),
    "the hash of another": {HASHES[0]: TEXTS[1]},
    "an MD5, as Relay makes it unless it is told otherwise": {MD5: TEXTS[0]},
    "a hash in capitals": {HASHES[0].upper(): TEXTS[0]},
    "a text that is none": {HASHES[0]: None},
}


@pytest.mark.parametrize("content", INVALID.values(), ids=INVALID)
def test_a_file_that_is_neither_is_refused_by_name(tmp_path: Path, content: Any) -> None:
    with pytest.raises(DocumentFileInvalid) as refusal:
        read_documents(written(tmp_path, "manifest.json", content))
    assert str(refusal.value).startswith("manifest.json: ")
    assert refusal.value.indonesian != refusal.value.english


def test_a_wrong_hash_is_told_with_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(DocumentFileInvalid, match=f"{MD5} is not the SHA-256 of its document .{HASHES[0]}."):
        read_documents(written(tmp_path, "manifest.json", {MD5: TEXTS[0]}))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("query One { me { salary } }", "Cannot query field 'salary' on type 'Me'. (1:18)"),
        ("query One {", "Syntax Error: Expected Name, found <EOF>. (1:12)"),
        ("{ __typename }" + " " * 20_000, "A GraphQL document holds at most 16384 characters."),
        (
            "query One { families(first: 100) { nodes { members { family { members { family { members { id name sex nik } } } } } } } }",
            "This request may yield",
        ),
    ],
)
def test_a_document_that_would_never_be_answered_is_faulty(text: str, fault: str) -> None:
    (found,) = faults_of(text, PLANNER, Language.ENGLISH)
    assert found.startswith(fault)
    assert faults_of(text, PLANNER, Language.INDONESIAN) != [found]


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("query ($id: ID!) { family(id: $id) { id } }", "It needs registry:family:read."),
        (
            'query ($nik: String!) { personByNik(nik: $nik) { id } region(code: "33") { name } }',
            "It needs registry:person:read.",
        ),
        ("query ($first: Int! = 5) { families(first: $first) { totalCount } }", "It needs registry:family:read."),
        ("{ me { permissions } }", "Only queries of open data can be public."),
        ("{ __schema { queryType { name } } }", "Only queries of open data can be public."),
        ('query A { region(code: "33") { name } } query B { me { permissions } }', "Only queries of open data"),
    ],
)
def test_what_the_public_may_not_read_cannot_be_public(text: str, needed: str) -> None:
    assert faults_of(text, PLANNER, Language.ENGLISH) == []
    (fault,) = faults_of(text, PLANNER, Language.ENGLISH, public=PUBLIC)
    assert fault.startswith(needed)


@pytest.mark.parametrize(
    "text",
    [
        "query ($region: String!, $by: RegionLevel!) { registrySummary(region: $region, by: $by) { total { persons } } }",
        "query ($first: Int, $within: String) { regions(first: $first, within: $within) { nodes { name } } }",
        "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Region { name } } }",
        *[document.text for document in public_documents()],
    ],
)
def test_open_data_can_be_public(text: str) -> None:
    assert faults_of(text, PLANNER, Language.ENGLISH, public=PUBLIC) == []


def test_every_input_type_of_the_schema_has_a_sample() -> None:
    query = PLANNER.blueprint.schema.query_type
    mutation = PLANNER.blueprint.schema.mutation_type
    for kind, root in (("query", query), ("mutation", mutation)):
        for name, field in root.fields.items() if root is not None else ():
            variables = ", ".join(f"${argument}: {each.type}" for argument, each in field.args.items())
            arguments = ", ".join(f"{argument}: ${argument}" for argument in field.args)
            text = f"{kind} ({variables}) {{ {name}({arguments}) {{ __typename }} }}" if variables else "{ __typename }"
            assert faults_of(text, PLANNER, Language.ENGLISH) == [], text


def test_a_document_is_known_by_its_operations() -> None:
    assert operation_names("query One { __typename } query Two { __typename }", PLANNER) == "One, Two"
    assert operation_names("{ __typename }", PLANNER) == ""
    assert operation_names("{", PLANNER) == ""
