"""Rules of the house that import-linter cannot tell: who opens connections, who makes scopes, where things are put."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import app
import migrations
import policies
from app.authz.permissions import Permission

ROOT = Path(app.__file__).parent.parent
APP = ROOT / "app"
TESTS = Path(__file__).parent.parent
LONGEST_FILE = 450

OPENERS = {"app/tenants/session.py", "app/tenants/server.py", "app/tenants/migrate.py"}
DRIVER_CALLS = {"connect", "create_pool", "create_engine", "create_async_engine", "AsyncEngine", "Connection"}
DRIVERS = {"asyncpg", "psycopg", "psycopg2", "sqlalchemy"}
OF_AUTHZ = {"principals"}
"""Permissions about what `app.authz` keeps itself."""
WITHOUT_SCHEMA = {"uploads"}
"""Contexts that are reached by REST alone, with the permissions of those that they serve."""
SCHEMA_FRAME = {
    "calling", "context", "enums", "errors", "examination", "ids", "language", "me", "mutations", "node", "opening", "operations", "paging",
    "plan", "previewing", "proving", "root", "scalars", "subscriptions", "text",
}  # fmt: skip
TEST_FRAME = {
    "architecture", "attacks", "authz", "bench", "cli", "differential", "fuzz", "http", "imports", "isolation", "plan", "plan_shapes",
    "schema", "support", "tenants", "tools", "web",
}  # fmt: skip
CONTEXTS = {permission.value.partition(":")[0] for permission in Permission} - OF_AUTHZ
_EXCUSE = re.compile(r"#\s*(noqa|type: ignore)\b")
_REASON = re.compile(r"#\s*noqa: [A-Z0-9, ]+?\s+\(.+\)$|#\s*type: ignore\[[\w, -]+\]\s+#\s*\S.+$")


def sources(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def calls(path: Path) -> Iterator[tuple[str, ...]]:
    """Every call of a file as the names that lead to it: ``asyncpg.connect(...)`` is ("asyncpg", "connect")."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield tuple(reversed(list(_names(node.func))))


def _names(node: ast.expr) -> Iterator[str]:
    while isinstance(node, ast.Attribute):
        yield node.attr
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


def imported_from(path: Path) -> dict[str, str]:
    """The names that a file imports, with the top package that each comes from."""
    names: dict[str, str] = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: (node.module or "").partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: alias.name.partition(".")[0] for alias in node.names}
    return names


def test_only_three_modules_of_tenants_open_connections() -> None:
    openers = set()
    for path in sources(APP):
        packages = imported_from(path)
        if any(call and call[-1] in DRIVER_CALLS and packages.get(call[0]) in DRIVERS for call in calls(path)):
            openers.add(name_of(path))
    assert openers == OPENERS


def test_addresses_are_connected_to_by_tenants_and_the_command_line_alone() -> None:
    users = {
        name_of(path)
        for path in sources(APP)
        if any(call[-2:] in {(role, "connect") for role in ("admin", "app", "loader")} for call in calls(path))
    }
    assert all(user.startswith(("app/tenants/", "app/cli/")) for user in users), users


def test_only_authorize_makes_a_tenant_scope() -> None:
    makers = {name_of(path) for path in sources(APP) if any("TenantScope" in call for call in calls(path))}
    assert makers == {"app/authz/authorize.py"}


def test_no_file_of_the_application_is_longer_than_anybody_reads() -> None:
    long = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in sources(APP)}
    assert {name: lines for name, lines in long.items() if lines > LONGEST_FILE} == {}


def test_every_exception_from_the_rules_says_why() -> None:
    silent = []
    for path in sources(APP, Path(migrations.__file__).parent):
        lines = path.read_text(encoding="utf-8").splitlines()
        starts = {
            node.end_lineno: node.lineno
            for node in ast.walk(ast.parse("\n".join(lines)))
            if isinstance(node, ast.stmt) and node.end_lineno is not None
        }
        for number, line in enumerate(lines, start=1):
            begins = starts.get(number, number)
            above = [lines[at - 1].strip() for at in {number - 1, number - 2, begins - 1, begins - 2} if at > 0]
            if _EXCUSE.search(line) and not _REASON.search(line) and not any(each.startswith("#") for each in above):
                silent.append(f"{name_of(path)}:{number}: {line.strip()}")
    assert silent == []


@pytest.mark.parametrize("context", sorted(CONTEXTS))
def test_a_context_has_the_same_name_in_every_drawer(context: str) -> None:
    assert (APP / "domain" / context / "__init__.py").exists()
    assert (APP / "schema" / f"{context}.py").exists() or (APP / "schema" / context / "__init__.py").exists()
    assert (Path(policies.__file__).parent / f"{context}.csv").exists()
    assert (TESTS / context / "__init__.py").exists()


def test_every_drawer_holds_contexts_and_its_frame_and_nothing_else() -> None:
    domain = {path.name for path in (APP / "domain").iterdir() if (path / "__init__.py").exists()}
    assert domain == CONTEXTS | WITHOUT_SCHEMA
    schema = {
        path.stem for path in (APP / "schema").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert schema - {"__init__"} == CONTEXTS | OF_AUTHZ | SCHEMA_FRAME
    assert {path.stem for path in Path(policies.__file__).parent.glob("*.csv")} == CONTEXTS | OF_AUTHZ | {"roles"}
    tested = {path.name for path in TESTS.iterdir() if (path / "__init__.py").exists()}
    assert tested <= CONTEXTS | WITHOUT_SCHEMA | OF_AUTHZ | TEST_FRAME
