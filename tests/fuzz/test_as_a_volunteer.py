"""Every root field, asked by a volunteer of a village. A file of its own, so that two processes share the work."""

import httpx2
import pytest
import pytest_asyncio

from app.authz.roles import Role
from tests.fuzz.asking import OPERATIONS, ask_for_whatever_the_schema_allows
from tests.support.client import ApiClient
from tests.support.world import BANYUMAS

pytestmark = pytest.mark.long


@pytest_asyncio.fixture(scope="module")
async def token(api_client: ApiClient) -> str:
    return (await api_client.as_(Role.PSM, BANYUMAS.village(1, 1))).token


@pytest.mark.parametrize("label", OPERATIONS)
def test_whatever_the_schema_allows_is_answered_or_refused_with_a_code(
    label: str, token: str, url: str, http: httpx2.Client, known_ids: list[str]
) -> None:
    ask_for_whatever_the_schema_allows(label, token=token, url=url, http=http, known_ids=known_ids)
