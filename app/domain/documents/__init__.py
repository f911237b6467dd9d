"""Documents of GraphQL that were registered beforehand: trusted, and some of them open to the public."""
