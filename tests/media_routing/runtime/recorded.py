"""Finished files as the recorder leaves them, without a visit: flashes and beeps by a list of times, in real VP8 and Opus."""

from __future__ import annotations

import io
import math
from array import array
from fractions import Fraction
from pathlib import Path

import av

from media_routing.runtime.sealed_file import seal_bytes
from media_routing.runtime.webm import WebmWriter, remux
from tests.media_routing.runtime.showing_peer import AUDIO_S, MARK_S

RATE = 48_000
DARK, BRIGHT = 60, 200


class _Sink(io.BytesIO):
    pass


def make_track(
    length_ms: int,
    *,
    marks: tuple[float, ...] = (),
    there: tuple[tuple[int, int], ...] | None = None,
    picture: tuple[int, int] | None = (160, 96),
    voice: bool = True,
    frequency: int = 700,
) -> bytes:
    """A plain seekable WebM as long as the recording. `there`: spans in milliseconds in which the person is in the visit."""
    spans = there if there is not None else ((0, length_ms),)
    sources = []
    if picture:
        sources.append(_video(length_ms, marks, spans, picture))
    if voice:
        sources.append(_audio(length_ms, marks, spans, frequency))
    target = io.BytesIO()
    target.name = "track"  # type: ignore[attr-defined]
    remux(sources, target, length_ms)  # type: ignore[arg-type]
    return target.getvalue()


def seal_to(path: Path, plain: bytes, key: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(seal_bytes(plain, key))


def _is_marked(at_s: float, marks: tuple[float, ...]) -> bool:
    return any(mark <= at_s < mark + MARK_S for mark in marks)


def _is_there(at_ms: float, spans: tuple[tuple[int, int], ...]) -> bool:
    return any(start <= at_ms < end for start, end in spans)


def _video(length_ms: int, marks: tuple[float, ...], spans: tuple[tuple[int, int], ...], size: tuple[int, int]) -> io.BytesIO:  # fmt: skip
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = *size, "yuv420p"
    encoder.time_base, encoder.bit_rate = Fraction(1, 1000), 200_000
    encoder.options = {"deadline": "realtime", "cpu-used": "16", "lag-in-frames": "0"}
    encoder.thread_count = 1  # more of them wait for each other longer than so few pixels take
    sink = _Sink()
    writer = WebmWriter(sink, size)
    was_there = False
    for time_ms in range(0, length_ms, 40):
        is_there = _is_there(time_ms, spans)
        if is_there:
            frame = av.VideoFrame(*size, "yuv420p")
            for number, plane in enumerate(frame.planes):
                luma = BRIGHT if _is_marked(time_ms / 1000, marks) else DARK
                plane.update(bytes((luma if number == 0 else 128,)) * plane.buffer_size)
            frame.pts = time_ms
            frame.pict_type = av.video.frame.PictureType.NONE if was_there else av.video.frame.PictureType.I
            for packet in encoder.encode(frame):
                writer.write(bytes(packet), time_ms, is_key=packet.is_keyframe)
        was_there = is_there
    writer.close()
    sink.seek(0)
    return sink


def _audio(length_ms: int, marks: tuple[float, ...], spans: tuple[tuple[int, int], ...], frequency: int) -> io.BytesIO:
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = RATE, "mono", "s16"
    encoder.time_base = Fraction(1, RATE)
    sink = _Sink()
    writer = WebmWriter(sink, None)
    count = round(RATE * AUDIO_S)
    # Whole waves fit into a frame, so that all frames are alike.
    loud, soft = (
        array("h", (round(height * math.sin(2 * math.pi * frequency * n / RATE)) for n in range(count))).tobytes()
        for height in (12_000, 30)
    )
    for number in range(length_ms // 20):
        at_s = number * AUDIO_S
        frame = av.AudioFrame(format="s16", layout="mono", samples=count)
        frame.planes[0].update(loud if _is_marked(at_s, marks) else soft)
        frame.sample_rate, frame.pts = RATE, number * count
        for packet in encoder.encode(frame):
            time_ms = round(packet.pts * 1000 / RATE)
            if _is_there(max(0, time_ms), spans):
                writer.write(bytes(packet), max(0, time_ms), is_key=True)
    writer.close()
    sink.seek(0)
    return sink
