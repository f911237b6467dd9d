"""graphql-core's validation, bounded: it says the first few things that are wrong, and compares no more fields than a screen needs.

Whether fields of one name can be merged is found by comparing them in pairs. Unbounded, 1,000 times ``families { totalCount }`` in one
selection set, 10 kB of text, took a second.
"""

from graphql import DocumentNode, GraphQLError, GraphQLSchema, validate
from graphql.validation.rules import overlapping_fields_can_be_merged
from graphql.validation.validate import ValidationAbortedError

from app.schema.plan.limits.refusals import Limit, LimitExceeded

# graphql-core documents this attribute of the module as the place to set the budget of a whole process.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = Limit.COMPARISONS.most


def validated(schema: GraphQLSchema, document: DocumentNode, most_errors: int) -> list[GraphQLError]:
    """What is wrong with ``document``, at most ``most_errors`` things; nothing where it is valid."""
    errors = validate(schema, document, max_errors=most_errors, hide_suggestions=True)
    if len(errors) > most_errors:
        return errors[:most_errors]
    if errors and isinstance(errors[-1], ValidationAbortedError):
        refusal = LimitExceeded(Limit.COMPARISONS)
        errors[-1] = GraphQLError(str(refusal), original_error=refusal)
    return errors
