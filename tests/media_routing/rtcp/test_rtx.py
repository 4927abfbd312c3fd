"""RFC 4588: what is wrapped comes out as it was."""

import struct

import pytest

from media_routing.rtp.packet import RtpError
from media_routing.rtp.rtx import unwrap, wrap

PLAIN = struct.pack("!BBHII", 0x80, 0x80 | 96, 65535, 1000, 7) + b"payload"
EXTENDED = struct.pack("!BBHIIHH", 0x90, 96, 3, 1000, 7, 0xBEDE, 1) + b"\x10a\0\0" + b"payload"
CONTRIBUTED = struct.pack("!BBHIII", 0x81, 96, 3, 1000, 7, 99) + b"payload"
PADDED = struct.pack("!BBHII", 0xA0, 96, 3, 1000, 7) + b"payload\0\0\3"


@pytest.mark.parametrize("packet", [PLAIN, EXTENDED, CONTRIBUTED, PADDED])
def test_there_and_back(packet: bytes) -> None:
    wrapped = wrap(packet, payload_type=97, ssrc=8, sequence=70000)
    second, sequence, timestamp, ssrc = struct.unpack_from("!xBHII", wrapped)
    assert (second & 0x7F, second & 0x80, sequence, timestamp, ssrc) == (97, packet[1] & 0x80, 70000 & 0xFFFF, 1000, 8)
    assert len(wrapped) == len(packet) + 2
    assert unwrap(wrapped, payload_type=96, ssrc=7) == packet


def test_the_original_number_stands_before_the_payload() -> None:
    assert wrap(PLAIN, payload_type=97, ssrc=8, sequence=1)[12:] == b"\xff\xffpayload"


def test_a_probe_of_padding_is_no_packet() -> None:
    probe = struct.pack("!BBHII", 0xA0, 97, 3, 1000, 8) + bytes(254) + b"\xff"
    assert unwrap(probe, payload_type=96, ssrc=7) is None


@pytest.mark.parametrize("packet", [b"", PLAIN[:11], b"\x00" * 20])
def test_what_is_no_packet_is_refused(packet: bytes) -> None:
    with pytest.raises(RtpError):
        unwrap(packet, payload_type=96, ssrc=7)
    with pytest.raises(RtpError):
        wrap(packet, payload_type=97, ssrc=8, sequence=1)
