"""Synthetic families: deterministic, plausible, and of nobody."""

from app.domain.registry.seed.loading import EditionIds, SeedProgress, SeedResult, seed_registry

__all__ = ["EditionIds", "SeedProgress", "SeedResult", "seed_registry"]
