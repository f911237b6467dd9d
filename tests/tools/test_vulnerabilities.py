"""What `make lint` says of known vulnerabilities; the service itself is not asked here."""

from pathlib import Path
from typing import Any

import pytest

from tools.vulnerabilities import LOCK, Findings, LockUnreadable, ask

GOOD: dict[str, Any] = {"name": "starlette", "version": "1.10.0", "vulns": []}
UNKNOWN: dict[str, Any] = {"name": "kesos-internal", "skip_reason": "Dependency not found on PyPI"}
BAD: dict[str, Any] = {
    "name": "orjson",
    "version": "3.9.0",
    "vulns": [{"id": "PYSEC-2024-40", "fix_versions": ["3.9.15"]}, {"id": "GHSA-xxxx", "fix_versions": []}],
}


def findings(*packages: dict[str, Any]) -> Findings:
    return Findings.of_report({"dependencies": list(packages)})


def test_a_known_vulnerability_is_named_with_the_version_that_mends_it() -> None:
    found = findings(GOOD, UNKNOWN, BAD)
    assert found.vulnerabilities == (
        "orjson 3.9.0: PYSEC-2024-40, mended in 3.9.15",
        "orjson 3.9.0: GHSA-xxxx, mended in no version",
    )
    assert "raise these versions" in found.sentence


def test_packages_that_could_not_be_asked_about_are_not_called_safe() -> None:
    found = findings(GOOD, UNKNOWN)
    assert not found.vulnerabilities
    assert found.sentence.startswith("Nothing is known of 1 of 2 packages")
    assert findings(GOOD).sentence == "No known vulnerability in 1 packages."


def test_a_service_that_does_not_answer_fails_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("PIP_CACHE_DIR", "/nonexistent")
    assert ask(LOCK) is None


def test_a_lock_without_hashes_is_refused_whether_or_not_anybody_answers(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("starlette==1.10.0\n", encoding="utf-8")
    with pytest.raises(LockUnreadable):
        ask(lock)
