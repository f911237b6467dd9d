"""Tables of e-Warong."""
