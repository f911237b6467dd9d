"""Which media type an answer has (GraphQL over HTTP, section 6): what ``Accept`` prefers among those that Kesos speaks."""

from enum import Enum
from functools import lru_cache

from app.web.refusals import BadRequest


class MediaType(Enum):
    """A media type of answers, in the order of preference among equals."""

    JSON = "application/json"
    GRAPHQL_RESPONSE = "application/graphql-response+json"
    EVENT_STREAM = "text/event-stream"


class NotAcceptable(BadRequest):
    """``Accept`` names nothing that Kesos can answer with."""

    def __init__(self) -> None:
        spoken = ", ".join(each.value for each in MediaType)
        super().__init__(
            f"Header Accept tidak memuat jenis yang tersedia: {spoken}.",
            f"The header Accept names none of the available types: {spoken}.",
            406,
        )


@lru_cache(maxsize=256)
def preferred_media_type(accept: str | None) -> MediaType:
    """The media type to answer with; JSON where the caller takes anything.

    A type that is named outranks a wildcard of the same weight: who writes ``application/graphql-response+json, */*`` knows it.

    Raises:
        NotAcceptable: none is acceptable.
    """
    if not accept or not accept.strip():
        return MediaType.JSON
    weighed = [_range(part) for part in accept.split(",")]
    best: tuple[float, int, int] = (0.0, 0, 0)
    chosen: MediaType | None = None
    for order, media_type in enumerate(MediaType):
        matches = [(weight, _specificity(name, media_type)) for name, weight in weighed]
        # The most specific range that matches decides the weight (RFC 9110, 12.5.1).
        weight, specificity = max(matches, key=lambda match: match[1], default=(0.0, 0))
        if specificity and weight > 0 and (rank := (weight, specificity, -order)) > best:
            best, chosen = rank, media_type
    if chosen is None:
        raise NotAcceptable
    return chosen


def _range(part: str) -> tuple[str, float]:
    name, *parameters = (each.strip() for each in part.split(";"))
    weight = 1.0
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "q":
            try:
                weight = float(value)
            except ValueError:
                weight = 0.0
    return name.lower(), weight


def _specificity(name: str, media_type: MediaType) -> int:
    if name == media_type.value:
        return 3
    # Streams are for those who ask for them by name.
    if media_type is MediaType.EVENT_STREAM:
        return 0
    return {f"{media_type.value.partition('/')[0]}/*": 2, "*/*": 1}.get(name, 0)
