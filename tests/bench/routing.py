"""What deciding costs the server, and what a server that mixes would cost instead of one that forwards (docs/ROUTING.md §1)."""

import itertools
import time
from collections.abc import Callable

import av
from av import VideoFrame

from media_routing.api import Facts, Measured, Switching, Visit, decide
from media_routing.policy.facts import EVIDENCE, PRIVACY_CLASSES, PROFILES, RECORDINGS
from tests.bench.rows import Row, percentile

BOTH = frozenset({"a", "b"})
# A mixed picture of 720p with a person's camera of 360p in it, as a group's page shows it.
CAMERA, MIXED, FRAMES, FRAMES_PER_S = (640, 360), (1280, 720), 100, 25


def each_us(work: Callable[[], object], times: int) -> float:
    """Processor microseconds of one call: other processes do not count."""
    started = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - started) / times * 1e6


def decisions() -> list[Facts]:
    """A spread of facts, refusals and both routes among them."""
    return [
        Facts(
            people, profile=profile, privacy_class=privacy, recording=recording, evidence=evidence, sfu_available=True
        )
        for people, profile, privacy, recording, evidence in itertools.product(
            (1, 2, 3), PROFILES, PRIVACY_CLASSES, RECORDINGS, EVIDENCE
        )
    ]


def decide_us() -> list[float]:
    return [each_us(lambda facts=facts: decide(facts), 200) for facts in decisions()]  # type: ignore[misc]


def report_us() -> float:
    """One quality report through the machine of a visit that is steady."""
    machine = Switching(0.0)
    machine.follow(Visit("p2p", BOTH, BOTH, may_use_server=True), 0.0)
    clock = itertools.count(1)
    measured = Measured("p2p", False, 90, 90)
    return each_us(lambda: machine.hear_quality("a", measured, float(next(clock))), 20_000)


def _frames(size: tuple[int, int]) -> list[VideoFrame]:
    """Pictures that move: a still one would cost an encoder nothing."""
    width, height = size
    frames = []
    for number in range(10):
        frame = VideoFrame(width, height)
        for plane in frame.planes:
            row = bytes((x * 7 + number * 13) & 255 for x in range(plane.line_size))
            plane.update(b"".join(row[y % 97 :] + row[: y % 97] for y in range(plane.height)))
        frames.append(frame)
    return frames


def _encoder(size: tuple[int, int], bps: int) -> av.VideoCodecContext:
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height = size
    encoder.pix_fmt, encoder.bit_rate, encoder.framerate = "yuv420p", bps, FRAMES_PER_S
    encoder.thread_count = 1
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    return encoder


def mixing_cores() -> float:
    """Cores that one person costs a server which mixes: their picture decoded, a picture of everybody encoded for them."""
    frames, packets = _frames(CAMERA), []
    sender = _encoder(CAMERA, 350_000)
    for number in range(FRAMES):
        frame = frames[number % len(frames)]
        frame.pts = number
        packets += sender.encode(frame)
    decoder, mixer, mixed = av.CodecContext.create("vp8", "r"), _encoder(MIXED, 1_500_000), _frames(MIXED)
    decoder.thread_count = 1
    started = time.process_time()
    for packet in packets:
        decoder.decode(packet)
    for number in range(FRAMES):
        frame = mixed[number % len(mixed)]
        frame.pts = number
        mixer.encode(frame)
    return (time.process_time() - started) / (FRAMES / FRAMES_PER_S)


def measure() -> list[Row]:
    us = decide_us()
    return [
        Row("policy decision, median", percentile(us, 50), "µs", f"{len(us)} kinds of facts, 200 times each"),
        Row("policy decision, slowest kind", max(us), "µs", "aim: < 50"),
        Row("quality report through the switching machine", report_us(), "µs", "steady visit between two"),
        Row(
            "a mixing server (MCU), per person",
            mixing_cores(),
            "cores",
            "360p decoded, 720p mix encoded, VP8 25/s, one thread; composing and sound not counted",
        ),
    ]
