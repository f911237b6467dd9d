"""What the benches compare Kesos with, as far as it does not need Node."""

import json
from pathlib import Path
from typing import Final

import pytest

from bench.peer.process import PACKAGE, pg_settings
from bench.peer.questions import in_one_form
from tests.support.node import PACKAGE as OF_TESTS
from tools import node_packages

_ROW: Final = "01a2008d-7400-7000-aa53-a11f3243b409"


@pytest.mark.parametrize("package", [PACKAGE, OF_TESTS], ids=["benches", "tests"])
def test_a_lock_pins_every_package_by_its_hash_and_names_no_registry(package: Path) -> None:
    lock = json.loads((package / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    asked = json.loads((package / "package.json").read_text(encoding="utf-8"))
    root = lock.pop("")
    for kind in ("dependencies", "optionalDependencies"):
        assert root.get(kind) == asked.get(kind)
        for name, version in asked.get(kind, {}).items():
            assert lock[f"node_modules/{name}"]["version"] == version
    for name, entry in lock.items():
        assert entry["integrity"].startswith("sha512-"), name
        assert "resolved" not in entry, name


def test_without_node_there_is_a_reason_and_no_peer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert node_packages.installed(tmp_path) == "Node and npm are not on this machine"


def test_packages_that_cannot_be_had_are_a_reason_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, script in (("node", "echo v24.1.0"), ("npm", "echo 'npm error network' >&2; exit 1")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(node_packages, "CACHE", tmp_path / "cache" / "node")
    package = tmp_path / "package"
    package.mkdir()
    (package / "package-lock.json").write_text("{}", encoding="utf-8")
    assert node_packages.installed(package) == "npm could not install the packages: npm error network"
    assert not list((tmp_path / "cache" / "node").iterdir())


def test_the_peer_is_told_the_scope_that_kesos_has() -> None:
    scope = (3302, 3302, 3302000000, 3302999999, "", f"{{{_ROW}}}", None)
    assert pg_settings(scope) == {
        "app.regency_low": "3302",
        "app.regency_high": "3302",
        "app.village_low": "3302000000",
        "app.village_high": "3302999999",
        "app.entities": f"{{{_ROW}}}",
    }


def test_answers_of_both_are_compared_by_what_they_say() -> None:
    kesos = {
        "families": {"nodes": [{"id": f"Family:3302:{_ROW}", "village": {"code": "33.02.01.2001", "name": "A"}}]},
        "district": {"code": "33.02.01", "name": "B"},
        "amount": 600000,
    }
    peer = {
        "families": [{"regencyId": 3302, "rowId": _ROW, "village": {"code": "33.02.01.2001", "name": "A"}}],
        "village": {"code": "33.02.01.2001", "name": "A", "district": {"code": "33.02.01", "name": "B"}},
        "amount": "600000",
    }
    village = {"village": {"code": "33.02.01.2001", "name": "A"}}
    assert in_one_form(kesos | village) == in_one_form(peer)
    assert in_one_form(kesos | village) != in_one_form(peer | {"amount": "600001"})
