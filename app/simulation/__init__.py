"""Stand-ins for services of others, each a process of its own that knows nothing of the database."""
