"""Aid to families in the API."""
