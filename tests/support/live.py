"""The API behind a real socket, in a thread with an event loop of its own, for clients that are not ours."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from app.main import create_app
from app.settings import Settings
from app.tenants.server import DatabaseServer

_PATIENCE_SECONDS = 30.0


@contextmanager
def live(settings: Settings, server: DatabaseServer) -> Iterator[str]:
    """Serve on a free port of this machine; the URL of /graphql."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = uvicorn.Config(create_app(settings, server), log_config=None, access_log=False, lifespan="on")
        http = uvicorn.Server(config)
        thread = threading.Thread(target=http.run, kwargs={"sockets": [taken]}, name="kesos-live")
        thread.start()
        try:
            until = time.monotonic() + _PATIENCE_SECONDS
            while not http.started:
                assert thread.is_alive(), "the server ended before it answered"
                assert time.monotonic() < until, "the server did not answer in time"
                time.sleep(0.01)
            yield f"http://127.0.0.1:{taken.getsockname()[1]}/graphql"
        finally:
            http.should_exit = True
            thread.join(_PATIENCE_SECONDS)
