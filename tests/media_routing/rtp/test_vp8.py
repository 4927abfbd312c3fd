"""The VP8 payload descriptor, all of its forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_routing.rtp import vp8

FORMS = [
    # bytes, size, picture id, wide, tl0, key index
    ("10", 1, -1, False, -1, -1),
    ("90 80 05", 3, 5, False, -1, -1),
    ("90 80 8123", 4, 0x123, True, -1, -1),
    ("90 40 07", 3, -1, False, 7, -1),
    ("90 10 e9", 3, -1, False, -1, 9),
    ("90 20 c0", 3, -1, False, -1, -1),
    ("90 f0 ffff ff bf", 6, 0x7FFF, True, 255, 31),
]


@pytest.mark.parametrize(("raw", "size", "picture", "wide", "tl0", "key"), FORMS)
def test_it_reads_every_form(raw, size, picture, wide, tl0, key):
    found = vp8.parse(bytes.fromhex(raw) + b"\1rest", 0)
    assert found is not None
    assert (found.size, found.picture_id, found.is_wide, found.tl0, found.key_index) == (size, picture, wide, tl0, key)


@pytest.mark.parametrize("raw", ["", "90", "90 80", "90 80 81", "90 c0 05", "90 f0 8001 05"])
def test_what_is_cut_off_is_none(raw):
    assert vp8.parse(bytes.fromhex(raw), 0) is None
    assert not vp8.is_key_frame_start(bytes.fromhex(raw), 0)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("10 00", True),
        ("10 01", False),  # delta frame
        ("00 00", False),  # not the start of a partition
        ("11 00", False),  # start of the second partition
        ("90 f0 8001 05 23 50", True),
        ("90 f0 8001 05 23 51", False),
        ("10", False),  # no payload byte
        ("90 f0 8001 05 23", False),
    ],
)
def test_it_knows_the_start_of_a_key_frame_by_one_byte(raw, expected):
    assert vp8.is_key_frame_start(b"header" + bytes.fromhex(raw), 6) is expected


@pytest.mark.parametrize(("raw", "size", "picture", "wide", "tl0", "key"), FORMS)
def test_a_patch_shifts_each_number_within_its_width_and_nothing_else(raw, size, picture, wide, tl0, key):
    data = bytearray(bytes.fromhex(raw) + b"\1rest")
    before = vp8.parse(bytes(data), 0)
    vp8.patch(memoryview(data), 0, before, 3, 300, 40)
    after = vp8.parse(bytes(data), 0)
    assert after.size == size and after.is_wide is wide
    assert after.picture_id == ((picture + 3) & (0x7FFF if wide else 0x7F) if picture >= 0 else -1)
    assert after.tl0 == ((tl0 + 300) & 0xFF if tl0 >= 0 else -1)
    assert after.key_index == ((key + 40) & 0x1F if key >= 0 else -1)
    assert data[size:] == b"\1rest" and data[0] == bytes.fromhex(raw)[0]
    if key >= 0:
        assert data[size - 1] & 0xE0 == bytes.fromhex(raw)[size - 1] & 0xE0  # TID and Y stay


@given(st.binary(max_size=12), st.integers(-70000, 70000))
def test_any_payload_is_read_and_patched_within_its_bounds(raw, shift):
    found = vp8.parse(raw, 0)
    vp8.is_key_frame_start(raw, 0)
    if found is not None:
        assert found.size <= max(len(raw), 1)
        data = bytearray(raw)
        vp8.patch(memoryview(data), 0, found, shift, shift, shift)
        again = vp8.parse(bytes(data), 0)
        assert again.size == found.size and len(data) == len(raw)
