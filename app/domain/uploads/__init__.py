"""Files that were sent in, kept sealed until they are worked on."""
