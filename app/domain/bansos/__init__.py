"""Aid that reaches families (bansos): programmes, who is entitled, cycles, payments, cards, the ledger, health insurance."""
