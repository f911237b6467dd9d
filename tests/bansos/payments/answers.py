"""Answers of banks, made as a test wants them."""

import io
from collections.abc import Callable, Sequence

from app.domain.bansos.models.payments import FileFormat, FileKind
from app.domain.bansos.payments.files import ANSWERS, BankFileReader, BankFileWriter, Header, Line, rows_of


def opened(content: bytes) -> tuple[Header, list[Line]]:
    """The header and the lines of a file."""
    reading = BankFileReader.of(rows_of(io.BytesIO(content)))
    return reading.header, list(reading.lines())


def written(header: Header, lines: Sequence[Line], format_: FileFormat = FileFormat.FIXED) -> bytes:
    """A file of ``lines``."""
    target = io.BytesIO()
    writer = BankFileWriter(target, format_, header)
    writer.write(lines)
    writer.end()
    return target.getvalue()


def answer_to(
    content: bytes,
    say: Callable[[int, Line], str] = lambda _number, _line: "OK",
    *,
    format_: FileFormat = FileFormat.FIXED,
    number: int = 1,
) -> bytes:
    """What a bank answers to a file that says ``say`` of each line, counted from 0."""
    header, lines = opened(content)
    kind = ANSWERS.get(header.kind, FileKind.TOP_UP_RESULT)
    answers = [line._replace(result=say(place, line)) for place, line in enumerate(lines)]
    return written(header._replace(kind=kind, number=number), answers, format_)
