"""Values as PostgreSQL's COPY reads them in its text format. COPY reads text, because an enum travels as its name in binary form too."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

from app.domain.base import Term

NULL: Final = r"\N"
_ESCAPES: Final = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})

Value = Term | bool | int | float | date | bytes | str | None


def text(value: Value) -> str:
    """One value as COPY reads it."""
    if value is None:
        return NULL
    if isinstance(value, Term):
        return str(value.value)
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, bytes):
        return rf"\\x{value.hex()}"
    return str(value).translate(_ESCAPES)


def fragment(columns: Iterable[str], values: Mapping[str, Value]) -> str:
    """Consecutive columns of a row; a column without a value is NULL."""
    return "\t".join(text(values.get(column)) for column in columns)
