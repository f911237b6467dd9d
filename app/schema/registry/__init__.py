"""The social registry: families, persons, welfare ranks and editions."""
