"""The tree is that of RFC 6962: held to the vectors of Certificate Transparency, and to what must be true of every tree."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.audit.merkle import inclusion_path, leaf_hash, parted, root_by_path, root_of

ENTRIES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
# The reference vectors of the Certificate Transparency log (merkletree/merkle_tree_test of google/certificate-transparency).
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PATHS = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}

hashes = st.binary(min_size=32, max_size=32)


@st.composite
def leaf_of_tree(draw: st.DrawFn) -> tuple[list[bytes], int]:
    leaves = draw(st.lists(hashes, min_size=1, max_size=70, unique=True))
    return leaves, draw(st.integers(0, len(leaves) - 1))


def flipped(value: bytes, bit: int) -> bytes:
    changed = bytearray(value)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def mth(leaves: list[bytes]) -> bytes:
    """The root word for word as section 2.1 of the RFC defines it."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    assert root_of(LEAVES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size"), PATHS)
def test_paths_are_those_of_certificate_transparency(index: int, size: int) -> None:
    assert [each.hex() for each in inclusion_path(LEAVES[:size], index)] == PATHS[index, size]


@given(st.lists(hashes, min_size=1, max_size=70))
def test_the_root_is_the_one_that_the_rfc_defines(leaves: list[bytes]) -> None:
    assert root_of(leaves) == mth(leaves)


@given(leaf_of_tree())
def test_every_leaf_leads_to_the_root(tree: tuple[list[bytes], int]) -> None:
    leaves, index = tree
    path = inclusion_path(leaves, index)
    assert root_by_path(leaves[index], index, len(leaves), path) == root_of(leaves)
    assert len(path) <= (len(leaves) - 1).bit_length()


@given(leaf_of_tree(), st.data())
def test_a_changed_bit_of_the_leaf_or_the_path_leads_elsewhere(
    tree: tuple[list[bytes], int], data: st.DataObject
) -> None:
    leaves, index = tree
    chain = [leaves[index], *inclusion_path(leaves, index)]
    place = data.draw(st.integers(0, len(chain) - 1))
    chain[place] = flipped(chain[place], data.draw(st.integers(0, 255)))
    assert root_by_path(chain[0], index, len(leaves), chain[1:]) != root_of(leaves)


@given(leaf_of_tree(), st.integers(-2, 80))
def test_a_leaf_proves_no_other_place(tree: tuple[list[bytes], int], place: int) -> None:
    leaves, index = tree
    if place != index:
        path = inclusion_path(leaves, index)
        assert root_by_path(leaves[index], place, len(leaves), path) != root_of(leaves)


@given(leaf_of_tree(), hashes)
def test_a_path_that_is_too_long_or_too_short_leads_nowhere(tree: tuple[list[bytes], int], more: bytes) -> None:
    leaves, index = tree
    path = inclusion_path(leaves, index)
    assert root_by_path(leaves[index], index, len(leaves), [*path, more]) is None
    if path:
        assert root_by_path(leaves[index], index, len(leaves), path[:-1]) is None


def test_a_pair_cannot_pass_for_a_leaf() -> None:
    """Without the byte in front, two hashes as an entry would have the root of the tree of both."""
    assert leaf_hash(LEAVES[0] + LEAVES[1]) != root_of(LEAVES[:2])


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_path_from_a_leaf_that_is_not_there(index: int) -> None:
    with pytest.raises(IndexError):
        inclusion_path(LEAVES[:3], index)


def test_joined_hashes_part_again() -> None:
    assert parted(b"".join(LEAVES)) == LEAVES
    assert parted(b"") == []
