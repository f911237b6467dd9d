import base64
import json
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from app.settings import Settings
from app.tenants.server import DatabaseServer
from tests.attacks.fortress import Fortress
from tests.authz.issuer import EC_KEY, ED_KEY, RSA_KEY, KeyServer, claims_for, key_server, token
from tests.authz.people import People
from tests.support.process import kesos_serve
from tests.support.world import BANYUMAS, connected

if TYPE_CHECKING:
    import asyncpg

FRIEND = "https://app.kesos.test"
SECONDS = 3_600


@pytest.fixture(scope="session")
def issuer() -> Iterator[KeyServer]:
    """Who vouches for people: publishes three keys."""
    with key_server(RSA_KEY, EC_KEY, ED_KEY) as server:
        yield server


def production(settings: Settings, issuer: KeyServer) -> dict[str, str]:
    """The environment of a server with a real issuer, which can open what the tests have sealed."""
    stored = json.loads((settings.data_dir / "sealing-keys.json").read_text())
    return {
        "KESOS_ISSUER": issuer.issuer,
        "KESOS_JWKS_URL": issuer.url,
        "KESOS_SEALING_KEYS": json.dumps({"development": stored["sealing"]}),
        "KESOS_DIGEST_KEY": stored["digest"],
        "KESOS_CORS_ORIGINS": json.dumps([FRIEND]),
        "KESOS_PUBLIC_URL": "https://kesos.test",
        "KESOS_METRICS_TOKEN": "metrics",
        "KESOS_SESSION_KEY": base64.b64encode(bytes(range(32))).decode(),
        "KESOS_REQUESTS_PER_MINUTE": "1000000",
        "KESOS_REQUESTS_PER_MINUTE_PER_ADDRESS": "100000000",
        "KESOS_COST_PER_MINUTE": "100000000",
        "KESOS_LOG_LEVEL": "DEBUG",
    }


@pytest_asyncio.fixture(scope="session")
async def attacked(world: DatabaseServer) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """The administrator of the database that the server reads."""
    async with connected(world) as owner:
        yield owner


@pytest_asyncio.fixture(scope="session")
async def fortress(
    settings: Settings,
    world: DatabaseServer,
    issuer: KeyServer,
    attacked: "asyncpg.Connection[asyncpg.Record]",
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Fortress]:
    """Kesos in production."""
    people = People(attacked)
    folk = {
        "administrator": await people.add(issuer.issuer, ("REGENCY_ADMIN", BANYUMAS.id)),
        "ministry": await people.add(issuer.issuer, ("MINISTRY_ADMIN", None)),
        "volunteer": await people.add(issuer.issuer, ("PSM", int(BANYUMAS.village(1, 1).replace(".", "")))),
        "bystander": await people.add(issuer.issuer, ("PROVINCE_OFFICER", 33)),
    }
    tokens = {
        name: token(claims_for(subject, iss=issuer.issuer, exp=claims_for()["iat"] + SECONDS))  # type: ignore[operator]  # a number
        for name, subject in folk.items()
    }
    bystander = tokens.pop("bystander")
    folder = tmp_path_factory.mktemp("fortress")
    with kesos_serve(settings, world, folder, **production(settings, issuer)) as served:
        yield Fortress(served, issuer.issuer, tokens, bystander)


@pytest.fixture
def administrator(fortress: Fortress) -> str:
    return fortress.folk["administrator"]
