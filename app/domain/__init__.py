"""What the office does: one folder a context, each with models, rules, service, queries and errors."""
