"""What tests run in Node: installed by npm at first use, as the lock beside ``package.json`` says, and kept for later runs."""

import hashlib
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent / "node"
CACHE = Path(__file__).parents[2] / ".cache" / "node"
OLDEST_NODE = 20
INSTALL_SECONDS = 300


def node_modules() -> Path:
    """The folder ``node_modules`` with the packages of ``package.json``; skips the test where it cannot be had."""
    found = _installed()
    if isinstance(found, str):
        pytest.skip(found)
    return found


@cache
def _installed() -> Path | str:
    """The folder, or why there is none."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return "Node and npm are not on this machine"
    version = _run([node, "--version"], PACKAGE).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        return f"Node {version} is older than {OLDEST_NODE}"
    lock = (PACKAGE / "package-lock.json").read_bytes()
    folder = CACHE / hashlib.sha256(lock).hexdigest()[:16]
    return (_install(npm, folder) if not folder.exists() else None) or folder / "node_modules"


def _install(npm: str, folder: Path) -> str | None:
    """Fill ``folder``; why that failed, if it did. It appears whole: another run of the tests may do the same now."""
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE.parent / ".gitignore").write_text("*\n", encoding="utf-8")
    with tempfile.TemporaryDirectory(dir=CACHE, ignore_cleanup_errors=True) as made:
        draft = Path(made) / "draft"
        shutil.copytree(PACKAGE, draft)
        try:
            done = _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], draft)
        except subprocess.TimeoutExpired:
            return f"npm needed more than {INSTALL_SECONDS} seconds"
        if done.returncode != 0:
            errors = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
            return f"npm could not install the packages: {errors[0] if errors else done.returncode}"
        try:
            draft.rename(folder)
        except OSError:
            if not folder.exists():
                raise
    return None


def _run(command: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603  (node and npm, with arguments written here)
        command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
    )
