"""Applying an import: from what was checked and decided upon to the tables of the registry."""

from app.domain.registry.imports.applying.progress import apply_import

__all__ = ["apply_import"]
