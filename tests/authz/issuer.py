"""An issuer for tests: signs good tokens, forges bad ones byte by byte, and publishes its keys by real HTTP."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

ISSUER = "https://sso.test"
AUDIENCE = "kesos"

Signer = Callable[[bytes], bytes]

RSA_KEY = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})
EC_KEY = ECKey.generate_key("P-256", {"kid": "ec", "alg": "ES256"})
ED_KEY = OKPKey.generate_key("Ed25519", {"kid": "ed"})
KEYS: dict[str, Key] = {"RS256": RSA_KEY, "ES256": EC_KEY, "EdDSA": ED_KEY, "Ed25519": ED_KEY}


def public(*keys: Key) -> list[object]:
    return [key.as_dict(private=False) for key in keys]


PUBLIC_KEYS = public(RSA_KEY, EC_KEY, ED_KEY)


def encode(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


def claims_for(subject: object = "someone", **changes: object) -> dict[str, object]:
    now = int(time.time())
    return {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": now, "exp": now + 300} | changes


def without(name: str) -> dict[str, object]:
    return {key: value for key, value in claims_for().items() if key != name}


def forge(header: object, claims: object, sign: Signer) -> str:
    """A token with exactly this header and these claims (bytes are taken as they are)."""
    parts = (part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims))
    signing_input = b".".join(map(encode, parts))
    return (signing_input + b"." + encode(sign(signing_input))).decode()


def signer(algorithm: str, key: Key) -> Signer:
    return lambda data: JWSRegistry.algorithms[algorithm].sign(data, key)


def token(claims: object = None, *, algorithm: str = "ES256", key: Key | None = None, **header: object) -> str:
    """A token that is signed properly; ``header`` adds or replaces header parameters."""
    signing = key or KEYS[algorithm]
    parameters: dict[str, object] = {"alg": algorithm, "kid": signing.kid, "typ": "at+jwt"}
    return forge(parameters | header, claims_for() if claims is None else claims, signer(algorithm, signing))


@dataclass
class KeyServer:
    """What the HTTP server answers; a test may change it between requests. ``metadata`` is its discovery document."""

    url: str = ""
    status: int = 200
    body: bytes = b""
    metadata: bytes = b""
    delay_seconds: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    metadata_requests: int = 0
    asked: threading.Event = field(default_factory=threading.Event)

    @property
    def issuer(self) -> str:
        return self.url.removesuffix("/jwks.json")

    def publish(self, *keys: Key) -> None:
        self.body = json.dumps({"keys": public(*keys)}).encode()

    def describe(self, **changes: object) -> None:
        """Publish metadata that name the key set; ``changes`` that are None leave something out."""
        document = {"issuer": self.issuer, "jwks_uri": self.url} | changes
        self.metadata = json.dumps({name: value for name, value in document.items() if value is not None}).encode()


@contextmanager
def key_server(*keys: Key) -> Iterator[KeyServer]:
    state = KeyServer()
    state.publish(*keys)
    stopping = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.endswith("/.well-known/openid-configuration"):
                state.metadata_requests += 1
                body = state.metadata
            else:
                state.requests += 1
                body = state.body
            state.asked.set()
            stopping.wait(state.delay_seconds)
            self.send_response(state.status)
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name that http.server calls it by)
            """Print nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hangs up is part of the tests."""

    server = Server(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/jwks.json"
    state.describe()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()
