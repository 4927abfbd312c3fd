"""One output stream to one receiver, and what is done for every forwarded packet."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from media_routing.rtp import vp8
from media_routing.rtp.packet import HEADER, NORMALISED, NORMALISED_FIRST, NORMALISED_SIZE, ONE_BYTE
from media_routing.rtp.sequence import ahead
from media_routing.sfu.bwe.sent_history import HISTORY_MASK
from media_routing.sfu.encoding import Encoding
from media_routing.sfu.keyframes import ReceiverRequests
from media_routing.sfu.plan import ReceiveSlot
from media_routing.sfu.rewriter import Rewriter

if TYPE_CHECKING:
    from media_routing.sfu.source import Source
    from media_routing.sfu.subscriber import Subscriber

_pack = NORMALISED.pack_into
_MASK_32 = 0xFFFFFFFF
# What two streams of one source may disagree about the time; more is not believed (a lie or a broken clock).
_PLAUSIBLE_S = 0.5
# How far the first frame of another stream is set behind the last one sent when it was captured before it.
_STEP_S = 0.001

Patch = tuple[int, int, int]


class Slot:
    """`encoding` is what is being sent, `target` what shall be: they differ until a key frame of the target comes."""

    __slots__ = (
        "_anchor",
        "_left_at",
        "_pacer",
        "_subscriber",
        "cut_at",
        "encoding",
        "extra_head",
        "history",
        "is_video",
        "link",
        "octets",
        "out",
        "packets",
        "payload_type",
        "plan",
        "pli",
        "reported_loss",
        "rewriter",
        "source",
        "ssrc",
        "target",
        "wide_head",
        "wide_mask",
    )

    def __init__(self, plan: ReceiveSlot, subscriber: Subscriber, random: Random) -> None:
        self.plan = plan
        self.is_video = plan.kind == "video"
        self.ssrc = plan.ssrc
        self.payload_type = plan.payload_type
        self._subscriber = subscriber
        self._pacer = subscriber.pacer if self.is_video else None
        self.link = subscriber.link
        self.out = subscriber.out
        self.history = subscriber.history
        extensions = subscriber.extensions
        extra_id = extensions.video_orientation if self.is_video else extensions.audio_level
        # Element heads (RFC 8285 §4.2: id and length − 1); 0 is padding, which is what an extension of nobody becomes.
        self.extra_head = extra_id << 4
        self.wide_head = extensions.transport_cc << 4 | 1 if extensions.transport_cc else 0
        self.wide_mask = 0xFFFF if extensions.transport_cc else 0
        self.rewriter: Rewriter[Encoding] = Rewriter(random)
        self.source: Source | None = None
        self.encoding: Encoding | None = None
        self.target: Encoding | None = None
        self.packets = 0
        self.octets = 0
        self.reported_loss = 0.0
        """Fraction 0..1 of the receiver's last report."""
        self.pli = ReceiverRequests()
        self._anchor: tuple[float, int] | None = None
        self._left_at = 0.0
        self.cut_at = 0
        """Numbers up to here are not repaired: the line could not carry them, and a key frame follows."""

    # Once per packet.

    def forward(
        self, packet: bytes, number: int, timestamp: int, marker: int, extra: int, extra_mask: int, now: float
    ) -> None:
        """Sends a normalised packet as the next of this stream, or queues it when a burst must be spread."""
        rewriter = self.rewriter
        if number < rewriter.first:
            return
        size = len(packet)
        sequence = number + rewriter.sequence_offset & 0xFFFF
        timestamp = timestamp + rewriter.timestamp_offset & 0xFFFFFFFF
        patch = (rewriter.picture_offset, rewriter.tl0_offset, rewriter.key_offset) if rewriter.is_patching else None
        if self._pacer is not None and not self._pacer.take(size, now):
            self._subscriber.queue((self, packet, sequence, timestamp, marker, extra, extra_mask, patch), size)
            return
        self.write(packet, sequence, timestamp, marker, extra, extra_mask, patch, now)

    def write(
        self,
        packet: bytes,
        sequence: int,
        timestamp: int,
        marker: int,
        extra: int,
        extra_mask: int,
        patch: Patch | None,
        now: float,
    ) -> None:
        """Puts one packet on the wire with this receiver's numbers and ids."""
        size = len(packet)
        out, history = self.out, self.history
        offset = out.reserve()
        arena = out.arena
        arena[offset : offset + size] = packet
        wide = history.next_sequence
        history.next_sequence = wide + 1
        index = wide & HISTORY_MASK
        history.sent_at[index] = now
        history.sizes[index] = size
        _pack(
            arena,
            offset,
            NORMALISED_FIRST,
            marker | self.payload_type,
            sequence,
            timestamp,
            self.ssrc,
            ONE_BYTE,
            2,
            self.wide_head,
            wide & self.wide_mask,
            self.extra_head & extra_mask,
            extra if self.extra_head else 0,
        )
        if patch is not None:
            descriptor = vp8.parse(packet, NORMALISED_SIZE)
            if descriptor is not None:
                vp8.patch(arena, offset + NORMALISED_SIZE, descriptor, *patch)
        out.send_rtp(self.link, offset, size)
        self.packets += 1
        self.octets += size - NORMALISED_SIZE

    def timestamp_at(self, now: float) -> int | None:
        """The timestamp of this stream that means now, for a sender report; None while its source has not told."""
        timestamp = self.encoding.clock.timestamp_at(now) if self.encoding is not None else None
        return None if timestamp is None else timestamp + self.rewriter.timestamp_offset & _MASK_32

    @property
    def highest_number(self) -> int:
        """The highest extended number sent so far."""
        if self.encoding is None:
            return self.rewriter.last_number
        return self.encoding.reception.highest + self.rewriter.sequence_offset

    # Choosing what goes out.

    def bind(self, source: Source | None, now: float) -> None:
        """From now on this slot belongs to `source`; None frees it."""
        if source is self.source:
            return
        self.aim(None, now)
        self.source = source
        self._anchor = None

    def aim(self, target: Encoding | None, now: float) -> None:
        """Sends `target` from its next key frame on (audio: its next packet); None stops at once."""
        if self.target is not None and self.target is not target and self in self.target.waiting:
            self.target.waiting.remove(self)
        self.target = target
        if target is None:
            if self.encoding is not None:
                self.leave(self.encoding.reception.highest, self.encoding.timestamp)
        elif target is not self.encoding and self not in target.waiting:
            self.wait_for(target, now)

    def wait_for(self, encoding: Encoding, now: float) -> None:
        encoding.waiting.append(self)
        if encoding.is_video:
            encoding.keyframes.want()
            encoding.source.hurry(now)

    def leave(self, highest: int, timestamp: int) -> None:
        """Stops sending `encoding`, whose last packet was numbered `highest` and had `timestamp`."""
        encoding = self.encoding
        assert encoding is not None
        encoding.forwarding.remove(self)
        self.encoding = None
        rewriter = self.rewriter
        rewriter.detach(highest, timestamp, encoding.descriptor_near(highest) if self.is_video else None)
        captured_at = encoding.clock.captured_at(timestamp)
        if self._anchor is None and captured_at is not None:
            self._anchor = (captured_at, rewriter.last_timestamp & _MASK_32)
        self._left_at = encoding.last_packet_at

    def cut(self) -> None:
        """Stops at once, without waiting for a key frame of something else; what the pacer holds is never sent, and its
        numbers go to what comes next. For a line that the present layer overruns."""
        encoding = self.encoding
        if encoding is None or self._pacer is None:
            return
        held = {item[2] for item in self._pacer.take_back(lambda item: item[0] is self)}
        highest, first, offset = encoding.reception.highest, self.rewriter.first, self.rewriter.sequence_offset
        while highest >= first and highest + offset & 0xFFFF in held:
            highest -= 1
        packet = encoding.cache.get(highest)
        self.leave(highest, HEADER.unpack_from(packet)[3] if packet else encoding.timestamp)
        self.cut_at = self.rewriter.last_number

    def begin(
        self, encoding: Encoding, number: int, timestamp: int, descriptor: vp8.Descriptor | None, now: float
    ) -> None:
        """Goes on with `encoding` from its packet `number` on."""
        if self.encoding is not None:
            self.leave(self.encoding.reception.highest, self.encoding.timestamp)
        self.rewriter.attach(encoding, number, timestamp, descriptor, self._next_timestamp(encoding, timestamp, now))
        self.encoding = encoding

    def _next_timestamp(self, encoding: Encoding, timestamp: int, now: float) -> int:
        """What `timestamp` of another stream becomes, so that time goes on as it did for the sender (and a little
        after what was last sent): by the sender's own reports where they are known, else by our clock."""
        rewriter = self.rewriter
        last = rewriter.last_timestamp & _MASK_32
        if not rewriter.has_started:
            return last
        rate_hz = encoding.clock.clock_rate_hz
        plausible = _PLAUSIBLE_S * rate_hz
        elapsed = max(1, round((now - self._left_at) * rate_hz))
        captured_at = encoding.clock.captured_at(timestamp)
        exact: int | None = None
        if rewriter.is_last(encoding):
            exact = timestamp + rewriter.timestamp_offset
        elif captured_at is not None and self._anchor is not None:
            exact = self._anchor[1] + round((captured_at - self._anchor[0]) * rate_hz)
        if exact is not None:
            step = ahead(exact, last, 32)
            if abs(step - elapsed) <= plausible:
                return last + max(step, round(_STEP_S * rate_hz))
        if captured_at is not None:
            self._anchor = (captured_at, last + elapsed & _MASK_32)
        return last + elapsed
