"""The bare endpoint: what Starlette and asyncpg reach with the same statement and nothing else."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_JOB = orjson.loads(Path(os.environ["BENCH_STATEMENT"]).read_bytes())


async def _keep_session(_: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Reset nothing, as Kesos does."""


async def _answer(request: Request) -> Response:
    async with request.app.state.pool.acquire() as connection:
        row = await connection.fetchval(_JOB["statement"], *_JOB["arguments"])
    return Response(row.encode(), media_type="application/json")


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    async with asyncpg.create_pool(**_JOB["connect"], min_size=8, max_size=8, reset=_keep_session) as pool:
        app.state.pool = pool
        yield


app = Starlette(routes=[Route("/", _answer)], lifespan=_lifespan)
