"""Texts that callers send."""

from app.domain.base import DomainError


class TextInvalid(DomainError):
    """The text holds what no database column can."""

    code = "TEXT_INVALID"

    def __init__(self) -> None:
        super().__init__(
            "Teks memuat karakter yang tidak dapat disimpan (NUL atau surrogate tunggal).",
            "The text holds characters that cannot be stored (NUL or a lone surrogate).",
        )


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can hold ``text``: no NUL, no lone surrogate."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def storable(text: str) -> str:
    """``text``, checked.

    Raises:
        TextInvalid: it holds NUL or a lone surrogate.
    """
    if not is_storable(text):
        raise TextInvalid
    return text


def contains_pattern(text: str) -> str:
    """A LIKE pattern that finds ``text`` anywhere, its own wildcards escaped."""
    escaped = storable(text).casefold().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
