"""How commands speak: results on standard output, progress and refusals on standard error."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from time import perf_counter
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from app.domain.base import DomainError

out: Final = Console(highlight=False, soft_wrap=True)
_err: Final = Console(highlight=False, stderr=True)


_JAKARTA: Final = timezone(timedelta(hours=7))


class Refusal(Exception):
    """What was asked for cannot be done; the message is one sentence that says what to do instead."""


def said(error: DomainError) -> str:
    """The text of ``error`` in the language of the terminal: Indonesian where the locale is, English elsewhere."""
    return error.indonesian if speaks_indonesian() else error.english


def briefly(error: BaseException) -> str:
    """The first line of what ``error`` says: PostgreSQL adds details, which may quote a row."""
    return str(error).partition("\n")[0]


def speaks_indonesian() -> bool:
    """Whether the locale of the environment is Indonesian."""
    locale = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return locale.startswith("id")


def today() -> date:
    """The date in Jakarta."""
    return datetime.now(_JAKARTA).date()


def day_given(text: str | None, option: str) -> date:
    """The date that ``text``, given to ``option``, names; today in Jakarta where nothing was given.

    Raises:
        Refusal: it names none.
    """
    try:
        return today() if text is None else date.fromisoformat(text)
    except ValueError:
        raise Refusal(f"{text} is no day: write {option} 2026-10-01.") from None


def tell(markup: str) -> None:
    """Print a line beside the results, in Rich's markup."""
    _err.print(markup, soft_wrap=True)


def plain(text: str) -> None:
    """Print a line of results as it is, so that it can be copied or piped."""
    out.print(text, markup=False, emoji=False)


class Step:
    """One piece of long work that a person watches."""

    def __init__(self, progress: Progress, title: str, total: int | None) -> None:
        self._progress = progress
        self._task = progress.add_task(title, total=total, note="")
        self.note = ""

    def at(self, completed: int, note: str = "", *, total: int | None = None) -> None:
        """Move the bar to ``completed``, of ``total`` where that is not what it was, and say ``note`` beside it."""
        self._progress.update(self._task, completed=completed, total=total, note=note)

    def done(self, note: str) -> None:
        """Say what came of it on the line that stays."""
        self.note = note


@contextmanager
def step(title: str, total: int | None = None, *, keep: bool = True) -> Iterator[Step]:
    """Show ``title`` and how far it is; with ``keep``, leave one line with its result and duration when it is done."""
    columns = (
        SpinnerColumn("line"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
    )
    started = perf_counter()
    with Progress(*columns, console=_err, transient=True, disable=not _err.is_terminal) as progress:
        work = Step(progress, title, total)
        yield work
    if keep:
        result = f"{title}: {work.note}" if work.note else title
        tell(f"{escape(result)} [dim]({perf_counter() - started:.1f} s)[/dim]")
