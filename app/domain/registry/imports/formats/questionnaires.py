"""Questionnaires as data: which columns a version of Regsosek fills, and what its answer codes mean."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.resources import files
from typing import Any, Final, NamedTuple

from app.domain.registry.copy_text import Value
from app.domain.registry.imports import reading_findings as findings
from app.domain.registry.imports.cell_values import PRESENT, Memo, Parse
from app.domain.registry.imports.cells import CellRefused

KK: Final = "no kartu keluarga"
SPOUSE: Final = "SPOUSE"
"""The meaning of an answer that is wife or husband, which the sex tells."""
JOINED: Final = "|"
"""Between cells that are read as one."""
TEXTS: Final = frozenset({"hamlet", "name", "birth_date"})
"""Columns without codes whose text is no number."""
_ANSWER: Final = re.compile(r"(\d{1,2})(?:\.0)?(?:[.\s(].*)?", re.ASCII)
"""A code, or a code and its label: ``2``, ``02. Keramik``."""
_SPOUSES: Final = {"MALE": "HUSBAND", "FEMALE": "WIFE"}
_FIRST_YEAR: Final = 2000


class Question(NamedTuple):
    """One column of a sheet: its header, the column of ours that it fills, and what its codes mean there."""

    header: str
    column: str
    codes: Mapping[int, str] | None
    is_required: bool


class Aid(NamedTuple):
    """The three columns of a programme: whether it was received, and the month and year when it was last."""

    header: str
    month: str
    year: str
    column: str


class Sheet(NamedTuple):
    """What is read of one sheet."""

    name: str
    questions: tuple[Question, ...]
    aids: tuple[Aid, ...]
    cards: Mapping[int, str]
    """The columns of the bits of ``cards_header``."""
    cards_header: str

    @property
    def headers(self) -> list[str]:
        """All headers that the sheet must have."""
        of_aid = [header for aid in self.aids for header in (aid.header, aid.month, aid.year)]
        cards = [self.cards_header] if self.cards else []
        return [KK, *(question.header for question in self.questions), *cards, *of_aid]


class Questionnaire(NamedTuple):
    """One version of the questionnaire: what is read of each sheet."""

    version: str
    place: Sheet
    housing: Sheet
    members: Sheet
    belongings: Sheet


def questionnaire(file: str = "regsosek_2022k.toml") -> Questionnaire:
    """The version of the questionnaire that a file of this package describes."""
    said = tomllib.loads((files("app.domain.registry.imports.formats") / file).read_text(encoding="utf-8"))
    return Questionnaire(
        said["version"], *(_sheet(said[name]) for name in ("place", "housing", "members", "belongings"))
    )


def _sheet(said: Mapping[str, Any]) -> Sheet:
    cards = said.get("cards", {"header": "", "bits": {}})
    return Sheet(
        said["sheet"],
        tuple(
            Question(each["header"], each["column"], _codes(each.get("codes")), each.get("required", False))
            for each in said.get("question", ())
        ),
        tuple(Aid(**each) for each in said.get("aid", ())),
        {int(bit): column for bit, column in cards["bits"].items()},
        cards["header"],
    )


def _codes(said: Mapping[str, str] | None) -> Mapping[int, str] | None:
    if said is None:
        return None
    meanings = {}
    for codes, meaning in said.items():
        first, _, last = codes.partition("-")
        meanings.update(dict.fromkeys(range(int(first), int(last or first) + 1), meaning))
    return meanings


def code_of(value: str) -> int | None:
    """The code of an answer, with or without its label."""
    answer = _ANSWER.fullmatch(value)
    return None if answer is None else int(answer[1])


def _by_code(codes: Mapping[int, str], parse: Parse, *, is_required: bool) -> Parse:
    def read(value: str) -> Value:
        code = code_of(value)
        if code is None or code not in codes:
            raise CellRefused(findings.CODE_UNKNOWN, is_doubt=not is_required)
        return parse(codes[code]) if codes[code] else None

    return read


def relationship(codes: Mapping[int, str], parse: Parse) -> Parse:
    """The answer, and behind it the sex, which tells wife from husband."""

    def read(value: str) -> Value:
        answer, _, sex = value.partition(JOINED)
        meaning = codes.get(code_of(answer) or 0)
        if meaning is None:
            raise CellRefused(findings.CODE_UNKNOWN)
        return parse(_SPOUSES.get(sex, "OTHER") if meaning == SPOUSE else meaning)

    return read


def card(bit: int, bits: Sequence[int]) -> Parse:
    """Whether a sum of ``bits`` holds ``bit``."""

    def read(value: str) -> Value:
        code = code_of(value)
        if code is None or code > sum(bits):
            raise CellRefused(findings.CODE_UNKNOWN, is_doubt=True)
        return bool(code & bit)

    return read


def last_received(value: str) -> Value:
    """The first day of the month in which aid came last, where the answer is yes and says when."""
    answer, month, year = value.split(JOINED)
    code = code_of(answer)
    if code not in {1, 2}:
        raise CellRefused(findings.CODE_UNKNOWN, is_doubt=True)
    if code != 1 or not (month and year):
        return None
    numbers = [part.removesuffix(".0") for part in (year, month)]
    if not all(number.isascii() and number.isdecimal() and len(number) <= 4 for number in numbers):
        raise CellRefused(findings.MONTH_INVALID)
    if not (int(numbers[0]) >= _FIRST_YEAR and 1 <= int(numbers[1]) <= 12):
        raise CellRefused(findings.MONTH_INVALID)
    return date(int(numbers[0]), int(numbers[1]), 1)


def _number(parse: Parse) -> Parse:
    """A number, or a number and its label, as in ``8 (Tamat & Lulus)``."""

    def read(value: str) -> Value:
        code = code_of(value)
        return parse(value if code is None else str(code))

    return read


def memo_of(question: Question, parse: Parse) -> Memo:
    """What writes a column from the answers to ``question``; ``parse`` reads the values that they mean."""
    if question.codes is not None:
        parse = _by_code(question.codes, parse, is_required=question.is_required)
    elif question.column not in TEXTS:
        parse = _number(parse)
    if question.column == "presence":
        return Memo(parse, PRESENT)
    return Memo(parse, findings.CODE_MISSING) if question.is_required else Memo(parse)
