"""What a serving process writes about itself: one line an event on standard error, without personal data.

The application logs through ``logging``, a constant message with its values in ``extra``; libraries log as they like. Both end here
as JSON. Three rules keep persons out of it:

- Messages are written as the program has them, never with values put in. What a library has put together itself is cut where values begin.
- An exception is its type and where it was raised, never what it says: PostgreSQL quotes rows, pydantic quotes input.
- Whatever is written passes a last guard that masks runs of sixteen digits and tokens.
"""

import json
import logging
import os
import re
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, TextIO, cast
from uuid import UUID

import orjson
import structlog
from cachetools import LRUCache
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

import app

_OWN: Final = ("app", "kesos")
_MOST_FRAMES: Final = 24
_MOST_EXCEPTIONS: Final = 6
_LONGEST_HEAD: Final = 120
_SELDOM_SECONDS: Final = 10.0
_MOST_MESSAGES: Final = 256
_HEAD: Final = re.compile(r"[^\n'\"<(\[{=:\d]*")
_WRITTEN_FRAME: Final = re.compile(r'^ *File "([^"\n]+)", line (\d+), in (\S+)$', re.MULTILINE)
_WRITTEN_TYPE: Final = re.compile(r"^([A-Za-z_][\w.]*)(?=:|$)", re.MULTILINE)
_PERSONAL: Final = re.compile(r"(?<=[:\[,.-])(\d{16,})(?=[\]},.eE])|\d{16,}|eyJ[\w-]{8,}(?:\.[\w-]*)*")
"""The group is what may be a number of JSON, which only another number may replace."""

_MADE_UP: Final = re.compile(r"[0-9a-fA-F-]{32,36}")
_MASK: Final = "********"
_ABOUT_ERRORS: Final = ("sqlstate", "errno", "constraint_name", "table_name", "column_name")
"""Attributes of exceptions that name things of the database or the system, never values."""

_log = logging.getLogger(__name__)


class Ongoing(Protocol):
    """The request that a line belongs to."""

    @property
    def request_id(self) -> str:
        """As the caller was told it."""

    @property
    def principal_id(self) -> UUID | None:
        """Who asks; None before that is known, and for somebody without a token."""

    @property
    def is_over(self) -> bool:
        """Whether it has been answered: what a connection does afterwards is not its doing."""


ongoing: Final[ContextVar[Ongoing | None]] = ContextVar("ongoing", default=None)


def masked(text: str) -> str:
    """``text`` without what could be a NIK, a KK or a token."""
    return _PERSONAL.sub(lambda found: "0" if found[1] else _MASK, text)


def identified(request_id: str) -> str:
    """``request_id`` as it is written: a caller may bring one of its own, and only what a machine makes up tells nobody's name."""
    if _MADE_UP.fullmatch(request_id):
        return masked(request_id)
    return f"sha256-{sha256(request_id.encode(errors='replace')).hexdigest()[:16]}"


def configure(level: str, *, readable: bool = False) -> None:
    """Let everything that this process logs at ``level`` or above go to standard error.

    ``readable`` is for the terminal of a developer, whose persons are synthetic: lines for the eye, whole tracebacks. Libraries are
    heard from warnings upwards: what they say below that is about bytes on the wire.
    """
    structlog.configure(
        processors=[structlog.processors.add_log_level, _stamped, _console() if readable else _bytes],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
    )
    handler = _Handler(sys.stderr)
    handler.addFilter(_Seldom())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                _named,
                _worded,
                _stamped,
                _belonging,
                *([] if readable else [_without_messages]),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _guarded(_console() if readable else _bytes),
            ],
            use_get_message=False,
            pass_foreign_args=True,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))
    for name in _OWN:
        logging.getLogger(name).setLevel(level)
    if not readable:
        _log_what_python_prints()


def request_line() -> FilteringBoundLogger | None:
    """What writes the line of a request; None where nobody has called ``configure``.

    The line bypasses ``logging`` and the guard, which take twice as long as everything else about it: its values must be UUIDs,
    numbers, and names that have passed ``masked``.
    """
    return structlog.get_logger().bind() if structlog.is_configured() else None


class _Handler(logging.StreamHandler[TextIO]):
    """Writes lines."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (logging's name)
        """Say that a line could not be made. Left to itself, logging would print it with all its values."""
        lost = {
            "event": "a line could not be made",
            "level": "error",
            "logger": record.name,
            "at": f"{_place(record.pathname)}:{record.lineno}",
        }
        with suppress(OSError, ValueError):
            self.stream.write(json.dumps(lost) + self.terminator)


class _Seldom(logging.Filter):
    """Libraries are heard from warnings upwards, and the same one once in ten seconds: strangers can provoke some of them at will."""

    def __init__(self) -> None:
        super().__init__()
        self._heard: LRUCache[tuple[str, str], float] = LRUCache(_MOST_MESSAGES)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether ``record`` is heard."""
        if _is_own(record):
            return True
        if record.levelno < logging.WARNING:
            return False
        if record.exc_info:
            return True
        message = record.name, str(record.msg)
        if record.created < self._heard.get(message, 0.0) + _SELDOM_SECONDS:
            return False
        self._heard[message] = record.created
        return True


def _stamped(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    event["timestamp"] = datetime.now(UTC).isoformat(timespec="microseconds")
    event["process"] = os.getpid()
    return event


def _named(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    event["logger"] = event["_record"].name
    return event


def _is_own(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] in _OWN


def _worded(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """The message as the program has it; of what a library has put together, its head, and the frames of a traceback in it."""
    record: logging.LogRecord = event["_record"]
    event.pop("stack_info", None)
    values = event.pop("positional_args")
    if _is_own(record):
        if values:
            event["event"] %= values
        standard = logging.makeLogRecord({}).__dict__
        event.update(
            {name: value for name, value in record.__dict__.items() if name not in standard and name != "message"}
        )
        return event
    if not isinstance(record.msg, str):
        event["event"] = type(record.msg).__name__
        return event
    text = record.msg.encode(errors="replace").decode()
    head = _HEAD.match(text)
    event["event"] = head[0].strip()[:_LONGEST_HEAD] if head is not None else ""
    if frames := _WRITTEN_FRAME.findall(text):
        event["written"] = {
            "types": _WRITTEN_TYPE.findall(text)[-_MOST_EXCEPTIONS:],
            "at": [f"{_place(file)}:{line} {name}" for file, line, name in frames[-_MOST_FRAMES:]],
        }
    return event


def _belonging(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    request = ongoing.get()
    if request is not None and not request.is_over:
        event["request_id"] = request.request_id
        if request.principal_id is not None:
            event.setdefault("principal_id", request.principal_id)
    elif "request_id" in event:
        event["request_id"] = identified(str(event["request_id"]))
    return event


def _without_messages(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    exc_info = event.pop("exc_info", None)
    if exc_info is not None and exc_info[1] is not None:
        event["exceptions"] = [described(error) for error in chain(exc_info[1])]
    return event


def chain(error: BaseException) -> list[BaseException]:
    """``error``, then what it was raised from, and the parts of groups, at most six in all."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting and len(found) < _MOST_EXCEPTIONS:
        next_one = waiting.pop(0)
        if next_one is None or any(next_one is known for known in found):
            continue
        found.append(next_one)
        if isinstance(next_one, BaseExceptionGroup):
            waiting += next_one.exceptions
        waiting.append(next_one.__cause__ or (None if next_one.__suppress_context__ else next_one.__context__))
    return found


def described(error: BaseException) -> dict[str, Any]:
    """The type of ``error``, where it was raised (innermost last), and what names no value; never what it says."""
    told: dict[str, Any] = {"type": type_name(error), "at": list(_frames(error.__traceback__))[-_MOST_FRAMES:]}
    for name in _ABOUT_ERRORS:
        value = getattr(error, name, None)
        if isinstance(value, str | int):
            told[name] = value
    return told


def type_name(error: BaseException) -> str:
    """The full name of the class of ``error``, without ``builtins``."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _frames(traceback: TracebackType | None) -> Iterator[str]:
    while traceback is not None:
        code = traceback.tb_frame.f_code
        yield f"{_place(code.co_filename)}:{traceback.tb_lineno} {code.co_qualname}"
        traceback = traceback.tb_next


@lru_cache(maxsize=1024)
def _place(file: str) -> str:
    """The path of ``file`` from the folder that Python found it in: where that is differs from machine to machine."""
    folders = [str(Path(app.__file__).parent.parent), *filter(None, sys.path)]
    inside = [folder for folder in folders if file.startswith(folder.rstrip("/") + "/")]
    return file.removeprefix(max(inside, key=len, default="")).lstrip("/")


def _guarded(render: Processor) -> Processor:
    """What ``render`` makes of a line, which nothing touches after the guard."""

    def guard(logger: WrappedLogger, name: str, event: EventDict) -> str:
        return masked(cast("bytes", render(logger, name, event)).decode())

    return guard


def _bytes(_logger: WrappedLogger, _name: str, event: EventDict) -> bytes:
    try:
        return orjson.dumps(event, default=_class_name, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    except orjson.JSONEncodeError:
        # A lone surrogate, or an integer of more than 64 bits: slower, and better than no line.
        return json.dumps(event, default=_class_name, separators=(",", ":")).encode()


def _console() -> Processor:
    render = structlog.dev.ConsoleRenderer(colors=True, exception_formatter=structlog.dev.plain_traceback)
    return lambda logger, name, event: render(logger, name, event).encode()


def _class_name(value: object) -> str:
    # What is neither text nor number might print a person: its class will do.
    return str(value) if isinstance(value, UUID) else type(value).__name__


def _log_what_python_prints() -> None:
    """What ends a thread or a process, what cannot be raised, and warnings would otherwise print what they quote."""

    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None, *, event: str) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        _log.critical(event, exc_info=(kind, error, trace))

    def in_thread(told: threading.ExceptHookArgs) -> None:
        if told.exc_value is not None:
            uncaught(told.exc_type, told.exc_value, told.exc_traceback, event="a thread ended by an exception")

    def unraisable(told: "sys.UnraisableHookArgs") -> None:
        if told.exc_value is not None:
            uncaught(told.exc_type, told.exc_value, told.exc_traceback, event="an exception could not be raised")

    def warned(
        _message: Warning | str,
        category: type[Warning],
        file: str,
        line: int,
        _to: TextIO | None = None,
        _text: str | None = None,
    ) -> None:
        _log.warning("python warns", extra={"category": category.__name__, "at": f"{_place(file)}:{line}"})

    sys.excepthook = partial(uncaught, event="the process ended by an exception")
    threading.excepthook = in_thread
    sys.unraisablehook = unraisable
    # Under its own names of the parameters, half of which nobody needs.
    warnings.showwarning = cast("Any", warned)
