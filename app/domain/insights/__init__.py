"""Aggregates over the registry, kept beside the rows so that a province reads its total in milliseconds."""
