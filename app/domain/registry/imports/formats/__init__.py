"""One module for each format that a file may have."""
