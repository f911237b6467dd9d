"""Files of other systems, staged, checked, shown, and then applied as a whole or not at all."""
