"""The VP8 payload descriptor (RFC 7741 §4.2) and the first byte behind it: all that is read of a frame.

 0 1 2 3 4 5 6 7
|X|R|N|S|R| PID |   S: start of a partition, PID: which one
|I|L|T|K| RSV   |   if X
|M| PictureID   |   if I; two bytes with M
|   TL0PICIDX   |   if L
|TID|Y| KEYIDX  |   if T or K
| payload: the lowest bit of the first byte is 0 in a key frame (RFC 6386 §9.1), also when the rest is encrypted
"""

from __future__ import annotations

from typing import Final, NamedTuple

PICTURE_MASK: Final = 0x7FFF
_FIRST_OF_FRAME: Final = 0x10


class Descriptor(NamedTuple):
    """Values and where they stand, relative to the start of the payload; -1 where there is none."""

    size: int
    picture_id: int
    picture_at: int
    is_wide: bool
    """15 bits of picture id instead of 7."""
    tl0: int
    tl0_at: int
    key_index: int
    key_at: int


NOTHING: Final = Descriptor(1, -1, -1, False, -1, -1, -1, -1)


def is_key_frame_start(data: bytes, at: int) -> bool:
    """Whether the payload at `at` is the first packet of a key frame."""
    if at >= len(data) or data[at] & 0x17 != _FIRST_OF_FRAME:
        return False
    descriptor = parse(data, at)
    start = at + (descriptor.size if descriptor is not None else len(data))
    return start < len(data) and not data[start] & 1


def parse(data: bytes, at: int) -> Descriptor | None:
    """The descriptor of the payload at `at`; None when it is cut off or the payload empty."""
    end = len(data)
    if at >= end:
        return None
    if not data[at] & 0x80:
        return NOTHING
    start = at
    at += 2
    if at > end:
        return None
    flags = data[at - 1]
    picture = picture_at = tl0 = tl0_at = key = key_at = -1
    is_wide = False
    if flags & 0x80:
        if at >= end:
            return None
        picture_at, picture = at - start, data[at]
        at += 1
        if picture & 0x80:
            if at >= end:
                return None
            is_wide = True
            picture = (picture & 0x7F) << 8 | data[at]
            at += 1
    if flags & 0x40:
        if at >= end:
            return None
        tl0_at, tl0 = at - start, data[at]
        at += 1
    if flags & 0x30:
        if at >= end:
            return None
        if flags & 0x10:
            key_at, key = at - start, data[at] & 0x1F
        at += 1
    return Descriptor(at - start, picture, picture_at, is_wide, tl0, tl0_at, key, key_at)


def patch(
    data: memoryview, at: int, descriptor: Descriptor, picture_offset: int, tl0_offset: int, key_offset: int
) -> None:
    """Shifts picture id, TL0PICIDX and KEYIDX of the payload at `at`, each modulo its width."""
    if descriptor.picture_at >= 0:
        where = at + descriptor.picture_at
        picture = descriptor.picture_id + picture_offset
        if descriptor.is_wide:
            data[where] = 0x80 | picture >> 8 & 0x7F
            data[where + 1] = picture & 0xFF
        else:
            data[where] = picture & 0x7F
    if descriptor.tl0_at >= 0:
        data[at + descriptor.tl0_at] = descriptor.tl0 + tl0_offset & 0xFF
    if descriptor.key_at >= 0:
        where = at + descriptor.key_at
        data[where] = data[where] & 0xE0 | descriptor.key_index + key_offset & 0x1F
