"""The header that every RTCP packet starts with (RFC 3550 §6.4.1) and the one error of this package."""

import struct
from typing import Final

HEADER: Final = struct.Struct("!BBH")
VERSION: Final = 2
MAX_COUNT: Final = 31  # five bits: blocks, chunks, sources or the feedback message type

# Packet types: RFC 3550 §12.1, RFC 4585 §6.1.
SR: Final = 200
RR: Final = 201
SDES: Final = 202
BYE: Final = 203
RTPFB: Final = 205
PSFB: Final = 206


class RtcpError(ValueError):
    """The peer sent what no RTCP sender may, or a value cannot be said in RTCP. The text quotes nothing of the packet."""


def build_packet(packet_type: int, count: int, body: bytes) -> bytes:
    """`body` must be whole 32-bit words; `count` is the five-bit field (RC, SC or FMT)."""
    if len(body) % 4:
        raise RtcpError("body is not a whole number of words")
    if not 0 <= count <= MAX_COUNT or len(body) // 4 > 0xFFFF:
        raise RtcpError("too many entries")
    return HEADER.pack(VERSION << 6 | count, packet_type, len(body) // 4) + body
