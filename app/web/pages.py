"""Small pages for people in a browser: Indonesian or English, without scripts, and nothing on them comes from elsewhere."""

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from typing import Final

from starlette.responses import HTMLResponse

from app.schema.language import Language

_STYLE: Final = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:12vh auto;padding:0 1rem;color:#1c1c1c}"
    "h1{font-size:1.4rem}code{display:block;padding:.6rem;background:#f0f0f0;overflow-wrap:anywhere;user-select:all}"
    "button{font:inherit;padding:.4rem 1.2rem}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


def page(
    language: Language, title: str, *body: str, status: int = 200, form_action: Sequence[str] = ()
) -> HTMLResponse:
    """A page of paragraphs; ``body`` is HTML, ``title`` is text. Its forms may lead to this site and ``form_action``."""
    content = "\n".join(part if part.startswith("<") else f"<p>{part}</p>" for part in body)
    html = (
        f'<!doctype html>\n<html lang="{language.value}">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)} - Kesos</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>{escape(title)}</h1>\n{content}\n</body></html>\n"
    )
    targets = " ".join(["'self'", *form_action])
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action {targets}"
    )
    return HTMLResponse(html, status, {"content-security-policy": policy, "content-language": language.value})


def link(path: str, text: str) -> str:
    """A link to a page of Kesos."""
    return f'<a href="{escape(path)}">{escape(text)}</a>'


def button(path: str, text: str) -> str:
    """A button that sends a POST to a page of Kesos."""
    return f'<form method="post" action="{escape(path)}"><button>{escape(text)}</button></form>'


def copied(text: str) -> str:
    """A text to be copied: one click selects all of it."""
    return f"<code>{escape(text)}</code>"
