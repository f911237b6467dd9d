"""Matching of registered persons with the civil registry (Dukcapil)."""
