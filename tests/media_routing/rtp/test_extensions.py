"""Header extensions in both forms, whole and spoilt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_routing.rtp import extensions

ONE, TWO = 0xBEDE, 0x1000
WIDE, EXTRA, MID = 3, 1, 4


def scan(profile, block):
    return extensions.scan(memoryview(block), profile, 0, len(block), WIDE, EXTRA)


def text(profile, block, wanted=MID):
    return extensions.read_text(memoryview(block), profile, 0, len(block), wanted)


@pytest.mark.parametrize(
    ("profile", "block", "expected"),
    [
        (ONE, bytes.fromhex("31 abcd 10 a8 000000"), (0xABCD, 0xA8)),
        (ONE, bytes.fromhex("00 10 28 00 31 0001 00"), (1, 0x28)),
        (ONE, bytes.fromhex("10 28 0000"), (-1, 0x28)),
        (ONE, bytes.fromhex("32 abcdef 10 28 0000"), (-1, 0x28)),  # three bytes are no transport-wide number
        (ONE, bytes.fromhex("f0 00 10 28"), (-1, -1)),  # id 15 ends the reading
        (ONE, bytes.fromhex("10 28 00 31"), (-1, 0x28)),  # cut off
        (ONE, bytes.fromhex("10 28 31 ab"), (-1, 0x28)),
        (TWO, bytes.fromhex("03 02 abcd 01 01 28 00"), (0xABCD, 0x28)),
        (TWO | 7, bytes.fromhex("03 02 abcd"), (0xABCD, -1)),
        (TWO, bytes.fromhex("03 00 01 01 28 03 02 ab"), (-1, 0x28)),
        (0x1234, bytes.fromhex("31 abcd 00"), (-1, -1)),  # somebody else's extension
        (0, b"", (-1, -1)),
    ],
)
def test_it_finds_what_it_looks_for(profile, block, expected):
    assert scan(profile, block) == expected


@pytest.mark.parametrize(
    ("profile", "block", "expected"),
    [
        (ONE, b"\x40" + b"1", "1"),
        (ONE, b"\x42" + b"cam" + b"\xa0" + b"h", "cam"),
        (ONE, b"\x42" + b"a\0\0", "a"),  # padded to a fixed size by the sender
        (TWO, b"\x04\x10" + b"0123456789abcdef", "0123456789abcdef"),
        (TWO, b"\x04\x11" + b"0123456789abcdefg", ""),  # too long to be remembered
        (ONE, b"\x40\xff", ""),
        (ONE, b"\x10\x31", ""),
    ],
)
def test_it_reads_short_ascii(profile, block, expected):
    assert text(profile, block) == expected


def test_what_was_not_negotiated_is_not_there():
    assert text(ONE, b"\x40" + b"1", wanted=0) == ""


@given(st.sampled_from([ONE, TWO, 0]), st.binary(max_size=40))
def test_any_bytes_are_read_without_error(profile, block):
    wide, extra = scan(profile, block)
    assert -1 <= wide <= 0xFFFF and -1 <= extra <= 0xFF
    assert len(text(profile, block)) <= extensions.MAX_ID_BYTES
    for _, start, size in extensions.elements(memoryview(block), profile, 0, len(block)):
        assert start + size <= len(block)
