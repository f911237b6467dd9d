"""Adds to a document what only Python can resolve, so that the stock executor walks the same tree that the plan printed."""

from typing import Any, Final

from graphql import (
    ArgumentNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    GraphQLSchema,
    NameNode,
    Node,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    parse,
    print_ast,
    visit,
)

ADDED: Final = "added_by_the_test"
_REVEALED: Final = {"Family": "kkRevealed", "Person": "nikRevealed"}


def _field(name: str, *children: SelectionNode, alias: str | None = None, purpose: str | None = None) -> FieldNode:
    arguments = (ArgumentNode(name=NameNode(value="purpose"), value=EnumValueNode(value=purpose)),) if purpose else ()
    return FieldNode(
        name=NameNode(value=name),
        alias=NameNode(value=alias) if alias else None,
        arguments=arguments,
        selection_set=SelectionSetNode(selections=children) if children else None,
    )


def with_caller(document: str) -> str:
    """``document``, asking also who the caller is: the stock executor frames what the plan answered."""
    parsed = parse(document)
    caller = _field("me", _field("principal", _field("id")), alias=ADDED)
    definitions = [
        OperationDefinitionNode(
            operation=node.operation,
            name=node.name,
            variable_definitions=node.variable_definitions,
            directives=node.directives,
            selection_set=SelectionSetNode(selections=(*node.selection_set.selections, caller)),
        )
        if isinstance(node, OperationDefinitionNode)
        else node
        for node in parsed.definitions
    ]
    return print_ast(DocumentNode(definitions=tuple(definitions)))


class _Revealing(Visitor):
    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self._types = types

    def leave_selection_set(self, node: SelectionSetNode, *_: Any) -> Node | None:
        parent = self._types.get_parent_type()
        name = _REVEALED.get(parent.name) if parent is not None else None
        if name is None:
            return None
        return SelectionSetNode(selections=(*node.selections, _field(name, alias=ADDED, purpose="AUDIT")))


def with_numbers(schema: GraphQLSchema, document: str) -> str:
    """``document``, asking also for the number of every family and person: the stock executor walks the tree."""
    types = TypeInfo(schema)
    return print_ast(visit(parse(document), TypeInfoVisitor(types, _Revealing(types))))


def without_additions(value: Any) -> Any:
    """An answer without what was added to its document."""
    if isinstance(value, dict):
        return {key: without_additions(item) for key, item in value.items() if key != ADDED}
    return [without_additions(item) for item in value] if isinstance(value, list) else value
