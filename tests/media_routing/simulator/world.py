"""A room of the switch, the people in it, and the network between: everything that a scenario measures."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from media_routing.rtp.sequence import ahead
from media_routing.sfu.config import RoomConfig
from media_routing.sfu.events import LegQuality, SlotsMapped, Speakers, Want
from media_routing.sfu.leg import Leg
from media_routing.sfu.room import Room
from tests.media_routing.simulator import wire
from tests.media_routing.simulator.clock import Clock
from tests.media_routing.simulator.encoder import STILL, Camera
from tests.media_routing.simulator.endpoint import Endpoint, make_plan
from tests.media_routing.simulator.network import Link, LinkModel

_SLOT_BYTES, _SLOTS = 2048, 64
_TICK_S = 0.001
_SAMPLE_S = 0.25
_HEADROOM = 64


@dataclass
class Person:
    """One participant and its two links. `view` makes its wants of the others' names."""

    endpoint: Endpoint
    up: Link
    down: Link
    leg: Leg | None = None
    view: Callable[[list[str]], list[Want]] | None = None
    quality: LegQuality | None = None
    samples: list[dict[str, Any]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.endpoint.name


class Outlet:
    """`sfu.Outgoing`: lists instead of sockets, and a look at every packet for what must never leave a switch."""

    def __init__(self) -> None:
        self.arena = memoryview(bytearray(_SLOT_BYTES * _SLOTS))
        self.errors: list[str] = []
        self._wide: dict[int, int] = {}
        self._sent: dict[tuple[int, int], set[int]] = defaultdict(set)
        self._highest: dict[tuple[int, int], int] = {}

    def reserve(self, count: int) -> Sequence[int]:
        return range(0, min(count, _SLOTS) * _SLOT_BYTES, _SLOT_BYTES)

    def send_rtp(self, link: object, offsets: Sequence[int], sizes: Sequence[int]) -> None:
        assert isinstance(link, Person)
        for offset, size in zip(offsets, sizes, strict=True):
            data = bytes(self.arena[offset : offset + size])
            self._check(link, data)
            link.down.send(data)

    def send_rtcp(self, link: object, packet: bytes) -> None:
        assert isinstance(link, Person)
        link.down.send(packet)

    def _check(self, person: Person, data: bytes) -> None:
        packet, plan = wire.read(data), person.endpoint.plan
        ids = plan.extensions
        if set(packet.extensions) - {ids.transport_cc, ids.audio_level, ids.video_orientation}:
            self.errors.append("an extension of the publisher reached a receiver")
        known = {
            slot_ssrc: slot_type
            for slot in plan.slots
            for slot_ssrc, slot_type in ((slot.ssrc, slot.payload_type), (slot.rtx_ssrc, slot.rtx_payload_type))
        }
        if known.get(packet.ssrc) != packet.payload_type:
            self.errors.append("an SSRC or a payload type that was not negotiated")
        if ids.transport_cc:
            number = int.from_bytes(packet.extensions.get(ids.transport_cc, b""), "big")
            expected = self._wide.get(id(person), number)
            if number != expected:
                self.errors.append(f"transport-wide number {number} instead of {expected}")
            self._wide[id(person)] = (number + 1) & 0xFFFF
        self._check_nonce((id(person), packet.ssrc), packet.sequence)

    def _check_nonce(self, stream: tuple[int, int], sequence: int) -> None:
        """SRTP: the same number twice under one SSRC exposes the key; a start above 2^15 loses the roll-over count."""
        highest = self._highest.get(stream)
        if highest is None:
            if sequence >= 0x8000:
                self.errors.append("a stream begins in the upper half of the numbers")
            highest = sequence
        number = highest + ahead(sequence, highest & 0xFFFF)
        if number in self._sent[stream]:
            self.errors.append(f"number {sequence} is sent twice")
        self._sent[stream].add(number)
        self._highest[stream] = max(highest, number)


class World:
    """Same seed, same run."""

    def __init__(self, seed: int, config: RoomConfig | None = None, room_size: int = 8, camera: Camera = STILL) -> None:
        self.random = Random(seed)
        self.clock = Clock()
        self.out = Outlet()
        self.room = Room(self.out, Random(seed + 1), config or RoomConfig())
        self.room_size = room_size
        self.camera = camera
        self.people: dict[str, Person] = {}
        self.speakers: Speakers | None = None
        self.speaker_changes: list[tuple[float, str]] = []
        self._numbers = 0
        self._began = self.clock.now
        self.clock.every(_TICK_S, self._tick)
        self.clock.every(_SAMPLE_S, self._sample, first_s=_SAMPLE_S)

    @property
    def elapsed_s(self) -> float:
        return self.clock.now - self._began

    def join(
        self,
        name: str,
        up: LinkModel | None = None,
        down: LinkModel | None = None,
        *,
        view: Callable[[list[str]], list[Want]] | None = None,
        repair: bool = True,
        transport_cc: bool = True,
    ) -> Person:
        number, self._numbers = self._numbers, self._numbers + 1
        random = Random(self.random.random())
        plan = make_plan(random, number, self.room_size, repair=repair, transport_cc=transport_cc)
        person: Person

        def to_room(data: bytes) -> None:
            if self.people.get(name) is person:
                self._receive(person, data)

        uplink = Link(self.clock, random, up or LinkModel(), to_room)
        endpoint = Endpoint(self.clock, random, name, number, plan, uplink.send, self.camera)
        person = Person(endpoint, uplink, Link(self.clock, random, down or LinkModel(), endpoint.receive), view=view)
        endpoint.rtt_s = uplink.model.delay_s + person.down.model.delay_s
        if name in self.people:
            self.people[name].endpoint.stop()
        self.people[name] = person
        person.leg = self.room.add_leg(name, plan, person, self.clock.now)
        self.refresh_wants()
        return person

    def leave(self, name: str) -> None:
        person = self.people.pop(name)
        person.endpoint.stop()
        assert person.leg is not None
        self.room.remove_leg(person.leg, self.clock.now)
        self.refresh_wants()

    def refresh_wants(self) -> None:
        """Everyone says anew what it shows: without a view of its own, all others at 720 pixels."""
        for person in self.people.values():
            others = [name for name in self.people if name != person.name]
            wants = person.view(others) if person.view else [Want(name, "camera", 720) for name in others]
            assert person.leg is not None
            self.room.set_wants(person.leg, wants, self.clock.now)

    def talk(self, *names: str) -> None:
        """These talk from now on, the others are quiet."""
        for person in self.people.values():
            person.endpoint.publisher.talks = person.name in names

    def run(self, seconds: float) -> None:
        self.clock.run_for(seconds)
        self._drain_events()

    def errors(self) -> list[str]:
        """What no network excuses: of the switch, and of what its receivers would decode."""
        found = list(self.out.errors)
        for person in self.people.values():
            found += [f"{person.name}: {e}" for video in person.endpoint.video.values() for e in video.errors]
            if person.endpoint.unknown:
                found.append(f"{person.name}: packets of unknown streams")
        return found

    def _receive(self, person: Person, data: bytes) -> None:
        assert person.leg is not None
        if 192 <= data[1] <= 223:
            self.room.receive_rtcp(person.leg, data, self.clock.now)
            return
        arena = memoryview(bytearray(_HEADROOM) + data + bytes(_HEADROOM))
        self.room.receive_rtp(person.leg, arena, ((_HEADROOM, len(data), self.clock.now),), self.clock.now)

    def _tick(self) -> None:
        if self.room.deadline() <= self.clock.now:
            self.room.tick(self.clock.now)
        self._drain_events()

    def _drain_events(self) -> None:
        for event in self.room.take_events():
            if isinstance(event, SlotsMapped):
                for person in self.people.values():
                    if person.leg is event.leg:
                        person.endpoint.slots = {mid: (who, source) for mid, who, source in event.slots}
            elif isinstance(event, Speakers):
                if self.speakers is None or self.speakers.order[:1] != event.order[:1]:
                    self.speaker_changes.append((self.elapsed_s, event.order[0] if event.order else ""))
                self.speakers = event
            elif isinstance(event, LegQuality):
                for person in self.people.values():
                    if person.leg is event.leg:
                        person.quality = event

    def _sample(self) -> None:
        for person in self.people.values():
            shown = {}
            for mid, (who, source) in person.endpoint.slots.items():
                video = person.endpoint.video.get(mid)
                if video is not None and source == "camera" and video.freezes.last_at is not None:
                    fresh = self.clock.now - video.freezes.last_at < 1.0
                    shown[who] = video.shown.layer if fresh and video.shown else -1
            person.samples.append(
                {
                    "at_s": self.elapsed_s,
                    "layers": shown,
                    "down_bytes": person.down.sent_bytes,
                    "up_bytes": person.up.sent_bytes,
                    "up_target_bps": person.endpoint.publisher.estimator.target_bps,
                    "active": list(person.endpoint.publisher.active),
                    "target_bps": _target_bps(person),
                }
            )


def _target_bps(person: Person) -> int:
    assert person.leg is not None
    return person.leg.subscriber.estimator.target_bps
