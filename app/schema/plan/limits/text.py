"""A look at the text of a document before it is parsed: whether it is short enough, and not nested too deeply.

graphql-core parses by recursive descent and keeps every token, so a flood of either is refused here at a twentieth of the price.
"""

import re
from typing import Final

from app.schema.plan.limits.refusals import Limit, LimitExceeded

# The quantifiers are possessive and the closing quotes optional, so that no text makes the scan go back: a string that is not closed
# reaches to the end of its line (a block string to the end of the text), where the parser refuses it.
_TOKEN: Final = re.compile(
    r'"""(?:[^"\\]|\\"""|\\|"(?!""))*+(?:""")?'
    r'|"(?:[^"\\\r\n]|\\[^\r\n])*+"?'
    r"|#[^\r\n]*+"
    r"|\.\.\."
    r"|-?[0-9]++(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
    r"|[A-Za-z_][A-Za-z_0-9]*+"
    r"|[^\s,]"
)
_LONG: Final = frozenset({'"', "#"})
"""What strings and comments begin with, which may be long."""
_STEPS: Final = {"{": 1, "[": 1, "(": 1, "}": -1, "]": -1, ")": -1}


def count_tokens(text: str) -> int:
    """The tokens of ``text``, comments among them.

    Raises:
        LimitExceeded: it has too many characters, tokens, or brackets within brackets, or a word that is too long.
    """
    if len(text) > Limit.CHARACTERS.most:
        raise LimitExceeded(Limit.CHARACTERS)
    tokens = _TOKEN.findall(text)
    if len(tokens) > Limit.TOKENS.most:
        raise LimitExceeded(Limit.TOKENS)
    level, longest_word = 0, Limit.CHARACTERS_OF_ONE_WORD.most
    for token in tokens:
        if token in _STEPS:
            level += _STEPS[token]
            if level > Limit.NESTING.most:
                raise LimitExceeded(Limit.NESTING)
        # What is wrong with a name is told with the name, and Python reads no number of 5,000 digits.
        elif len(token) > longest_word and token[0] not in _LONG:
            raise LimitExceeded(Limit.CHARACTERS_OF_ONE_WORD)
    return len(tokens)
