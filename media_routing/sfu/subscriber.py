"""The outgoing half of a leg: its slots, what fits through to it, and which layer of which source it gets."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from random import Random

from media_routing.rtp.rtcp import ReportBlock, TransportFeedback
from media_routing.sfu.allocator import OFF, Allocator, Demand
from media_routing.sfu.bwe import BandwidthEstimator, SentHistory
from media_routing.sfu.clock import round_trip_s
from media_routing.sfu.encoding import Encoding
from media_routing.sfu.events import Want
from media_routing.sfu.mapping import map_sources
from media_routing.sfu.outgoing import Outgoing
from media_routing.sfu.pacer import Pacer
from media_routing.sfu.plan import LegPlan
from media_routing.sfu.repair import Repair
from media_routing.sfu.rewriter import Segment
from media_routing.sfu.run import Kept
from media_routing.sfu.slot import Slot
from media_routing.sfu.source import Source, SourceKey

Queued = tuple[Slot, Kept, Segment[Encoding]]

# Wishes of one receiver that are remembered: eight people with camera and screen.
MAX_WANTS = 32
# Repair may take so much of what fits: a receiver that asks for everything twice hurts only itself.
_REPAIR_SHARE = 0.5
_REPAIR_MIN_BPS = 200_000
_REPAIR_BURST_S = 0.5
# What is received is reported within 50 to 100 ms and a round trip. Nothing heard of it for so long: the line carried nothing.
# Shorter: repair covers what was kept. More often than so: a line that stalls by itself, and what it loses counts.
_INTERRUPTED_S = 1.0
_FORGIVEN_EVERY_S = 5.0
# A key frame of a layer that fits leaves within half a second. Not more often than so: each time costs all who watch the same
# layer a key frame.
_LATE_S, _ANEW_EVERY_S = 0.6, 3.0
# How the smoothed round trip follows a new one (RFC 6298 §2.3).
_RTT_WEIGHT = 0.125


class Subscriber:
    def __init__(self, plan: LegPlan, link: object, out: Outgoing, random: Random, now: float) -> None:
        self.link = link
        self.out = out
        self.extensions = plan.extensions
        self.history = SentHistory()
        self.estimator = BandwidthEstimator()
        self.allocator = Allocator()
        self.pacer: Pacer[Queued] = Pacer(self.estimator.target_bps, now)
        self.slots = [Slot(slot, self, random) for slot in plan.slots]
        self.by_ssrc = {slot.ssrc: slot for slot in self.slots}
        self.repairs = {
            slot.ssrc: Repair(slot, random)
            for slot in self.slots
            if slot.is_video and slot.plan.rtx_payload_type and slot.plan.rtx_ssrc
        }
        self.rtt_s = 0.0
        self._wants: dict[SourceKey, Want] | None = None
        self._wanted_at = now
        self._repair_bytes = 0.0
        self._repaired_at = now
        self._forgiven_at = float("-inf")
        self._began_anew_at = float("-inf")

    # What it shows.

    def set_wants(self, wants: Sequence[Want], now: float) -> None:
        self._wants = {(want.participant, want.source): want for want in wants[:MAX_WANTS]}
        self._wanted_at = now
        self.allocator.note_change()

    def want(self, source: Source) -> Want:
        """What was asked of this source; before anything was asked all, of newer sources the smallest picture."""
        participant, name = source.key
        if self._wants is None:
            return Want(participant, name, source.layers[-1].height)
        known = self._wants.get(source.key)
        if known is not None:
            return known
        is_newer = source.began_at >= self._wanted_at
        return Want(participant, name, source.layers[0].height if is_newer else 0)

    def map(self, sources: Iterable[Source], places: Mapping[str, int], now: float) -> bool:
        """Puts the sources to be had into slots; whether anything changed that the receiver should know."""
        by_key = {source.key: source for source in sources}
        changed = False
        for is_video in (False, True):
            slots = [slot for slot in self.slots if slot.is_video is is_video]
            ranked = sorted(
                (source for source in by_key.values() if source.is_video is is_video),
                key=lambda source: self._rank(source, places),
            )
            before = [slot.source.key if slot.source is not None else None for slot in slots]
            after = map_sources(before, [source.key for source in ranked])
            changed |= before != after
            for slot, key in zip(slots, after, strict=True):
                source = by_key[key] if key is not None else None
                slot.bind(source, now)
                if source is not None and not is_video:
                    slot.aim(source.encodings[0], now)
        self.allocator.note_change()
        return changed

    def _rank(self, source: Source, places: Mapping[str, int]) -> tuple[bool, bool, bool, int]:
        want = self.want(source)
        is_shown = not source.is_video or want.height > 0
        return (not (is_shown and source.is_live), not want.pinned, source.key[1] != "screen", places[source.key[0]])

    def mapped(self) -> tuple[tuple[str, str, str], ...]:
        """All slots as `SlotsMapped` says them."""
        return tuple(
            (slot.plan.mid, *(slot.source.key if slot.source is not None else ("", ""))) for slot in self.slots
        )

    # What fits.

    def allocate(self, places: Mapping[str, int], kept: frozenset[str], now: float) -> None:
        """Divides the estimated rate anew when something changed, and aims the video slots accordingly."""
        target_bps = self.estimator.target_bps
        audio_bps = self._audio_bps(now)
        # Sound does not ask, so that pictures are paced to what it leaves.
        self.pacer.set_target(max(target_bps - audio_bps, target_bps / 2), self.estimator.most_bps() - audio_bps)
        if not self.allocator.is_due(target_bps, now):
            return
        shown = [(slot, slot.source) for slot in self.slots if slot.is_video and slot.source is not None]
        demands = []
        for _, source in shown:
            want = self.want(source)
            participant, name = source.key
            demands.append(
                Demand(
                    key=source.key,
                    height=want.height,
                    layers=source.layers,
                    place=places.get(participant, len(places)),
                    # Who shares a screen wants it to be read.
                    pinned=want.pinned or name == "screen",
                    keep=name == "camera" and participant in kept,
                )
            )
        allocation = self.allocator.decide(demands, target_bps, audio_bps, now, self.estimator.proven_bps(now))
        self.estimator.desire(allocation.desired_bps)
        for slot, source in shown:
            index = allocation.layers.get(source.key, OFF)
            if self.allocator.fell and slot.encoding is not None and index < slot.encoding.index:
                slot.cut()
            slot.aim(None if index == OFF else source.encodings[index], now)

    def _audio_bps(self, now: float) -> int:
        encodings = (slot.encoding for slot in self.slots if not slot.is_video)
        return sum(encoding.meter.usable_bps(now) for encoding in encodings if encoding is not None)

    def queue(self, item: Queued, size: int, now: float) -> None:
        """Holds a packet back until the pacer lets it go; a full queue drops it, and a NACK may still bring it."""
        self.pacer.push(item, size, now)

    def begin_anew(self, now: float) -> None:
        """Where so much waits that pictures are late, and stay late because as much comes in as goes out: what waits is never
        sent, and they go on with a key frame."""
        if not self.pacer.queued_bytes or now - self._began_anew_at < _ANEW_EVERY_S:
            return
        waiting = self.pacer.waiting()
        (_, packet, segment), since = waiting[0]
        # A large key frame goes down a slow line: the next one would take as long.
        if now - since < _LATE_S or packet[2] == segment.input.key_timestamp:
            return
        self._began_anew_at = now
        for slot in dict.fromkeys(slot for (slot, _, _), _ in waiting):
            slot.cut()
            slot.aim(slot.target, now)

    def send_due(self, now: float) -> float:
        """Lets go what was held back, and probes. Returns when it wants to be called next."""
        if self.pacer.queued_bytes:
            for slot, packet, segment in self.pacer.release(now):
                slot.write((packet,), array("H", (len(packet[0]),)), segment, now)
        due = float("inf")
        if self.repairs:
            due = self.estimator.deadline()
            if now >= due:
                size = self.estimator.padding_due(self.history, now)
                if size > 0:
                    self._padded().pad(size, now)
                due = self.estimator.deadline()
        return min(due, self.pacer.deadline()) if self.pacer.queued_bytes else due

    def _padded(self) -> Repair:
        """The repair stream to pad: one whose slot is in use, so that the receiver has met it."""
        used = (repair for ssrc, repair in self.repairs.items() if self.by_ssrc[ssrc].encoding is not None)
        return next(used, None) or next(iter(self.repairs.values()))

    # What it reports.

    def on_report_block(self, block: ReportBlock, now: float) -> None:
        slot = self.by_ssrc.get(block.ssrc)
        if slot is None:
            return
        slot.reported_loss = block.fraction_lost
        rtt_s = round_trip_s(block.last_sr, block.delay_since_last_sr, now)
        if rtt_s is not None:
            self.rtt_s = rtt_s if not self.rtt_s else self.rtt_s + _RTT_WEIGHT * (rtt_s - self.rtt_s)
            self.estimator.on_rtt(self.rtt_s)

    def on_blocks(self, blocks: Sequence[ReportBlock], now: float) -> None:
        """The blocks of one sender or receiver report."""
        for block in blocks:
            self.on_report_block(block, now)
        told = [block.fraction_lost for block in blocks if block.ssrc in self.by_ssrc]
        if told:
            self.estimator.on_loss_report(sum(told) / len(told), now)

    def on_feedback(self, feedback: TransportFeedback, now: float) -> None:
        if self.estimator.unreported_s(self.history, now) > _INTERRUPTED_S + self.rtt_s:
            self._carries_again(now)
        self.estimator.on_feedback(feedback, self.history, now)

    def _carries_again(self, now: float) -> None:
        """After an interruption, as by another network: pictures begin anew at once, where Chromium would first be sent all
        that it missed and then wait 3 s; and what was lost meanwhile says nothing of what the line can take."""
        for slot in self.slots:
            self.on_picture_loss(slot.ssrc, now)
        if now - self._forgiven_at >= _FORGIVEN_EVERY_S:
            self._forgiven_at = now
            self.estimator.on_interruption(now)

    def on_nack(self, ssrc: int, sequences: Sequence[int], now: float) -> None:
        repair = self.repairs.get(ssrc)
        if repair is None:
            return
        bps = max(_REPAIR_MIN_BPS, self.estimator.target_bps * _REPAIR_SHARE)
        gained = (now - self._repaired_at) * bps / 8
        self._repair_bytes = min(bps / 8 * _REPAIR_BURST_S, self._repair_bytes + gained)
        self._repaired_at = now
        spent = repair.resend(sequences, self.rtt_s, int(self._repair_bytes), now)
        self._repair_bytes -= spent
        self.pacer.spend(spent, now)

    def on_picture_loss(self, ssrc: int, now: float) -> None:
        slot = self.by_ssrc.get(ssrc)
        if slot is None or slot.encoding is None or not slot.is_video or not slot.pli.allow(now):
            return
        slot.encoding.keyframes.want()
        slot.encoding.source.hurry(now)

    def packets(self) -> int:
        """Sent so far, repair and padding included."""
        return sum(slot.packets for slot in self.slots) + sum(repair.packets for repair in self.repairs.values())

    def octets(self) -> int:
        """Payload bytes of `packets`."""
        return sum(slot.octets for slot in self.slots) + sum(repair.octets for repair in self.repairs.values())

    def close(self, now: float) -> None:
        """Leaves every source."""
        for slot in self.slots:
            slot.bind(None, now)
        self.pacer.clear()
