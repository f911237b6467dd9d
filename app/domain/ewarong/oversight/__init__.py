"""Looking after outlets: inspections, violations, and the way from a warning to the bank's decision."""
