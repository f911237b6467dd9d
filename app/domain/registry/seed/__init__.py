"""Synthetic families: deterministic, plausible, and of nobody."""

from app.domain.registry.seed.loading import SeedProgress, SeedResult, seed_registry

__all__ = ["SeedProgress", "SeedResult", "seed_registry"]
