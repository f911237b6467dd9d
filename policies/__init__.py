"""Which role may do what, in files that an auditor can read; ``app.authz.enforcer`` has Casbin decide by them."""
