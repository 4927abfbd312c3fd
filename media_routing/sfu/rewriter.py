"""One output stream made of pieces of many input streams, so that the receiver sees a single continuous one.

Each piece (segment) shifts sequence number, timestamp and VP8 indices by constants. The next piece begins one number
after the last that was sent, hence old pieces stay valid and a NACK for any of them finds its packet.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from random import Random
from typing import Generic, TypeVar

from media_routing.rtp import vp8
from media_routing.rtp.sequence import extend

Input = TypeVar("Input")

# Pieces remembered for NACKs; a switch per second for eight seconds is more than any allocator does.
SEGMENTS_KEPT = 8


@dataclass(frozen=True, slots=True)
class Segment(Generic[Input]):
    """Output number = input number + `sequence_offset`, from `first` (input) on. Offsets are plain ints, unwrapped."""

    input: Input
    first: int
    sequence_offset: int
    timestamp_offset: int
    picture_offset: int
    tl0_offset: int
    key_offset: int

    @property
    def is_patching(self) -> bool:
        """Whether there is anything to shift inside of the payload."""
        return bool(self.picture_offset or self.tl0_offset or self.key_offset)


class Rewriter(Generic[Input]):
    """`current` is what is going out, or went out last; the forwarding path reads it."""

    __slots__ = (
        "_key_index",
        "_last_number",
        "_picture_id",
        "_segments",
        "_tl0",
        "current",
        "last_timestamp",
    )

    def __init__(self, random: Random) -> None:
        # RFC 3711 §3.3.1: a receiver that misses the start takes the roll-over counter to be 0, which is true for the
        # first half of the numbers as long as we start there. One cycle up, so that nothing goes below zero.
        self._last_number = 0x10000 + random.randrange(1, 0x8000)
        self.last_timestamp = random.getrandbits(32)
        self._picture_id = self._tl0 = self._key_index = -1
        self._segments: deque[Segment[Input]] = deque(maxlen=SEGMENTS_KEPT)
        self.current: Segment[Input] | None = None

    @property
    def has_started(self) -> bool:
        return self.current is not None

    @property
    def last_number(self) -> int:
        """The extended output number that the next segment follows."""
        return self._last_number

    def is_last(self, source: Input) -> bool:
        """Whether `source` is what went out last: its timestamps then need no other offset."""
        return self.current is not None and self.current.input is source

    def attach(
        self, source: Input, number: int, timestamp: int, descriptor: vp8.Descriptor | None, out_timestamp: int
    ) -> None:
        """From the packet `number` on, `source` is what goes out; that packet gets `out_timestamp`."""
        sequence_offset = self._last_number + 1 - number
        picture = tl0 = key_index = 0
        if descriptor is not None:
            picture = _offset(self._picture_id, descriptor.picture_id, vp8.PICTURE_MASK)
            tl0 = _offset(self._tl0, descriptor.tl0, 0xFF)
            key_index = _offset(self._key_index, descriptor.key_index, 0x1F)
        self.current = Segment(source, number, sequence_offset, out_timestamp - timestamp, picture, tl0, key_index)
        self._segments.append(self.current)

    def detach(self, highest: int, timestamp: int, descriptor: vp8.Descriptor | None) -> None:
        """The current input ends; the arguments describe the highest packet of it, which was the last to be sent."""
        segment = self.current
        assert segment is not None
        self._last_number = highest + segment.sequence_offset
        self.last_timestamp = timestamp + segment.timestamp_offset
        if descriptor is not None:
            if descriptor.picture_id >= 0:
                self._picture_id = descriptor.picture_id + segment.picture_offset
            if descriptor.tl0 >= 0:
                self._tl0 = descriptor.tl0 + segment.tl0_offset
            if descriptor.key_index >= 0:
                self._key_index = descriptor.key_index + segment.key_offset

    def locate(self, out_sequence: int, highest_out: int) -> tuple[Segment[Input], int] | None:
        """The piece and the input number behind a 16-bit output number; `highest_out` is extended. None if unknown."""
        number = extend(out_sequence, highest_out)
        if number > highest_out:
            return None
        for segment in reversed(self._segments):
            if number >= segment.first + segment.sequence_offset:
                return segment, number - segment.sequence_offset
        return None


def _offset(last: int, next_value: int, mask: int) -> int:
    """What makes `next_value` follow `last`, modulo the width; 0 when either is absent."""
    return (last + 1 - next_value) & mask if last >= 0 and next_value >= 0 else 0
