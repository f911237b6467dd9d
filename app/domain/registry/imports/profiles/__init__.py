"""Mapping profiles: the ones in this folder ship with Kesos and are found by name."""

from app.domain.registry.imports.formats.profile import Profile, known_profiles, load_profile

__all__ = ["Profile", "known_profiles", "load_profile"]
