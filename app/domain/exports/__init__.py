"""Files that are made of what a connection lists, and handed out for a short while."""
