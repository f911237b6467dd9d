"""What PostgreSQL refuses, by SQLSTATE (Citus hides the names of constraints), and how it becomes a refusal of ours."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError

UNIQUE_VIOLATION: Final = "23505"
FOREIGN_KEY_VIOLATION: Final = "23503"
INSUFFICIENT_PRIVILEGE: Final = "42501"
"""What a row behind the wall of row-level security is refused with, too."""


def sqlstate_of(error: DBAPIError) -> str | None:
    """Why PostgreSQL has refused; None where it was not PostgreSQL."""
    return getattr(error.orig, "sqlstate", None)


@contextmanager
def refused_as(refusal: Callable[[], Exception], *states: str) -> Iterator[None]:
    """Raise ``refusal`` where a statement inside is refused for one of ``states``."""
    try:
        yield
    except DBAPIError as error:
        if sqlstate_of(error) in states:
            raise refusal() from error
        raise
