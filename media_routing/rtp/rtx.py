"""Retransmission (RFC 4588 §4): the original's sequence number goes in front of its payload, the header is RTX's own.

For whole packets as bytes: endpoints and tests. The core writes and reads its repair streams in place (sfu/).
"""

from __future__ import annotations

import struct
from typing import Final

from media_routing.rtp.packet import MARKER, parse

ORIGINAL: Final = struct.Struct("!H")
_NUMBERS: Final = struct.Struct("!BHII")  # from the second byte on


def wrap(packet: bytes, *, payload_type: int, ssrc: int, sequence: int) -> bytes:
    """`packet` again as the RTX stream's `sequence`; marker, timestamp, extensions and padding stay. Raises RtpError."""
    second, original, timestamp, _, _, _, payload_at, _ = parse(memoryview(packet), 0, len(packet))
    wrapped = bytearray(packet[:payload_at]) + ORIGINAL.pack(original) + packet[payload_at:]
    _NUMBERS.pack_into(wrapped, 1, second & MARKER | payload_type, sequence & 0xFFFF, timestamp, ssrc)
    return bytes(wrapped)


def unwrap(packet: bytes, *, payload_type: int, ssrc: int) -> bytes | None:
    """The original packet; None for one without a payload, which is padding that probes. Raises RtpError."""
    second, _, timestamp, _, _, _, payload_at, end = parse(memoryview(packet), 0, len(packet))
    if end - payload_at < ORIGINAL.size:
        return None
    (original,) = ORIGINAL.unpack_from(packet, payload_at)
    unwrapped = bytearray(packet[:payload_at]) + packet[payload_at + ORIGINAL.size :]
    _NUMBERS.pack_into(unwrapped, 1, second & MARKER | payload_type, original, timestamp, ssrc)
    return bytes(unwrapped)
