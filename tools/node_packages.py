"""Packages for Node: installed by npm at first use, as the lock beside a ``package.json`` says, and kept for later runs.

Tests and benches need Node for what they compare Kesos with, and do without where it is not to be had.
"""

import hashlib
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

CACHE: Final = Path(__file__).parents[1] / ".cache" / "node"
OLDEST_NODE: Final = 20
INSTALL_SECONDS: Final = 300


@cache
def installed(package: Path) -> Path | str:
    """The folder ``node_modules`` with what the folder ``package`` asks for, or a sentence that says why there is none."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return "Node and npm are not on this machine"
    if (version := version_of(Path(node))) < OLDEST_NODE:
        return f"Node {version} is older than {OLDEST_NODE}"
    lock = (package / "package-lock.json").read_bytes()
    folder = CACHE / hashlib.sha256(lock).hexdigest()[:16]
    return (_install(npm, package, folder) if not folder.exists() else None) or folder / "node_modules"


def version_of(node: Path) -> int:
    """The major version of a ``node``."""
    told = _run([str(node), "--version"], node.parent).stdout.strip()
    return int(told.removeprefix("v").partition(".")[0])


def _install(npm: str, package: Path, folder: Path) -> str | None:
    """Fill ``folder``; why that failed, if it did. It appears whole: another run may do the same now."""
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE.parent / ".gitignore").write_text("*\n", encoding="utf-8")
    with tempfile.TemporaryDirectory(dir=CACHE, ignore_cleanup_errors=True) as made:
        draft = Path(made) / "draft"
        shutil.copytree(package, draft)
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
