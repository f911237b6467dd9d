"""Tables of aid channelling."""
