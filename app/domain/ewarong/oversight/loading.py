"""Taking the checklist and the grave violations of files over into the database. What was asked, and judged by, is never rewritten.

Reference data that kesos_app only reads, so this runs on a connection of kesos_loader.
"""

import tomllib
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any, Final, Self, TypeAlias

import asyncpg
import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.domain.ewarong.models.oversight import ViolationCode, ewarong_checklist_item, ewarong_violation_rule
from app.domain.ewarong.oversight.errors import OversightDataDiffers

Loader: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Row: TypeAlias = dict[str, Any]

_TURN: Final = "select pg_advisory_xact_lock(hashtext('ewarong_oversight'))"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Item(_Strict):
    code: str = Field(pattern=r"^[A-Z][A-Z0-9_]{1,39}$")
    question: str
    question_english: str
    violation: ViolationCode | None = None
    valid_from: date
    valid_to: date | None = None
    source: str


class _Rule(_Strict):
    code: ViolationCode
    valid_from: date
    grave: bool
    source: str


class OversightFile(_Strict):
    """What the files of oversight say together."""

    items: list[_Item]
    rules: list[_Rule]

    @model_validator(mode="after")
    def _says_each_once(self) -> Self:
        codes = [item.code for item in self.items]
        if len(set(codes)) < len(codes):
            raise ValueError("an item of the checklist has a code of its own")
        return self


@dataclass(frozen=True, slots=True)
class ChecklistLoaded:
    """How many rows loading has added or changed."""

    items: int
    rules: int


def shipped_checklist() -> OversightFile:
    """The checklist and the grave violations that Kesos ships with."""
    folder = files("app.domain.ewarong.oversight") / "data"
    said: Row = {}
    for name in ("checklist", "violations"):
        said |= tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))
    return OversightFile.model_validate(said)


async def load_checklist(loader: Loader, given: OversightFile | None = None) -> ChecklistLoaded:
    """Make the database hold the checklist and the grave violations ``given``, or those that Kesos ships with, in one transaction.

    Run again, it changes nothing.

    Raises:
        OversightDataDiffers: a question that may have been asked, or a rule that may have been judged by, is to become another.
    """
    said = shipped_checklist() if given is None else given
    async with loader.transaction():
        # Two processes that start at once must not both find a row missing.
        await loader.execute(_TURN)
        items = sum([await _put(loader, ewarong_checklist_item, *_item(each)) for each in said.items])
        rules = sum([await _put(loader, ewarong_violation_rule, *_rule(each)) for each in said.rules])
    return ChecklistLoaded(items, rules)


def _item(entry: _Item) -> tuple[Row, Row, set[str]]:
    row: Row = {
        "question": entry.question,
        "question_english": entry.question_english,
        "violation_code": None if entry.violation is None else entry.violation.value,
        "valid_from": entry.valid_from,
        "valid_to": entry.valid_to,
        "source": entry.source,
    }
    return {"code": entry.code}, row, {"question_english", "valid_to", "source"}


def _rule(entry: _Rule) -> tuple[Row, Row, set[str]]:
    key: Row = {"code": entry.code.value, "valid_from": entry.valid_from}
    return key, {"grave": entry.grave, "source": entry.source}, {"source"}


async def _put(loader: Loader, table: sa.Table, key: Row, row: Row, changeable: set[str]) -> bool:
    """Whether anything had to be written."""
    where = " and ".join(f"{name} = ${number}" for number, name in enumerate(key, start=1))
    found = await loader.fetchrow(f"select * from {table.name} where {where}", *key.values())  # noqa: S608  (names of columns)
    if found is None:
        columns = [*key, *row]
        places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
        await loader.execute(
            f"insert into {table.name} ({', '.join(columns)}) values ({places})",  # noqa: S608  (names of columns)
            *key.values(),
            *row.values(),
        )
        return True
    changed = [name for name, value in row.items() if found[name] != value]
    if set(changed) - changeable:
        named = " ".join(str(value) for value in key.values())
        raise OversightDataDiffers(
            f"{table.name} {named}", "give another question its own code, and a changed rule a later valid_from"
        )
    for name in changed:
        await loader.execute(
            f"update {table.name} set {name} = ${len(key) + 1} where {where}",  # noqa: S608  (names of columns)
            *key.values(),
            row[name],
        )
    return bool(changed)
