"""Performance, measured: ``make bench`` seeds, runs every side in one run and prints the table."""
