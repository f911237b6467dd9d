"""How alike two names are, as Indonesian names are written."""

import re
from typing import Final, NamedTuple

from rapidfuzz import fuzz

LIKELY: Final = 85
"""From this score (0 to 100) on, two persons born on the same day in the same village may be one."""

_LETTERS: Final = re.compile(r"[^a-z ]+")
# Those that ``name_words`` in the database parts words at (revision 0036), and the full stop.
_APOSTROPHES: Final = re.compile(r"['`\u2018\u2019\u02bc.]")
_TITLES: Final = frozenset(
    [
        "h",
        "hj",
        "haji",
        "hajjah",
        "kh",
        "kyai",
        "ki",
        "nyai",
        "ust",
        "ustadz",
        "ustadzah",
        "dr",
        "drs",
        "dra",
        "drg",
        "ir",
        "prof",
        "tn",
        "ny",
        "nn",
        "sdr",
        "sdri",
        "alm",
        "almh",
        "se",
        "sh",
        "st",
        "sag",
        "spd",
        "ssos",
        "skm",
        "skep",
        "mm",
        "mh",
        "msi",
        "mpd",
        "ma",
        "bin",
        "binti",
    ]
)
_SHORT: Final = {"m": "muhamad", "muh": "muhamad", "moh": "muhamad", "mohd": "muhamad", "mhd": "muhamad", "md": "muhamad",
    "mohammad": "muhamad", "mohamad": "muhamad", "muhammad": "muhamad", "mohamed": "muhamad", "abd": "abdul", "ach": "ahmad",
    "achmad": "ahmad", "akhmad": "ahmad", "st": "siti", "sitti": "siti"}  # fmt: skip
# The spelling before 1972 and ways of writing Arabic sounds, each to the letters of today.
_SPELLINGS: Final = (("oe", "u"), ("dj", "j"), ("tj", "c"), ("nj", "ny"), ("sj", "sy"), ("ch", "kh"), ("dh", "d"), ("th", "t"),
    ("dz", "z"), ("ie", "i"), ("v", "f"), ("q", "k"))  # fmt: skip
_DOUBLED: Final = re.compile(r"(.)\1+")


class Name(NamedTuple):
    """A name made ready to be compared."""

    sorted: str
    """Its words in the order of the alphabet: families write the same names in another order."""
    joined: str
    """Its words in their own order without blanks: Nur Hayati and Nurhayati are one name."""


def comparable(name: str) -> Name:
    """``name`` without titles, in today's spelling: ``Hj. Soekarti`` becomes ``sukarti``."""
    plain = _LETTERS.sub(" ", _APOSTROPHES.sub("", name.lower()))
    words = [_spelled(word) for word in plain.split() if word not in _TITLES] or plain.split()
    return Name(" ".join(sorted(words)), "".join(words))


def _spelled(word: str) -> str:
    word = _SHORT.get(word, word)
    for old, new in _SPELLINGS:
        word = word.replace(old, new)
    return _DOUBLED.sub(r"\1", word)


def likeness(one: Name, other: Name) -> int:
    """0 to 100; 0 for anything below ``LIKELY``."""
    return int(
        max(
            fuzz.ratio(one.sorted, other.sorted, score_cutoff=LIKELY),
            fuzz.ratio(one.joined, other.joined, score_cutoff=LIKELY),
        )
    )
