"""Packets that come late, twice or never: frames come out whole, in order, and video begins at a key frame."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from media_routing.rtp.frames import Frame, FrameAssembler

DESCRIPTOR = b"\x80\x80\x80\x01"  # X, I, a wide picture id
Packet = tuple[int, int, bool, bytes]


def _video(frames: int, first: int = 65_500, key_every: int = 10) -> tuple[list[Packet], list[bytes]]:
    """Frames of one to four packets; the sequence numbers wrap."""
    packets, bodies = [], []
    number = first
    for index in range(frames):
        body = bytes((0 if index % key_every == 0 else 1,)) + index.to_bytes(2) * 20
        bodies.append(body)
        parts = [body[at : at + 15] for at in range(0, len(body), 15)][: 1 + index % 4]
        parts[-1] += body[15 * len(parts) :]
        for part_index, part in enumerate(parts):
            start = bytes((DESCRIPTOR[0] | (0x10 if part_index == 0 else 0),)) + DESCRIPTOR[1:]
            packets.append((number & 0xFFFF, index * 3000 & 0xFFFFFFFF, part_index == len(parts) - 1, start + part))
            number += 1
    return packets, bodies


def _assemble(assembler: FrameAssembler, packets: list[Packet], step_s: float = 0.001) -> list[Frame]:
    frames: list[Frame] = []
    now = 0.0
    for packet in packets:
        now += step_s
        frames += assembler.add(*packet, now)
    return frames + list(assembler.flush(now + 10))


def test_whole_frames_in_order() -> None:
    packets, bodies = _video(200)
    frames = _assemble(FrameAssembler("video"), packets)
    assert [frame.data for frame in frames] == bodies
    assert [frame.is_key for frame in frames] == [index % 10 == 0 for index in range(200)]
    assert frames[-1].timestamp == 199 * 3000


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 30))
def test_late_and_doubled_packets_change_nothing(seed: int, spread: int) -> None:
    packets, bodies = _video(80)
    random = Random(seed)
    shuffled = sorted(enumerate(packets), key=lambda pair: pair[0] + random.uniform(0, spread) * bool(pair[0]))
    doubled = [packet for _, packet in shuffled for _ in range(random.choice((1, 1, 2)))]
    assert [frame.data for frame in _assemble(FrameAssembler("video"), doubled)] == bodies


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_after_a_loss_nothing_comes_before_a_key_frame(seed: int) -> None:
    packets, bodies = _video(120)
    random = Random(seed)
    lost = {random.randrange(len(packets)) for _ in range(4)}
    assembler = FrameAssembler("video", wait_s=0.02)
    frames = _assemble(assembler, [packet for index, packet in enumerate(packets) if index not in lost], 0.01)
    indexes = [bodies.index(frame.data) for frame in frames]
    assert indexes == sorted(set(indexes))
    for before, after in zip([None, *indexes], indexes, strict=False):
        assert after % 10 == 0 or after - 1 == before, "a delta frame only follows the frame that it builds on"


def test_it_says_when_it_needs_a_key_frame() -> None:
    packets, _ = _video(12)
    assembler = FrameAssembler("video", wait_s=0.02)
    assert assembler.needs_key_frame
    list(assembler.add(*packets[0], 0.0))
    assert not assembler.needs_key_frame
    for packet in packets[3:8]:
        list(assembler.add(*packet, 0.001))
    list(assembler.flush(1.0))
    assert assembler.needs_key_frame
    assert assembler.lost_packets == 2


def test_audio_frames_are_packets_and_survive_holes() -> None:
    packets: list[Packet] = [(65_530 + n & 0xFFFF, 960 * n, False, bytes((120, n))) for n in range(40) if n % 7]
    frames = _assemble(FrameAssembler("audio", wait_s=0.0), packets)
    assert [frame.data[1] for frame in frames] == [n for n in range(40) if n % 7]


def test_a_flood_of_future_packets_is_bounded() -> None:
    assembler = FrameAssembler("video", wait_s=1e9)
    for number in range(0, 20_000, 2):
        list(assembler.add(number & 0xFFFF, number, True, b"\x10\x01", 0.0))
    assert len(assembler._held) <= 513


@given(st.lists(st.tuples(st.integers(0, 65_535), st.integers(0, 2**32 - 1), st.booleans(), st.binary(max_size=12))))
def test_bytes_of_a_stranger_raise_nothing(packets: list[Packet]) -> None:
    _assemble(FrameAssembler("video"), packets)
