"""The OpenID Connect provider of the tests: npm's ``oidc-provider``, a process of its own on this machine."""

import base64
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.support.node import node_modules

PUBLIC_URL = "https://kesos.test"
AUDIENCE = "kesos"
WEB_CLIENT = "kesos-web"
WEB_SECRET = "s3cr+t/100%: kata"  # every character that form-encoding changes
PUBLIC_CLIENT = "kesos-public"  # has no secret
SERVICE = "kesos-import"
SERVICE_SECRET = "import"
CONFIGURATION = {
    "audience": AUDIENCE,
    "resource": PUBLIC_URL,
    "clients": [
        {
            "client_id": WEB_CLIENT,
            "client_secret": WEB_SECRET,
            "redirect_uris": [f"{PUBLIC_URL}/login/callback"],
            "post_logout_redirect_uris": [f"{PUBLIC_URL}/logout/done"],
            "grant_types": ["authorization_code"],
            "response_types": ["code"],
        },
        {
            "client_id": PUBLIC_CLIENT,
            "token_endpoint_auth_method": "none",
            "redirect_uris": [f"{PUBLIC_URL}/login/callback"],
            "grant_types": ["authorization_code"],
            "response_types": ["code"],
        },
        {
            "client_id": SERVICE,
            "client_secret": SERVICE_SECRET,
            "redirect_uris": [],
            "grant_types": ["client_credentials"],
            "response_types": [],
        },
    ],
}
AS_USUAL: dict[str, Any] = {
    "denies": False,
    "hangs_up": False,
    "algorithm": "ES256",
    "keys": ["first"],
    "format": "jwt",
    "seconds": 300,
    "claims": {},
    "answer": {},
}


class Provider:
    """The provider as tests steer it; what its parts of ``state`` mean stands in ``oidc_provider.mjs``."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer

    def state(self, **changes: Any) -> None:
        """Behave like this from now on."""
        self._ask("/test/state", json.dumps(changes).encode())

    def seen(self) -> dict[str, Any]:
        """The last requests to the authorization and the token endpoint, and the last answer of the latter."""
        seen: dict[str, Any] = self._ask("/test/seen")
        return seen

    def service_token(self) -> str:
        """An access token of the service account, by its client credentials."""
        answer = self._ask(
            "/token",
            f"grant_type=client_credentials&client_id={SERVICE}&resource={PUBLIC_URL}".encode(),
            authorization=f"Basic {_basic(SERVICE, SERVICE_SECRET)}",
        )
        token: str = answer["access_token"]
        return token

    def _ask(self, path: str, body: bytes | None = None, **headers: str) -> Any:
        with urlopen(Request(self.issuer + path, body, headers), timeout=10) as response:  # noqa: S310  (this machine)
            return json.load(response)


def _basic(name: str, secret: str) -> str:
    return base64.b64encode(f"{name}:{secret}".encode()).decode()


@contextmanager
def running_provider() -> Iterator[Provider]:
    """Run the provider; skips the test where Node is not there."""
    modules = node_modules()
    node = shutil.which("node")
    assert node is not None
    script = Path(__file__).with_suffix(".mjs")
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603  (node, and a script of ours)
            [node, str(script), str(modules)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(CONFIGURATION).encode())
            process.stdin.close()
            issuer = process.stdout.readline().decode().strip()
            if not issuer:
                log.seek(0)
                raise RuntimeError(f"the provider did not start: {log.read().decode()}")
            yield Provider(issuer)
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()
