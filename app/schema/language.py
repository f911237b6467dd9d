"""The language of messages: Indonesian, unless the caller prefers English."""

from enum import Enum


class Language(Enum):
    """A language that messages are written in."""

    INDONESIAN = "id"
    ENGLISH = "en"


def preferred_language(accept_language: str | None) -> Language:
    """The language that an ``Accept-Language`` header prefers; Indonesian where it names neither."""
    weighed: list[tuple[float, Language]] = []
    for part in (accept_language or "").split(","):
        tag, _, parameters = part.strip().partition(";")
        language = {"id": Language.INDONESIAN, "in": Language.INDONESIAN, "en": Language.ENGLISH}.get(
            tag.strip().lower().split("-")[0]
        )
        if language is not None:
            weighed.append((_quality(parameters), language))
    best = max(weighed, key=lambda choice: choice[0], default=(0.0, Language.INDONESIAN))
    return best[1] if best[0] > 0 else Language.INDONESIAN


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
