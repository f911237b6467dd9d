"""PostGraphile 5 over the tables of Kesos: the process, and what it is asked (decision record 0038)."""
