"""Where a principal may act: region paths, tenant scopes, the database and its row-level security."""
