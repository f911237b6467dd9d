"""What the bank owes an outlet for a span of days, compared with the journal."""
