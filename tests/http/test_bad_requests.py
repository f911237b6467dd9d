"""Requests that are no GraphQL requests, and callers whom nobody vouches for."""

import json
import time
from typing import Any

import httpx2
import pytest

from app.settings import DEVELOPMENT_ISSUER
from tests.authz.issuer import EC_KEY, forge, signer
from tests.http.test_bad_input import polite
from tests.support.client import ApiClient, Caller

JSON = {"content-type": "application/json"}
GOOD = b'{"query": "{ me { permissions } }"}'
BODIES = {
    "no body": (b"", 400),
    "no JSON": (b"query { me }", 400),
    "half of a JSON": (b'{"query": "{ me', 400),
    "a JSON array": (b'[{"query": "{ me { permissions } }"}]', 400),
    "a JSON text": (b'"{ me { permissions } }"', 400),
    "null": (b"null", 400),
    "no query": (b"{}", 400),
    "a query that is null": (b'{"query": null}', 400),
    "a query that is a number": (b'{"query": 7}', 400),
    "variables that are a list": (b'{"query": "{ me { permissions } }", "variables": []}', 400),
    "variables that are a text": (b'{"query": "{ me { permissions } }", "variables": "{}"}', 400),
    "an operation name that is a number": (b'{"query": "{ me { permissions } }", "operationName": 1}', 400),
    "invalid UTF-8": (b'{"query": "{ me { permissions } } # \xff\xfe"}', 400),
    "UTF-16": (GOOD.decode().encode("utf-16"), 400),
    "an overlong encoding of NUL": (b'{"query": "{ me { permissions } } # \xc0\x80"}', 400),
    "a lone surrogate": (
        b'{"query": "query($v: String!) { region(code: $v) { name } }", "variables": {"v": "\\ud800"}}',
        400,
    ),
    "a surrogate the wrong way round": (b'{"query": "{ me { permissions } } # \\udc00\\ud800"}', 400),
    "NaN": (b'{"query": "query($v: Int) { families(first: $v) { totalCount } }", "variables": {"v": NaN}}', 400),
    "Infinity": (
        b'{"query": "query($v: Int) { families(first: $v) { totalCount } }", "variables": {"v": -Infinity}}',
        400,
    ),
    "a number of 5,000 digits": (
        b'{"query": "query($v: Int) { families(first: $v) { totalCount } }", "variables": {"v": %b}}' % (b"9" * 5000),
        400,
    ),
    "JSON of depth 100,000": (b'{"query": ' + b"[" * 100_000, 400),
    "600 kB": (b'{"query": "{ me { permissions } } # ' + b"x" * 600_000 + b'"}', 413),
}


@pytest.mark.parametrize(("body", "status"), BODIES.values(), ids=BODIES)
async def test_a_body_that_is_no_graphql_request_is_refused(banyumas: Caller, body: bytes, status: int) -> None:
    response = await banyumas.send(content=body, headers=JSON)
    assert response.status_code == status
    (error,) = polite(response)
    assert error["extensions"]["code"] in {"BAD_REQUEST", "BAD_USER_INPUT"}
    assert "data" not in response.json()


async def test_a_large_body_is_refused_before_it_has_all_arrived(banyumas: Caller) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while sent < 4_000_000:
            sent += 64_000
            yield b" " * 64_000

    response = await banyumas.send(content=endless(), headers=JSON)
    assert response.status_code == 413
    polite(response)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/graphql", "multipart/form-data; boundary=x", "", "application/jsonp"]
)
async def test_another_content_type_is_refused(banyumas: Caller, content_type: str) -> None:
    response = await banyumas.send(content=GOOD, headers={"content-type": content_type})
    assert response.status_code == 415
    (error,) = polite(response)
    assert error["extensions"]["code"] == "BAD_REQUEST"


async def test_json_is_taken_with_a_charset_and_in_any_case(banyumas: Caller) -> None:
    for content_type in ("application/json; charset=utf-8", "Application/JSON"):
        response = await banyumas.send(content=GOOD, headers={"content-type": content_type})
        assert response.json()["data"]["me"]["permissions"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_than_get_and_post_are_refused(banyumas: Caller, method: str) -> None:
    response = await banyumas.http.request(
        method, "/graphql?query={me{permissions}}", headers={"authorization": f"Bearer {banyumas.token}"}
    )
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    (error,) = polite(response)
    assert error["extensions"]["code"] == "BAD_REQUEST"


def claims(**changes: object) -> dict[str, object]:
    now = int(time.time())
    return {
        "iss": DEVELOPMENT_ISSUER,
        "aud": "kesos",
        "sub": "dev:REGENCY_ADMIN:33.02",
        "iat": now,
        "exp": now + 300,
    } | changes


def unsigned(_data: bytes) -> bytes:
    return b""


BAD_TOKENS = {
    "alg none": forge({"alg": "none", "typ": "at+jwt"}, claims(), unsigned),
    "alg none with the kid of somebody": forge({"alg": "none", "kid": "ec"}, claims(), unsigned),
    "another key": forge({"alg": "ES256", "kid": EC_KEY.kid}, claims(), signer("ES256", EC_KEY)),
    "no token": "",
    "no JWT": "rahasia",
    "three dots": "...",
    "a token of 10,000 characters": "a" * 10_000,
}


async def refused_as_unauthenticated(response: httpx2.Response, *, english: bool = False) -> None:
    assert response.status_code == 401
    (error,) = polite(response)
    assert error["extensions"] == {"code": "UNAUTHENTICATED"}
    assert error["message"].startswith("Send a valid token" if english else "Sertakan token yang sah")
    assert response.headers["www-authenticate"] == "Bearer"
    assert "data" not in response.json()


@pytest.mark.parametrize("token", BAD_TOKENS.values(), ids=BAD_TOKENS)
async def test_a_token_that_proves_nothing_is_refused(api_client: ApiClient, token: str) -> None:
    await refused_as_unauthenticated(await api_client.with_token(token).post("{ me { permissions } }"))
    response = await api_client.with_token(token).post("{ me { permissions } }", accept_language="en")
    await refused_as_unauthenticated(response, english=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another"},
        {"aud": None},
        {"exp": int(time.time()) - 3600, "iat": int(time.time()) - 7200},
        {"iss": "https://issuer.example"},
        {"sub": ""},
        {"sub": "dev:REGENCY_ADMIN:33.02\0"},
        {"sub": 7},
        {"exp": "tomorrow"},
        {},
    ],
    ids=[
        "wrong aud",
        "no aud",
        "expired",
        "wrong iss",
        "empty sub",
        "NUL in sub",
        "sub a number",
        "exp a text",
        "good",
    ],
)
async def test_a_token_that_the_issuer_signed_is_refused_unless_all_its_claims_hold(
    api_client: ApiClient, banyumas: Caller, development_key: Any, changes: dict[str, object]
) -> None:
    assert banyumas.token
    header = {"alg": "ES256", "kid": development_key.kid, "typ": "at+jwt"}
    token = forge(header, claims(**changes), signer("ES256", development_key))
    response = await api_client.with_token(token).post("{ me { permissions } }")
    if changes:
        await refused_as_unauthenticated(response)
    else:
        assert response.json()["data"]["me"]["permissions"]


async def test_a_token_that_was_cut_or_changed_is_refused(api_client: ApiClient, banyumas: Caller) -> None:
    header, payload, signature = banyumas.token.split(".")
    for token in (
        f"{header}.{payload}",
        f"{header}.{payload}.",
        f"{header}.{payload[:-4]}AAAA.{signature}",
        f" {banyumas.token}x",
    ):
        await refused_as_unauthenticated(await api_client.with_token(token).post("{ me { permissions } }"))


async def test_with_a_token_that_is_none_nothing_is_read_of_the_request(api_client: ApiClient) -> None:
    for authorization in ("Basic YTpi", "Bearer", "Bearer x"):
        headers = {**JSON, "authorization": authorization}
        await refused_as_unauthenticated(await api_client.http.post("/graphql", content=b"no JSON", headers=headers))


async def test_without_a_token_only_what_is_public_is_answered(api_client: ApiClient) -> None:
    for document in ("{ me { permissions } }", "{ __typename }", "{ nope }", "{"):
        await refused_as_unauthenticated(await api_client.http.post("/graphql", json={"query": document}))


async def test_the_answer_says_nothing_of_the_server(banyumas: Caller) -> None:
    response = await banyumas.send(content=json.dumps({"query": "{ nope }"}), headers=JSON)
    assert "server" not in response.headers
    assert response.headers["content-type"] == "application/graphql-response+json"


@pytest.mark.parametrize(
    ("content", "indonesian", "english"),
    [
        (b"{", "Isi permintaan bukan JSON", "The body is not valid JSON"),
        (b'{"query": "{"}', "Dokumen GraphQL tidak terbaca: Syntax Error", "Syntax Error"),
        (b'{"query": "{ nothing }"}', "Dokumen GraphQL tidak sesuai skema: Cannot query", "Cannot query"),
        (
            b'{"query": "query($v: Int!) { families(first: $v) { totalCount } }"}',
            "Nilai masukan tidak sesuai skema: Variable",
            "Variable",
        ),
        (
            b'{"query": "query($v: Date) { persons(filter: {bornFrom: $v}) { totalCount } }", "variables": {"v": "x"}}',
            "Tanggal ditulis",
            "A Date is written",
        ),
        (
            b'{"query": "{ persons(filter: {bornFrom: \\"x\\"}) { totalCount } }"}',
            "Tanggal ditulis",
            "A Date is written",
        ),
    ],
    ids=["no JSON", "syntax", "schema", "variables", "a day in a variable", "a day in the document"],
)
async def test_a_refused_request_is_told_in_the_language_of_the_caller(
    banyumas: Caller, content: bytes, indonesian: str, english: str
) -> None:
    for language, beginning in (("id", indonesian), ("en", english)):
        response = await banyumas.send(content=content, headers=JSON | {"accept-language": language})
        (error,) = polite(response)
        assert error["message"].startswith(beginning)


@pytest.mark.parametrize(
    "document",
    [
        "query($v: Boolean = true) { me @skip(if: $v) { permissions } }",
        "query($v: Boolean = true) { families(first: 1) { nodes { id @include(if: $v) } } }",
        "query($v: Boolean = true) { families(first: 1) { ...F @skip(if: $v) } } fragment F on FamilyConnection { totalCount }",
        'mutation($v: Boolean = true) { jobCancel(input: {id: "x"}) @include(if: $v) { __typename } }',
    ],
    ids=["at the root", "below", "of a fragment", "of a mutation"],
)
async def test_null_for_a_condition_is_refused_as_other_variables_are(banyumas: Caller, document: str) -> None:
    english = (
        "Argument 'if' has invalid value: Expected variable '$v' provided to non-null type 'Boolean!' not to be None."
    )
    for language, message in (("id", f"Nilai masukan tidak sesuai skema: {english}"), ("en", english)):
        response = await banyumas.post(document, {"v": None}, accept_language=language)
        assert response.status_code == 400
        (error,) = polite(response)
        assert (error["message"], error["extensions"]) == (message, {"code": "BAD_USER_INPUT"})
        assert error["locations"] == [{"line": 1, "column": document.index("$v)", 20) + 1}]
