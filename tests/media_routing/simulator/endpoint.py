"""A participant: what it publishes, what it receives, and the RTCP that it answers with."""

from collections.abc import Callable
from random import Random

from media_routing.rtp import rtcp
from media_routing.rtp.rtcp import make_feedback
from media_routing.rtp.sequence import extend
from media_routing.sfu.plan import ExtensionIds, LegPlan, PublishLine, ReceiveSlot
from tests.media_routing.simulator import wire
from tests.media_routing.simulator.clock import Clock
from tests.media_routing.simulator.encoder import Camera
from tests.media_routing.simulator.publisher import Publisher, ntp
from tests.media_routing.simulator.receiver import AudioReceiver, VideoReceiver

# Chromium's ids and payload types for one half of the people, Firefox's for the other: legs of a room differ.
_IDS = (
    ExtensionIds(mid=4, rid=10, repaired_rid=11, transport_cc=3, audio_level=1, video_orientation=13),
    ExtensionIds(mid=3, rid=5, repaired_rid=6, transport_cc=7, audio_level=2, video_orientation=8),
)
_TYPES = ((111, 96, 97), (109, 120, 124))  # opus, VP8, its repair
FEEDBACK_S = 0.1
REPORT_S = 1.0
_NACK_S = 0.02
_OWN_SSRC = 1


def make_plan(
    random: Random, number: int, room_size: int, *, repair: bool = True, transport_cc: bool = True
) -> LegPlan:
    """Microphone, camera in three layers, screen; then room_size - 1 audio and room_size video slots."""
    ids, (audio, video, rtx) = _IDS[number % 2], _TYPES[number % 2]
    if not transport_cc:
        ids = ExtensionIds(ids.mid, ids.rid, ids.repaired_rid, 0, 0, ids.audio_level, ids.video_orientation)
    rtx = rtx if repair else 0

    def ssrc() -> int:
        return random.randrange(1, 1 << 32)

    publishes = (
        PublishLine("0", "microphone", "audio", audio, ssrcs=(ssrc(),)),
        PublishLine("1", "camera", "video", video, rtx, rids=("l", "m", "h")),
        PublishLine("2", "screen", "video", video, rtx, ssrcs=(ssrc(),), rtx_ssrcs=(ssrc(),)),
    )
    mids = iter(range(3, 100))
    slots = [ReceiveSlot(str(next(mids)), "audio", audio, 0, ssrc(), 0) for _ in range(room_size - 1)]
    slots += [
        ReceiveSlot(str(next(mids)), "video", video, rtx, ssrc(), ssrc() if repair else 0) for _ in range(room_size)
    ]
    return LegPlan(publishes, tuple(slots), ids)


class Endpoint:
    """`send` carries a datagram to the uplink. `slots` is what the room said: mid -> (participant, source)."""

    def __init__(
        self,
        clock: Clock,
        random: Random,
        name: str,
        number: int,
        plan: LegPlan,
        send: Callable[[bytes], None],
        camera: Camera,
    ) -> None:
        self.clock, self.name, self.number, self.plan = clock, name, number, plan
        self.slots: dict[str, tuple[str, str]] = {}
        self.rtt_s = 0.05
        self.feedback_on = True
        self.video = {s.mid: VideoReceiver(s.ssrc, s.rtx_ssrc) for s in plan.slots if s.kind == "video"}
        self.audio = {s.mid: AudioReceiver(s.ssrc) for s in plan.slots if s.kind == "audio"}
        self.publisher = Publisher(clock, random, number, plan.publishes, plan.extensions, send, camera)
        self.repair_padding = self.unknown = 0
        self._send = send
        self._by_ssrc = {v.ssrc: (v, False) for v in self.video.values()}
        self._by_ssrc |= {v.rtx_ssrc: (v, True) for v in self.video.values() if v.rtx_ssrc}
        self._audio_by_ssrc = {a.ssrc: a for a in self.audio.values()}
        self._wide: list[tuple[int, int]] = []
        self._wide_highest = self._wide_next = -1
        self._feedback_count = 0
        self._sender_reports: dict[int, tuple[int, float]] = {}
        self._reported: dict[int, tuple[int, int]] = {}
        clock.every(FEEDBACK_S, self._feed_back, first_s=random.random() * FEEDBACK_S)
        clock.every(REPORT_S, self._report, first_s=random.random() * REPORT_S)
        clock.every(_NACK_S, self._repair, first_s=random.random() * _NACK_S)

    @property
    def is_running(self) -> bool:
        return self.publisher.is_running

    def stop(self) -> None:
        self.publisher.is_running = False

    def showing(self, participant: str, source: str = "camera") -> VideoReceiver | None:
        """The slot that shows this picture now."""
        for mid, where in self.slots.items():
            if where == (participant, source) and mid in self.video:
                return self.video[mid]
        return None

    def hearing(self, participant: str) -> AudioReceiver | None:
        for mid, where in self.slots.items():
            if where == (participant, "microphone"):
                return self.audio.get(mid)
        return None

    def receive(self, data: bytes) -> None:
        if not self.is_running:
            return
        if 192 <= data[1] <= 223:
            self._receive_rtcp(data)
            return
        now = self.clock.now
        packet = wire.read(data)
        number = packet.extensions.get(self.plan.extensions.transport_cc)
        if number is not None:
            self._note_wide(int.from_bytes(number, "big"), now)
        if (audio := self._audio_by_ssrc.get(packet.ssrc)) is not None:
            audio.receive(packet, now)
        elif (found := self._by_ssrc.get(packet.ssrc)) is not None:
            video, is_repair = found
            if is_repair:
                if len(packet.payload) <= 2:
                    self.repair_padding += 1
                    return
                packet.sequence = int.from_bytes(packet.payload[:2], "big")
                packet.payload = packet.payload[2:]
            video.receive(packet, now, is_repair=is_repair)
        else:
            self.unknown += 1

    def _note_wide(self, number: int, now: float) -> None:
        extended = extend(number, self._wide_highest if self._wide_highest >= 0 else 0x10000 | number)
        self._wide_highest = max(self._wide_highest, extended)
        self._wide.append((extended, int(now * 1e6)))

    def _receive_rtcp(self, data: bytes) -> None:
        for packet in rtcp.parse(data):
            if isinstance(packet, rtcp.SenderReport):
                self._sender_reports[packet.ssrc] = (packet.ntp_time >> 16 & 0xFFFFFFFF, self.clock.now)
            self.publisher.on_rtcp(packet)

    def _feed_back(self) -> bool:
        if self._wide and self.feedback_on:
            arrivals = sorted(dict(self._wide).items())
            self._wide.clear()
            first = arrivals[0][0] if self._wide_next < 0 else min(self._wide_next, arrivals[0][0])
            for feedback in make_feedback(_OWN_SSRC, 0, self._feedback_count, arrivals, first=first):
                self._send(feedback.build())
                self._feedback_count += 1
            self._wide_next = max(self._wide_next, arrivals[-1][0] + 1)
        return self.is_running

    def _repair(self) -> bool:
        now = self.clock.now
        for video in self.video.values():
            if video.highest < 0:
                continue
            due = video.nacks_due(self.rtt_s, now)
            if due and video.rtx_ssrc:
                self._send(rtcp.Nack(_OWN_SSRC, video.ssrc, tuple(due)).build())
            if video.wants_key_frame(now):
                self._send(rtcp.PictureLoss(_OWN_SSRC, video.ssrc).build())
        return self.is_running

    def _report(self) -> bool:
        parts = [report.build() for report in self.publisher.reports()]
        blocks = [
            self._block(r.ssrc, r.highest, r.base, r.received)
            for r in [*self.video.values(), *self.audio.values()]
            if r.highest >= 0
        ]
        parts += [
            rtcp.ReceiverReport(_OWN_SSRC, tuple(blocks[at : at + 31])).build() for at in range(0, len(blocks), 31)
        ]
        if parts:
            self._send(b"".join(parts))
        return self.is_running

    def _block(self, ssrc: int, highest: int, base: int, received: int) -> rtcp.ReportBlock:
        expected = highest - base + 1
        was_expected, was_received = self._reported.get(ssrc, (0, 0))
        self._reported[ssrc] = (expected, received)
        new, lost = expected - was_expected, expected - was_expected - (received - was_received)
        last_sr, at = self._sender_reports.get(ssrc, (0, 0.0))
        return rtcp.ReportBlock(
            ssrc,
            max(0.0, lost / new) if new else 0.0,
            expected - received,
            highest & 0xFFFFFFFF,
            0,
            last_sr,
            int((self.clock.now - at) * 65536) if last_sr else 0,
        )


__all__ = ["Endpoint", "make_plan", "ntp"]
