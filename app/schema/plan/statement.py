"""Compiled expressions as text: what a plan keeps, and the one statement that answers several root fields."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect

from app.authz.permissions import Permission
from app.schema.plan.arguments import Argument, Binder, Caller, Parameter, bound_values
from app.schema.plan.selection import Root
from app.schema.plan.subjects import SubjectGroup, split
from app.tenants.session import SCOPE_ARGUMENTS, SCOPE_CALL

_DIALECT: Final = asyncpg_dialect.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's dialects are not typed
_PARAMETER: Final = re.compile(r"\$(\d+)")


@dataclass(frozen=True, slots=True)
class Text:
    """A compiled expression: its SQL, and where its parameters come from, in their order."""

    sql: str
    parameters: tuple[Parameter | Any, ...]

    @classmethod
    def of(cls, expression: sa.ColumnElement[Any], binder: Binder) -> "Text":
        """Compile ``expression``, whose parameters ``binder`` knows."""
        text = cls.of_query(sa.select(expression), binder)
        return cls(text.sql.removeprefix("SELECT "), text.parameters)

    @classmethod
    def of_query(cls, query: sa.Select[Any], binder: Binder) -> "Text":
        """Compile ``query``, whose parameters ``binder`` knows."""
        compiled = query.compile(dialect=_DIALECT)
        names = compiled.positiontup or ()
        return cls(compiled.string, tuple(binder.bound.get(name, compiled.params[name]) for name in names))

    def bind(self, variables: Mapping[str, Any], caller: Caller) -> list[Any]:
        """The values to send.

        Raises:
            DomainError: a value is out of its bounds.
        """
        return bound_values(self.parameters, variables, caller)

    def numbered(self, after: int) -> str:
        """The SQL, with its first parameter numbered ``after`` + 1."""
        return _PARAMETER.sub(lambda match: f"${int(match[1]) + after}", self.sql)


@dataclass(frozen=True, slots=True)
class RootText:
    """A root field as text. Plans keep this and not the expressions that it came from, which take twenty times the memory."""

    value: Text
    checks: tuple[tuple[Text, Argument, Callable[[Any], Exception]], ...]
    needs_python: bool
    tells_subjects: bool

    @classmethod
    def of(cls, root: Root) -> "RootText":
        """Compile ``root``."""
        return cls(
            Text.of(root.expression, root.binder),
            tuple((Text.of(check.condition, root.binder), check.argument, check.error) for check in root.checks),
            root.needs_python,
            root.tells_subjects,
        )


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text that sets its scope and answers one or more root fields, and where its parameters come from."""

    text: str
    keys: tuple[str, ...]
    json_keys: tuple[bytes, ...]
    tells_subjects: tuple[bool, ...]
    parameters: tuple[Parameter | Any, ...]
    checks: tuple[tuple[str, Argument, Callable[[Any], Exception]], ...]

    @classmethod
    def of(cls, roots: Mapping[str, RootText]) -> "Statement":
        """Join ``roots`` in one statement: one snapshot, one round trip."""
        checks = [(key, *check) for key, root in roots.items() for check in root.checks]
        columns: list[str] = []
        parameters: list[Parameter | Any] = []
        for text in [*(root.value for root in roots.values()), *(text for _, text, _, _ in checks)]:
            columns.append(text.numbered(SCOPE_ARGUMENTS + len(parameters)))
            parameters += text.parameters
        return cls(
            # Both parts are SQL that this program wrote; what callers send is bound.
            text=f"with scope as materialized (select {SCOPE_CALL}) select {', '.join(columns)} from scope",  # noqa: S608
            keys=tuple(roots),
            json_keys=tuple(key.encode() for key in roots),
            tells_subjects=tuple(root.tells_subjects for root in roots.values()),
            parameters=tuple(parameters),
            checks=tuple((key, argument, error) for key, _, argument, error in checks),
        )

    def bind(self, variables: Mapping[str, Any], caller: Caller) -> list[Any]:
        """The values to send.

        Raises:
            DomainError: a value is out of its bounds.
        """
        return bound_values(self.parameters, variables, caller)

    def values(self, record: asyncpg.Record) -> tuple[list[bytes | None], list[SubjectGroup]]:
        """The JSON of each root field, None where it found nothing, and whose personal data all of them hold."""
        values: list[bytes | None] = []
        subjects: list[SubjectGroup] = []
        for at, tells in enumerate(self.tells_subjects):
            value: bytes | None = record[at]
            if tells and value is not None:
                groups, value = split(value)
                subjects += groups
            values.append(value)
        return values, subjects

    def failures(self, record: asyncpg.Record, variables: Mapping[str, Any]) -> dict[str, Exception]:
        """The root fields whose checks the database answered with no, each with its error."""
        return {
            key: error(argument.getter(variables))
            for at, (key, argument, error) in enumerate(self.checks, start=len(self.keys))
            if not record[at]
        }


@dataclass(frozen=True, slots=True)
class PayloadText:
    """An object that a mutation answers, as the statement that reads it under the scope of ``permission``."""

    statement: Statement
    permission: Permission
    needs_python: bool
