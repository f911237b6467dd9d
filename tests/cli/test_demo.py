"""`kesos demo`, as somebody who has just cloned the project meets it, and the commands beside it while it runs."""

import base64
import json
import re
import shutil
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.authz.roles import Role
from app.cli.people import ROLES_WITHOUT_TOKEN
from tests.cli.terminal import ROOT, Demo, Terminal

pytestmark = pytest.mark.long

FAMILIES = 300
EXAMPLE = str(ROOT / "docs" / "examples" / "penduduk.csv")
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl to paste the command into")


def subject_of(token: str) -> str:
    """Whom a token names; its signature is looked at elsewhere."""
    body = token.strip().split(".")[1]
    subject: str = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["sub"]
    return subject


@pytest.fixture(scope="module")
def terminal(shared_folder: Path) -> Terminal:
    return Terminal(shared_folder)


@pytest.fixture(scope="module")
def first(terminal: Terminal) -> Iterator[Demo]:
    with terminal.demo("--families", str(FAMILIES)) as demo:
        yield demo


@pytest.fixture(scope="module")
def told(first: Demo) -> str:
    return first.out


def test_there_is_a_token_for_every_role_in_the_output_and_in_a_file_of_its_own(terminal: Terminal, told: str) -> None:
    printed = dict(re.findall(r"^([A-Z_2-]+) .* (eyJ\S+)$", told, re.MULTILINE))
    second = {"2-MINISTRY_ADMIN", "2-REGENCY_APPROVER"}
    assert printed.keys() == {role.value for role in Role if role not in ROLES_WITHOUT_TOKEN} | second
    assert printed["2-REGENCY_APPROVER"] != printed["REGENCY_APPROVER"]
    (file,) = (terminal.data_dir / "tokens").glob("PSM-33.02.*.txt")
    assert file.read_text().strip() == printed["PSM"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@needs_curl
def test_the_printed_curl_gives_the_printed_answer(terminal: Terminal, told: str) -> None:
    command = told[told.index("curl -s") : told.index("\n\nIt answers")]
    answer = json.loads(terminal.shell(command))["data"]["registrySummary"]
    total = answer["total"]
    assert 0 < total["families"] <= FAMILIES
    assert total["families"] == sum(row["counts"]["families"] for row in answer["rows"])
    assert f'"total": {json.dumps(total)}' in told
    assert json.dumps(answer["rows"][0]) in told


def test_commands_work_beside_the_demo_and_leave_it_running(terminal: Terminal, first: Demo) -> None:
    imported = terminal.kesos("import", "opensid", EXAMPLE, "--village", "33.02.01.2001")
    assert (imported.code, imported.err) == (0, "")
    assert imported.out.startswith("3 families and 8 persons registered in 33.02.01.2001;")
    again = terminal.kesos("import", "opensid", EXAMPLE, "--village", "33.02.01.2001")
    assert again.out.startswith("0 families and 0 persons registered in 33.02.01.2001; 3 families and 8 persons were")
    elsewhere = terminal.kesos("import", "opensid", EXAMPLE, "--village", "33.02.01.2002")
    assert elsewhere.code == 1
    assert len(re.findall(r"^ +\d+  no_kk .*\[KK_REGISTERED_ELSEWHERE\]$", elsewhere.out, re.MULTILINE)) == 8
    assert elsewhere.err.count("\n") == 1
    token = terminal.kesos("token", "--role", "tksk", "--region", "33.02.01")
    assert re.fullmatch(r"eyJ[\w.-]+\n", token.out)
    second = terminal.kesos("token", "--role", "REGENCY_APPROVER", "--region", "33.02", "--person", "2")
    (kept,) = (terminal.data_dir / "tokens").glob("2-REGENCY_APPROVER-33.02.txt")
    assert subject_of(second.out) == subject_of(kept.read_text()) == "dev:REGENCY_APPROVER:33.02:2"
    checked = terminal.kesos("check")
    # One line for the totals, one for the ledger, and one for the seals of each of both chains.
    assert (checked.code, checked.out.count("\n")) == (0, 5)
    assert first.runs


def test_a_busy_port_is_named_before_anything_else_is_done(terminal: Terminal, told: str) -> None:
    found = re.search(r"GraphiQL: http://127.0.0.1:(\d+)/graphql", told)
    assert found is not None
    refused = terminal.kesos("demo", "--port", found[1])
    assert refused.code == 1
    assert refused.err == (
        f"kesos: Port {found[1]} of 127.0.0.1 is in use: stop the program that uses it, or choose another with --port.\n"
    )


def test_ctrl_c_leaves_no_process_and_the_next_start_keeps_the_data(terminal: Terminal, first: Demo) -> None:
    assert first.stop(signal.SIGINT) == 0
    assert terminal.processes() == []
    with terminal.demo("--families", str(FAMILIES + 1)) as second:
        # Three families came with the file.
        assert f"Synthetic families: {FAMILIES + 3} are there already and stay, not {FAMILIES + 1};" in second.err
        assert second.stop(signal.SIGTERM) == 0
    assert terminal.processes() == []


def test_after_a_kill_the_next_start_goes_on_and_ends_cleanly(terminal: Terminal, first: Demo) -> None:
    assert not first.runs
    with terminal.demo() as killed:
        killed.stop(signal.SIGKILL)
    assert terminal.processes() != []
    with terminal.demo() as next_one:
        assert next_one.stop(signal.SIGHUP) == 0
    assert terminal.processes() == []
