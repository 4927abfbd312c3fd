"""The RTP header (RFC 3550 §5.1) in place: offsets into a buffer instead of an object per packet.

The core keeps every packet in one normalised form, a header of fixed size, so that forwarding is one copy and one
`pack_into`:

    0   V P X CC | M PT | sequence | timestamp | ssrc          12 bytes
    12  0xBEDE 0x0002                                           4 bytes, one-byte header extensions (RFC 8285 §4.2)
    16  id|1  transport-wide number                             3 bytes
    19  id|0  audio level (RFC 6464) or orientation             2 bytes
    21  padding                                                 3 bytes
    24  payload
"""

from __future__ import annotations

import struct
from typing import Final

VERSION: Final = 0x80
PADDING: Final = 0x20
EXTENSION: Final = 0x10
MARKER: Final = 0x80

HEADER: Final = struct.Struct("!BBHII")
EXTENSION_HEADER: Final = struct.Struct("!HH")
ONE_BYTE: Final = 0xBEDE
TWO_BYTE: Final = 0x1000  # the low four bits are free for the application

NORMALISED: Final = struct.Struct("!BBHIIHHBHBB3x")
NORMALISED_SIZE: Final = NORMALISED.size
# The same bytes in fewer fields, for what is written for every receiver: first two bytes, sequence, timestamp, ssrc and
# extension head together, id and value of the wide number, id and value of the extra byte together.
FORWARDED: Final = struct.Struct("!HHIQBHH3x")
NORMALISED_FIRST: Final = VERSION | EXTENSION
EXTRA_HEAD_AT: Final = 19
EXTRA_AT: Final = 20
# In a normalised packet that is kept, ids are nobody's: this only says that the byte behind it counts.
EXTRA_PRESENT: Final = 0x10
# Room for the header, two bytes of RTX (RFC 4588) and the authentication tag in an arena slot of 1500 bytes.
MAX_PAYLOAD: Final = 1440


class RtpError(ValueError):
    """The peer sent what is no RTP packet. The text quotes nothing of it."""


Parsed = tuple[int, int, int, int, int, int, int, int]


def parse(data: memoryview, offset: int, size: int) -> Parsed:
    """(marker and payload type as one byte, sequence, timestamp, ssrc, profile, extension offset, payload offset, end).

    `profile` is 0 without a header extension; the extension's bytes end where the payload begins. Padding is behind
    `end` already, so that a packet of nothing but padding has an empty payload. Raises RtpError.
    """
    if size < 12:
        raise RtpError("too short for a header")
    first, second, sequence, timestamp, ssrc = HEADER.unpack_from(data, offset)
    if first & 0xC0 != VERSION:
        raise RtpError("not version 2")
    end = offset + size
    at = extension_at = offset + 12 + ((first & 0x0F) << 2)
    profile = 0
    if first & EXTENSION:
        if at + 4 > end:
            raise RtpError("header extension is cut off")
        profile, words = EXTENSION_HEADER.unpack_from(data, at)
        extension_at = at + 4
        at = extension_at + (words << 2)
    if at > end:
        raise RtpError("header is cut off")
    if first & PADDING:
        if at == end:
            raise RtpError("padding bit without padding")
        padding = data[end - 1]
        if not padding or padding > end - at:
            raise RtpError("more padding than packet")
        end -= padding
    return second, sequence, timestamp, ssrc, profile, extension_at, at, end


def normalise(
    data: memoryview, payload_at: int, end: int, second: int, sequence: int, timestamp: int, ssrc: int, extra: int
) -> bytes:
    """A copy in the normalised form; overwrites the 24 bytes before the payload. `extra` is -1 when there is none."""
    start = payload_at - NORMALISED_SIZE
    if extra < 0:
        NORMALISED.pack_into(data, start, NORMALISED_FIRST, second, sequence, timestamp, ssrc, ONE_BYTE, 2, 0, 0, 0, 0)
    else:
        NORMALISED.pack_into(
            data, start, NORMALISED_FIRST, second, sequence, timestamp, ssrc, ONE_BYTE, 2, 0, 0, EXTRA_PRESENT, extra
        )
    return data[start:end].tobytes()
