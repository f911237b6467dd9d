"""The bare endpoint: what Starlette and asyncpg reach with the same statement and nothing else."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_JOB = orjson.loads(Path(os.environ["BENCH_STATEMENT"]).read_bytes())
# By itself asyncpg prepares no statement of 15 kB or more again and again, and PostgreSQL compiles what looks expensive.
_AS_KESOS: Final[dict[str, Any]] = {
    "max_cacheable_statement_size": 65_536,
    "server_settings": {"TimeZone": "UTC", "jit": "off"},
}
_arguments = cycle(_JOB["arguments"])


async def _keep_session(_: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Reset nothing, as Kesos does."""


async def _answer(request: Request) -> Response:
    async with request.app.state.pool.acquire() as connection:
        row = await connection.fetchval(_JOB["statement"], *next(_arguments))
    return Response(row.encode(), media_type="application/json")


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    async with asyncpg.create_pool(**_JOB["connect"], **_AS_KESOS, min_size=8, max_size=8, reset=_keep_session) as pool:
        app.state.pool = pool
        yield


app = Starlette(routes=[Route("/", _answer)], lifespan=_lifespan)
