"""RFC 9162 §2.1.1 against the known answers of the Certificate Transparency project and a naive twin."""

import hashlib
import random

import pytest

from telemed.audit.merkle import (
    EMPTY_ROOT,
    append_leaf,
    hash_leaf,
    hash_node,
    peaks_from_text,
    peaks_to_text,
    tree_root,
)

INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def _naive_root(leaves: list[bytes]) -> bytes:
    """The recursive definition of the RFC, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hash_node(_naive_root(leaves[:split]), _naive_root(leaves[split:]))


def test_it_gives_the_published_roots() -> None:
    peaks: list[bytes] = []
    assert tree_root(peaks) == EMPTY_ROOT == hashlib.sha256(b"").digest()
    for size, (data, root) in enumerate(zip(INPUTS, ROOTS, strict=True)):
        peaks = append_leaf(peaks, size, hash_leaf(bytes.fromhex(data)))
        assert tree_root(peaks).hex() == root


def test_it_agrees_with_the_recursive_definition() -> None:
    rng = random.Random(7)
    leaves: list[bytes] = []
    peaks: list[bytes] = []
    for size in range(300):
        leaves.append(rng.randbytes(32))
        peaks = append_leaf(peaks, size, leaves[-1])
        assert len(peaks) == (size + 1).bit_count()
        assert tree_root(peaks) == _naive_root(leaves)


def test_leaves_and_nodes_cannot_be_confused() -> None:
    left, right = hash_leaf(b"a"), hash_leaf(b"b")
    assert hash_node(left, right) != hash_leaf(left + right)


def test_appending_leaves_the_given_peaks_alone() -> None:
    peaks = [hash_leaf(b"a")]
    append_leaf(peaks, 1, hash_leaf(b"b"))
    assert peaks == [hash_leaf(b"a")]


def test_peaks_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="this size"):
        append_leaf([hash_leaf(b"a")], 3, hash_leaf(b"b"))


def test_peaks_survive_as_text() -> None:
    peaks = [hash_leaf(b"a"), hash_leaf(b"b")]
    assert peaks_from_text(peaks_to_text(peaks)) == peaks
    assert peaks_from_text("") == []
    for text in ("ab", "zz" * 32, "a" * 63):
        with pytest.raises(ValueError):
            peaks_from_text(text)
