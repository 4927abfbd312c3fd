"""Header extensions (RFC 8285): one-byte and two-byte form, read in place, tolerant of what is cut off.

A malformed extension ends the reading, it does not spoil the packet: RFC 8285 §4.1 lets receivers ignore extensions.
"""

from __future__ import annotations

from collections.abc import Iterator

from media_routing.rtp.packet import ONE_BYTE, TWO_BYTE

# RFC 8852 §3.1: ids are short; libwebrtc accepts 16 bytes, nothing longer is worth remembering.
MAX_ID_BYTES = 16


def scan(data: memoryview, profile: int, at: int, end: int, wide_id: int, extra_id: int) -> tuple[int, int]:
    """The values (16 bits of `wide_id`, 8 bits of `extra_id`), -1 for each that is not there. Made for the hot path."""
    wide = extra = -1
    if profile != ONE_BYTE:
        for number, start, size in elements(data, profile, at, end):
            if number == wide_id and size == 2:
                wide = data[start] << 8 | data[start + 1]
            elif number == extra_id and size >= 1:
                extra = data[start]
        return wide, extra
    while at < end:
        head = data[at]
        if not head:
            at += 1
            continue
        number = head >> 4
        after = at + 2 + (head & 15)
        if number == 15 or not number or after > end:
            break
        if number == wide_id:
            if head & 15 == 1:
                wide = data[at + 1] << 8 | data[at + 2]
                if extra_id < 0:
                    break  # nothing else is wanted
        elif number == extra_id:
            extra = data[at + 1]
        at = after
    return wide, extra


def elements(data: memoryview, profile: int, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(id, offset of the value, its size) of each element."""
    two_byte = profile & 0xFFF0 == TWO_BYTE
    if profile != ONE_BYTE and not two_byte:
        return
    while at < end:
        head = data[at]
        if not head:
            at += 1
            continue
        if two_byte:
            if at + 2 > end:
                return
            number, start, size = head, at + 2, data[at + 1]
        else:
            number, start, size = head >> 4, at + 1, (head & 15) + 1
            # §4.2: 15 ends the reading, and so does the 0 of padding with a length.
            if number == 15 or not number:
                return
        if start + size > end:
            return
        yield number, start, size
        at = start + size


def read_text(data: memoryview, profile: int, at: int, end: int, wanted_id: int) -> str:
    """The value of a mid or rid (RFC 8843 §16, RFC 8852): ASCII of at most 16 bytes, else ""."""
    if wanted_id:
        for number, start, size in elements(data, profile, at, end):
            if number == wanted_id:
                raw = bytes(data[start : start + size]).rstrip(b"\0")
                return raw.decode("ascii") if len(raw) <= MAX_ID_BYTES and raw.isascii() else ""
    return ""
