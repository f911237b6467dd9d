"""Which pages of other origins may call the API from a browser."""

import pytest

from app.settings import Settings
from app.web.headers import cross_origin
from tests.web.test_headers import edge_of

PAGE = "https://app.example.go.id"
LISTED = Settings(cors_origins=frozenset({PAGE, "https://second.example.go.id"}))
ASKED = {"origin": PAGE, "access-control-request-method": "POST"}


@pytest.mark.parametrize(
    "headers",
    [
        "authorization, content-type",
        "authorization, content-disposition, repr-digest",
        "accept-language",
        "x-kesos-csrf",
        "apollo-require-preflight",
        "x-apollo-operation-name",
        "x-kesos-max-staleness",
    ],
)
async def test_a_page_of_a_listed_origin_may_send_what_the_api_reads(headers: str) -> None:
    async with edge_of(LISTED) as http:
        allowed = await http.options("/", headers={**ASKED, "access-control-request-headers": headers})
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == PAGE
    assert allowed.headers["access-control-max-age"] == "3600"
    assert "access-control-allow-credentials" not in allowed.headers


@pytest.mark.parametrize(
    "asked",
    [
        {"origin": "https://evil.example"},
        {"origin": f"{PAGE}.evil.example"},
        {"origin": "http://app.example.go.id"},
        {"origin": "https://APP.example.go.id:8443"},
        {"origin": "null"},
        {"access-control-request-method": "DELETE"},
        {"access-control-request-headers": "cookie"},
        {"access-control-request-headers": "authorization, x-other"},
    ],
    ids=[
        "another origin",
        "a longer one",
        "without TLS",
        "another port",
        "no origin",
        "a method",
        "cookies",
        "a header",
    ],
)
async def test_what_is_not_listed_is_refused_before_it_is_sent(asked: dict[str, str]) -> None:
    async with edge_of(LISTED) as http:
        refused = await http.options("/", headers={**ASKED, **asked})
    assert refused.status_code == 400
    if "origin" in asked:
        assert "access-control-allow-origin" not in refused.headers


async def test_an_answer_is_for_the_page_that_asked_and_says_what_it_may_read() -> None:
    async with edge_of(LISTED) as http:
        listed = await http.post("/", headers={"origin": PAGE})
        other = await http.post("/", headers={"origin": "https://evil.example"})
    assert listed.headers["access-control-allow-origin"] == PAGE
    assert listed.headers["access-control-expose-headers"] == "x-request-id, retry-after"
    assert "access-control-allow-credentials" not in listed.headers
    assert "access-control-allow-origin" not in other.headers
    assert all("Origin" in response.headers["vary"] for response in (listed, other))


async def test_without_a_list_no_page_of_another_origin_is_let_in() -> None:
    async with edge_of(Settings()) as http:
        assert (await http.options("/", headers=ASKED)).status_code == 405
        assert "access-control-allow-origin" not in (await http.post("/", headers={"origin": PAGE})).headers


def test_a_wildcard_is_no_list() -> None:
    with pytest.raises(ValueError, match="one by one"):
        cross_origin(LISTED.model_copy(update={"cors_origins": frozenset({"*"})}))
