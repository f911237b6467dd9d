"""What the API says: the GraphQL schema, its plan engine and its HTTP endpoint."""
