"""How a refusal looks: a code that is stable, and a text for people in both languages."""


class DomainError(Exception):
    """Something that the caller asked for and the rules refuse; ``code`` is stable, the texts are for people.

    ``fields`` are the parameters that cannot be as they were given; empty where it is not one of them that is wrong.
    """

    code: str = "REFUSED"
    fields: tuple[str, ...] = ()

    def __init__(self, indonesian: str, english: str) -> None:
        super().__init__(english)
        self.indonesian = indonesian
        self.english = english


class NotFound(DomainError):
    """What was named is not there, or not for the caller to see: nobody can tell which."""

    code = "NOT_FOUND"


class Conflict(DomainError):
    """What was asked does not fit the present state: it was done before, or somebody was faster."""

    code = "CONFLICT"
