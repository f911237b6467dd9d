"""What of a value a spreadsheet would run instead of showing it."""

import re
from typing import Final

# OWASP, "CSV Injection": a cell is a formula that begins with one of these, whether as ASCII or in full width. Where lists are written with
# semicolons, as Excel does in Indonesian, the text after a semicolon is opened as a cell of its own, quotes or not.
_SIGNS: Final = r"=+\-@\uff1d\uff0b\uff0d\uff20"
_FORMULA: Final = re.compile(rf'(^(?=[\t\r\n])|(?:^|[;\t])"*(?=[{_SIGNS}]))')
_FIRST: Final = frozenset('"=+-@\t\r\n\uff1d\uff0b\uff0d\uff20')


def harmless(text: str) -> str:
    """``text`` as a cell that no spreadsheet takes for a formula: an apostrophe stands before what would begin one."""
    # Nearly all texts are, and looking for three characters costs a tenth of the expression.
    if text[:1] not in _FIRST and ";" not in text and "\t" not in text:
        return text
    return _FORMULA.sub(r"\1'", text)
