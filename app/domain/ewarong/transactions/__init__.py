"""Redemptions of families at outlets: reporting them, one or many, taking them back, and checking a receipt."""
