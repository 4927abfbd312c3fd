"""Encoded VP8 and Opus frames into WebM without decoding, in pieces that survive a crash (media-facts §7).

While it is recorded, a person's camera and microphone are two files: FFmpeg holds all sound back, without end, while it
waits for a picture of the other track to interleave with. `remux` puts them together afterwards.
"""

from __future__ import annotations

import heapq
import io
import struct
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from typing import Any, BinaryIO, Final, Protocol

import av
from av.packet import Packet

# A killed process loses the cluster that it had begun.
CLUSTER_MS: Final = 500
OPUS_RATE: Final = 48_000
MILLISECONDS: Final = Fraction(1, 1000)


class Sink(Protocol):
    def write(self, data: bytes) -> int: ...


class _Unseekable:
    """FFmpeg must not go back to write sizes: what is sealed is sealed."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def write(self, data: bytes) -> int:
        return self._sink.write(bytes(data))


def _opus_template() -> Any:
    """A stream with a real OpusHead (RFC 7845 §5.1): PyAV takes one from another file only, so one frame is encoded."""
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as container:
        stream = container.add_stream("libopus", rate=OPUS_RATE)
        frame = av.AudioFrame(format="s16", layout="stereo", samples=OPUS_RATE // 50)
        frame.sample_rate, frame.pts = OPUS_RATE, 0
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    file.seek(0)
    return av.open(file)


def vp8_size(frame: bytes) -> tuple[int, int] | None:
    """Width and height in pixels of a key frame in clear (RFC 6386 §9.1), None for anything else."""
    if len(frame) < 10 or frame[0] & 1 or frame[3:6] != b"\x9d\x01\x2a":
        return None
    width, height = struct.unpack_from("<HH", frame, 6)
    return width & 0x3FFF, height & 0x3FFF


class WebmWriter:
    """One track. Times are milliseconds since the beginning of the recording; a frame that goes back in time is written
    one millisecond after the one before. `size`: width and height of the picture in pixels, None for sound."""

    def __init__(self, sink: Sink, size: tuple[int, int] | None) -> None:
        options = {"cluster_time_limit": str(CLUSTER_MS), "flush_packets": "1"}
        self._container: Any = av.open(_Unseekable(sink), "w", format="webm", options=options)
        self._stream: Any
        if size is None:
            with _opus_template() as template:
                self._stream = self._container.add_stream_from_template(template.streams.audio[0])
        else:
            self._stream = self._container.add_mux_stream("vp8", width=size[0], height=size[1], time_base=MILLISECONDS)
        self._last_ms = -1

    def write(self, data: bytes, time_ms: int, *, is_key: bool) -> None:
        packet = Packet(data)
        packet.stream = self._stream
        packet.time_base = MILLISECONDS
        packet.pts = packet.dts = self._last_ms = max(time_ms, self._last_ms + 1)
        packet.is_keyframe = is_key
        self._container.mux_one(packet)

    def close(self) -> None:
        self._container.close()


def remux(sources: Sequence[BinaryIO], target: str) -> float:
    """Writes `target`, one WebM with duration and cues that players can seek in, from the tracks that a recorder wrote;
    decodes nothing. A source that was cut off ends where it ends. Returns the duration in seconds."""
    end_s = 0.0
    with ExitStack() as stack:
        inputs: list[Any] = [stack.enter_context(av.open(source, "r", format="matroska")) for source in sources]
        written: Any = stack.enter_context(av.open(target, "w", format="webm"))
        streams = [written.add_stream_from_template(read.streams[0]) for read in inputs]
        tracks = [_packets(read, stream) for read, stream in zip(inputs, streams, strict=True)]
        for packet, stream in heapq.merge(*tracks, key=lambda pair: _seconds(pair[0])):
            end_s = max(end_s, _seconds(packet))
            packet.stream = stream
            written.mux_one(packet)
    return end_s


def _packets(container: Any, stream: Any) -> Iterator[tuple[Any, Any]]:
    """The packets of a container of one track, each with the stream that it goes to."""
    for packet in container.demux():
        if packet.pts is not None:
            yield packet, stream


def _seconds(packet: Any) -> float:
    return float(packet.pts * packet.time_base)
