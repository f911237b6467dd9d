"""Where outlets buy, what they sell to others, and how much of a district's trade one supplier has."""
