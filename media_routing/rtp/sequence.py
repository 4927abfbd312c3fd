"""Arithmetic of numbers that wrap: sequence numbers, timestamps, picture ids.

Inside the core a sequence number is a plain growing int ("extended", RFC 3550 §A.1); only its low 16 bits travel.
"""

from __future__ import annotations


def extend(number: int, near: int, bits: int = 16) -> int:
    """The int nearest to `near` whose low `bits` are `number`; it may be negative near the beginning."""
    size = 1 << bits
    ahead = (number - near) & (size - 1)
    return near + ahead - (size if ahead >= size >> 1 else 0)


def ahead(newer: int, older: int, bits: int = 16) -> int:
    """How far `newer` lies ahead of `older`, negative when it lies behind; both modulo 2**bits."""
    return extend(newer, older, bits) - older
