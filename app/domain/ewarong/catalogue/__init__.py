"""What outlets sell, what a basket may hold in which era, what oversight compares with, and what things cost."""
