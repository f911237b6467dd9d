"""From the text of a condition to its tree, as the grammar of cel-python gives it."""

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from app.domain.bansos.eligibility.errors import RuleInvalid

if TYPE_CHECKING:
    from celpy.celparser import CELParser
    from lark import Token, Tree

MOST_CHARACTERS: Final = 2_000

# No backslash: with one, the pattern of texts in CEL's grammar takes exponential time over a text that nobody closes.
_FOREIGN: Final = re.compile(r"[^\t\n\x20-\x5b\x5d-\x7e]")
_HOLLOW: Final = frozenset(
    {
        "expr",
        "conditionalor",
        "conditionaland",
        "relation",
        "addition",
        "multiplication",
        "unary",
        "member",
        "primary",
        "paren_expr",
    }
)


def parsed(text: str) -> "Tree[Token]":
    """The tree of ``text``.

    Raises:
        RuleInvalid: there is none, or the text is too long or holds characters that conditions do without.
    """
    text = text.replace("\r\n", "\n")
    if not text.strip():
        raise RuleInvalid(
            1, 1, "syarat kosong. Tulis misalnya family.decile <= 4.", "it is empty. Write family.decile <= 4, say."
        )
    if len(text) > MOST_CHARACTERS:
        raise _at(
            text,
            MOST_CHARACTERS,
            f"syarat lebih panjang dari {MOST_CHARACTERS} karakter. Bagi menjadi beberapa aturan.",
            f"it is longer than {MOST_CHARACTERS} characters. Make several rules of it.",
        )
    if foreign := _FOREIGN.search(text):
        raise _at(
            text,
            foreign.start(),
            "karakter ini tidak dapat dipakai dalam syarat. Hapus atau ganti.",
            "this character cannot stand in a condition. Remove or replace it.",
        )
    return _tree(text)


@cache
def _parser() -> "CELParser":
    # Brought in by the first condition: reading the grammar takes a third of a second, celpy itself twice that.
    from celpy.celparser import CELParser  # noqa: PLC0415  (see above)
    from lark import Token  # noqa: PLC0415  (see above)

    class Parser(CELParser):
        @staticmethod
        def ambiguous_literals(t: Token) -> Token:
            """Tell true and false from names, as cel-python does, without losing where they stand."""
            return Token.new_borrow_pos("BOOL_LIT", t.value, t) if t.value in {"true", "false"} else t

    return Parser()


def _tree(text: str) -> "Tree[Token]":
    from celpy.celparser import CELParseError  # noqa: PLC0415  (see _parser)

    try:
        return _parser().parse(text)
    except CELParseError as error:
        line, column = error.line or 0, error.column or 0
        if line < 1 or column < 1:
            line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
        raise RuleInvalid(
            line,
            column,
            "syarat tidak dapat dibaca mulai dari sini: ada yang kurang, berlebih atau salah tulis.",
            "it cannot be read from here on: something is missing, superfluous or misspelt.",
        ) from None


def _at(text: str, position: int, indonesian: str, english: str) -> RuleInvalid:
    before = text[:position]
    return RuleInvalid(before.count("\n") + 1, position - before.rfind("\n"), indonesian, english)


def trees(place: "Tree[Token]") -> "list[Tree[Token]]":
    """What ``place`` is made of, without its tokens."""
    return [child for child in place.children if not isinstance(child, str)]


def core(place: "Tree[Token]") -> "Tree[Token]":
    """``place`` without the levels of the grammar, and the parentheses, that hold but one thing."""
    while place.data in _HOLLOW and len(place.children) == 1 and not isinstance(place.children[0], str):
        place = place.children[0]
    return place


def operands(place: "Tree[Token]") -> "list[Tree[Token]]":
    """The operands of ``a && b && c``, which the grammar nests to the left."""
    found: list[Tree[Token]] = []
    level, data = place, place.data
    while level.data == data and len(level.children) == 2:
        level, right = trees(level)
        found.append(right)
    return [level, *reversed(found)]


def refused(place: "Tree[Token]", indonesian: str, english: str) -> RuleInvalid:
    """A refusal of what stands at ``place``."""
    meta = place.meta
    return RuleInvalid(getattr(meta, "line", None) or 1, getattr(meta, "column", None) or 1, indonesian, english)
