"""Python's own work per forwarded packet, counted instead of timed: what a busy machine cannot disturb.

Counts the bytecodes that the core and the outbox execute for media, feedback, ticks and sending; system calls, SRTP and
other C code have none. Time is made up: one burst of five packets each 12.5 ms, feedback of every receiver each 50 ms.
"""

from __future__ import annotations

import secrets
import struct
import sys
from collections.abc import Callable
from random import Random
from types import FrameType
from typing import Any

from media_routing.rtp.rtcp import make_feedback
from media_routing.runtime import srtp
from media_routing.runtime.arena import Arena
from media_routing.runtime.outbox import Outbox
from media_routing.sfu.bwe import BandwidthEstimator
from media_routing.sfu.plan import ExtensionIds, LegPlan, PublishLine, ReceiveSlot
from media_routing.sfu.room import Room
from tests.bench.rows import Row

FAN_OUTS = (2, 5, 20)
WARM_TURNS, TURNS = 80, 160
BURST, TURN_S, FEEDBACK_S = 5, 0.0125, 0.05
PACKETS_PER_FRAME, FRAMES_PER_KEY, PACKET_BYTES = 13, 30, 1100
IDS = ExtensionIds(mid=4, transport_cc=3, abs_send_time=2)
_write = struct.Struct("!BBHIIHHBHBBHBBBHBBB").pack_into


class _Pinned(BandwidthEstimator):
    """Does all its work and then says that everything fits, as in the timed benchmark."""

    __slots__ = ()
    target_bps = property(lambda self: 12_000_000)


class _Link:
    def __init__(self) -> None:
        self.sessions = srtp.Sessions(srtp.Keys.from_exporter(srtp.PROFILES[0], secrets.token_bytes(56)))
        self.protect_rtp, self.protect_rtcp = self.sessions.protect_rtp, self.sessions.protect_rtcp
        self.tag_bytes = srtp.PROFILES[0].tag_bytes
        self.queue: list[int] = []
        self.sent_packets = self.sent_bytes = 0


class _Nowhere:
    origin = sent = dropped = 0

    def send(self, destinations: list[_Link]) -> None:
        for one in destinations:
            one.queue.clear()


class Meter:
    """Bytecodes by kind of work."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._now = 0

    def count(self, kind: str, work: Callable[[], object]) -> None:
        self._now = 0
        sys.settrace(self._trace)
        try:
            work()
        finally:
            sys.settrace(None)
        self.counts[kind] = self.counts.get(kind, 0) + self._now

    def _trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        self._now += event == "opcode"
        return self._trace


def measure() -> list[Row]:
    rows = []
    for fan_out in FAN_OUTS:
        counts = per_packet(fan_out)
        parts = ", ".join(f"{kind} {count:.0f}" for kind, count in counts.items())
        rows.append(Row(f"engine_bytecodes_{fan_out}", sum(counts.values()), "bytecodes", f"per packet out: {parts}"))
    return rows


def per_packet(fan_out: int) -> dict[str, float]:
    """Bytecodes per packet and receiver, by kind of work, in one room of one publisher."""
    outbox, now, sent = Outbox(), 1000.0, 0
    outbox.attach(lambda sock, arena: _Nowhere(), None)
    room = Room(outbox, Random(1))
    line = PublishLine("0", "camera", "video", 96, 97, (), (77,))
    publisher = room.add_leg("publisher", LegPlan((line,), (), IDS), _Link(), now)
    slots = [ReceiveSlot("0", "video", 96, 97, 1000 + number, 2000 + number) for number in range(fan_out)]
    legs = [room.add_leg(f"receiver {slot.ssrc}", LegPlan((), (slot,), IDS), _Link(), now) for slot in slots]
    for leg in legs:
        leg.subscriber.estimator.__class__ = _Pinned
    inbox, payload, meter = Arena(BURST, 2048, 64), secrets.token_bytes(PACKET_BYTES), Meter()
    told = [0] * fan_out
    feedback_at = [now + FEEDBACK_S + 0.01 * number for number in range(fan_out)]
    room.tick(now)
    before = 0
    for turn in range(WARM_TURNS + TURNS):
        if turn == WARM_TURNS:
            meter, before = Meter(), sum(leg.subscriber.packets() for leg in legs)
        now += TURN_S
        places = [
            (offset, _packet(inbox.view, offset, sent + n, payload), now) for n, offset in enumerate(inbox.offsets)
        ]
        sent += BURST
        meter.count("media", lambda: room.receive_rtp(publisher, inbox.view, places, now))  # noqa: B023
        for number, leg in enumerate(legs):
            if now >= feedback_at[number]:
                feedback_at[number] += FEEDBACK_S
                first, told[number] = told[number], leg.subscriber.history.next_sequence
                arrivals = [
                    (0x10000 + n, int(now * 1e6) + 2500 * (n - told[number])) for n in range(first, told[number])
                ]
                for one in make_feedback(1, 1, turn & 0xFF, arrivals, first=0x10000 + first):
                    data = one.build()
                    meter.count("feedback", lambda: room.receive_rtcp(leg, data, now))  # noqa: B023
        if room.deadline() <= now:
            meter.count("ticks", lambda: room.tick(now))  # noqa: B023
        meter.count("sending", outbox.flush)
    out = sum(leg.subscriber.packets() for leg in legs) - before
    if out < 0.99 * TURNS * BURST * fan_out or outbox.refused or any(leg.malformed for leg in room.legs.values()):
        raise RuntimeError(f"{out} packets went out, {outbox.refused} were refused")
    return {kind: count / out for kind, count in meter.counts.items()}


def _packet(view: memoryview, at: int, number: int, payload: bytes) -> int:
    frame, place = divmod(number, PACKETS_PER_FRAME)
    marker = 0x80 if place == PACKETS_PER_FRAME - 1 else 0
    view[at : at + PACKET_BYTES] = payload
    _write(
        view, at, 0x90, marker | 96, number + 1 & 0xFFFF, frame * 3000, 77, 0xBEDE, 2, 0x31, number & 0xFFFF, 0x22, 0, 0, 0,
        0x90 if place == 0 else 0x80, 0xF0, 0x8000 | frame & 0x7FFF, frame & 0xFF, 0, int(frame % FRAMES_PER_KEY != 0),
    )  # fmt: skip
    return PACKET_BYTES
