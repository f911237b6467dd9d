"""The history of the database. A table and its row-level policy arrive in the same revision."""
