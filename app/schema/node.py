"""The interface of objects that have ids."""

import strawberry


@strawberry.interface(description="An object that can be fetched again by its id.")
class Node:
    """Relay's node."""

    id: strawberry.ID = strawberry.field(description="Opaque id; valid in `node(id:)` and as argument of queries.")
