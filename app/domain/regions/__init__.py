"""The administrative tree of Indonesia: provinces, regencies, districts and villages, with their history."""
