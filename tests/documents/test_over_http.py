"""Documents by hash, as Apollo's clients and GraphQL over HTTP send them; and without a token, those of the public."""

from typing import Any

import httpx2
import pytest

from app.authz.roles import Role
from app.domain.documents.files import hash_of, public_documents
from tests.support.client import ApiClient, Caller
from tests.support.world import BANYUMAS, CILACAP, SLEMAN

STATISTICS, *_ = [document for document in public_documents() if document.name == "registry_statistics"]
OWN = "query Own { me { permissions } }"


def by_hash(document_hash: str) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": document_hash}}}


def codes(response: httpx2.Response) -> list[str]:
    return [error["extensions"]["code"] for error in response.json()["errors"]]


async def anonymous(api_client: ApiClient, **body: Any) -> httpx2.Response:
    accept = {"accept": "application/graphql-response+json"}
    return await api_client.http.post("/graphql", json=body, headers=accept)


@pytest.mark.parametrize(
    "sent",
    [
        {"query": STATISTICS.text},
        by_hash(STATISTICS.hash),
        {"query": STATISTICS.text, **by_hash(STATISTICS.hash)},
        {"documentId": f"sha256:{STATISTICS.hash}"},
    ],
    ids=["text", "Apollo", "Apollo with text", "documentId"],
)
async def test_everybody_reads_the_statistics_of_a_province_and_of_a_regency(
    api_client: ApiClient, sent: dict[str, Any]
) -> None:
    province = await anonymous(api_client, **sent, variables={"region": "33"})
    assert province.status_code == 200, province.text
    summary = province.json()["data"]["registrySummary"]
    assert [row["region"]["code"] for row in summary["rows"]] == [CILACAP.code, BANYUMAS.code]
    assert summary["total"]["persons"] == sum(row["counts"]["persons"] for row in summary["rows"]) > 0
    regency = await anonymous(api_client, **sent, variables={"region": SLEMAN.code})
    (row,) = regency.json()["data"]["registrySummary"]["rows"]
    assert row["region"]["code"] == SLEMAN.code


async def test_the_statistics_go_no_deeper_than_a_regency(api_client: ApiClient) -> None:
    for code in (BANYUMAS.district(1), BANYUMAS.village(1, 1)):
        response = await anonymous(api_client, query=STATISTICS.text, variables={"region": code})
        assert codes(response) == ["SUMMARY_LEVEL_INVALID"]


@pytest.mark.parametrize(
    "sent", [{"query": OWN}, by_hash(hash_of(OWN)), by_hash("0" * 64), {"query": STATISTICS.text + " "}]
)
async def test_nobody_reads_anything_else_without_a_token(api_client: ApiClient, sent: dict[str, Any]) -> None:
    response = await anonymous(api_client, **sent, variables={"region": "33"})
    assert (response.status_code, codes(response)) == (401, ["UNAUTHENTICATED"])


async def test_a_client_of_apollo_sends_a_hash_then_the_text_then_the_hash_alone(api_client: ApiClient) -> None:
    caller: Caller = await api_client.as_(Role.REGENCY_ADMIN, BANYUMAS.code)
    text = "query Apollo { me { principal { id } } }"
    unknown = await caller.send(json=by_hash(hash_of(text)))
    (error,) = unknown.json()["errors"]
    assert (error["message"], error["extensions"]["code"]) == ("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")
    with_text = await caller.send(json={"query": text, **by_hash(hash_of(text))})
    assert "errors" not in with_text.json()
    again = await caller.send(json=by_hash(hash_of(text)))
    assert again.json()["data"] == with_text.json()["data"]
    mismatch = await caller.send(json={"query": text, **by_hash("0" * 64)})
    assert (mismatch.status_code, codes(mismatch)) == (400, ["PERSISTED_QUERY_HASH_MISMATCH"])


async def test_a_limit_and_a_cost_are_refused_with_their_codes(api_client: ApiClient) -> None:
    caller = await api_client.as_(Role.MINISTRY_ADMIN)
    family = "members { family { members { family { members { id name sex nik } } } } }"
    dear = "query ($first: Int!) { families(first: $first) { nodes { " + family + " } } }"
    assert await caller.codes("{ __typename" + " @a" * 500 + " }") == ["DOCUMENT_TOO_LARGE"]
    assert await caller.codes("{a" * 100 + "}" * 100) == ["DOCUMENT_TOO_DEEP"]
    assert await caller.codes(dear, first=100) == ["COST_TOO_HIGH"]
    assert await caller.codes(dear, first=1) == []
