"""Imports: files on their way into the registry, what is found in them, and what is decided about them."""
