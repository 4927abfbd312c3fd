"""One RTP stream of a source: a simulcast layer, or all there is. Everything that is done once per incoming packet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from media_routing.rtp import vp8
from media_routing.rtp.packet import EXTRA_AT, EXTRA_HEAD_AT, HEADER, MARKER, NORMALISED_SIZE
from media_routing.sfu.clock import SenderClock, StreamClock
from media_routing.sfu.keyframes import KeyframeRequests
from media_routing.sfu.layers import LayerMeter
from media_routing.sfu.nack import MissingPackets
from media_routing.sfu.packet_cache import PacketCache
from media_routing.sfu.reception import MAX_DROPOUT, Reception
from media_routing.sfu.run import Kept, Run

if TYPE_CHECKING:
    from media_routing.sfu.slot import Slot
    from media_routing.sfu.source import Source

VIDEO_CLOCK_HZ = 90_000
OPUS_CLOCK_HZ = 48_000  # RFC 7587 §4.1, whatever the audio's own rate
# What a packet costs beyond its bytes: a flood of empty ones is a flood as well.
_PACKET_COST_BYTES = 100


class Encoding:
    """`forwarding` are the slots that get its packets, `waiting` those that will from the next key frame on."""

    __slots__ = (
        "_refilled_at",
        "_run",
        "allowance_bytes",
        "bytes_received",
        "cache",
        "clock",
        "dropped",
        "forwarding",
        "index",
        "is_paused",
        "is_video",
        "key_bytes",
        "key_timestamp",
        "keyframes",
        "last_packet_at",
        "max_bps",
        "meter",
        "missing",
        "reception",
        "repair",
        "repair_ssrc",
        "source",
        "ssrc",
        "timestamp",
        "waiting",
    )

    def __init__(self, source: Source, index: int, kept: int, max_bps: int, clock: SenderClock) -> None:
        self.source = source
        self.index = index
        self.is_video = source.is_video
        rate_hz = VIDEO_CLOCK_HZ if self.is_video else OPUS_CLOCK_HZ
        self.ssrc = 0
        self.repair_ssrc = 0
        self.reception = Reception(rate_hz)
        self.repair = Reception(rate_hz)
        self.clock = StreamClock(rate_hz, clock)
        self.cache = PacketCache(kept)
        self.missing = MissingPackets()
        self.keyframes = KeyframeRequests(index)
        self.forwarding: list[Slot] = []
        self.waiting: list[Slot] = []
        self.timestamp = 0
        """Of the packet with the highest number."""
        self.last_packet_at = float("-inf")
        self.is_paused = False
        """Muted audio that nobody gets until it makes a sound."""
        self.meter = LayerMeter(is_alone=len(source.line.rids) < 2)
        self.bytes_received = 0
        self.key_bytes = 0
        """Of them, what belongs to key frames."""
        self.key_timestamp = -1
        """Of the last key frame."""
        self.max_bps = max_bps
        # One second's worth may come at once: a key frame.
        self.allowance_bytes = max_bps / 8
        self.dropped = 0
        self._refilled_at = float("-inf")
        self._run: list[Kept] = []

    def take(self, sequence: int, timestamp: int, marker: int, packet: bytes, now: float, *, repaired: bool) -> None:
        """One normalised packet, from the stream itself or unwrapped from its repair stream: keep it for `forward`."""
        reception = self.reception
        size = len(packet)
        if self.allowance_bytes < size:
            self.dropped += 1
            return
        before = reception.highest
        number = reception.extend(sequence)
        if number < 0 or not self.cache.put(number, packet):
            self.dropped += 1
            return
        self.allowance_bytes -= size + _PACKET_COST_BYTES
        self.bytes_received += size
        if not repaired:
            reception.received += 1
        if number > before:
            self._advance(before, number, timestamp, now)
        elif self.missing:
            self.missing.find(number)
        late: list[Slot] = []
        if self.is_video:
            if (
                size > NORMALISED_SIZE
                and packet[NORMALISED_SIZE] & 0x10
                and vp8.is_key_frame_start(packet, NORMALISED_SIZE)
            ):
                self.keyframes.arrived()
                self.key_timestamp = timestamp
                if self.waiting:
                    self.forward(now)
                    late = self._admit(number, timestamp, packet, now)
            if timestamp == self.key_timestamp:
                self.key_bytes += size
        elif self.waiting and not self.is_paused:
            self._admit(number, timestamp, packet, now)
        self._run.append((packet, number, timestamp, marker, packet[EXTRA_AT] if packet[EXTRA_HEAD_AT] else -1))
        if late:
            self.forward(now)
            self._catch_up(late, number, now)

    def forward(self, now: float) -> None:
        """Hands on what was taken since the last call; called before anything else changes who gets what."""
        if not self._run:
            return
        packets, self._run = self._run, []
        if self.forwarding:
            run = Run(packets)
            for slot in self.forwarding:
                slot.forward(run, now)

    def _advance(self, before: int, number: int, timestamp: int, now: float) -> None:
        reception = self.reception
        if timestamp != reception.last_timestamp:
            reception.time(timestamp, now)
        skipped = number - before - 1
        if skipped and before >= 0:
            if skipped >= MAX_DROPOUT:
                self._restart(before, now)
            elif self.is_video:
                self.missing.miss(before + 1, number, now)
                self.source.hurry(self.missing.deadline())
        self.timestamp = timestamp
        self.last_packet_at = now

    def _restart(self, before: int, now: float) -> None:
        """The publisher began a new sequence: what was forwarded ends where it was, and goes on with a key frame."""
        self.forward(now)
        self.missing.clear()
        for slot in list(self.forwarding):
            slot.leave(before, self.timestamp)
            if slot.target is self:
                slot.wait_for(self, now)

    def _admit(self, number: int, timestamp: int, packet: bytes, now: float) -> list[Slot]:
        """Slots that waited for this packet; the result are those that have missed later ones."""
        descriptor = vp8.parse(packet, NORMALISED_SIZE) if self.is_video else None
        admitted = [slot for slot in self.waiting if slot.target is self]
        self.waiting = []
        for slot in admitted:
            slot.begin(self, number, timestamp, descriptor, now)
            self.forwarding.append(slot)
        return admitted if number < self.reception.highest else []

    def _catch_up(self, slots: list[Slot], after: int, now: float) -> None:
        """The key frame came late, by repair: what overtook it follows."""
        kept: list[Kept] = []
        for number in range(after + 1, self.reception.highest + 1):
            packet = self.cache.get(number)
            if packet is None:
                continue
            _, second, _, timestamp, _ = HEADER.unpack_from(packet)
            extra = packet[EXTRA_AT] if packet[EXTRA_HEAD_AT] else -1
            kept.append((packet, number, timestamp, second & MARKER, extra))
        for slot in slots:
            slot.forward(Run(kept), now)

    def pause(self, now: float) -> None:
        """Stops forwarding; every slot waits for `is_paused` to fall."""
        self.forward(now)
        self.is_paused = True
        for slot in list(self.forwarding):
            slot.leave(self.reception.highest, self.timestamp)
            slot.wait_for(self, now)

    def descriptor_near(self, highest: int) -> vp8.Descriptor | None:
        """The VP8 descriptor of the newest packet up to `highest` that has one."""
        for number in range(highest, highest - 16, -1):
            packet = self.cache.get(number)
            descriptor = vp8.parse(packet, NORMALISED_SIZE) if packet else None
            if descriptor is not None:
                return descriptor
        return None

    def is_live(self, now: float, silent_after_s: float) -> bool:
        return now - self.last_packet_at < silent_after_s

    def measure(self, now: float) -> None:
        """Called on every pulse of the room: refills what may come in, follows the bitrate."""
        self.meter.measure(self.bytes_received, now, self.key_bytes)
        elapsed = min(1.0, now - self._refilled_at)
        self._refilled_at = now
        self.allowance_bytes = min(self.max_bps / 8, self.allowance_bytes + self.max_bps / 8 * elapsed)
