"""Who may do what: principals and grants, bearer tokens, Casbin role policies, and the way from them to a scope."""
