"""What the house is checked with beside its tests."""
