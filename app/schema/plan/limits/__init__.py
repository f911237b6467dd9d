"""What a document may hold and what its answer may cost, decided before it is validated."""
