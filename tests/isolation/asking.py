"""Asking the requests of a walk, and reading from their answers what can be compared."""

import json
import re
from typing import Final

from tests.isolation.walking import Request
from tests.support.client import Caller

UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_SIGNED: Final = re.compile(r"(?<=/bank-files/)[\w.-]+")
"""A link to a file: signed, with its end."""


async def answer_to(request: Request, caller: Caller) -> str:
    """What ``caller`` is answered, as JSON without what depends on the clock."""
    response = await caller.post(request.text, dict(request.variables))
    assert response.status_code == 200, f"{request}\n{response.text}"
    assert "INTERNAL_ERROR" not in response.text, request
    # What it cost, what is left of a budget, and until when a link is good depend on the clock.
    return _SIGNED.sub("", json.dumps(response.json() | {"extensions": None}, ensure_ascii=False))
