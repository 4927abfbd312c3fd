"""One output stream to one receiver, and what is done for every forwarded packet."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING

from media_routing.rtp import vp8
from media_routing.rtp.packet import FORWARDED, HEADER, NORMALISED_FIRST, NORMALISED_SIZE, ONE_BYTE
from media_routing.rtp.sequence import ahead
from media_routing.sfu.encoding import Encoding
from media_routing.sfu.keyframes import ReceiverRequests
from media_routing.sfu.plan import ReceiveSlot
from media_routing.sfu.rewriter import Rewriter, Segment
from media_routing.sfu.run import Kept, Run

if TYPE_CHECKING:
    from media_routing.sfu.source import Source
    from media_routing.sfu.subscriber import Subscriber

_pack = FORWARDED.pack_into
_MASK_32 = 0xFFFFFFFF
# What two streams of one source may disagree about the time; more is not believed (a lie or a broken clock).
_PLAUSIBLE_S = 0.5
# How far the first frame of another stream is set behind the last one sent when it was captured before it.
_STEP_S = 0.001
# libwebrtc shows a picture when its timestamp is due on a line that is fitted to all arrivals so far, the late ones of a
# queue included (timestamp_extrapolator.cc): carried on over a pause, that line held pictures back for up to 1.6 s. With
# a frame more than 10 s late it begins a new one (frame_helpers.cc), and that frame is shown at once.
_RESTART_AFTER_S, _RESTART_S = 1.0, 15.0


class Slot:
    """`encoding` is what is being sent, `target` what shall be: they differ until a key frame of the target comes."""

    __slots__ = (
        "_anchor",
        "_extra_beyond",
        "_extra_word",
        "_first_word",
        "_left_at",
        "_pacer",
        "_ssrc_word",
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
        # The constant parts of FORWARDED. An extra byte is written when it lies beyond a value: any, or none at all.
        self._first_word = NORMALISED_FIRST << 8 | self.payload_type
        self._ssrc_word = self.ssrc << 32 | ONE_BYTE << 16 | 2
        self._extra_word, self._extra_beyond = self.extra_head << 8, -1 if self.extra_head else 0xFF
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

    # Once per run of packets.

    def forward(self, run: Run, now: float) -> None:
        """Sends packets as the next of this stream; those that would be too many at once are queued."""
        segment = self.rewriter.current
        assert segment is not None
        if run.lowest < segment.first:
            run = run.since(segment.first)
        sizes = run.sizes
        fitting = len(sizes) if self._pacer is None else self._pacer.take(sizes, now)
        if fitting == len(sizes):
            if fitting:
                self.write(run.packets, sizes, segment, now)
            return
        if fitting:
            self.write(run.packets[:fitting], sizes[:fitting], segment, now)
        for packet in run.packets[fitting:]:
            self._subscriber.queue((self, packet, segment), len(packet[0]), now)

    def write(self, packets: Sequence[Kept], sizes: array[int], segment: Segment[Encoding], now: float) -> None:
        """Puts packets on the wire with this receiver's numbers and ids. All that is the same for a run is in locals:
        what is done in the inner loop is done for every packet and receiver."""
        out = self.out
        sequence_offset, timestamp_offset = segment.sequence_offset, segment.timestamp_offset
        first_word, ssrc_word, wide_head, wide_mask = self._first_word, self._ssrc_word, self.wide_head, self.wide_mask
        extra_word, extra_beyond = self._extra_word, self._extra_beyond
        wide = self.history.record_run(sizes, now)
        done, count = 0, len(packets)
        while done < count:
            offsets = out.reserve(count - done)
            arena = out.arena
            end = done + len(offsets)
            if end - done < count:
                some, some_sizes = packets[done:end], sizes[done:end]
            else:
                some, some_sizes = packets, sizes
            for offset, size, (packet, number, timestamp, marker, extra) in zip(offsets, some_sizes, some, strict=True):
                arena[offset : offset + size] = packet
                _pack(
                    arena,
                    offset,
                    first_word | marker,
                    number + sequence_offset & 0xFFFF,
                    timestamp + timestamp_offset & _MASK_32,
                    ssrc_word,
                    wide_head,
                    wide & wide_mask,
                    extra_word | extra if extra > extra_beyond else 0,
                )
                wide += 1
            if segment.is_patching:
                self._patch(arena, offsets, some, segment)
            out.send_rtp(self.link, offsets, some_sizes)
            done = end
        self.packets += count
        self.octets += sum(sizes) - count * NORMALISED_SIZE

    @staticmethod
    def _patch(arena: memoryview, offsets: Sequence[int], packets: Sequence[Kept], segment: Segment[Encoding]) -> None:
        for offset, packet in zip(offsets, packets, strict=True):
            descriptor = vp8.parse(packet[0], NORMALISED_SIZE)
            if descriptor is not None:
                vp8.patch(
                    arena,
                    offset + NORMALISED_SIZE,
                    descriptor,
                    segment.picture_offset,
                    segment.tl0_offset,
                    segment.key_offset,
                )

    def timestamp_at(self, now: float) -> int | None:
        """The timestamp of this stream that means now, for a sender report; None while its source has not told."""
        timestamp = self.encoding.clock.timestamp_at(now) if self.encoding is not None else None
        segment = self.rewriter.current
        return None if timestamp is None or segment is None else timestamp + segment.timestamp_offset & _MASK_32

    @property
    def highest_number(self) -> int:
        """The highest extended number sent so far."""
        segment = self.rewriter.current
        if self.encoding is None or segment is None:
            return self.rewriter.last_number
        return self.encoding.reception.highest + segment.sequence_offset

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
        segment = self.rewriter.current
        assert segment is not None
        taken = self._pacer.take_back(lambda item: item[0] is self)
        held = {packet[1] + then.sequence_offset for _, packet, then in taken}
        highest = encoding.reception.highest
        while highest >= segment.first and highest + segment.sequence_offset in held:
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
        after what was last sent): by the sender's own reports where they are known, else by our clock. After a pause it
        begins anew for who reports arrivals, as browsers do; a recorder's numbers keep telling the time."""
        rewriter = self.rewriter
        last = rewriter.last_timestamp & _MASK_32
        segment = rewriter.current
        if segment is None:
            return last
        rate_hz = encoding.clock.clock_rate_hz
        plausible = _PLAUSIBLE_S * rate_hz
        paused_s = now - self._left_at
        elapsed = max(1, round(paused_s * rate_hz))
        captured_at = encoding.clock.captured_at(timestamp)
        if self.is_video and self.wide_head and paused_s > _RESTART_AFTER_S:
            begun = last + elapsed - round(_RESTART_S * rate_hz)
            self._anchor = None if captured_at is None else (captured_at, begun & _MASK_32)
            return begun
        exact: int | None = None
        if segment.input is encoding:
            exact = timestamp + segment.timestamp_offset
        elif captured_at is not None and self._anchor is not None:
            exact = self._anchor[1] + round((captured_at - self._anchor[0]) * rate_hz)
        if exact is not None:
            step = ahead(exact, last, 32)
            if abs(step - elapsed) <= plausible:
                return last + max(step, round(_STEP_S * rate_hz))
        if captured_at is not None:
            self._anchor = (captured_at, last + elapsed & _MASK_32)
        return last + elapsed
