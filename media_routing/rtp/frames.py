"""RTP packets back into encoded frames (VP8: RFC 7741 §4.4; Opus: RFC 7587 §4.2), for whoever writes them down.

Nothing is decoded, and the payload may be end-to-end encrypted: read are the header, the VP8 payload descriptor and the
lowest bit of the first byte. Takes what an SFU sends to one slot: one stream with continuous numbers, packets late,
doubled or missing. Frames come out whole and in order; after a hole, video begins again at a key frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from media_routing.rtp import vp8
from media_routing.rtp.sequence import extend

MAX_HELD: Final = 512
"""Packets waiting for an earlier one: half a second of 720p at its highest rate, and 40 kB of key frame besides."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One encoded frame. `timestamp` counts in the stream's clock and never wraps; `arrived` is of its last packet."""

    data: bytes
    timestamp: int
    is_key: bool
    arrived: float


@dataclass(slots=True)
class _Packet:
    timestamp: int
    marker: bool
    payload: bytes
    arrived: float


class FrameAssembler:
    """One slot's packets in, frames out. `wait_s`: how long a missing packet is waited for."""

    def __init__(self, kind: Literal["audio", "video"], wait_s: float = 0.6) -> None:
        self._is_video = kind == "video"
        self._wait_s = wait_s
        self._held: dict[int, _Packet] = {}
        self._next: int | None = None
        self._timestamp: int | None = None
        self._parts: list[bytes] = []
        self._parts_key = False
        self._broken = self._is_video
        self.lost_packets = 0
        self.dropped_frames = 0

    @property
    def needs_key_frame(self) -> bool:
        """True while nothing can come out before a key frame: ask the sender for one."""
        return self._broken

    def add(self, sequence: int, timestamp: int, marker: bool, payload: bytes, now: float) -> Iterator[Frame]:
        """One packet; yields the frames that it completed."""
        if not payload:
            return
        number = sequence if self._next is None else extend(sequence, self._next)
        if self._next is None:
            self._next = number
        if number < self._next or number in self._held:
            return  # doubled, or later than it was waited for
        self._held[number] = _Packet(self._unwrap(timestamp), marker, payload, now)
        yield from self._drain(now)

    def flush(self, now: float) -> Iterator[Frame]:
        """Gives up on packets that were waited for long enough; call it now and then."""
        yield from self._drain(now)

    def _unwrap(self, timestamp: int) -> int:
        self._timestamp = timestamp if self._timestamp is None else extend(timestamp, self._timestamp, 32)
        return self._timestamp

    def _drain(self, now: float) -> Iterator[Frame]:
        while self._held and self._next is not None:
            packet = self._held.pop(self._next, None)
            if packet is None:
                if len(self._held) <= MAX_HELD and now - min(p.arrived for p in self._held.values()) < self._wait_s:
                    return
                found = min(self._held)
                self.lost_packets += found - self._next
                self._next = found
                self._break()
                continue
            self._next += 1
            frame = self._take(packet)
            if frame is not None:
                yield frame

    def _break(self) -> None:
        if self._parts:
            self.dropped_frames += 1
        self._parts.clear()
        self._broken = self._is_video

    def _take(self, packet: _Packet) -> Frame | None:
        if not self._is_video:
            return Frame(packet.payload, packet.timestamp, True, packet.arrived)
        descriptor = vp8.parse(packet.payload, 0)
        if descriptor is None or descriptor.size >= len(packet.payload):
            self._break()
            return None
        if packet.payload[0] & 0x17 == 0x10:  # S of partition 0: a frame begins
            if self._parts:
                self._break()  # the one before never ended
            self._parts_key = vp8.is_key_frame_start(packet.payload, 0)
            if self._parts_key:
                self._broken = False
        elif not self._parts:
            self._broken = True  # the middle of a frame whose start was lost
        if self._broken:
            self.dropped_frames += packet.marker
            return None
        self._parts.append(packet.payload[descriptor.size :])
        if not packet.marker:
            return None
        frame = Frame(b"".join(self._parts), packet.timestamp, self._parts_key, packet.arrived)
        self._parts.clear()
        return frame
