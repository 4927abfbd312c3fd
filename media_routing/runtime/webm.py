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
# Nothing for 20 ms: CELT, full band, one channel, no bits (RFC 6716 §3.1, §4.3).
SILENCE: Final = b"\xf8\xff\xfe"
SILENCE_MS: Final = 20


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


def remux(sources: Sequence[BinaryIO], target: str | BinaryIO, length_ms: int = 0) -> float:
    """Writes `target`, one WebM with duration and cues that players can seek in, from the tracks that a recorder wrote;
    decodes nothing. Holes in the sound, before its begin and up to `length_ms`, are filled with encoded silence (all of
    it where there is no sound), and sound that overlaps is left out: players count samples and would lose step. A source
    that was cut off ends where it ends. Returns the duration in seconds."""
    end_s = 0.0
    with ExitStack() as stack:
        inputs: list[Any] = [stack.enter_context(av.open(source, "r", format="matroska")) for source in sources]
        written: Any = stack.enter_context(av.open(target, "w", format="webm"))
        tracks = []
        for read in inputs:
            stream = written.add_stream_from_template(read.streams[0])
            is_sound = stream.type == "audio"
            tracks.append(
                _fill_silence(_packets(read, stream), stream, length_ms) if is_sound else _packets(read, stream)
            )
        if all(read.streams[0].type != "audio" for read in inputs):
            template = stack.enter_context(_opus_template())
            stream = written.add_stream_from_template(template.streams.audio[0])
            tracks.append(_fill_silence(iter(()), stream, length_ms))
        for packet, stream in heapq.merge(*tracks, key=lambda pair: _seconds(pair[0])):
            end_s = max(end_s, _seconds(packet))
            packet.stream = stream
            written.mux_one(packet)
    return end_s


def _packets(container: Any, stream: Any) -> Iterator[tuple[Any, Any]]:
    """The packets of a container of one track, each with the stream that it goes to. A file that was cut off within its
    header, or within a packet, has none or ends before."""
    try:
        for packet in container.demux():
            if packet.pts is not None and packet.size:
                yield packet, stream
    except av.error.InvalidDataError:
        return


def _fill_silence(packets: Iterator[tuple[Any, Any]], stream: Any, length_ms: int) -> Iterator[tuple[Any, Any]]:
    due_ms = 0
    for packet, _ in packets:
        time_ms = round(_seconds(packet) * 1000)
        while time_ms - due_ms >= SILENCE_MS:
            yield _silence(due_ms), stream
            due_ms += SILENCE_MS
        if due_ms - time_ms >= SILENCE_MS:
            continue
        yield packet, stream
        due_ms = max(due_ms, time_ms) + opus_ms(bytes(packet))
    while length_ms - due_ms >= SILENCE_MS:
        yield _silence(due_ms), stream
        due_ms += SILENCE_MS


def _silence(time_ms: int) -> Any:
    packet = Packet(SILENCE)
    packet.time_base = MILLISECONDS
    packet.pts = packet.dts = time_ms
    packet.is_keyframe = True
    return packet


def opus_ms(frame: bytes) -> int:
    """How long a packet sounds (RFC 6716 §3.1), in whole milliseconds; 20 for what is none."""
    if not frame:
        return SILENCE_MS
    config, code = frame[0] >> 3, frame[0] & 3
    if config < 12:
        each_ms = (10.0, 20.0, 40.0, 60.0)[config & 3]
    elif config < 16:
        each_ms = (10.0, 20.0)[config & 1]
    else:
        each_ms = (2.5, 5.0, 10.0, 20.0)[config & 3]
    count = (1, 2, 2, frame[1] & 63 if len(frame) > 1 else 1)[code]
    return round(each_ms * count)


def _seconds(packet: Any) -> float:
    return float(packet.pts * packet.time_base)
