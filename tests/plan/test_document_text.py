"""The look at a text before it is parsed: it counts what the parser counts, and no text makes it go back."""

import pytest
from graphql import GraphQLError, get_introspection_query, parse
from hypothesis import given, settings
from hypothesis import strategies as st

from app.schema.plan.limits.refusals import Limit, LimitExceeded
from app.schema.plan.limits.text import count_tokens


@pytest.mark.parametrize(
    "text",
    [
        r'{ a(b: "}}}{{{\" # \\") }',
        r'''{ a(b: """ " "" \""" {{{ \\""" [[[ # """) } # {{{''',
        '{ a # }}} {{{ """ \r b # [[[ \n c }',
        '{ a(b: "", c: """""", d: -1.5e-3, e: [1-1-1 2]) ...b ... on C { d } }',
        "query ($a: [Int!]! = [1] @b) { c(d: {e: $a}) @f }",
        "{ a,,, b,c }",
        get_introspection_query(),
    ],
)
def test_tokens_are_those_of_the_parser(text: str) -> None:
    tokens = count_tokens(text)
    assert parse(text, max_tokens=tokens)
    with pytest.raises(GraphQLError, match=f"more than {tokens - 1} tokens"):
        parse(text, max_tokens=tokens - 1)


@given(st.text(alphabet='{}[]()"\\#\n\r abc.1-', max_size=60))
@settings(deadline=None, max_examples=500)
def test_no_text_nests_deeper_for_the_parser_than_for_the_scan(text: str) -> None:
    for deep in ("{a" * 45 + text + "{a" * 200, "{ a(b: " + "[" * 45 + text + "[" * 200):
        try:
            count_tokens(deep)
        except LimitExceeded:
            continue
        with pytest.raises(GraphQLError) as found:
            parse(deep)
        assert "nested too deeply" not in found.value.message


@pytest.mark.parametrize(
    "text",
    [
        "{a" * 100_000,
        '{ a(b: "' + "{" * 2_000 + '") }' + "{",
        '"""\\"""' * 2_000,
        '"' * 16_000,
        '"""' + '\\"""' * 4_000,
        "\\" * 16_000,
        '"\\' * 8_000,
    ],
    ids=["braces", "braces in a string", "block strings", "quotes", "escaped quotes", "backslashes", "escapes"],
)
def test_no_text_makes_the_scan_go_back(text: str) -> None:
    """It is counted or refused; a scan that goes back would not come to an end here."""
    try:
        tokens = count_tokens(text)
    except LimitExceeded as refusal:
        assert refusal.limit in {Limit.TOKENS, Limit.NESTING, Limit.CHARACTERS}  # noqa: PT017  (it may be counted, too)
    else:
        assert tokens <= Limit.TOKENS.most
