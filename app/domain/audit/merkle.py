"""Merkle trees as RFC 6962 (section 2.1) and RFC 9162 define them, over SHA-256.

A leaf is hashed behind a zero byte and a pair behind a one, so that no pair can pass for a leaf. Trees are built level by level: where a
level is odd its last hash moves up as it is, which is the tree of the RFC.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

_LEAF: Final = b"\x00"
_PAIR: Final = b"\x01"
HASH_BYTES: Final = 32


def leaf_hash(entry: bytes) -> bytes:
    """The hash of ``entry`` as a leaf."""
    return sha256(_LEAF + entry).digest()


def parted(hashes: bytes) -> list[bytes]:
    """The hashes that were joined to ``hashes``."""
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]


def _pair_hash(left: bytes, right: bytes) -> bytes:
    return sha256(_PAIR + left + right).digest()


def _level_above(level: Sequence[bytes]) -> list[bytes]:
    above = [_pair_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
    if len(level) % 2:
        above.append(level[-1])
    return above


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root of the tree over ``leaves``, which are leaf hashes; without leaves, the hash of nothing."""
    if not leaves:
        return sha256().digest()
    level = leaves
    while len(level) > 1:
        level = _level_above(level)
    return level[0]


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes that lead from the leaf at ``index`` to the root, lowest first.

    Raises:
        IndexError: there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    path = []
    level = leaves
    while len(level) > 1:
        beside = index ^ 1
        if beside < len(level):
            path.append(level[beside])
        level, index = _level_above(level), index // 2
    return path


def root_by_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root to which ``path`` leads from ``leaf`` at ``index`` of a tree with ``size`` leaves; None where no such path exists.

    ``size`` must be known to be right, as a seal makes it: trees of different sizes may share a path.
    """
    if not 0 <= index < size:
        return None
    here, last, found = index, size - 1, leaf
    for beside in path:
        if not last:
            return None
        if here % 2:
            found = _pair_hash(beside, found)
        elif here == last:
            # The lone last hash of its level moves up until something stands to its left.
            while not here % 2:
                here, last = here // 2, last // 2
            found = _pair_hash(beside, found)
        else:
            found = _pair_hash(found, beside)
        here, last = here // 2, last // 2
    return None if last else found
