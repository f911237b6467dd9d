"""Work that takes longer than a request: queued in PostgreSQL, done by a worker, watched while it runs."""
