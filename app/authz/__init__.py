"""Who may do what: principals and their grants, bearer tokens, Casbin role policies, and the way from both to a scope."""
