"""All that may be said of a row of a file, by code: an issue is stored as its code and told in words."""

from collections.abc import Iterable
from types import ModuleType
from typing import Final

from app.domain.registry import nik
from app.domain.registry.imports import reading_findings, rule_findings
from app.domain.registry.nik import Finding
from app.domain.registry.opensid import report


def _of(modules: Iterable[ModuleType]) -> dict[str, Finding]:
    found: dict[str, Finding] = {}
    for module in modules:
        for finding in vars(module).values():
            if isinstance(finding, Finding):
                found.setdefault(finding.code, finding)
    return found


FINDINGS: Final = _of((rule_findings, reading_findings, nik, report))
"""The texts of each code."""


def told(code: str, other_line: int | None) -> Finding:
    """The finding of ``code`` with the line that it names, if it names one."""
    finding = FINDINGS[code]
    if other_line is None:
        return finding
    line = str(other_line)
    return Finding(code, *(text.replace("{line}", line) for text in finding[1:]))
