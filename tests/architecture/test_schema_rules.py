"""What a front end may rely on in every corner of the schema."""

import re
from collections.abc import Iterator

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLUnionType,
    get_named_type,
    is_introspection_type,
    is_specified_scalar_type,
)

from app.authz.permissions import Permission
from app.schema.plan.source import Connect, PagePart, Payload
from app.schema.root import api
from tests.architecture.tables import NO_SECRET, REFERENCE, TENANT, WALLED

BLUEPRINT = api().planner.blueprint
SCHEMA = BLUEPRINT.schema
TYPES = {
    name: type_
    for name, type_ in SCHEMA.type_map.items()
    if not is_introspection_type(type_) and not is_specified_scalar_type(type_)
}
OBJECTS = {name: type_ for name, type_ in TYPES.items() if isinstance(type_, GraphQLObjectType)}
TENANT_TYPES = [name for name, source in BLUEPRINT.sources.items() if source.tenancy is not None]
RESOLVED_IN_PYTHON = {"eligibilityTry", "me"}
"""Root fields that need no database."""
SCREAMING_SNAKE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
CAMEL = re.compile(r"[a-z][a-zA-Z0-9]*")
PASCAL = re.compile(r"[A-Z][a-zA-Z0-9]*")


def documented() -> Iterator[tuple[str, str | None]]:
    """Everything that has a description, by its name in the schema."""
    for name, type_ in TYPES.items():
        yield name, type_.description
        match type_:
            case GraphQLObjectType() | GraphQLInterfaceType():
                for field_name, field in type_.fields.items():
                    yield f"{name}.{field_name}", field.description
                    for argument_name, argument in field.args.items():
                        yield f"{name}.{field_name}({argument_name})", argument.description
            case GraphQLInputObjectType():
                for field_name, input_field in type_.fields.items():
                    yield f"{name}.{field_name}", input_field.description
            case GraphQLEnumType():
                for label, value in type_.values.items():
                    yield f"{name}.{label}", value.description
            case GraphQLScalarType() | GraphQLUnionType():
                pass
            case _:
                pytest.fail(f"say how {name} is documented")


def fields() -> Iterator[tuple[str, str, GraphQLField]]:
    for name, type_ in OBJECTS.items():
        for field_name, field in type_.fields.items():
            yield name, field_name, field


def test_everything_has_a_description() -> None:
    assert [name for name, description in documented() if not (description or "").strip()] == []


def test_descriptions_are_sentences() -> None:
    unfinished = [
        name
        for name, description in documented()
        if description and not (description.rstrip().endswith((".", "`.", "?")) and not description[0].islower())
    ]
    assert unfinished == []


def test_enum_values_are_stable_names() -> None:
    labels = {
        f"{name}.{label}": (label, value.description or "")
        for name, type_ in TYPES.items()
        if isinstance(type_, GraphQLEnumType)
        for label, value in type_.values.items()
    }
    assert [name for name, (label, _) in labels.items() if not SCREAMING_SNAKE.fullmatch(label)] == []


def test_names_are_written_as_front_ends_expect_them() -> None:
    assert [name for name in TYPES if not PASCAL.fullmatch(name)] == []
    for type_name, field_name, field in fields():
        assert CAMEL.fullmatch(field_name), f"{type_name}.{field_name}"
        assert all(CAMEL.fullmatch(argument) for argument in field.args), f"{type_name}.{field_name}"


def leading_to(name: str) -> set[str]:
    """The types with a field that returns ``name``."""
    return {type_name for type_name, _, field in fields() if get_named_type(field.type).name == name}


def test_types_with_rows_of_a_tenant_are_nodes_or_hang_below_one() -> None:
    """A row that cannot be asked for by its id is reached through one that can, so that every row has an address."""
    nodes = {name for name, type_ in OBJECTS.items() if any(each.name == "Node" for each in type_.interfaces)}
    for name in set(TENANT_TYPES) - nodes:
        parents = {parent for way in (name, f"{name}Edge", f"{name}Connection") for parent in leading_to(way)}
        parents -= {f"{name}Edge", f"{name}Connection"}
        assert parents, name
        assert parents <= nodes, f"{name} is reached through {parents - nodes}"
    assert nodes <= BLUEPRINT.sources.keys()
    assert all(BLUEPRINT.sources[name].node is not None for name in nodes)


def test_node_ids_begin_with_the_name_of_their_type() -> None:
    for name, source in BLUEPRINT.sources.items():
        assert source.node is None or source.node.prefix == name


def test_every_connection_has_first_and_after() -> None:
    connections = {name for name in OBJECTS if name.endswith("Connection")}
    assert connections
    for type_name, field_name, field in fields():
        specification = BLUEPRINT.specifications.get((type_name, field_name))
        returns_connection = get_named_type(field.type).name in connections
        assert returns_connection is isinstance(specification, Connect), f"{type_name}.{field_name}"
        if returns_connection:
            first, after = field.args["first"], field.args["after"]
            assert isinstance(first.type, GraphQLNonNull)
            assert get_named_type(first.type).name == "Int"
            assert get_named_type(after.type).name == "String"
            assert not isinstance(after.type, GraphQLNonNull)
    for name in connections:
        assert set(OBJECTS[name].fields) == {"edges", "nodes", "pageInfo", "totalCount"}


def test_a_list_of_nodes_is_a_connection_unless_it_is_short_by_nature() -> None:
    """Lists without pages: what a family or a region has few of, and what was asked for by id."""
    short = {
        "AidCycle.outcomes",
        "EwarongAgent.dueDiligence",
        "EwarongAgent.steps",
        "EwarongInspection.findings",
        "EwarongTransaction.lines",
        "EwarongViolation.statements",
        "EwarongViolation.steps",
        "Family.cards",
        "Family.members",
        "Family.wallets",
        "JournalEntry.lines",
        "Person.healthMemberships",
        "Query.nodes",
        "Region.ancestors",
    }
    lists = {
        f"{type_name}.{field_name}"
        for type_name, field_name, field in fields()
        if "[" in str(field.type)
        and get_named_type(field.type).name in {*TENANT_TYPES, "Region", "Node"}
        and not isinstance(BLUEPRINT.specifications.get((type_name, field_name)), PagePart)
    }
    assert {name for name in lists if not name.endswith(".ranks")} == short


def test_every_root_field_is_compiled_or_on_the_short_list() -> None:
    assert SCHEMA.query_type is not None
    declared = {name for name in SCHEMA.query_type.fields if ("Query", name) in BLUEPRINT.specifications}
    assert set(SCHEMA.query_type.fields) - declared == RESOLVED_IN_PYTHON


def mutations() -> Iterator[tuple[str, GraphQLField]]:
    assert SCHEMA.mutation_type is not None
    yield from SCHEMA.mutation_type.fields.items()


def test_a_mutation_is_called_by_noun_and_verb_and_takes_one_input_of_its_name() -> None:
    for name, field in mutations():
        assert re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", name), name
        assert list(field.args) == ["input"], name
        assert str(field.args["input"].type) == f"{name[0].upper()}{name[1:]}Input!"


def test_a_mutation_answers_what_it_did_or_why_it_did_nothing() -> None:
    """The union is nullable: an error beside it must not take the answers of other mutations with it."""
    user_error = SCHEMA.type_map["UserError"]
    assert isinstance(user_error, GraphQLInterfaceType)
    for name, field in mutations():
        assert isinstance(field.type, GraphQLUnionType), name
        assert field.type.name == f"{name[0].upper()}{name[1:]}Result"
        done, *refusals = field.type.types
        assert user_error not in done.interfaces, name
        assert all(user_error in refusal.interfaces for refusal in refusals), name
        assert {"InvalidInput", "NotFound", "Conflict", "Refused"} <= {refusal.name for refusal in refusals}, name


TOLD = {"EwarongSyncResult"}
"""How parts of a mutation went: made of what it has just done, and of no rows."""


def test_objects_that_a_mutation_answers_are_read_after_it() -> None:
    for name, field in mutations():
        assert isinstance(field.type, GraphQLUnionType), name
        for member in field.type.types:
            for field_name, answered in member.fields.items():
                type_ = get_named_type(answered.type)
                is_object = isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) and type_.name not in TOLD
                specification = BLUEPRINT.specifications.get((member.name, field_name))
                assert isinstance(specification, Payload) is is_object, f"{member.name}.{field_name}"
                assert not (is_object and isinstance(answered.type, GraphQLNonNull)), f"{member.name}.{field_name}"


def test_every_field_of_a_type_with_rows_is_declared() -> None:
    for name in BLUEPRINT.sources:
        undeclared = {field for field in OBJECTS[name].fields if (name, field) not in BLUEPRINT.specifications}
        assert undeclared == set(), name


@pytest.mark.parametrize("name", sorted(BLUEPRINT.sources))
def test_every_source_has_a_permission(name: str) -> None:
    assert isinstance(BLUEPRINT.sources[name].permission, Permission)


def test_rows_of_a_tenant_come_from_tables_of_tenants() -> None:
    for name, source in BLUEPRINT.sources.items():
        assert source.table.name in (
            REFERENCE | NO_SECRET if source.tenancy is None else TENANT - NO_SECRET | WALLED
        ), name


def test_what_needs_a_permission_says_so() -> None:
    for (type_name, field_name), specification in BLUEPRINT.specifications.items():
        permission = getattr(specification, "permission", None)
        field = OBJECTS[type_name].fields[field_name]
        if permission is not None and type_name != "Query":
            assert permission.value in (field.description or ""), f"{type_name}.{field_name}"
