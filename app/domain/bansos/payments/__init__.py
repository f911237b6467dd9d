"""How aid is paid: orders of payment, files of banks, cards (KKS), and the end of a cycle."""
