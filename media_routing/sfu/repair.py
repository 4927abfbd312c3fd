"""The repair stream of one slot (RFC 4588): lost packets again, and padding that carries nothing.

A packet is never sent twice under its own number: with AES-GCM the same number over other bytes (a new transport-wide
number is enough) would give the key away. RTX has its own SSRC and numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from random import Random

from media_routing.rtp import vp8
from media_routing.rtp.packet import (
    EXTRA_AT,
    EXTRA_HEAD_AT,
    HEADER,
    MARKER,
    NORMALISED,
    NORMALISED_FIRST,
    NORMALISED_SIZE,
    ONE_BYTE,
    PADDING,
)
from media_routing.sfu.encoding import Encoding
from media_routing.sfu.rewriter import Segment
from media_routing.sfu.slot import Slot

_ORIGINAL = struct.Struct("!H")
_HEADER_SIZE = NORMALISED_SIZE + _ORIGINAL.size
# A packet is not sent again sooner than this, or than so much of the round trip: ours is smoothed and includes how busy both
# ends are, and a receiver that asks again by its own, shorter one may be right. At 0.9 some of what was lost twice never came.
_MIN_AGAIN_S, _AGAIN_SHARE = 0.02, 0.6
_REMEMBERED = 512
# RFC 3550 §5.1: the last octet of padding counts itself.
MAX_PADDING = 255


class Repair:
    """Exists where the receiver negotiated RTX for the slot."""

    def __init__(self, slot: Slot, random: Random) -> None:
        self._slot = slot
        self._payload_type = slot.plan.rtx_payload_type
        self._ssrc = slot.plan.rtx_ssrc
        self._sequence = random.randrange(1, 0x8000)
        self._sent_at: dict[int, float] = {}
        self.packets = 0
        self.octets = 0
        self._timestamp = 0

    def resend(self, sequences: Sequence[int], rtt_s: float, budget_bytes: int, now: float) -> int:
        """Answers a NACK within a budget; what is not in the cache any more is skipped. Returns bytes sent."""
        slot = self._slot
        highest = slot.highest_number
        spent = 0
        for sequence in sequences:
            found = slot.rewriter.locate(sequence, highest)
            if found is None:
                continue
            segment, number = found
            packet = segment.input.cache.get(number)
            out_number = number + segment.sequence_offset
            if out_number <= slot.cut_at:
                continue
            if packet is None or now - self._sent_at.get(out_number, float("-inf")) < max(
                _MIN_AGAIN_S, rtt_s * _AGAIN_SHARE
            ):
                continue
            size = len(packet) + _ORIGINAL.size
            if spent + size > budget_bytes:
                break
            spent += size
            if len(self._sent_at) >= _REMEMBERED:
                del self._sent_at[next(iter(self._sent_at))]
            self._sent_at[out_number] = now
            self._send(packet, out_number, segment, now)
        return spent

    def _send(self, packet: bytes, out_number: int, segment: Segment[Encoding], now: float) -> None:
        slot = self._slot
        _, second, _, timestamp, _ = HEADER.unpack_from(packet)
        extra_head = slot.extra_head if packet[EXTRA_HEAD_AT] else 0
        self._timestamp = timestamp + segment.timestamp_offset & 0xFFFFFFFF
        [offset] = slot.out.reserve(1)
        arena = slot.out.arena
        size = len(packet) + _ORIGINAL.size
        self._write_header(arena, offset, NORMALISED_FIRST, second & MARKER, size, extra_head, packet[EXTRA_AT], now)
        _ORIGINAL.pack_into(arena, offset + NORMALISED_SIZE, out_number & 0xFFFF)
        arena[offset + _HEADER_SIZE : offset + size] = packet[NORMALISED_SIZE:]
        descriptor = vp8.parse(packet, NORMALISED_SIZE)
        if descriptor is not None:
            vp8.patch(
                arena,
                offset + _HEADER_SIZE,
                descriptor,
                segment.picture_offset,
                segment.tl0_offset,
                segment.key_offset,
            )
        slot.out.send_rtp(slot.link, (offset,), (size,))

    def pad(self, size_bytes: int, now: float) -> int:
        """Sends at least `size_bytes` in packets of nothing but padding. Returns bytes sent."""
        slot = self._slot
        sent = 0
        while sent < size_bytes:
            padding = min(MAX_PADDING, max(1, size_bytes - sent - NORMALISED_SIZE))
            size = NORMALISED_SIZE + padding
            [offset] = slot.out.reserve(1)
            arena = slot.out.arena
            self._write_header(arena, offset, NORMALISED_FIRST | PADDING, 0, size, 0, 0, now)
            arena[offset + NORMALISED_SIZE : offset + size] = bytes(padding - 1) + bytes((padding,))
            slot.out.send_rtp(slot.link, (offset,), (size,))
            sent += size
        return sent

    def _write_header(
        self,
        arena: memoryview,
        offset: int,
        first: int,
        marker: int,
        size: int,
        extra_head: int,
        extra: int,
        now: float,
    ) -> None:
        slot = self._slot
        NORMALISED.pack_into(
            arena,
            offset,
            first,
            marker | self._payload_type,
            self._sequence,
            self._timestamp,
            self._ssrc,
            ONE_BYTE,
            2,
            slot.wide_head,
            slot.history.record(size, now) & slot.wide_mask,
            extra_head,
            extra if extra_head else 0,
        )
        self._sequence = self._sequence + 1 & 0xFFFF
        self.packets += 1
        self.octets += size - NORMALISED_SIZE
