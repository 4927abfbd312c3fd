"""People for the core's tests: an Outgoing made of lists, and peers that send what browsers send."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from media_routing.rtp import rtcp
from media_routing.sfu.config import RoomConfig
from media_routing.sfu.events import SlotsMapped
from media_routing.sfu.plan import ExtensionIds, LegPlan, PublishLine, ReceiveSlot
from media_routing.sfu.room import Room

IDS = ExtensionIds(mid=4, rid=10, repaired_rid=11, transport_cc=3, audio_level=1, video_orientation=13)
HEADROOM = 64
RIDS = ("l", "m", "h")


@dataclass
class Sent:
    """One RTP packet that left, taken apart."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    padding: bool
    elements: dict[int, bytes]
    payload: bytes
    raw: bytes


def take_apart(raw: bytes) -> Sent:
    first, second, sequence, timestamp, ssrc, profile, words = struct.unpack_from("!BBHIIHH", raw)
    assert first & 0xDF == 0x90 and profile == 0xBEDE
    block, elements, at = raw[16 : 16 + words * 4], {}, 0
    while at < len(block):
        if not block[at]:
            at += 1
            continue
        size = (block[at] & 15) + 1
        elements[block[at] >> 4] = block[at + 1 : at + 1 + size]
        at += 1 + size
    payload = raw[16 + words * 4 :]
    if first & 0x20:
        payload = payload[: -payload[-1]]
    return Sent(second & 127, bool(second & 128), sequence, timestamp, ssrc, bool(first & 32), elements, payload, raw)


class Lists:
    """An Outgoing. `rtp` and `rtcp` are lists per link."""

    def __init__(self) -> None:
        self.arena = memoryview(bytearray(1500 * 4))
        self._slot = 0
        self.rtp: dict[object, list[Sent]] = {}
        self.rtcp: dict[object, list] = {}

    def reserve(self, count: int) -> list[int]:
        """One to three at a time, so that runs do not fit in one go."""
        self._slot = self._slot % 3 + 1
        self.arena[:] = b"\xee" * len(self.arena)
        return [slot * 1500 for slot in range(min(count, self._slot))]

    def send_rtp(self, link: object, offsets: Sequence[int], sizes: Sequence[int]) -> None:
        for offset, size in zip(offsets, sizes, strict=True):
            self.rtp.setdefault(link, []).append(take_apart(bytes(self.arena[offset : offset + size])))

    def send_rtcp(self, link: object, packet: bytes) -> None:
        self.rtcp.setdefault(link, []).extend(rtcp.parse(packet))


def element(number: int, value: bytes) -> bytes:
    return bytes((number << 4 | len(value) - 1,)) + value


def make_rtp(pt, sequence, timestamp, ssrc, payload, *, marker=False, elements=(), padding=0) -> bytes:
    block = b"".join(element(number, value) for number, value in elements)
    block += bytes(-len(block) % 4)
    first = 0x80 | (0x10 if elements else 0) | (0x20 if padding else 0)
    header = struct.pack("!BBHII", first, marker << 7 | pt, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
    if elements:
        header += struct.pack("!HH", 0xBEDE, len(block) // 4) + block
    return header + payload + (bytes(padding - 1) + bytes((padding,)) if padding else b"")


def make_vp8(
    picture: int, tl0: int, key_index: int, *, key: bool, start: bool = True, body: bytes = b"x" * 50
) -> bytes:
    """What Chromium sends with simulcast: every field, 15 bits of picture id."""
    descriptor = bytes((0x90 if start else 0x80, 0xF0)) + struct.pack(
        "!HBB", 0x8000 | picture & 0x7FFF, tl0 & 255, key_index & 31
    )
    return descriptor + (bytes((0 if key else 1,)) if start else b"") + body


@dataclass
class Stream:
    """One encoder."""

    ssrc: int
    mid: str
    rid: str = ""
    pt: int = 96
    sequence: int = 1000
    timestamp: int = 90_000
    picture: int = 100
    tl0: int = 5
    key_index: int = 3
    known: bool = False
    sent: dict[int, bytes] = field(default_factory=dict)


class Peer:
    """A participant with a microphone, a camera in three layers and a screen, and slots for `room_size`."""

    def __init__(self, room: "Stage", key: str, room_size: int = 3, *, ids=IDS, simulcast=True, pt=96) -> None:
        self.stage, self.key, self.ids, self.pt = room, key, ids, pt
        base = (sum(map(ord, key)) % 97 + 1) * 1000
        self.base = base
        rids = RIDS if simulcast else ()
        publishes = (
            PublishLine("0", "microphone", "audio", 111, ssrcs=(base + 1,)),
            PublishLine(
                "1",
                "camera",
                "video",
                pt,
                pt + 1,
                rids,
                () if simulcast else (base + 10,),
                () if simulcast else (base + 20,),
            ),
            PublishLine("2", "screen", "video", pt, pt + 1, (), (base + 30,), (base + 40,)),
        )
        others = room_size - 1
        slots = [ReceiveSlot(str(3 + i), "audio", 111, 0, base + 100 + i, 0) for i in range(others)]
        slots += [
            ReceiveSlot(str(3 + others + i), "video", pt, pt + 1, base + 200 + i, base + 300 + i)
            for i in range(room_size)
        ]
        self.plan = LegPlan(publishes, tuple(slots), ids)
        self.wide = 0
        self.mic = Stream(base + 1, "0", pt=111, timestamp=48_000)
        self.layers = [
            Stream(base + 10 + i, "1", rid if simulcast else "", pt, 1000 * (i + 1), 90_000 * (i + 7))
            for i, rid in enumerate(RIDS if simulcast else ("",))
        ]
        self.screen = Stream(base + 30, "2", pt=pt)
        self.leg = room.room.add_leg(key, self.plan, key, room.now)

    def receive(self, raw: bytes) -> None:
        self.stage.receive(self.leg, raw)

    def send(self, stream: Stream, payload: bytes, *, marker=False, level=None, lose=False, padding=0) -> bytes:
        elements = [(self.ids.transport_cc, struct.pack("!H", self.wide & 0xFFFF))] if self.ids.transport_cc else []
        self.wide += 1
        if not stream.known and stream.rid:
            elements += [(self.ids.mid, stream.mid.encode()), (self.ids.rid, stream.rid.encode())]
        if level is not None:
            elements.append((self.ids.audio_level, bytes((level,))))
        raw = make_rtp(
            stream.pt,
            stream.sequence,
            stream.timestamp,
            stream.ssrc,
            payload,
            marker=marker,
            elements=elements,
            padding=padding,
        )
        stream.sent[stream.sequence & 0xFFFF] = raw
        stream.sequence += 1
        if not lose:
            stream.known = True
            self.receive(raw)
        return raw

    def speak(self, level: int = 40) -> None:
        self.send(self.mic, b"opus" * 10, level=level)
        self.mic.timestamp += 960

    def frame(self, index: int = 0, *, key=False, packets=2, lose=(), stream=None) -> None:
        """One picture of a layer, 33 ms."""
        stream = stream or self.layers[index]
        stream.picture += 1
        stream.tl0 += 1
        stream.key_index += key
        for number in range(packets):
            payload = make_vp8(stream.picture, stream.tl0, stream.key_index, key=key, start=number == 0)
            self.send(stream, payload, marker=number == packets - 1, lose=number in lose)
        stream.timestamp += 3000

    def repair(self, stream: Stream, sequence: int, rtx_ssrc: int, rtx_sequence: int) -> None:
        """The packet again, over RTX."""
        raw = stream.sent[sequence & 0xFFFF]
        words = struct.unpack_from("!H", raw, 14)[0] if raw[0] & 0x10 else 0
        payload = raw[(16 if raw[0] & 0x10 else 12) + words * 4 :]
        timestamp = struct.unpack_from("!I", raw, 4)[0]
        elements = [
            (self.ids.mid, stream.mid.encode()),
            *([(self.ids.repaired_rid, stream.rid.encode())] if stream.rid else []),
        ]
        self.receive(
            make_rtp(
                self.pt + 1,
                rtx_sequence,
                timestamp,
                rtx_ssrc,
                struct.pack("!H", sequence & 0xFFFF) + payload,
                marker=bool(raw[1] & 128),
                elements=elements,
            )
        )

    def report_capture(self, stream: Stream, captured_s: float, ahead_s: float = 1_000_000.0) -> None:
        """A sender report: `stream.timestamp` was taken at `captured_s` of this peer's own clock."""
        ntp = int((captured_s + ahead_s) * 2**32)
        self.rtcp(rtcp.SenderReport(stream.ssrc, ntp, stream.timestamp & 0xFFFFFFFF, 1, 1))

    def rtcp(self, *packets) -> None:
        self.stage.room.receive_rtcp(self.leg, b"".join(p.build() for p in packets), self.stage.now)

    def slot(self, participant: str, source: str) -> ReceiveSlot | None:
        """Where this peer was told to look."""
        for mid, who, what in self.stage.mapped.get(self.leg, ()):
            if (who, what) == (participant, source):
                return next(slot for slot in self.plan.slots if slot.mid == mid)
        return None

    def got(self, participant: str, source: str) -> list[Sent]:
        slot = self.slot(participant, source)
        return [p for p in self.stage.out.rtp.get(self.key, []) if slot is not None and p.ssrc == slot.ssrc]

    def told(self, kind: type) -> list:
        return [p for p in self.stage.out.rtcp.get(self.key, []) if isinstance(p, kind)]


class Stage:
    """A room, its clock and its lists."""

    def __init__(self, seed: int = 1, config: RoomConfig | None = None) -> None:
        self.out = Lists()
        self.room = Room(self.out, Random(seed), config or RoomConfig())
        self.now = 100.0
        self.mapped: dict = {}
        self.events: list = []
        self._arena = memoryview(bytearray(2048 * 64))
        self.held: list[bytes] | None = None
        """A list keeps what peers send until `feed` is called with it."""

    def receive(self, leg, raw: bytes) -> None:
        if self.held is None:
            self.feed(leg, raw)
        else:
            self.held.append(raw)

    def feed(self, leg, *raws: bytes) -> None:
        """Packets that come together."""
        places = [(number * 2048 + HEADROOM, len(raw), self.now) for number, raw in enumerate(raws)]
        for (offset, size, _), raw in zip(places, raws, strict=True):
            self._arena[offset : offset + size] = raw
        self.room.receive_rtp(leg, self._arena, places, self.now)
        self.collect()

    def collect(self) -> None:
        for event in self.room.take_events():
            self.events.append(event)
            if isinstance(event, SlotsMapped):
                self.mapped[event.leg] = event.slots

    def wait(self, seconds: float) -> None:
        """Lets time pass, ticking whenever the room wants it."""
        end = self.now + seconds
        while (due := max(self.room.deadline(), self.now)) <= end:
            self.now = due + 1e-6
            self.room.tick(self.now)
            self.collect()
        self.now = max(self.now, end)

    def peer(self, key: str, room_size: int = 3, **how) -> Peer:
        peer = Peer(self, key, room_size, **how)
        self.collect()
        return peer

    def show(self, *peers: Peer, seconds: float = 1.0, layers=(0, 1, 2)) -> None:
        """Cameras and microphones run; key frames are sent when they are asked for."""
        steps = round(seconds / 0.033)
        for _ in range(steps):
            for peer in peers:
                peer.speak()
                asked = {p.media_ssrc for p in peer.told(rtcp.PictureLoss)}
                for index in layers:
                    if index < len(peer.layers):
                        stream = peer.layers[index]
                        peer.frame(index, key=stream.ssrc in asked or not stream.sent)
                self.out.rtcp[peer.key] = [
                    p for p in self.out.rtcp.get(peer.key, []) if not isinstance(p, rtcp.PictureLoss)
                ]
            self.wait(0.033)
