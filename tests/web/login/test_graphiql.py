"""The page of GraphiQL: what its policy lets run, and that what it sends says where it comes from."""

import json
import re
import shutil
import subprocess

import pytest
from strawberry.http.ides import get_graphql_ide_html

from app.web.graphiql import graphiql_page

SCRIPT = re.compile(r'<script nonce="([\w-]+)"')
CALLS = """
const sent = [];
const window = { location: new URL("https://kesos.test/graphql"), fetch: (...call) => sent.push(call) };
RUN
window.fetch("/graphql", { headers: { accept: "x" }, method: "POST" });
window.fetch(new Request("https://kesos.test/graphql", { headers: { accept: "y" } }));
window.fetch("https://elsewhere.test/graphql", { headers: { accept: "x" } });
console.log(JSON.stringify(sent.map(([, options = {}]) => [options.method, Object.fromEntries(new Headers(options.headers))])));
"""


def policy_of(page: object) -> dict[str, list[str]]:
    header = page.headers["content-security-policy"]  # type: ignore[attr-defined]  # a Response
    return {name: values.split() for name, _, values in (part.strip().partition(" ") for part in header.split(";"))}


def test_every_script_has_the_nonce_of_its_page_and_no_other_runs() -> None:
    first, second = graphiql_page(), graphiql_page()
    (nonce,) = set(SCRIPT.findall(bytes(first.body).decode()))
    assert policy_of(first)["script-src"] == [f"'nonce-{nonce}'"]
    assert bytes(first.body).count(b"<script") == len(SCRIPT.findall(bytes(first.body).decode()))
    assert nonce not in bytes(second.body).decode()
    assert len(nonce) >= 22


def test_nothing_comes_from_where_graphiql_does_not_come_from() -> None:
    page = policy_of(graphiql_page())
    hosts = {host for values in page.values() for host in values if host.startswith("https:")}
    assert hosts
    assert all(f'"{host}/' in get_graphql_ide_html() for host in hosts)
    assert (page["default-src"], page["connect-src"], page["frame-ancestors"]) == (["'none'"], ["'self'"], ["'none'"])


def test_scripts_from_elsewhere_are_known_by_their_hash() -> None:
    scripts = re.findall(r"<script[^>]*\ssrc=[^>]*>", bytes(graphiql_page().body).decode())
    assert scripts
    assert all("integrity=" in script for script in scripts)


def test_requests_to_kesos_alone_say_that_its_page_sends_them() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not on this machine")
    html = bytes(graphiql_page().body).decode()
    first = html.index("<script")
    script = html[html.index(">", first) + 1 : html.index("</script>", first)]
    assert html.index("createFetcher") > first
    done = subprocess.run([node, "-e", CALLS.replace("RUN", script)], capture_output=True, text=True, check=True)  # noqa: S603
    assert json.loads(done.stdout) == [
        ["POST", {"accept": "x", "x-kesos-csrf": "1"}],
        [None, {"accept": "y", "x-kesos-csrf": "1"}],
        [None, {"accept": "x"}],
    ]
