"""A real room from end to end: three legs, packets of all kinds, wishes, time that passes, people who come and go.

Limits of the links are not in the way here: whatever is authentic may be said as often as the input says it.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from media_routing.sfu.events import Want
from media_routing.sfu.leg import Leg
from media_routing.sfu.room import Room
from tests.fuzz.engine import Target
from tests.fuzz.records import Record, mutate_records, pack, unpack
from tests.fuzz.traffic import make_control, make_media, make_plan

HEADROOM = 64
SLOT_BYTES = 1500
NAMES = ("a", "b", "c")
PLANS = {name: make_plan(seed) for seed, name in enumerate(NAMES)}
HEARD = make_media(PLANS["c"])[:6]
# Kinds of records.
RTP, RTCP, WAIT, WANTS, LEAVE, JOIN = range(6)
# What one packet in may cause at once, over all legs: a fan-out of two with repair, key frame requests, probes.
MOST_PACKETS_PER_RECORD = 600


class Lists:
    """An Outgoing that counts, looks at what leaves, and keeps nothing."""

    def __init__(self) -> None:
        self.arena = memoryview(bytearray(SLOT_BYTES * 2))
        self._given: list[int] = []
        self.packets = 0
        self.to: dict[object, int] = {}

    def reserve(self, count: int) -> list[int]:
        self._given = [0, SLOT_BYTES][:count]
        return self._given

    def send_rtp(self, link: object, offsets: Sequence[int], sizes: Sequence[int]) -> None:
        assert list(offsets) == self._given
        for offset, size in zip(offsets, sizes, strict=True):
            assert 12 < size <= SLOT_BYTES
            assert self.arena[offset] >> 6 == 2
            self._count(link)

    def send_rtcp(self, link: object, packet: bytes) -> None:
        assert 8 <= len(packet) <= SLOT_BYTES
        assert packet[0] >> 6 == 2
        self._count(link)

    def _count(self, link: object) -> None:
        self.packets += 1
        self.to[link] = self.to.get(link, 0) + 1


class Stage:
    def __init__(self) -> None:
        self.out = Lists()
        self.room = Room(self.out, Random(1))
        self.now = 100.0
        self._arena = memoryview(bytearray(HEADROOM + 2048))
        self.legs: dict[str, Leg] = {}
        for name in NAMES:
            self.join(name)

    def join(self, name: str) -> None:
        self.legs[name] = self.room.add_leg(name, PLANS[name], name, self.now)

    def receive(self, name: str, data: bytes) -> None:
        self._arena[HEADROOM : HEADROOM + len(data)] = data
        self.room.receive_rtp(self.legs[name], self._arena, ((HEADROOM, len(data), self.now),), self.now)

    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        for _ in range(200):
            if self.room.deadline() > until:
                break
            self.now = max(self.now, self.room.deadline()) + 1e-6
            self.room.tick(self.now)
        self.now = max(self.now, until)
        self.room.tick(self.now)

    def play(self, record: Record) -> None:
        name = NAMES[record.who % len(NAMES)]
        kind, data = record.kind % 6, record.data[:1500]
        before = self.out.packets
        if kind == RTP:
            self.receive(name, data)
        elif kind == RTCP:
            self.room.receive_rtcp(self.legs[name], data, self.now)
        elif kind == WAIT:
            self.wait(min(int.from_bytes(data[:2]), 3000) / 1000)
        elif kind == WANTS:
            self.room.set_wants(self.legs[name], read_wants(data), self.now)
        elif kind == LEAVE:
            self.room.remove_leg(self.legs[name], self.now)
        else:
            self.join(name)
        self.room.take_events()
        assert self.out.packets - before <= (MOST_PACKETS_PER_RECORD if kind != WAIT else 5000)

    def check(self) -> None:
        """Whoever is new here now is heard by the others, whatever was said before."""
        for name in NAMES:
            self.join(name)
        self.wait(0.2)
        before = dict(self.out.to)
        for packet in HEARD:
            self.receive("c", packet)
            self.wait(0.02)
        assert all(self.out.to.get(name, 0) > before.get(name, 0) for name in ("a", "b"))
        assert self.room.stats(self.now).legs == 3


def read_wants(data: bytes) -> list[Want]:
    """Three bytes each: whom and what, how high, pinned."""
    sources = ("camera", "screen", "microphone", "?")
    return [
        Want(NAMES[data[at] % 3], sources[data[at] // 3 % 4], data[at + 1] * 8, bool(data[at + 2] & 1))
        for at in range(0, min(len(data), 48) - 2, 3)
    ]


def seeds() -> Sequence[bytes]:
    media, control = make_media(PLANS["a"]), make_control(PLANS["a"])
    wants = Record(WANTS, 1, bytes((0, 90, 0, 3, 45, 1)))
    wait = Record(WAIT, 0, (60).to_bytes(2))
    talk = [one for packet in media for one in (Record(RTP, 0, packet), wait)]
    return [
        pack([wants, *(Record(RTP, 0, packet) for packet in media), wait]),
        pack(talk[:40]),
        pack([*talk[:20], *(Record(RTCP, 0, packet) for packet in control), wait]),
        pack(
            [*talk[:16], wants, *(Record(RTCP, 1, packet) for packet in make_control(PLANS["b"])), wait, *talk[16:30]]
        ),
        pack([*talk[:10], Record(LEAVE, 0, b""), Record(JOIN, 0, b""), *talk[10:20], Record(LEAVE, 1, b""), wait]),
        pack(
            [*talk[:10], Record(JOIN, 0, b""), Record(JOIN, 1, b""), *talk[10:20], Record(WAIT, 0, (2500).to_bytes(2))]
        ),
    ]


def run_room(data: bytes) -> None:
    stage = Stage()
    for record in unpack(data):
        stage.play(record)
    stage.check()


TARGETS = [Target("room", run_room, (), seeds, mutate_records, runs=120, traced=0.2)]
