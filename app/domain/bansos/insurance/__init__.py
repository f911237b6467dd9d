"""Health insurance whose contributions the state pays (PBI): who is a member, who may stop being one, and who comes back."""
