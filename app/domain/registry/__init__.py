"""The social registry (DTKS, now DTSEN): editions, families, persons and welfare ranks."""
