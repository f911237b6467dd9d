"""The GraphiQL page, under a Content-Security-Policy that lets nothing run but what it names."""

import re
import secrets
from functools import cache
from typing import Final

from starlette.responses import HTMLResponse
from strawberry.http.ides import get_graphql_ide_html

from app.web.sessions import CSRF_HEADER

_NONCE: Final = "{nonce}"
_ELSEWHERE: Final = re.compile(r'(?:src|href)="(https://[^/"]+)')
# GraphiQL takes `window.fetch` as it finds it, so every request to Kesos says which page it comes from.
_SENDER: Final = f"""<script>
      const send = window.fetch;
      window.fetch = (resource, options = {{}}) => {{
        const url = new URL(resource instanceof Request ? resource.url : resource, window.location.href);
        if (url.origin !== window.location.origin) return send(resource, options);
        const headers = new Headers(options.headers ?? resource.headers);
        headers.set("{CSRF_HEADER}", "1");
        return send(resource, {{ ...options, headers }});
      }};
    </script>
    """


@cache
def _template() -> tuple[str, str]:
    """The page and its policy, with ``{nonce}`` where the nonce of a request goes."""
    html = get_graphql_ide_html(graphql_ide="graphiql")
    hosts = " ".join(sorted(set(_ELSEWHERE.findall(html))))
    html = html.replace("<script", f"{_SENDER}<script", 1).replace("<script", f'<script nonce="{_NONCE}"')
    policy = (
        f"default-src 'none'; script-src 'nonce-{_NONCE}'; style-src 'unsafe-inline' {hosts}; font-src data: {hosts}; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return html, policy


def graphiql_page() -> HTMLResponse:
    """GraphiQL for the API at the same address; it sends the session cookie, or a token pasted as a header."""
    html, policy = _template()
    nonce = secrets.token_urlsafe(16)
    return HTMLResponse(html.replace(_NONCE, nonce), headers={"content-security-policy": policy.replace(_NONCE, nonce)})
