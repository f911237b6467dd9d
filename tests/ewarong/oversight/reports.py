"""Inspections as inspectors send them."""

from typing import Any, Final
from uuid import uuid4

from tests.support.client import Json

INSPECTION: Final = """id inspectedAt latitude longitude photos note met notMet reportedBy agent { id }
  findings { item { code violation } result note }"""
REPORTED: Final = f"... on EwarongInspectionReported {{ inspection {{ {INSPECTION} }} }}"


def report(agent: str, **others: Any) -> Json:
    """An inspection of the outlet with the node id ``agent``, but for ``others``."""
    return {
        "agent": agent,
        "inspectedAt": "2026-03-10T02:00:00+00:00",
        "note": "Warung ramai.",
        "photos": ["0a" * 32, "ff" * 32],
        "latitude": -7.42,
        "longitude": 109.24,
        "items": [
            {"code": "PRICE_WITHIN_REFERENCE", "result": "NOT_MET", "note": "beras 15.000, acuan 12.500"},
            {"code": "RECEIPT_GIVEN", "result": "MET"},
        ],
        "idempotencyKey": str(uuid4()),
    } | others
