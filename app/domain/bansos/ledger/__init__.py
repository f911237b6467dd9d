"""The ledger: money moves by entries of two lines that sum to zero, and nothing that is written is changed."""
