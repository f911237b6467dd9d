"""What happened, appended and never edited."""
