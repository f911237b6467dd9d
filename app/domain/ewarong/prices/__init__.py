"""What things cost: seen in markets and outlets, and published as the reference price of a week."""
