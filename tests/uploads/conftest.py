from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
import pytest_asyncio

from app.authz.enforcer import RoleMatrix, load_role_matrix
from app.authz.roles import Role
from app.domain.vault import Vault
from app.settings import Settings
from app.tenants.server import DatabaseServer
from tests.support.client import ApiClient, Caller, api_of
from tests.support.world import BANYUMAS

if TYPE_CHECKING:
    import asyncpg

LARGEST = 600_000


@dataclass(frozen=True, slots=True)
class Kept:
    """What the deployment has kept."""

    vault: Vault
    owner: "asyncpg.Connection[asyncpg.Record]"

    async def rows(self) -> "list[asyncpg.Record]":
        rows: list[asyncpg.Record] = await self.owner.fetch("select * from upload order by id")
        return rows

    def files(self) -> list[str]:
        """The names of all files, unfinished ones too."""
        return sorted(path.name for path in self.vault.folder.iterdir()) if self.vault.folder.exists() else []

    async def nothing(self) -> bool:
        return self.files() == [] and await self.rows() == []


async def send(caller: Caller, content: Any, region: str = BANYUMAS.code, **headers: str) -> httpx2.Response:
    """Send a file; underscores in the names of ``headers`` stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    usual = {"authorization": f"Bearer {caller.token}", "accept-language": "en"}
    return await caller.http.post("/uploads", params={"region": region}, content=content, headers={**usual, **named})


def refusal(response: httpx2.Response) -> tuple[int, str]:
    """Status and code of an answer with an error."""
    (error,) = response.json()["errors"]
    assert error["message"]
    return response.status_code, error["extensions"]["code"]


@pytest.fixture(scope="session")
def matrix() -> RoleMatrix:
    return load_role_matrix()


@pytest.fixture(scope="session")
def upload_settings(api_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder: Path = tmp_path_factory.mktemp("kept") / "files"
    return api_settings.model_copy(update={"files_dir": folder, "largest_upload_bytes": LARGEST})


@pytest_asyncio.fixture(scope="session")
async def upload_api(upload_settings: Settings, world: DatabaseServer) -> AsyncIterator[ApiClient]:
    """The API of the small country, which takes small files."""
    async with api_of(upload_settings, world) as client:
        yield client


@pytest_asyncio.fixture
async def clerk(upload_api: ApiClient) -> Caller:
    """Somebody who may import into Banyumas."""
    return await upload_api.as_(Role.REGENCY_ADMIN, BANYUMAS.code)


@pytest_asyncio.fixture
async def kept(upload_settings: Settings, owner: "asyncpg.Connection[asyncpg.Record]") -> "AsyncIterator[Kept]":
    """What is kept, which is nothing when a test begins."""
    kept = Kept(Vault.of_settings(upload_settings), owner)
    yield kept
    await owner.execute("delete from upload")
    for name in kept.files():
        (kept.vault.folder / name).unlink(missing_ok=True)
