"""Who may receive a programme, how much, and why: conditions in a small language, answered by SQL."""
