"""The language of conditions: the part of CEL that an officer needs and SQL can answer (docs/eligibility.md).

cel-python reads the text; here its tree is checked against the facts there are, so that whatever passes has an answer. No text, however
long or odd, does more than be refused with a sentence that says where and why.
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from app.domain.bansos.eligibility import tree
from app.domain.bansos.eligibility.errors import RuleInvalid
from app.domain.bansos.eligibility.facts import FAMILY_FACTS, PERSON_FACTS
from app.domain.bansos.eligibility.grammar import core, operands, parsed, refused, trees
from app.domain.bansos.eligibility.tree import Comparator, Kind, Node, Plain, Quantifier
from app.domain.base import Term

if TYPE_CHECKING:
    from lark import Token, Tree

MOST_LEVELS: Final = 24
_MOST_INTEGER: Final = 2_147_483_647

_PLAIN_TEXT: Final = re.compile(r"""(["'])([^"']*)\1""")
_WHOLE: Final = re.compile(r"-?[0-9]{1,10}")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_COMPARATORS: Final = {
    "relation_lt": Comparator.LESS,
    "relation_le": Comparator.AT_MOST,
    "relation_gt": Comparator.MORE,
    "relation_ge": Comparator.AT_LEAST,
    "relation_eq": Comparator.EQUAL,
    "relation_ne": Comparator.UNEQUAL,
}
_QUANTIFIERS: Final = {each.value: each for each in (Quantifier.EXISTS, Quantifier.ALL, Quantifier.EXISTS_ONE)}
FAMILY: Final = "family"
PERSON: Final = "person"
MEMBERS: Final = "members"


class Subject(Enum):
    """What a condition is about."""

    FAMILY = FAMILY
    PERSON = PERSON


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition that has an answer: yes, no, or unknown where it depends on facts that are."""

    text: str
    subject: Subject
    node: Node
    family_facts: tuple[str, ...]
    """Names of the family's facts that it looks at, in their order."""


class _Text(NamedTuple):
    """A text that stands in a condition: which list of terms it is from, what it is compared with says."""

    value: str


class _Members(NamedTuple):
    """Members that fulfil a condition; all of them where there is none."""

    condition: Node | None


class _Part(NamedTuple):
    """A part of a condition that was read: its type, and where it stands."""

    node: Node | _Text | _Members
    kind: Kind | None
    place: "Tree[Token]"


@lru_cache(maxsize=512)
def parse(text: str, subject: Subject) -> Expression:
    """Read and check the condition ``text``.

    Raises:
        RuleInvalid: it cannot be read, asks for something that there is not, or compares what cannot be compared.
    """
    reader = _Reader(subject)
    whole = reader.boolean(parsed(text), 0)
    return Expression(text, subject, whole, tuple(dict.fromkeys(reader.family_facts)))


class _Reader:
    """Checks one condition. Whatever calls itself counts the levels, so that no text goes deeper than Python may."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._member: str | None = None
        self.family_facts: list[str] = []

    def boolean(self, place: "Tree[Token]", level: int) -> Node:
        """The part at ``place``, which has to be a yes or no."""
        part = self._part(place, level)
        return self._of_kind(part, Plain.BOOLEAN, "ya atau tidak", "a yes or no, such as family.decile <= 4")

    def _of_kind(self, part: _Part, kind: Kind, indonesian: str, english: str) -> Node:
        if part.kind is not kind or isinstance(part.node, _Text | _Members):
            raise refused(part.place, f"di sini diperlukan {indonesian}.", f"here there must be {english}.")
        return part.node

    def _part(self, place: "Tree[Token]", level: int) -> _Part:
        place = core(place)
        if level > MOST_LEVELS:
            raise refused(
                place,
                f"syarat bertingkat lebih dari {MOST_LEVELS}. Bagi menjadi beberapa aturan.",
                f"it nests deeper than {MOST_LEVELS} levels. Make several rules of it.",
            )
        read = {
            "expr": self._choice,
            "conditionalor": self._any,
            "conditionaland": self._all,
            "relation": self._relation,
            "unary": self._unary,
            "literal": self._literal,
            "member_dot": self._fact,
            "member_dot_arg": self._method,
            "ident": self._name,
            "ident_arg": self._function,
        }.get(place.data)
        if read is None:
            raise refused(
                place,
                "bagian bahasa CEL ini tidak didukung; yang didukung ada di docs/eligibility.md.",
                "this part of CEL is not supported; what is stands in docs/eligibility.md.",
            )
        return read(place, level)

    def _choice(self, place: "Tree[Token]", level: int) -> _Part:
        condition, then, otherwise = trees(place)
        chosen, other = self._part(then, level + 1), self._part(otherwise, level + 1)
        if chosen.kind is None or isinstance(chosen.node, _Text | _Members):
            raise refused(
                chosen.place, "pilihan harus berupa fakta atau syarat.", "a choice is of facts or conditions."
            )
        node = self._of_kind(other, chosen.kind, "jenis yang sama di kedua pilihan", "the same type in both choices")
        return _Part(tree.Choice(self.boolean(condition, level + 1), chosen.node, node), chosen.kind, place)

    def _any(self, place: "Tree[Token]", level: int) -> _Part:
        parts = tuple(self.boolean(each, level + 1) for each in operands(place))
        return _Part(tree.Any(parts), Plain.BOOLEAN, place)

    def _all(self, place: "Tree[Token]", level: int) -> _Part:
        parts = tuple(self.boolean(each, level + 1) for each in operands(place))
        return _Part(tree.All(parts), Plain.BOOLEAN, place)

    def _unary(self, place: "Tree[Token]", level: int) -> _Part:
        operator, operand = trees(place)
        if operator.data != "unary_not":
            raise refused(place, "tanda minus hanya di depan angka.", "a minus stands before a number only.")
        return _Part(tree.Not(self.boolean(operand, level + 1)), Plain.BOOLEAN, place)

    def _relation(self, place: "Tree[Token]", level: int) -> _Part:
        operator, right = trees(place)
        (left,) = trees(operator)
        if operator.data == "relation_in":
            return self._one_of(place, left, right, level)
        comparator = _COMPARATORS[operator.data]
        first, second = self._part(left, level + 1), self._part(right, level + 1)
        kind = first.kind or second.kind
        if kind is None:
            raise refused(
                place,
                "teks atau daftar hanya dibandingkan dengan fakta.",
                "a text or list is compared with a fact only.",
            )
        ordered = comparator not in {Comparator.EQUAL, Comparator.UNEQUAL}
        if ordered and kind is not Plain.INTEGER:
            raise refused(
                place,
                f"{comparator.value} hanya untuk angka; pakai == , != atau in.",
                f"{comparator.value} is for numbers only; use ==, != or in.",
            )
        return _Part(tree.Compare(comparator, _as_kind(first, kind), _as_kind(second, kind)), Plain.BOOLEAN, place)

    def _one_of(self, place: "Tree[Token]", left: "Tree[Token]", right: "Tree[Token]", level: int) -> _Part:
        part, listed = self._part(left, level + 1), core(right)
        if part.kind is None or isinstance(part.node, _Text | _Members):
            raise refused(part.place, "di depan `in` harus ada fakta.", "before `in` there must be a fact.")
        if listed.data != "list_lit" or not listed.children:
            raise refused(
                listed,
                "setelah `in` harus ada daftar, misalnya [1, 2].",
                "after `in` there must be a list, such as [1, 2].",
            )
        (items,) = trees(listed)
        values = []
        for each in trees(items):
            value = _as_kind(self._part(each, level + 1), part.kind)
            if not isinstance(value, tree.Literal):
                raise refused(core(each), "daftar hanya berisi nilai tetap.", "a list holds fixed values only.")
            values.append(value)
        return _Part(tree.OneOf(part.node, tuple(values)), Plain.BOOLEAN, place)

    def _literal(self, place: "Tree[Token]", level: int) -> _Part:  # noqa: ARG002  (all readers take a level)
        (token,) = place.children
        text = str(token)
        match getattr(token, "type", ""):
            case "BOOL_LIT":
                return _Part(tree.Literal(text == "true"), Plain.BOOLEAN, place)
            case "INT_LIT" if _WHOLE.fullmatch(text) and abs(int(text)) <= _MOST_INTEGER:
                return _Part(tree.Literal(int(text)), Plain.INTEGER, place)
            case "STRING_LIT" if plain := _PLAIN_TEXT.fullmatch(text):
                return _Part(_Text(plain[2]), None, place)
            case "NULL_LIT":
                raise refused(
                    place,
                    "null tidak dipakai; pakai has(family.decile) untuk bertanya apakah fakta diketahui.",
                    "null is not used; ask has(family.decile) whether a fact is known.",
                )
        raise refused(
            place,
            f"nilai ini tidak dapat dipakai: pakai bilangan bulat sampai {_MOST_INTEGER}, true, false, atau teks biasa.",
            f"this value cannot be used: write a whole number up to {_MOST_INTEGER}, true, false, or a plain text.",
        )

    def _name(self, place: "Tree[Token]", level: int) -> _Part:  # noqa: ARG002  (all readers take a level)
        if str(place.children[0]) == MEMBERS and self._may_ask_members:
            return _Part(_Members(None), None, place)
        raise self._unknown_name(place)

    @property
    def _may_ask_members(self) -> bool:
        return self._subject is Subject.FAMILY and self._member is None

    def _unknown_name(self, place: "Tree[Token]") -> RuleInvalid:
        if self._member is not None:
            return refused(
                place,
                f"di dalam members... hanya fakta anggota: {self._member}.age, misalnya. Syarat lain ditulis di luarnya dengan &&.",
                f"within members... there are facts of the member only: {self._member}.age, say. Put others outside, with &&.",
            )
        if self._subject is Subject.PERSON:
            return refused(
                place,
                "syarat komponen hanya tentang person, misalnya person.age >= 60.",
                "the condition of a component is about person only, such as person.age >= 60.",
            )
        return refused(
            place,
            "syarat keluarga dimulai dengan family. atau members, misalnya family.decile <= 4.",
            "a condition of a family begins with family. or members, such as family.decile <= 4.",
        )

    def _fact(self, place: "Tree[Token]", level: int) -> _Part:  # noqa: ARG002  (all readers take a level)
        owner, token = core(trees(place)[0]), str(place.children[1])
        if owner.data != "ident":
            raise self._unknown_name(owner)
        name = str(owner.children[0])
        of_family = self._subject is Subject.FAMILY and self._member is None
        if name != (FAMILY if of_family else self._member or PERSON):
            raise self._unknown_name(owner)
        facts = FAMILY_FACTS if of_family else PERSON_FACTS
        if token not in facts:
            near = get_close_matches(token, facts, 1)
            hint = (f" Mungkin {name}.{near[0]}?", f" Perhaps {name}.{near[0]}?") if near else ("", "")
            raise refused(
                place,
                f"tidak ada fakta {name}.{token[:40]}.{hint[0]}",
                f"there is no fact {name}.{token[:40]}.{hint[1]}",
            )
        if of_family:
            self.family_facts.append(token)
        return _Part(tree.Value(of_family, token), facts[token].kind, place)

    def _function(self, place: "Tree[Token]", level: int) -> _Part:
        name, arguments = str(place.children[0]), trees(place)
        given = trees(arguments[0]) if arguments else []
        if name == "has" and len(given) == 1:
            part = self._part(given[0], level + 1)
            if isinstance(part.node, tree.Value):
                return _Part(tree.Known(part.node), Plain.BOOLEAN, place)
        elif name == "size" and len(given) == 1:
            return self._size(self._part(given[0], level + 1), place)
        raise refused(
            place,
            "fungsi ini tidak dikenal; yang ada: has(family.decile) dan size(members).",
            "this function is not known; there are has(family.decile) and size(members).",
        )

    def _method(self, place: "Tree[Token]", level: int) -> _Part:
        name = str(place.children[1])
        owner, *arguments = trees(place)
        part = self._part(owner, level + 1)
        given = trees(arguments[0]) if arguments else []
        if name == "size" and not given:
            return self._size(part, place)
        if part.node == _Members(None) and len(given) == 2 and (name == "filter" or name in _QUANTIFIERS):
            condition = self._about_member(given[0], given[1], level)
            if name == "filter":
                return _Part(_Members(condition), None, place)
            return _Part(tree.Members(_QUANTIFIERS[name], condition), Plain.BOOLEAN, place)
        raise refused(
            place,
            "yang ada: members.exists(m, syarat), .all, .exists_one, .filter(m, syarat).size(), dan members.size().",
            "there are members.exists(m, condition), .all, .exists_one, .filter(m, condition).size() and members.size().",
        )

    def _size(self, part: _Part, place: "Tree[Token]") -> _Part:
        if not isinstance(part.node, _Members):
            raise refused(place, "size() hanya untuk members.", "size() is for members only.")
        return _Part(tree.Members(Quantifier.COUNT, part.node.condition), Plain.INTEGER, place)

    def _about_member(self, variable: "Tree[Token]", condition: "Tree[Token]", level: int) -> Node:
        named = core(variable)
        name = str(named.children[0]) if named.data == "ident" else ""
        if not _NAME.fullmatch(name) or name in {FAMILY, PERSON, MEMBERS}:
            raise refused(
                named,
                "beri anggota sebuah nama pendek dengan huruf kecil, misalnya m.",
                "give the member a short name in small letters, such as m.",
            )
        self._member = name
        try:
            return self.boolean(condition, level + 1)
        finally:
            self._member = None


def _as_kind(part: _Part, kind: Kind) -> Node:
    """The node of ``part``, read as a value of ``kind``: texts are terms of the list that they are compared with."""
    if isinstance(part.node, _Text) and isinstance(kind, type):
        try:
            return tree.Literal(kind(part.node.value))
        except ValueError:
            known = ", ".join(term.value for term in kind)
            raise refused(
                part.place, f"nilai ini tidak ada; yang ada: {known}.", f"there is no such value; there are {known}."
            ) from None
    if part.kind is not kind or isinstance(part.node, _Text | _Members):
        indonesian, english = _described(kind)
        raise refused(
            part.place,
            f"jenisnya tidak sama dengan yang dibandingkan; di sini diperlukan {indonesian}.",
            f"it is not of the type that it is compared with; here there must be {english}.",
        )
    return part.node


def _described(kind: Kind) -> tuple[str, str]:
    if isinstance(kind, Plain):
        return ("true atau false", "true or false") if kind is Plain.BOOLEAN else ("bilangan bulat", "a whole number")
    first: Term = next(iter(kind))
    return f"nilai seperti '{first.value}'", f"a value such as '{first.value}'"
