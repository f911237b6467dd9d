"""Who is no longer where the registry has them: what those who watch over aid compare with, as texts of common table expressions.

Both see what the scope of their session sees.
"""

from typing import Final

from app.domain.registry.enums import FamilyStatus, Presence

_LEFT: Final = (FamilyStatus.DISSOLVED, FamilyStatus.NOT_FOUND)

# The registry keeps no day of death: a row that says so and has not changed since said so before whatever came later.
DECEASED: Final = f"""
deceased as (
  select regency_id, id as person_id, updated_at as since from person where presence = '{Presence.DECEASED.value}'
)"""  # noqa: S608  (the names of a Term)
"""``deceased``: regency_id, person_id, since (when the registry says so at the latest)."""

DISSOLVED: Final = f"""
dissolved as (
  select regency_id, id as family_id, updated_at as since from family
  where status in ({", ".join(f"'{status.value}'" for status in _LEFT)})
)"""  # noqa: S608  (the names of a Term)
"""``dissolved``: regency_id, family_id, since, of families that dissolved or were not found any more."""
