"""Signals: patterns in transactions that a person should look at."""
