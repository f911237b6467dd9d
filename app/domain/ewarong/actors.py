"""Who acts, and how the rows of a mutation are named: shared by all of e-Warong."""

from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import sqlalchemy as sa

Key: TypeAlias = tuple[int, UUID]
"""The regency and the id of a row."""


class Actor(NamedTuple):
    """Who acts."""

    id: UUID
    name: str

    def did(self, prefix: str) -> dict[str, Any]:
        """The columns that keep who did what ``prefix`` names, and when."""
        return {f"{prefix}_by": self.id, f"{prefix}_by_name": self.name, f"{prefix}_at": sa.func.now()}
