"""Says the same thing in other words: variables, aliases, fragments, directives and fields written twice, drawn by hypothesis.

hypothesis-graphql writes documents with literal arguments and without names. What the plan engine does with the rest of the query
language is reached by rewriting them here; a rewritten document stays valid.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    NamedTypeNode,
    NameNode,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    get_named_type,
    parse_type,
    print_ast,
    value_from_ast_untyped,
)
from graphql.pyutils import Undefined
from hypothesis import strategies as st

_ALIASES: Final = (
    "anon_{}",
    "object{}",
    "Key_{}",
    "select_{}",
    "an_alias_that_no_column_of_any_table_could_bear_for_its_length_{}",
)
_TYPENAME: Final = FieldNode(name=NameNode(value="__typename"))
Composite = GraphQLObjectType | GraphQLInterfaceType


@dataclass
class Disguise:
    """One rewriting of one document."""

    draw: st.DrawFn
    schema: GraphQLSchema
    variables: dict[str, Any] = field(default_factory=dict)
    definitions: list[VariableDefinitionNode] = field(default_factory=list)
    fragments: list[FragmentDefinitionNode] = field(default_factory=list)
    aliases: int = 0

    def document(self, roots: Sequence[SelectionNode]) -> str:
        """A document of rewritten ``roots``; ``variables`` then holds what to send with it."""
        query = cast("GraphQLObjectType", self.schema.query_type)
        selections = self._selections(SelectionSetNode(selections=tuple(roots)), query)
        rewritten = OperationDefinitionNode(
            operation=OperationType.QUERY,
            name=NameNode(value="Disguised"),
            variable_definitions=tuple(self.definitions),
            selection_set=selections,
        )
        return print_ast(DocumentNode(definitions=(rewritten, *self.fragments)))

    def _once_in(self, times: int) -> bool:
        return self.draw(st.integers(1, times)) == times

    def _selections(self, original: SelectionSetNode, type_: Composite) -> SelectionSetNode:
        nodes: list[SelectionNode] = []
        for node in original.selections:
            if isinstance(node, InlineFragmentNode) and node.type_condition is not None:
                condition = cast("Composite", self.schema.type_map[node.type_condition.name.value])
                nodes.append(self._inline(condition.name, self._selections(node.selection_set, condition)))
            elif isinstance(node, FieldNode):
                nodes.extend(self._field(node, type_))
        if self._once_in(5):
            nodes.insert(0, _TYPENAME)
        if self._once_in(8):
            nodes = [self._wrapped(nodes, type_)]
        return SelectionSetNode(selections=tuple(nodes))

    def _inline(self, type_name: str | None, selections: SelectionSetNode) -> InlineFragmentNode:
        condition = NamedTypeNode(name=NameNode(value=type_name)) if type_name else None
        return InlineFragmentNode(type_condition=condition, directives=self._directives(), selection_set=selections)

    def _wrapped(self, nodes: list[SelectionNode], type_: Composite) -> SelectionNode:
        selections = SelectionSetNode(selections=tuple(nodes))
        if self._once_in(2):
            interfaces = [
                interface.name for interface in type_.interfaces if set(interface.fields) >= self._names(nodes)
            ]
            return self._inline(self.draw(st.sampled_from([None, type_.name, *interfaces])), selections)
        name = NameNode(value=f"Part{len(self.fragments)}")
        condition = NamedTypeNode(name=NameNode(value=type_.name))
        self.fragments.append(FragmentDefinitionNode(name=name, type_condition=condition, selection_set=selections))
        return FragmentSpreadNode(name=name, directives=self._directives())

    def _names(self, nodes: list[SelectionNode]) -> set[str]:
        """The fields of ``nodes``; a name that no type has where there is more than fields."""
        return {node.name.value if isinstance(node, FieldNode) else "..." for node in nodes} - {"__typename"}

    def _field(self, node: FieldNode, type_: Composite) -> list[FieldNode]:
        definition = type_.fields[node.name.value]
        arguments = tuple(self._argument(argument, definition.args) for argument in node.arguments or ())
        alias = node.alias
        if self._once_in(6):
            self.aliases += 1
            alias = NameNode(value=self.draw(st.sampled_from(_ALIASES)).format(self.aliases))
        below = None
        if node.selection_set is not None:
            below = self._selections(node.selection_set, cast("Composite", get_named_type(definition.type)))

        def written(selections: tuple[SelectionNode, ...] | None) -> FieldNode:
            return FieldNode(
                name=node.name,
                alias=alias,
                arguments=arguments,
                directives=self._directives(),
                selection_set=SelectionSetNode(selections=selections) if selections is not None else None,
            )

        if below is None:
            return [written(None)] * (2 if self._once_in(12) else 1)
        if len(below.selections) > 1 and self._once_in(8):
            half = len(below.selections) // 2
            return [written(below.selections[half:]), written(below.selections[: half + 1])]
        return [written(below.selections)]

    def _directives(self) -> tuple[DirectiveNode, ...]:
        if not self._once_in(15):
            return ()
        value: ValueNode = BooleanValueNode(value=self.draw(st.booleans()))
        if self._once_in(2):
            value = self._variable("Boolean!", value)
        name = self.draw(st.sampled_from(["include", "skip"]))
        argument = ArgumentNode(name=NameNode(value="if"), value=value)
        return (DirectiveNode(name=NameNode(value=name), arguments=(argument,)),)

    def _argument(self, argument: ArgumentNode, definitions: dict[str, GraphQLArgument]) -> ArgumentNode:
        return ArgumentNode(name=argument.name, value=self._value(argument.value, definitions[argument.name.value]))

    def _value(self, value: ValueNode, definition: GraphQLArgument | GraphQLInputField) -> ValueNode:
        if self._once_in(3):
            return self._lifted(value, definition)
        type_ = get_named_type(definition.type)
        if isinstance(value, ObjectValueNode) and isinstance(type_, GraphQLInputObjectType):
            fields = tuple(
                ObjectFieldNode(name=part.name, value=self._value(part.value, type_.fields[part.name.value]))
                for part in value.fields
            )
            return ObjectValueNode(fields=fields)
        return value

    def _lifted(self, value: ValueNode, definition: GraphQLArgument | GraphQLInputField) -> VariableNode:
        """A variable in place of a literal; where a default is behind it, perhaps one that is nullable, and absent or null."""
        has_default = definition.default is not None or definition.default_value is not Undefined
        if not has_default or not self._once_in(3):
            return self._variable(str(definition.type), value)
        nullable = definition.type.of_type if isinstance(definition.type, GraphQLNonNull) else definition.type
        variable = self._variable(str(nullable), value, default=False)
        fate = self.draw(st.sampled_from(["given", "absent", "null"]))
        if fate == "absent":
            del self.variables[variable.name.value]
        elif fate == "null":
            self.variables[variable.name.value] = None
        return variable

    def _variable(self, type_: str, value: ValueNode, *, default: bool | None = None) -> VariableNode:
        node = VariableNode(name=NameNode(value=f"v{len(self.definitions)}"))
        by_default = self._once_in(3) if default is None else default
        self.definitions.append(
            VariableDefinitionNode(
                variable=node, type=parse_type(type_), default_value=cast("Any", value) if by_default else None
            )
        )
        if not by_default:
            self.variables[node.name.value] = value_from_ast_untyped(value)
        return node
