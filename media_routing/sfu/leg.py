"""One participant's transport as the core sees it: a publisher, a subscriber, and the RTCP between the two."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from media_routing.rtp import rtcp
from media_routing.sfu.config import RoomConfig
from media_routing.sfu.events import LegQuality
from media_routing.sfu.outgoing import Outgoing
from media_routing.sfu.plan import LegPlan
from media_routing.sfu.publisher import Publisher
from media_routing.sfu.reports import build_reports, pack_compounds
from media_routing.sfu.source import Source
from media_routing.sfu.subscriber import Subscriber

# RTCP of one leg per second: a browser sends some 60 (feedback each 50 ms, NACKs, reports). The rest is not read.
_MAX_RTCP_PER_S = 400.0
# What counts as one packet more: a few bytes can ask for much work.
_RTCP_BYTES = 160
_RTCP_STATUSES = 100
_MAX_NACKED = 256


class Leg:
    """Made by `Room.add_leg` only. `link` is the runtime's own object and opaque here."""

    def __init__(
        self,
        key: str,
        plan: LegPlan,
        link: object,
        out: Outgoing,
        random: Random,
        config: RoomConfig,
        *,
        on_start: Callable[[Source, float], None],
        on_level: Callable[[str, int, float], None],
        hurry: Callable[[float], None],
        now: float,
    ) -> None:
        self.key = key
        self.plan = plan
        self.link = link
        self.out = out
        self.config = config
        self.publisher = Publisher(key, plan, config, on_start, on_level, hurry, now)
        self.subscriber = Subscriber(plan, link, out, random, now)
        # Whom RTCP comes from (RFC 3550 §6.1). A leg that receives nothing has no stream to name.
        self.sender_ssrc = plan.slots[0].ssrc if plan.slots else random.getrandbits(31) + 1
        self.malformed = 0
        """Packets that were none, of this leg."""
        self._rtcp_left = _MAX_RTCP_PER_S
        self._report_at = now
        self._quality_at = now + config.quality_interval_s
        self._told_received = 0
        self._told_lost = 0

    def receive_rtcp(self, data: bytes, now: float) -> None:
        """One compound. Raises RtcpError."""
        if self._rtcp_left < 1:
            return
        self._rtcp_left -= 1 + len(data) / _RTCP_BYTES
        subscriber = self.subscriber
        for packet in rtcp.parse(data):
            if isinstance(packet, rtcp.TransportFeedback):
                self._rtcp_left -= len(packet.times_us) / _RTCP_STATUSES
                subscriber.on_feedback(packet, now)
            elif isinstance(packet, rtcp.Nack):
                subscriber.on_nack(packet.media_ssrc, packet.sequences[:_MAX_NACKED], now)
            elif isinstance(packet, rtcp.PictureLoss):
                subscriber.on_picture_loss(packet.media_ssrc, now)
            elif isinstance(packet, rtcp.FullIntra):
                for ssrc, _ in packet.entries:
                    subscriber.on_picture_loss(ssrc, now)
            elif isinstance(packet, rtcp.SenderReport):
                self.publisher.on_sender_report(packet, now)
                subscriber.on_blocks(packet.blocks, now)
            elif isinstance(packet, rtcp.ReceiverReport):
                subscriber.on_blocks(packet.blocks, now)
            elif isinstance(packet, rtcp.Remb):
                subscriber.estimator.on_remb(packet.bitrate_bps, now)

    def pulse(self, elapsed_s: float, now: float) -> bool:
        """Periodic work that needs no precision; whether there are other layers to be had than before."""
        self._rtcp_left = min(_MAX_RTCP_PER_S, self._rtcp_left + elapsed_s * _MAX_RTCP_PER_S)
        changed = [source.measure(now) for source in self.publisher.sources]
        return any(changed)

    def send_due(self, now: float, early_s: float) -> float:
        """RTCP that is due, feedback up to `early_s` before; held-back packets and probes. Returns when more is due."""
        publisher = self.publisher
        packets: list[bytes] = []
        if publisher.packets:
            packets = publisher.requests(self.sender_ssrc, self.subscriber.rtt_s, now, early_s)
        if now >= self._report_at:
            # Not later than due by more than one interval: a process that was stopped does not send a burst.
            self._report_at = max(self._report_at + self.config.report_interval_s, now)
            packets = build_reports(publisher, self.subscriber, self.sender_ssrc, now) + packets
        if packets:
            for compound in pack_compounds(packets):
                self.out.send_rtcp(self.link, compound)
        due = self.subscriber.send_due(now)
        return min(due, publisher.deadline()) if publisher.packets else due

    def take_quality(self, now: float) -> LegQuality | None:
        """What to tell about this leg, when it is time."""
        if now < self._quality_at:
            return None
        self._quality_at = now + self.config.quality_interval_s
        live = [e for source in self.publisher.sources if source.is_live for e in source.encodings if e.ssrc]
        up = [encoding.reception.fraction_lost for encoding in live]
        subscriber = self.subscriber
        layers = tuple(
            (slot.plan.mid, slot.encoding.source.height(slot.encoding.index))
            for slot in subscriber.slots
            if slot.is_video and slot.encoding is not None
        )
        return LegQuality(
            self, max(up, default=0.0), self._down_loss(), subscriber.rtt_s, subscriber.estimator.target_bps, layers
        )

    def _down_loss(self) -> float:
        """Of the last period, by transport feedback; by receiver reports where there is none."""
        estimator = self.subscriber.estimator
        received, lost = estimator.received - self._told_received, estimator.lost - self._told_lost
        self._told_received, self._told_lost = estimator.received, estimator.lost
        if received + lost > 0:
            return max(0.0, lost / (received + lost))
        active = [slot.reported_loss for slot in self.subscriber.slots if slot.encoding is not None]
        return max(active, default=0.0)
