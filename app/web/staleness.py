"""How old an answer may be for its caller: a header of the request, for where queries are answered by a replica."""

import re
from math import inf
from typing import Final

from app.web.refusals import BadRequest

STALENESS: Final = "x-kesos-max-staleness"
"""Seconds, such as ``2`` or ``0.5``; 0 asks for the latest. It asks for less than the deployment allows, never for more."""

_SECONDS: Final = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})?", re.ASCII)


def accepted_staleness(header: str | None) -> float:
    """The seconds that ``header`` names; infinite where there is none, for then the deployment alone decides.

    Raises:
        BadRequest: it names no seconds.
    """
    if header is None:
        return inf
    if _SECONDS.fullmatch(header) is None:
        raise BadRequest(
            f"Header {STALENESS} berisi detik, misalnya 2 atau 0.5; 0 meminta data terbaru.",
            f"The header {STALENESS} holds seconds, such as 2 or 0.5; 0 asks for the latest.",
        )
    return float(header)
