"""Kesos: the GraphQL backend of Indonesian social welfare."""
