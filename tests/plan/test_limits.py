"""What a document may hold, decided before it is validated and in time that grows with its text alone."""

import sys
from collections.abc import Callable
from typing import Any, Final

import pytest
from graphql import GraphQLError, get_introspection_query, parse
from graphql.language import FieldNode, NameNode, OperationDefinitionNode, OperationType, SelectionSetNode
from graphql.language.ast import DocumentNode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

from app.schema import errors
from app.schema.language import Language
from app.schema.plan.limits.measure import Measure, Meter
from app.schema.plan.limits.refusals import CostTooHigh, Limit, LimitExceeded
from app.schema.plan.limits.text import count_tokens
from app.schema.plan.planner import Document, Planner
from app.schema.root import api
from tests.plan.expansion import GARBAGE, VARIABLES, Expansion, documents

BLUEPRINT: Final = api().planner.blueprint
METER: Final = Meter(BLUEPRINT)
OF_ONE_OPERATION: Final = {
    Limit.LEVELS: "levels",
    Limit.ROOT_FIELDS: "root_fields",
    Limit.OBJECTS: "objects",
    Limit.FIELDS: "fields",
}
PATIENT: Final = settings(deadline=None, suppress_health_check=list(HealthCheck))


def read(text: str) -> Document | list[GraphQLError]:
    """Read ``text`` for the first time."""
    return Planner(BLUEPRINT).document(text)


def refused(text: str) -> Limit | None:
    """The limit that ``text`` is refused for, by the planner as a whole."""
    found = read(text)
    if isinstance(found, Document):
        return None
    (error,) = found
    assert isinstance(error.original_error, LimitExceeded), error
    return error.original_error.limit


def repeated(unit: str, times: int, joint: str = " ") -> str:
    return joint.join(unit.replace("#", str(number)) for number in range(times))


def region(selections: str) -> str:
    return f'{{ region(code: "33") {{ {selections} }} }}'


LEAVES: Final = "name code id level kind validFrom validTo decree __typename"
HOLDING: Final[dict[Limit, Callable[[int], str]]] = {
    Limit.CHARACTERS: "{ __typename }".ljust,
    Limit.TOKENS: lambda n: "{ __typename }" + "#\n" * (n - 3),
    Limit.CHARACTERS_OF_ONE_WORD: lambda n: f"{{ {'a' * n}: __typename }}",
    Limit.NESTING: lambda n: "{" + "... {" * (n - 1) + "__typename" + "}" * n,
    Limit.OPERATIONS: lambda n: repeated("query q# { __typename }", n),
    Limit.FRAGMENTS: lambda n: region(repeated("...f#", n)) + repeated("fragment f# on Region { name }", n),
    Limit.SPREADS: lambda n: region(repeated("...f", n)) + "fragment f on Region { name }",
    Limit.VARIABLES: lambda n: f"query ({repeated('$a#: ID!', n)}) {{ nodes(ids: [{repeated('$a#', n)}]) {{ id }} }}",
    Limit.ALIASES: lambda n: region(repeated("a#: name", n)),
    Limit.DIRECTIVES: lambda n: region(repeated("a#: name @skip(if: true)", n)),
    Limit.DIRECTIVES_OF_ONE_PLACE: lambda n: "{ __typename " + repeated("@a", n) + " }",
    Limit.LEVELS: lambda n: region("parent { " * (n - 1) + "name" + " }" * (n - 1)),
    Limit.ROOT_FIELDS: lambda n: f"{{ {repeated('a#: __typename', n)} }}",
    Limit.OBJECTS: lambda n: region(
        repeated("a#: parent { parent { name } }", (n - 1) // 2) + " parent { name }" * ((n - 1) % 2)
    ),
    Limit.FIELDS: lambda n: region(repeated(f"a#: parent {{ {LEAVES} }}", (n - 1) // 10) + " name" * ((n - 1) % 10)),
}
"""Documents that hold so much of what is limited, and not too much of anything else."""


def limit_of(text: str) -> Limit | None:
    """What ``text`` is refused for before it is validated."""
    try:
        METER.measure(parse(text), count_tokens(text))
    except LimitExceeded as refusal:
        return refusal.limit
    return None


@pytest.mark.parametrize(("limit", "holding"), HOLDING.items(), ids=[limit.name for limit in HOLDING])
def test_a_document_at_a_limit_is_read_and_one_beyond_it_is_refused(
    limit: Limit, holding: Callable[[int], str]
) -> None:
    assert limit_of(holding(limit.most)) is None
    assert limit_of(holding(limit.most + 1)) is limit
    assert refused(holding(limit.most + 1)) is limit
    if limit is not Limit.DIRECTIVES_OF_ONE_PLACE:  # there are no four directives for one field
        assert isinstance(read(holding(limit.most)), Document)


def test_every_limit_is_tried() -> None:
    assert set(Limit) == {*HOLDING, Limit.COMPARISONS}


@pytest.mark.parametrize("limit", Limit)
def test_a_refusal_says_what_there_is_too_much_of_in_both_languages(limit: Limit) -> None:
    refusal = LimitExceeded(limit)
    assert refusal.code == ("DOCUMENT_TOO_DEEP" if limit in {Limit.NESTING, Limit.LEVELS} else "DOCUMENT_TOO_LARGE")
    assert refusal.extensions == {"limit": limit.name, "most": limit.most}
    error = GraphQLError("", original_error=refusal)
    told = {errors.formatted(error, language, "1")["message"] for language in Language}
    assert len(told) == len(Language)
    assert all(str(limit.most) in message for message in told)


def test_what_a_hard_working_screen_asks_for_stays_far_below_every_limit() -> None:
    fields = BLUEPRINT.schema.type_map

    def leaves(type_name: str) -> str:
        found = getattr(fields[type_name], "fields", {})
        return " ".join(name for name, each in found.items() if not hasattr(each.type, "fields") and not each.args)

    parts = " ".join(
        f"{name} {{ {leaves(type_name)} }}"
        for name, type_name in [
            ("housing", "Housing"),
            ("assets", "Assets"),
            ("programmesReceived", "ProgrammesReceived"),
        ]
    )
    text = f"""query Screen($first: Int!, $after: String) {{
      families(first: $first, after: $after) {{
        totalCount pageInfo {{ hasNextPage endCursor }}
        nodes {{ id headName kk decile address {parts}
          village {{ id code name }} district {{ code name }} regency {{ code name }}
          members {{ id name nik sex birthDate education {{ level grade }} work {{ __typename }} health {{ {leaves("Health")} }} }}
        }}
      }}
    }}"""
    document = read(text)
    assert isinstance(document, Document), document
    (extent,) = document.measure.extents.values()
    assert document.measure.tokens * 4 < Limit.TOKENS.most
    assert all(found * 3 <= limit.most for limit, found in extent.items())
    assert document.measure.cost("Screen", {"first": 100}) < 150_000


def test_the_introspection_query_of_every_tool_is_within_the_limits() -> None:
    document = read(
        get_introspection_query(specified_by_url=True, directive_is_repeatable=True, input_value_deprecation=True)
    )
    assert isinstance(document, Document), document


ATTACKS: Final[dict[str, tuple[str, Limit | str]]] = {
    "22 fragments that each spread the next twice": (
        "{ ...f0 } "
        + " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(22))
        + " fragment f22 on Query { __typename }",
        Limit.ROOT_FIELDS,
    ),
    "12 fragments that each hold the next under two aliases": (
        "{ region(code: 1) { ...f0 } } "
        + " ".join(
            f"fragment f{n} on Region {{ a: parent {{ ...f{n + 1} }} b: parent {{ ...f{n + 1} }} }}" for n in range(12)
        )
        + " fragment f12 on Region { name }",
        Limit.OBJECTS,
    ),
    "40 fragments in each other, one level each": (
        "{ region(code: 1) { ...f0 } } "
        + " ".join(f"fragment f{n} on Region {{ parent {{ ...f{n + 1} }} }}" for n in range(40))
        + " fragment f40 on Region { name }",
        Limit.LEVELS,
    ),
    "fragments in a circle": (
        "{ ...f0 } " + " ".join(f"fragment f{n} on Query {{ ...f{(n + 1) % 50} }}" for n in range(50)),
        errors.VALIDATION,
    ),
    "a fragment that is missing": ("{ ...nowhere }", errors.VALIDATION),
    "a fragment on a type that is missing": ("{ ...f } fragment f on Nothing { a { b } }", errors.VALIDATION),
    "3,000 brackets in an argument": ("{ nodes(ids: " + "[" * 3_000 + "]" * 3_000 + ") { id } }", Limit.TOKENS),
    "190 brackets in an argument": ("{ nodes(ids: " + "[" * 190 + "]" * 190 + ") { id } }", Limit.NESTING),
    "190 objects in an argument": (
        "{ families(filter: " + "{a:" * 190 + "1" + "}" * 190 + ") { totalCount } }",
        Limit.NESTING,
    ),
    "190 selection sets": ("{a" * 190 + "}" * 190, Limit.NESTING),
    "a type of depth 190": ("query ($a: " + "[" * 190 + "Int" + "]" * 190 + ") { __typename }", Limit.NESTING),
    "a flood of tokens": ("{" + "a " * 8_000 + "}", Limit.TOKENS),
    "a flood of comments": ("{ __typename }" + "#\n" * 8_000, Limit.TOKENS),
    "a flood of spaces": ("{ __typename }" + " " * 250_000, Limit.CHARACTERS),
    "a flood of aliases": (f"{{ {repeated('a#: families { totalCount }', 300)} }}", Limit.ALIASES),
    "a flood of __typename": ("{" + "__typename " * 1_400 + "}", Limit.ROOT_FIELDS),
    "a flood of __typename below": (region("__typename " * 1_400), Limit.FIELDS),
    "a flood of one leaf": (region("name " * 900), Limit.COMPARISONS),
    "a flood of one object": (region("parent { name } " * 140), Limit.COMPARISONS),
    "a flood of directives on one field": (
        "{ __typename" + " @include(if: true)" * 200 + " }",
        Limit.DIRECTIVES_OF_ONE_PLACE,
    ),
    "a flood of unknown directives": ("{ __typename" + " @a" * 900 + " }", Limit.DIRECTIVES_OF_ONE_PLACE),
    "a chain of @include": (region("... @include(if: true) { name } " * 51), Limit.DIRECTIVES),
    "directives on variables and operations": (
        f"query ({repeated('$a#: Int @a @b @c @d', 13)}) @a {{ __typename }}",
        Limit.DIRECTIVES,
    ),
    "1,000 operations": (repeated("query q# { me }", 300), Limit.OPERATIONS),
    "operations of one name": ("query q { __typename } " * 11, Limit.OPERATIONS),
    "1,000 variables": (f"query ({repeated('$a#: Int', 400)}) {{ __typename }}", Limit.VARIABLES),
    "introspection within introspection": (
        "{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }",
        errors.VALIDATION,
    ),
    "introspection without end": (
        "{ __schema { types { " + "fields { type { " * 8 + "name" + " } }" * 8 + " } } }",
        Limit.LEVELS,
    ),
    "a number of 5,000 digits": (
        "{ families(first: " + "9" * 5_000 + ") { totalCount } }",
        Limit.CHARACTERS_OF_ONE_WORD,
    ),
    "fields that do not exist": (region(repeated("x#", 900)), errors.VALIDATION),
    "one name for many things": (region("name: code name " * 20), errors.VALIDATION),
    "definitions of types": ("type Query { a: Int } { __typename }", errors.VALIDATION),
    "a text that is not closed": ('{ region(code: "', errors.SYNTAX),
    "a block that is not closed": ('{ region(code: """{', errors.SYNTAX),
}
MOST_CALLS: Final = 500_000
"""Calls of Python functions, which no clock disturbs: about 50 ms. Bare graphql-core makes 3 million for some of these."""


def calls_of(work: Callable[[], Any]) -> int:
    """The calls of Python functions that ``work`` makes, none counted beyond ten times what it may."""
    calls = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event == "call"
        if calls > 10 * MOST_CALLS:
            raise TimeoutError

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize(("text", "reason"), ATTACKS.values(), ids=ATTACKS)
def test_an_attack_is_refused_for_little_work(text: str, reason: Limit | str) -> None:
    found: list[Any] = []
    assert calls_of(lambda: found.append(read(text))) < MOST_CALLS
    assert isinstance(found[0], list)
    assert len(found[0]) <= 20
    told = [errors.formatted(error, Language.ENGLISH, "1")["extensions"]["code"] for error in found[0]]
    if isinstance(reason, Limit):
        assert told == [LimitExceeded(reason).code]
        assert found[0][0].original_error.limit is reason
    else:
        assert set(told) == {reason}


@pytest.mark.parametrize(
    "text",
    [
        *(holding(limit.most) for limit, holding in HOLDING.items()),
        region("parent { parent { name code } } " * 70),
        "{" + ("nodes(ids: [" + "1 " * 85 + "]) { id } ") * 20 + "}",
        "{ nodes(ids: [1]) {" + "... on Region { name } ... on Person { name } " * 110 + "} }",
        region(repeated("...f#", 45)) + repeated("fragment f# on Region { parent { name code parent { id } } }", 45),
        "{ families(filter: {statuses: [" + "ACTIVE " * 1_900 + "]}) { totalCount } }",
    ],
)
def test_a_document_within_the_limits_is_read_for_little_work(text: str) -> None:
    assert calls_of(lambda: read(text)) < MOST_CALLS


def test_the_pass_takes_time_in_proportion_to_the_text_however_often_fragments_are_spread() -> None:
    def calls(fragments: int) -> int:
        text = (
            "{ region(code: 1) { ...f0 } } "
            + " ".join(f"fragment f{n} on Region {{ ...f{n + 1} ...f{n + 1} }}" for n in range(fragments))
            + f" fragment f{fragments} on Region {{ children(first: $n) {{ totalCount }} }}"
        )
        document = parse(text)
        return calls_of(lambda: _measured(document))

    assert calls(40) < 5 * calls(10)


def _measured(document: DocumentNode) -> Measure | None:
    try:
        return METER.measure(document)
    except LimitExceeded:
        return None


def test_a_tree_deeper_than_the_stack_is_measured() -> None:
    """No parser makes one; whoever hands in a tree of another making is answered, too."""
    selections = SelectionSetNode(selections=())
    for _ in range(5_000):
        selections = SelectionSetNode(selections=(FieldNode(name=NameNode(value="parent"), selection_set=selections),))
    operation = OperationDefinitionNode(operation=OperationType.QUERY, name=None, selection_set=selections)
    with pytest.raises(LimitExceeded) as refusal:
        METER.measure(DocumentNode(definitions=(operation,)))
    assert refusal.value.limit is Limit.LEVELS


def test_nothing_that_is_refused_tells_what_else_there_is() -> None:
    found = read(
        '{ familis { nodes { headNam } } region(code: "33", cod: 1) { nam } regions(order: NAM) { totalCount } }'
    )
    assert isinstance(found, list)
    assert len(found) == 4
    told = " ".join(error.message for error in found)
    assert "Did you mean" not in told
    assert not any(word in told for word in ("families", "headName", "name", "code", "NAME"))


@given(documents(BLUEPRINT.schema))
@PATIENT
def test_the_pass_counts_what_writing_out_counts(text: str) -> None:
    document = parse(text)
    expected = Expansion(BLUEPRINT.schema, document, VARIABLES).operation()
    try:
        measure = METER.measure(document)
    except LimitExceeded as refusal:
        if refusal.limit in OF_ONE_OPERATION:
            assert getattr(expected, OF_ONE_OPERATION[refusal.limit]) > refusal.limit.most  # noqa: PT017
        return
    assert measure.extents[None] == {limit: getattr(expected, name) for limit, name in OF_ONE_OPERATION.items()}
    try:
        assert measure.cost(None, VARIABLES) == expected.values
    except CostTooHigh as refusal:
        assert refusal.cost == min(expected.values, 10**12)  # noqa: PT017


@given(queries(api().sdl, custom_scalars={"Date": st.dates().map(str).map(nodes.String)}))
@settings(PATIENT, max_examples=50)
def test_documents_of_a_generator_of_others_are_counted_alike(text: str) -> None:
    document = parse(text)
    expected = Expansion(BLUEPRINT.schema, document, {}).operation()
    try:
        measure = METER.measure(document)
    except LimitExceeded:
        return
    assert measure.extents[None] == {limit: getattr(expected, name) for limit, name in OF_ONE_OPERATION.items()}


@given(GARBAGE)
@settings(PATIENT, max_examples=150)
def test_no_document_that_can_be_parsed_breaks_the_pass(text: str) -> None:
    document = parse(text)
    try:
        measure = METER.measure(document)
        for name in measure.costs:
            assert measure.cost(name, {"n": 3}) >= 0
    except (LimitExceeded, CostTooHigh):
        pass
    found = read(text)
    assert isinstance(found, Document | list)
