"""Telling of what does not add up."""

from collections.abc import Mapping, Sequence
from typing import Final

from app.cli.console import plain
from app.domain.checking import Discrepancy, FaultT
from app.tenants.region_path import RegionPath

_SHOWN: Final = 20


def show(found: Sequence[Discrepancy[FaultT]], texts: Mapping[FaultT, str]) -> None:
    """Print the first of ``found``, a line each, in the words of ``texts``."""
    for each in found[:_SHOWN]:
        text = texts[each.fault].format(subject=each.subject, stored=each.stored, counted=each.counted)
        plain(f"{each.fault.value} {RegionPath.of_id(each.region_id).code} {text}")
