"""How a line comes about: from our own code, from libraries, and from what Python itself would print."""

import asyncio
import io
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog

from app.web import logs

NIK = "3302015708900071"
TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln"


class Log:
    """What was written since it was configured."""

    def __init__(self) -> None:
        self.file = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)

    def configure(self, *, readable: bool = False) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stderr", self.file)
            logs.configure("INFO", readable=readable)

    @property
    def text(self) -> str:
        buffer = self.file.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def line(self) -> dict[str, Any]:
        (line,) = self.lines
        return line


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    """Logs as a serving process has them, and pytest's own again afterwards."""
    log = Log()
    root = logging.getLogger()
    handlers, level, own = (
        root.handlers[:],
        root.level,
        {name: logging.getLogger(name).level for name in ("app", "kesos")},
    )
    for module, name in (
        (sys, "excepthook"),
        (sys, "unraisablehook"),
        (warnings, "showwarning"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name))
    log.configure()
    yield log
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, known in own.items():
        logging.getLogger(name).setLevel(known)


class Asked:
    """A request that goes on, or is over."""

    request_id = str(uuid4())
    principal_id: UUID | None = uuid4()
    is_over = False


def test_our_code_gives_a_constant_message_and_named_values(log: Log) -> None:
    logging.getLogger("app.somewhere").info("the tree was read", extra={"regions": 514, "by": UUID(int=7)})
    assert (
        log.line.items()
        >= {
            "event": "the tree was read",
            "level": "info",
            "logger": "app.somewhere",
            "regions": 514,
            "by": str(UUID(int=7)),
        }.items()
    )


def test_a_value_that_is_neither_text_nor_number_is_told_by_its_class(log: Log) -> None:
    logging.getLogger("app.x").info("read", extra={"row": Asked(), "rows": [{NIK: Asked()}], "many": 2**80})
    assert (log.line["row"], log.line["rows"]) == ("Asked", [{"********": "Asked"}])


def test_runs_of_sixteen_digits_and_tokens_are_masked_wherever_they_stand(log: Log) -> None:
    extra = {"token": TOKEN, NIK: "\ud800", "list": [f"a{NIK}1b", int(NIK), -int(NIK), f"({NIK})", f"1,{NIK},"]}
    logging.getLogger("app.x").info("of %s", NIK, extra=extra)
    assert NIK not in log.text
    assert "eyJ" not in log.text
    assert log.line["event"] == "of ********"
    assert log.line["list"] == ["a********b", 0, 0, "(********)", "1,0,"]


def test_libraries_are_heard_from_warnings_upwards_and_without_values(log: Log) -> None:
    library = logging.getLogger("library.of.others")
    library.setLevel(logging.DEBUG)
    library.info("not heard")
    library.warning("row %s of %s is odd", "Siti", NIK, extra={"row": "Siti"})
    library.warning("row of 'Siti' is odd\nwith Siti")
    library.error(ValueError("Siti"))
    assert [line["event"] for line in log.lines] == ["row %s of %s is odd", "row of", "ValueError"]
    assert "Siti" not in log.text


def test_what_a_stranger_can_make_a_library_say_is_said_seldom(log: Log) -> None:
    for _ in range(1_000):
        logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    logging.getLogger("uvicorn.error").warning("Unsupported upgrade request.")
    assert len(log.lines) == 2


def test_an_exception_is_its_type_and_its_places_and_so_are_its_causes(log: Log) -> None:
    def fail() -> None:
        try:
            int(f"Siti {NIK}")
        except ValueError as error:
            raise LookupError("Siti") from error

    try:
        fail()
    except LookupError:
        logging.getLogger("app.x").exception("it failed")
    outer, inner = log.line["exceptions"]
    assert (outer["type"], inner["type"]) == ("LookupError", "ValueError")
    assert outer["at"][-1].startswith("tests/web/test_logs.py:")
    assert outer["at"][-1].endswith("fail")
    assert "Siti" not in log.text


def test_every_part_of_a_group_is_told(log: Log) -> None:
    group = ExceptionGroup("Siti", [OSError(111, "Siti"), KeyError("Siti")])
    logging.getLogger("app.x").error("both failed", exc_info=group)
    assert [error["type"] for error in log.line["exceptions"]] == [
        "ExceptionGroup",
        "ConnectionRefusedError",
        "KeyError",
    ]
    assert log.line["exceptions"][1]["errno"] == 111
    assert "Siti" not in log.text


def test_of_a_traceback_that_a_library_wrote_out_types_and_places_are_left(log: Log) -> None:
    written = (
        'Traceback (most recent call last):\n  File "/srv/x.py", line 7, in start\n    connect("Siti")\n'
        "asyncpg.exceptions.InvalidPasswordError: password of Siti is wrong\n"
    )
    logging.getLogger("uvicorn.error").error(written)
    assert log.line["written"]["types"][-1] == "asyncpg.exceptions.InvalidPasswordError"
    assert log.line["written"]["at"] == ["srv/x.py:7 start"]
    assert "Siti" not in log.text


def test_a_line_belongs_to_the_request_that_goes_on_and_to_none_that_is_over(log: Log) -> None:
    asked = Asked()
    token = logs.ongoing.set(asked)
    try:
        logging.getLogger("app.x").info("during")
        asked.is_over = True
        logging.getLogger("app.x").info("after")
    finally:
        logs.ongoing.reset(token)
    during, after = log.lines
    assert (during["request_id"], during["principal_id"]) == (asked.request_id, str(asked.principal_id))
    assert "request_id" not in after


@pytest.mark.parametrize("given", ["Siti", NIK, f"{NIK}-Siti", "Siti" * 9])
def test_an_id_that_a_caller_made_up_is_told_by_its_digest(given: str) -> None:
    assert logs.identified(given).startswith("sha256-")
    assert logs.identified(given) == logs.identified(given)
    assert logs.identified(str(UUID(int=5))) == str(UUID(int=5))


async def test_a_task_that_nobody_waits_for_says_its_type_and_nothing_more(log: Log) -> None:
    async def fail() -> None:
        raise ValueError(f"Siti {NIK}")

    task = asyncio.create_task(fail())
    await asyncio.wait([task])
    # As the event loop does it when the task is collected.
    asyncio.get_running_loop().call_exception_handler(
        {"message": "Task exception was never retrieved", "exception": task.exception(), "task": task}
    )
    assert log.line["event"] == "Task exception was never retrieved"
    assert log.line["exceptions"][0]["type"] == "ValueError"
    assert "Siti" not in log.text


@pytest.mark.filterwarnings("always")
def test_a_warning_is_its_kind_and_its_place(log: Log) -> None:
    warnings.warn(f"Siti {NIK}", RuntimeWarning, stacklevel=1)
    assert log.line["category"] == "RuntimeWarning"
    assert log.line["at"].startswith("tests/web/test_logs.py:")
    assert "Siti" not in log.text


def test_a_line_that_cannot_be_made_prints_nothing_of_its_values(log: Log) -> None:
    record = logging.makeLogRecord({"name": "app.x", "msg": "%d of %d", "args": ("Siti",), "levelno": logging.INFO})
    # pytest's own handler would raise instead.
    next(handler for handler in logging.getLogger().handlers if handler.filters).handle(record)
    assert log.line["event"] == "a line could not be made"
    assert "Siti" not in log.text


@pytest.mark.parametrize("how", ["raise ValueError('Siti')", "threading.Thread(target=int, args=['Siti']).start()"])
def test_what_would_end_a_process_or_a_thread_is_a_line_too(how: str) -> None:
    program = f"import threading; from app.web import logs; logs.configure('INFO'); {how}"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)  # noqa: S603
    line = json.loads(ended.stderr)
    assert (line["level"], line["exceptions"][0]["type"]) == ("critical", "ValueError")
    assert "Siti" not in ended.stderr + ended.stdout


def test_a_terminal_of_a_developer_shows_what_the_exception_says(log: Log) -> None:
    log.configure(readable=True)
    try:
        int("seventeen")
    except ValueError:
        logging.getLogger("app.x").exception("it failed", extra={"nik": NIK})
    assert "invalid literal for int() with base 10: 'seventeen'" in log.text
    assert NIK not in log.text


def test_nothing_is_written_of_requests_before_the_process_is_set_up() -> None:
    assert logs.request_line() is None
