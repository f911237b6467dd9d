"""The registry of outlets: who runs them, how they came to be admitted, how they stand, and where mobile ones serve."""
