"""A tap is a receiver like no other: it gets the highest layer of everything, and nobody else knows that it is there."""

from __future__ import annotations

import struct
from random import Random

import pytest

from media_routing.runtime.seats import RunningRoom
from media_routing.runtime.tap import Tap
from media_routing.sfu.events import SlotsMapped, Speakers
from media_routing.sfu.plan import ExtensionIds, LegPlan, PublishLine, ReceiveSlot

AUDIO_SSRC, LAYER_SSRCS = 50, (60, 61, 62)
PUBLISHES = (
    PublishLine("0", "microphone", "audio", 111, ssrcs=(AUDIO_SSRC,)),
    PublishLine("1", "camera", "video", 96, rids=("l", "m", "h"), ssrcs=LAYER_SSRCS),
)
SLOTS = (ReceiveSlot("2", "audio", 111, 0, 1, 0), ReceiveSlot("3", "video", 96, 0, 2, 0))


class Sent:
    """What an ordinary leg gets."""

    def __init__(self):
        self.arena = memoryview(bytearray(2048))
        self.rtp, self.rtcp = [], []

    def reserve(self, count):
        return [0]

    def send_rtp(self, link, offsets, sizes):
        [offset], [size] = offsets, sizes
        self.rtp.append((link, bytes(self.arena[offset : offset + size])))

    def send_rtcp(self, link, packet):
        self.rtcp.append((link, packet))


class Anna:
    """Sends three layers and a voice into a room, in made-up time but the tap's own."""

    def __init__(self, running, now):
        self.running, self.now, self.sequence = running, now, 1000
        self.leg = running.room.add_leg("anna", LegPlan(PUBLISHES, (), ExtensionIds()), "anna's link", now)
        self.arena = memoryview(bytearray(2048))

    def send(self, ssrc, payload_type, payload, sequence, *, marker=True):
        second = payload_type | (0x80 if marker else 0)
        packet = struct.pack("!BBHII", 0x80, second, sequence & 0xFFFF, self.sequence * 960, ssrc) + payload
        self.arena[64 : 64 + len(packet)] = packet
        self.running.room.receive_rtp(self.leg, self.arena, ((64, len(packet), self.now),), self.now)

    def go_on(self, frames, *, key_of=()):
        for _ in range(frames):
            self.now += 0.02
            self.sequence += 1
            self.send(AUDIO_SSRC, 111, b"voice", self.sequence)
            for index, ssrc in enumerate(LAYER_SSRCS):
                count = index * index + 1  # the highest: 2 Mbit/s
                for piece in range(count):
                    first = b"\x10\x10" if piece == 0 and index in key_of else b"\x10\x11" if piece == 0 else b"\x00"
                    number = self.sequence * count + piece
                    self.send(ssrc, 96, first + bytes((index,)) * 1000, number, marker=piece == count - 1)
            self.running.room.tick(self.now)


@pytest.fixture
def running():
    return RunningRoom.open("room", 3, Sent(), Random(1), lambda listener, message: None)


def test_it_gets_the_highest_layer_and_every_voice(running):
    taken, faults = [], []
    anna = Anna(running, 1000.0)
    anna.go_on(60, key_of=(0, 1, 2))
    tap = Tap(running, lambda *packet: taken.append(packet), lambda: faults.append(1), clock=lambda: anna.now)
    anna.go_on(60, key_of=(0, 1, 2))
    sources = [source for source, *_ in taken]
    assert sources.count(("anna", "microphone")) == 60
    pictures = [payload for source, _, _, _, marker, payload, _ in taken if marker and source[1] == "camera"]
    assert len(pictures) >= 59
    assert {payload[-1] for payload in pictures[-50:]} == {2}, "the highest layer, though no estimate says so"
    assert faults == []
    tap.close()
    before = len(taken)
    anna.go_on(5, key_of=(0, 1, 2))
    assert len(taken) == before


def test_nobody_is_told_of_it_and_it_speaks_to_nobody(running):
    anna = Anna(running, 1000.0)
    paul = running.room.add_leg("paul", LegPlan((), SLOTS, ExtensionIds()), "paul's link", 1000.0)
    tap = Tap(running, lambda *packet: None, lambda: None, clock=lambda: anna.now)
    anna.go_on(100, key_of=(0, 1, 2))
    events = running.room.take_events()
    told = {row[1] for event in events if isinstance(event, SlotsMapped) and event.leg is paul for row in event.slots}
    assert told == {"", "anna"}
    assert {name for event in events if isinstance(event, Speakers) for name in event.order} <= {"anna", "paul"}
    assert running.seats == {}
    assert {link for link, _ in running.room.out.rtp} == {"paul's link"}
    assert {link for link, _ in running.room.out.rtcp} <= {"paul's link", "anna's link"}
    assert tap.packets > 150


def test_a_consumer_that_raises_closes_the_tap_and_nobodys_leg(running):
    faults = []

    def fail(*packet):
        raise RuntimeError("our own fault")

    anna = Anna(running, 1000.0)
    paul = running.room.add_leg("paul", LegPlan((), SLOTS, ExtensionIds()), "paul's link", 1000.0)
    tap = Tap(running, fail, lambda: faults.append(1), clock=lambda: anna.now)
    anna.go_on(50, key_of=(0, 1, 2))
    assert faults == [1]
    assert not tap.is_open
    assert set(running.room.legs.values()) >= {anna.leg, paul}
    assert len(running.room.out.rtp) >= 95
    tap.close()
    assert set(running.room.legs.values()) == {anna.leg, paul}
