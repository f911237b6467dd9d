"""Programmes: what they give, by which rules, and how they stand to each other."""
