"""e-Warong in the API."""
