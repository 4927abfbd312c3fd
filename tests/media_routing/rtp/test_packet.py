"""RTP headers: literal bytes, what is cut off, and anything at all."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_routing.rtp import packet
from media_routing.rtp.packet import NORMALISED_SIZE, RtpError
from tests.media_routing.sfu.cast import make_rtp, take_apart


def parse(raw: bytes):
    return packet.parse(memoryview(raw), 0, len(raw))


def test_it_reads_a_bare_header():
    raw = bytes.fromhex("80e0 1234 89abcdef 01020304") + b"payload"
    assert parse(raw) == (0xE0, 0x1234, 0x89ABCDEF, 0x01020304, 0, 12, 12, 19)


def test_it_skips_contributing_sources_and_extensions():
    raw = bytes.fromhex("92e0 0001 00000002 00000003 aaaaaaaa bbbbbbbb bede0001 10550000") + b"x"
    second, sequence, timestamp, ssrc, profile, extension_at, at, end = parse(raw)
    assert (second, sequence, timestamp, ssrc) == (0xE0, 1, 2, 3)
    assert (profile, extension_at, at, end) == (0xBEDE, 24, 28, 29)


@pytest.mark.parametrize("padding", [1, 4, 255])
def test_padding_is_taken_off(padding):
    *_, at, end = parse(make_rtp(96, 1, 2, 3, b"abc", padding=padding))
    assert end - at == 3


def test_nothing_but_padding_is_an_empty_payload():
    *_, at, end = parse(make_rtp(96, 1, 2, 3, b"", padding=255))
    assert at == end


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        bytes(11),
        bytes.fromhex("40600001 00000002 00000003"),  # version 1
        bytes.fromhex("8f600001 00000002 00000003"),  # 15 sources, none there
        bytes.fromhex("90600001 00000002 00000003"),  # extension bit, nothing behind
        bytes.fromhex("90600001 00000002 00000003 bede"),
        bytes.fromhex("90600001 00000002 00000003 bede0002 00000000"),
        bytes.fromhex("a0600001 00000002 00000003"),  # padding bit, nothing behind
        bytes.fromhex("a0600001 00000002 00000003 00"),  # padding of 0
        bytes.fromhex("a0600001 00000002 00000003 0003"),  # more padding than packet
    ],
    ids=lambda raw: raw.hex() or "empty",
)
def test_what_is_no_packet_is_refused(raw):
    with pytest.raises(RtpError):
        parse(raw)


@given(st.binary(max_size=80), st.sampled_from([b"", b"\x80", b"\x90", b"\xb0", b"\xbf"]))
def test_any_bytes_are_parsed_within_bounds_or_refused(tail, first):
    raw = first + tail
    try:
        *_, extension_at, at, end = parse(raw)
    except RtpError:
        return
    assert 12 <= extension_at <= at <= end <= len(raw)


@pytest.mark.parametrize("extra", [-1, 0, 0x85])
def test_a_normalised_packet_has_a_header_of_fixed_size(extra):
    arena = memoryview(bytearray(b"\xee" * 100))
    arena[40:47] = b"payload"
    kept = packet.normalise(arena, 40, 47, 0xE0, 65535, 2**32 - 1, 7, extra)
    assert len(kept) == NORMALISED_SIZE + 7 and kept[NORMALISED_SIZE:] == b"payload"
    assert struct.unpack_from("!BBHII", kept) == (0x90, 0xE0, 65535, 2**32 - 1, 7)
    assert bool(kept[packet.EXTRA_HEAD_AT]) is (extra >= 0) and kept[packet.EXTRA_AT] == max(extra, 0)
    assert take_apart(kept).payload == b"payload"
