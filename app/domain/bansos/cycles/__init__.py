"""Cycles: the list of who receives a programme in a period, regency by regency, and who answers for it."""
