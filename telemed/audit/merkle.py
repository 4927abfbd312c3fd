"""The hash tree of RFC 9162 §2.1.1, grown one leaf at a time. Pure.

A tree of n leaves is kept as its peaks: the roots of the perfect subtrees that n's binary digits describe, the
largest first. A tree of 6 leaves has two: the root of leaves 1-4 and the root of leaves 5-6. Peaks are all that is
needed to append and to compute the root, so a log of a million entries needs at most twenty hashes of state.
"""

import hashlib
from collections.abc import Iterable

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def hash_leaf(data: bytes) -> bytes:
    """Return SHA-256(0x00 ‖ data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def append_leaf(peaks: list[bytes], size: int, leaf: bytes) -> list[bytes]:
    """Return the peaks after adding one leaf hash to a tree of `size` leaves."""
    if len(peaks) != size.bit_count():
        raise ValueError("these peaks do not belong to a tree of this size")
    grown = [*peaks, leaf]
    while size & 1:  # every trailing 1 is a subtree that the new one completes
        right = grown.pop()
        grown[-1] = hash_node(grown[-1], right)
        size >>= 1
    return grown


def tree_root(peaks: list[bytes]) -> bytes:
    """Return the root of the tree with these peaks (the hash of nothing for an empty tree)."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = hash_node(peak, root)
    return root


def peaks_to_text(peaks: Iterable[bytes]) -> str:
    """Return the peaks as hex digits, 64 each, without separators."""
    return "".join(peak.hex() for peak in peaks)


def peaks_from_text(text: str) -> list[bytes]:
    """Return the peaks of `peaks_to_text`; raise ValueError for anything else."""
    raw = bytes.fromhex(text)
    if len(raw) % HASH_BYTES:
        raise ValueError("not a list of 32-byte hashes")
    return [raw[start : start + HASH_BYTES] for start in range(0, len(raw), HASH_BYTES)]
