"""What a media server sees: every packet that reaches the rooms of this process, after the transport's decryption."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal
from unittest.mock import patch

import av
from av.audio.resampler import AudioResampler

from media_routing.rtp import packet
from media_routing.rtp.frames import FrameAssembler
from media_routing.sframe import FrameKey, FrameKind, SFrameError, clear_bytes, decode_header, open_frame
from media_routing.sfu.leg import Leg
from media_routing.sfu.room import Room


@dataclass(frozen=True)
class TappedFrame:
    sender: str
    kind: FrameKind
    ssrc: int
    data: bytes
    is_key: bool
    at_s: float

    @property
    def header(self) -> tuple[int, int]:
        """(key id, counter) of a sealed frame."""
        key_id, counter, _ = decode_header(self.data[clear_bytes(self.kind, self.data) :])
        return key_id, counter

    def opens_with(self, keys: list[FrameKey]) -> bool:
        for key in keys:
            with contextlib.suppress(SFrameError):
                open_frame(lambda key_id, key=key: key if key.id == key_id else None, self.kind, self.data)
                return True
        return False


@dataclass
class Tap:
    packets: list[tuple[str, str, float, bytes]] = field(default_factory=list)

    def frames(self) -> list[TappedFrame]:
        """Every frame of every layer, once; repeats over RTX are left out."""
        assemblers: dict[tuple[str, int], FrameAssembler] = {}
        frames = []
        for sender, kind, at_s, data in self.packets:
            second, sequence, timestamp, ssrc, _, _, payload, end = packet.parse(memoryview(data), 0, len(data))
            assembler = assemblers.setdefault((sender, ssrc), FrameAssembler(_kind(kind)))
            for frame in assembler.add(sequence, timestamp, bool(second & 0x80), data[payload:end], at_s):
                frames.append(TappedFrame(sender, _kind(kind), ssrc, frame.data, frame.is_key, frame.arrived))
        return sorted(frames, key=lambda frame: frame.at_s)


@contextlib.contextmanager
def tapped() -> Iterator[Tap]:
    tap = Tap()
    receive = Room.receive_rtp

    def receive_and_keep(
        room: Room, leg: Leg, arena: memoryview, places: list[tuple[int, int, float]], now: float
    ) -> None:
        kinds = {line.payload_type: line.kind for line in leg.plan.publishes}
        for offset, size, _ in places:
            data = bytes(arena[offset : offset + size])
            if kind := kinds.get(data[1] & 0x7F):
                tap.packets.append((leg.key, kind, time.monotonic(), data))
        receive(room, leg, arena, places, now)

    with patch.object(Room, "receive_rtp", receive_and_keep):
        yield tap


def _kind(kind: str) -> Literal["audio", "video"]:
    return "audio" if kind == "audio" else "video"


def shows_card(frames: list[TappedFrame]) -> int:
    """In how many decoded pictures the left half is red and the right half blue: the card of group_page.js."""
    decoder: Any = av.CodecContext.create("vp8", "r")
    seen = 0
    for frame in frames:
        with contextlib.suppress(av.FFmpegError):
            for picture in decoder.decode(av.Packet(frame.data)):
                seen += _is_card(picture.reformat(width=8, height=8, format="rgb24"))
    return seen


def _is_card(picture: Any) -> bool:
    plane = picture.planes[0]
    row = bytes(plane)[4 * plane.line_size :]
    left, right = row[3 * 1 : 3 * 1 + 3], row[3 * 6 : 3 * 6 + 3]
    return left[0] > 180 > 90 > left[2] and right[2] > 180 > 90 > right[0]


def sounds_tone(frames: list[TappedFrame], hertz: int = 1000) -> float:
    """Which share of the decoded sound's energy is this tone."""
    decoder: Any = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout = 48_000, "mono"
    resampler = AudioResampler(format="s16", layout="mono", rate=16_000)
    samples: list[int] = []
    for frame in frames:
        with contextlib.suppress(av.FFmpegError):
            for sound in decoder.decode(av.Packet(frame.data)):
                for part in resampler.resample(sound):
                    samples += memoryview(bytes(part.planes[0])[: 2 * part.samples]).cast("h").tolist()
    return _share(samples[-16_000:], hertz / 16_000)


def _share(samples: list[int], cycles_per_sample: float) -> float:
    """Goertzel's energy of one frequency, over blocks of 20 ms, as a share of all."""
    import math

    size = 320
    turn = 2 * math.cos(2 * math.pi * cycles_per_sample)
    tone = whole = 0.0
    for start in range(0, len(samples) - size, size):
        one = two = 0.0
        for sample in samples[start : start + size]:
            one, two = sample + turn * one - two, one
            whole += sample * sample
        tone += (one * one + two * two - turn * one * two) * 2 / size
    return tone / whole if whole else 0.0
