"""PostGraphile as a process, installed by npm at first use. Where that cannot be had there is no peer, and ``missing`` says why."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from app.settings import Settings
from app.tenants.server import DatabaseServer
from bench.stage import Served, free_port, server_process
from tools.node_packages import installed, version_of

PACKAGE: Final = Path(__file__).parent / "node"
_OLDEST_NODE: Final = 22
_SETTINGS: Final = ("regency_low", "regency_high", "village_low", "village_high", "villages", "entities", "unbound")


@dataclass(frozen=True, slots=True)
class _Peer:
    node: Path
    modules: Path


def missing() -> str | None:
    """Why there is no peer on this machine, in a sentence; None where there is one."""
    found = _found()
    return found if isinstance(found, str) else None


def _found() -> _Peer | str:
    modules = installed(PACKAGE)
    if isinstance(modules, str):
        return modules
    # The Node that it asks for comes with it: that of the machine may be older, and slower than it has to be.
    for brought in sorted(modules.glob("node-*/bin/node")):
        return _Peer(brought, modules)
    node = shutil.which("node")
    if node is None or version_of(Path(node)) < _OLDEST_NODE:
        return f"PostGraphile 5 needs Node {_OLDEST_NODE}, which its packages bring for Linux alone"
    return _Peer(Path(node), modules)


@asynccontextmanager
async def postgraphile_served(
    settings: Settings, server: DatabaseServer, principals: Mapping[str, Sequence[Any]]
) -> AsyncIterator[Served]:
    """PostGraphile as kesos_app, one process, with as many connections as Kesos has for reading and writing together.

    ``principals``: the arguments of ``kesos_scope`` of whoever has a token.

    Raises:
        LookupError: there is no peer on this machine (see ``missing``).
    """
    match _found():
        case _Peer() as peer:
            pass
        case why:
            raise LookupError(why)
    port, address = free_port(), server.app
    connections = settings.read_pool_size + settings.write_pool_size
    job = {
        "port": port,
        "pool": {
            "host": address.host,
            "port": address.port,
            "user": address.user,
            "password": address.password,
            "database": address.database,
            "max": connections,
            "idleTimeoutMillis": 0,
            # As the connections of Kesos have it.
            "options": "-c jit=off -c TimeZone=UTC",
        },
        "principals": {token: pg_settings(scope) for token, scope in principals.items()},
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "peer.json"
        path.touch(mode=0o600)
        path.write_bytes(orjson.dumps(job))
        environment = {
            "BENCH_PEER": str(path),
            "NODE_PATH": str(peer.modules),
            "NODE_ENV": "production",
            "GRAPHILE_ENV": "production",
        }
        async with server_process([str(peer.node), str(PACKAGE / "server.cjs")], port, environment) as process:
            yield Served(f"http://127.0.0.1:{port}/graphql", process)


def pg_settings(scope: Sequence[Any]) -> dict[str, str]:
    """What the policies read, and nothing else: to policies, what is empty and what is not set are the same."""
    named = zip(_SETTINGS, scope, strict=True)
    return {f"app.{name}": str(value) for name, value in named if value not in {None, ""}}
