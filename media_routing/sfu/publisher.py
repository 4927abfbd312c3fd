"""The incoming half of a leg: which stream a packet belongs to, and what its sender is told in return.

A stream is known by its SSRC when the plan announces it. Simulcast announces none: the first packets of each stream
carry mid and rid (RFC 8852), those of its repair stream mid and repaired-rid, until the sender knows we have learned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from media_routing.rtp import extensions
from media_routing.rtp.packet import MARKER, MAX_PAYLOAD, RtpError, normalise, parse
from media_routing.rtp.rtcp import Nack, PictureLoss, SenderReport
from media_routing.sfu.clock import SenderClock
from media_routing.sfu.config import RoomConfig
from media_routing.sfu.encoding import Encoding
from media_routing.sfu.feedback import ArrivalLog
from media_routing.sfu.plan import LegPlan
from media_routing.sfu.source import Source

_DEFAULT_RTT_S = 0.1
# RFC 6464 §3: the highest bit says "voice", the others the level.
_LEVEL = 0x7F


class Publisher:
    def __init__(
        self,
        key: str,
        plan: LegPlan,
        config: RoomConfig,
        on_start: Callable[[Source, float], None],
        on_level: Callable[[str, int, float], None],
        hurry: Callable[[float], None],
        now: float,
    ) -> None:
        self.key = key
        self.clock = SenderClock()
        self.arrivals = ArrivalLog()
        self.sources = [Source(key, line, config, self.clock, hurry, now) for line in plan.publishes]
        self.packets = 0
        self.bytes = 0
        self.dropped = 0
        self._extensions = plan.extensions
        self._wide_id = plan.extensions.transport_cc or -1
        self._on_start = on_start
        self._on_level = on_level
        self._streams: dict[int, Encoding] = {}
        self._repairs: dict[int, Encoding] = {}
        self._may_learn = config.learned_ssrcs
        self._media_ssrc = 0
        self._feedback_at = 0.0
        self._feedback_interval_s = config.feedback_interval_s
        for source in self.sources:
            for ssrcs, streams in ((source.line.ssrcs, self._streams), (source.line.rtx_ssrcs, self._repairs)):
                for ssrc, encoding in zip(ssrcs, source.encodings, strict=False):
                    self._bind(ssrc, encoding, streams)

    def receive(self, arena: memoryview, places: Iterable[tuple[int, int, float]], now: float) -> int:
        """RTP packets that are taken together, (offset, size, time of arrival) each. Returns how many were none; counts and
        drops what belongs to nobody. Packets of one encoding in a row are forwarded in one go."""
        malformed = 0
        last: Encoding | None = None
        for offset, size, came in places:
            try:
                encoding = self._receive(arena, offset, size, came, last, now)
            except RtpError:
                malformed += 1
                continue
            if encoding is not None:
                last = encoding
        if last is not None:
            last.forward(now)
        return malformed

    def _receive(
        self, arena: memoryview, offset: int, size: int, came: float, last: Encoding | None, now: float
    ) -> Encoding | None:
        """Raises RtpError. Returns the encoding that has taken the packet; what `last` took goes out before another's,
        because who changes from one to the other goes on after the highest of the first."""
        self.packets += 1
        self.bytes += size
        second, sequence, timestamp, ssrc, profile, extension_at, at, end = parse(arena, offset, size)
        encoding = self._streams.get(ssrc)
        if encoding is None:
            if ssrc not in self._repairs:
                self._learn(arena, profile, extension_at, at, ssrc)
            encoding = self._streams.get(ssrc)
            if encoding is None:
                if last is not None:
                    last.forward(now)
                return self._receive_repair(
                    arena, second, sequence, timestamp, ssrc, profile, extension_at, at, end, came, now
                )
        if last is not encoding and last is not None:
            last.forward(now)
        is_video = encoding.is_video
        ids = self._extensions
        extra_id = ids.video_orientation if is_video else ids.audio_level
        wide, extra = extensions.scan(arena, profile, extension_at, at, self._wide_id, extra_id or -1)
        if wide >= 0:
            self.arrivals.note(wide, came)
            self._media_ssrc = ssrc
        source = encoding.source
        # Comfort noise, redundancy and whatever else was negotiated beside it have no slot to go to.
        if second & 0x7F != source.line.payload_type or end - at > MAX_PAYLOAD:
            self.dropped += 1
            return None
        packet = normalise(arena, at, end, second, sequence, timestamp, ssrc, extra)
        if not is_video and extra >= 0:
            self._on_level(self.key, extra & _LEVEL, now)
            source.on_level(extra & _LEVEL, now)
        if not source.is_live:
            encoding.forward(now)
            source.is_live = source.has_started = True
            encoding.last_packet_at = source.began_at = now
            self._on_start(source, now)
        encoding.take(sequence, timestamp, second & MARKER, packet, now, repaired=False)
        return encoding

    def _receive_repair(
        self,
        arena: memoryview,
        second: int,
        sequence: int,
        timestamp: int,
        ssrc: int,
        profile: int,
        extension_at: int,
        at: int,
        end: int,
        came: float,
        now: float,
    ) -> Encoding | None:
        """RFC 4588 §4: the original sequence number, then the original payload. Without them: padding that probes."""
        orientation_id = self._extensions.video_orientation or -1
        wide, extra = extensions.scan(arena, profile, extension_at, at, self._wide_id, orientation_id)
        if wide >= 0:
            self.arrivals.note(wide, came)
        encoding = self._repairs.get(ssrc)
        if encoding is None:
            self.dropped += 1
            return None
        if encoding.repair.extend(sequence) >= 0:
            encoding.repair.received += 1
        line = encoding.source.line
        if second & 0x7F != line.rtx_payload_type or not 2 <= end - at <= MAX_PAYLOAD + 2:
            return None
        original = arena[at] << 8 | arena[at + 1]
        marker = second & MARKER
        packet = normalise(arena, at + 2, end, marker | line.payload_type, original, timestamp, encoding.ssrc, extra)
        encoding.take(original, timestamp, marker, packet, now, repaired=True)
        return encoding

    def _learn(self, arena: memoryview, profile: int, extension_at: int, at: int, ssrc: int) -> None:
        """Finds out what an unknown SSRC is by mid and rid. Bounded: who keeps inventing streams is not listened to."""
        if self._may_learn <= 0 or not ssrc:
            return
        ids = self._extensions
        mid = extensions.read_text(arena, profile, extension_at, at, ids.mid)
        source = next((source for source in self.sources if mid and source.line.mid == mid), None)
        if source is None:
            return
        rid = extensions.read_text(arena, profile, extension_at, at, ids.rid)
        repaired = extensions.read_text(arena, profile, extension_at, at, ids.repaired_rid)
        rids = source.line.rids
        if repaired in rids:
            encoding, streams = source.encodings[rids.index(repaired)], self._repairs
        elif rid in rids:
            encoding, streams = source.encodings[rids.index(rid)], self._streams
        elif not rids and not repaired:
            encoding, streams = source.encodings[0], self._streams
        else:
            return
        self._may_learn -= 1
        self._bind(ssrc, encoding, streams)

    def _bind(self, ssrc: int, encoding: Encoding, streams: dict[int, Encoding]) -> None:
        """The newest SSRC of an encoding replaces the one before."""
        if streams is self._streams:
            streams.pop(encoding.ssrc, None)
            encoding.ssrc = ssrc
        else:
            streams.pop(encoding.repair_ssrc, None)
            encoding.repair_ssrc = ssrc
        streams[ssrc] = encoding

    def follow(self, before: Publisher) -> None:
        """Takes the place of the same participant's earlier leg: what had started then keeps its slots meanwhile."""
        started = {source.key for source in before.sources if source.has_started}
        for source in self.sources:
            source.has_started = source.key in started

    def on_sender_report(self, report: SenderReport, now: float) -> None:
        encoding = self._streams.get(report.ssrc)
        if encoding is not None:
            newest = encoding.timestamp if encoding.reception.highest >= 0 else -1
            encoding.clock.observe(report.ntp_time, report.rtp_time, newest, now)

    def requests(self, sender_ssrc: int, rtt_s: float, now: float, early_s: float = 0.0) -> list[bytes]:
        """RTCP that cannot wait for a report: transport feedback, NACK and PLI, as far as due."""
        packets: list[bytes] = []
        if self.arrivals.sequences and now >= self._feedback_at - early_s:
            self._feedback_at = now + self._feedback_interval_s
            packets += self.arrivals.take(sender_ssrc, self._media_ssrc)
        for encoding in self._streams.values():
            if not encoding.is_video:
                continue
            if not encoding.forwarding and not encoding.waiting:
                # Nobody looks: what is missing is missed by no one.
                encoding.missing.clear()
                encoding.keyframes.arrived()
                continue
            missing = encoding.missing
            wanted = missing.due(rtt_s or _DEFAULT_RTT_S, now) if missing else ()
            if wanted:
                sequences = tuple(number & 0xFFFF for number in wanted)
                packets.append(Nack(sender_ssrc, encoding.ssrc, sequences).build())
            if missing.gave_up:
                missing.gave_up = False
                encoding.keyframes.want()
            encoding.keyframes.rtt_s = rtt_s
            if encoding.keyframes.take_due(now):
                packets.append(PictureLoss(sender_ssrc, encoding.ssrc).build())
        return packets

    def deadline(self) -> float:
        """When `requests` has something to say next."""
        due = self._feedback_at if self.arrivals.sequences else float("inf")
        for encoding in self._streams.values():
            if encoding.is_video:
                if encoding.missing:
                    due = min(due, encoding.missing.deadline())
                if encoding.keyframes.is_wanted:
                    due = min(due, encoding.keyframes.deadline())
        return due

    def total_dropped(self) -> int:
        return self.dropped + sum(encoding.dropped for source in self.sources for encoding in source.encodings)
