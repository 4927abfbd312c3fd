"""One film of a recording: everybody side by side, their sound mixed. The one place that decodes what was recorded.

    anna-1.webm ─▶ pictures ─┐ newest of each ─▶ canvas, only what changed ─▶ VP8 ──┐
    paul-1.webm ─▶ pictures ─┘                                                      ├─▶ WebM, duration and cues
    anna-1.webm ─▶ samples ──┐ 100 ms of each ─▶ sum, limited ─▶ Opus ──────────────┘
    paul-1.webm ─▶ samples ──┘

Time goes on tick by tick, so a film of hours needs no more memory than one of seconds: one decoded picture and a fifth of a
second of sound per person, and one canvas. Everything blocks: for a job's process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, Final

import av
from av.video.frame import PictureType

from media_routing.runtime.film_layout import Box, Presence, fit, grid, silhouette
from media_routing.runtime.sealed_file import SealedFileError
from media_routing.runtime.sealed_stream import SealedSource, Spool
from media_routing.runtime.tracks import digest_file
from media_routing.runtime.webm import MILLISECONDS, SILENCE, opus_ms

WIDTH, HEIGHT = 1280, 720
# More: smoother and dearer. Speech and a gesture need no more.
TICK_MS: Final = 40
# An unmoved picture is sent again after this long: players that seek wait for the next one.
STILL_MS: Final = 1000
KEY_MS: Final = 4000
# Without a new picture for this long the camera is off.
STALE_MS: Final = 2500
VIDEO_BPS: Final = 1_500_000
AUDIO_BPS: Final = 64_000
RATE: Final = 48_000
CHUNK_MS: Final = 100
CHUNK: Final = RATE * CHUNK_MS // 1000
# A hole or an overlap of less is the clock's grain; more is put right, or sound and picture part.
GRAIN: Final = RATE * 30 // 1000
SAMPLE_BYTES: Final = 4
BACKGROUND, CARD, FIGURE, GREY = 26, 46, 84, 128

Open = Callable[[], BinaryIO]
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class FilmTrack:
    """One finished file of a recording. `open` returns its plain bytes as a new stream that can seek; `length_ms`: it, and
    the recording. People are shown in the order in which their tracks are given."""

    open: Open
    length_ms: int


def combine(tracks: Sequence[FilmTrack], target: BinaryIO, progress: Progress) -> int:
    """Writes one seekable WebM of all tracks into `target`, which can seek; returns its length in milliseconds.

    `progress(ms)` is called with the media time that the muxer has taken; what it raises ends the work. A track that was
    cut off is shown to where it ends. Raises SealedFileError for one that was changed, ValueError without tracks.
    """
    if not tracks:
        raise ValueError("no tracks")
    length_ms = max(track.length_ms for track in tracks)
    with ExitStack() as stack:
        people = [stack.enter_context(_Person(track)) for track in tracks]
        written: Any = stack.enter_context(av.open(target, "w", format="webm"))
        film = _Film(written, people, progress)
        for time_ms in range(0, length_ms, TICK_MS):
            film.go_on(time_ms)
        film.end(length_ms)
    return length_ms


@dataclass(frozen=True, slots=True)
class MadeFilm:
    """A finished sealed film. `plain_bytes`: its size once opened; `sha256` of the sealed file."""

    path: Path
    duration_ms: int
    plain_bytes: int
    sha256: str


def make_film(
    sources: Sequence[Open], lengths_ms: Sequence[int], key: bytes, path: Path, progress: Progress
) -> MadeFilm:
    """`combine` from sealed files, opened anew by each of `sources`, into a new sealed file at `path`; what is there of an
    earlier try is replaced. Nothing is on the disk in clear: half-made it is in a Spool. Raises OSError too."""
    tracks = [
        FilmTrack(lambda source=source: _whole(source, key), length_ms)  # type: ignore[misc,arg-type]
        for source, length_ms in zip(sources, lengths_ms, strict=True)
    ]
    path.unlink(missing_ok=True)
    with Spool(path.parent) as spool:
        duration_ms = combine(tracks, spool, progress)  # type: ignore[arg-type]
        plain_bytes = spool.seal_into(path, key)
    return MadeFilm(path, duration_ms, plain_bytes, digest_file(path))


def _whole(source: Open, key: bytes) -> SealedSource:
    """The plain stream of a file that was finished: one without its end was cut off since, by somebody or by a disk."""
    opened = SealedSource(source(), key)
    if not opened.is_complete:
        opened.close()
        raise SealedFileError("a finished file was cut off")
    return opened


class _Person:
    """One track, read in two streams, so that neither waits for the other."""

    def __init__(self, track: FilmTrack) -> None:
        self.presence = _look(track.open)
        self._stack = ExitStack()
        self.pictures = _Pictures(self._opened(track, "video"))
        self.sound = _Sound(self._opened(track, "audio"))

    def __enter__(self) -> _Person:
        return self

    def __exit__(self, *raised: object) -> None:
        self._stack.close()

    def _opened(self, track: FilmTrack, kind: str) -> Iterator[Any]:
        source = self._stack.enter_context(track.open())
        return _decode(self._stack.enter_context(av.open(source, "r", format="matroska")), kind)


def _look(opened: Open) -> Presence:
    """When there is picture or voice in a track; encoded silence is what was filled in (webm.remux)."""
    kinds = {"video": Presence(), "audio": Presence()}
    with opened() as source, av.open(source, "r", format="matroska") as container, suppress(av.error.InvalidDataError):
        for packet in container.demux():
            if packet.pts is None or packet.time_base is None or not packet.size:
                continue
            start_ms, kind = round(packet.pts * packet.time_base * 1000), packet.stream.type
            if kind == "audio":
                data = bytes(packet)
                if data != SILENCE:
                    kinds[kind].add(start_ms, start_ms + opus_ms(data))
            elif kind == "video":
                kinds[kind].add(start_ms, start_ms + TICK_MS)
    return kinds["video"].joined(kinds["audio"])


def _decode(container: Any, kind: str) -> Iterator[Any]:
    """Decoded frames of the first track of this kind; what cannot be decoded is left out, as a player does."""
    streams = [stream for stream in container.streams if stream.type == kind]
    if not streams:
        return
    streams[0].codec_context.thread_count = 1
    try:
        for packet in container.demux(streams[0]):
            with suppress(av.error.InvalidDataError):
                yield from packet.decode()
    except av.error.InvalidDataError:
        return


class _Pictures:
    """The newest decoded picture at a time that only goes on. `number` changes with each."""

    def __init__(self, frames: Iterator[Any]) -> None:
        self._frames = frames
        self._next: Any = next(frames, None)
        self.picture: Any = None
        self.number = 0

    def at(self, time_ms: int) -> int:
        """The number of the picture to be shown, 0 for none."""
        while self._next is not None and self._next.time * 1000 <= time_ms:
            self.picture, self._next = self._next, next(self._frames, None)
            self.number += 1
        if self.picture is None or time_ms - self.picture.time * 1000 > STALE_MS:
            return 0
        return self.number


class _Sound:
    """Samples of one person without holes, 32-bit floats of one channel at RATE."""

    def __init__(self, frames: Iterator[Any]) -> None:
        self._frames = frames
        self._resampler = av.AudioResampler("flt", "mono", RATE)
        self._data = bytearray()
        self._end = 0
        """The number of the sample that would be next, counted from the beginning of the film."""
        self._is_over = False

    def take(self) -> bytes:
        while len(self._data) < CHUNK * SAMPLE_BYTES and not self._is_over:
            frame = next(self._frames, None)
            if frame is None:
                self._is_over = True
                break
            start = round(frame.time * RATE)
            for piece in self._resampler.resample(frame):
                self._add(bytes(piece.planes[0])[: piece.samples * SAMPLE_BYTES], start)
        taken = bytes(self._data[: CHUNK * SAMPLE_BYTES])
        del self._data[: CHUNK * SAMPLE_BYTES]
        return taken + bytes(CHUNK * SAMPLE_BYTES - len(taken))

    def _add(self, data: bytes, start: int) -> None:
        if start < self._end - GRAIN:
            return
        if start > self._end + GRAIN:
            self._data += bytes((start - self._end) * SAMPLE_BYTES)
            self._end = start
        self._data += data
        self._end += len(data) // SAMPLE_BYTES


class _Film:
    def __init__(self, container: Any, people: Sequence[_Person], progress: Progress) -> None:
        self._container, self._people, self._progress = container, people, progress
        self._video: Any = container.add_stream("libvpx", rate=1000 // TICK_MS)
        self._video.width, self._video.height, self._video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        # One thread: measured with three people, more of them took 3.7 times the CPU and were no sooner done.
        self._video.codec_context.thread_count = 1
        self._video.bit_rate, self._video.codec_context.time_base = VIDEO_BPS, MILLISECONDS
        self._video.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "auto-alt-ref": "0"}
        self._audio: Any = container.add_stream("libopus", rate=RATE, layout="mono")
        self._audio.bit_rate = AUDIO_BPS
        self._mixer = _Mixer(len(people))
        self._canvas = _Canvas()
        self._chunks = 0
        self._shown: tuple[tuple[int, int], ...] | None = None
        self._sent_ms = self._key_ms = -KEY_MS

    def go_on(self, time_ms: int) -> None:
        """The picture and the sound of one tick, if there is anything new."""
        while self._chunks * CHUNK_MS <= time_ms:
            self._mix()
        shown = tuple(
            (number, person.pictures.at(time_ms))
            for number, person in enumerate(self._people)
            if person.presence.at(time_ms)
        )
        if shown == self._shown and time_ms - self._sent_ms < STILL_MS:
            return
        self._draw(shown)
        frame = self._canvas.frame()
        frame.pts, frame.time_base = time_ms, MILLISECONDS
        is_key = time_ms - self._key_ms >= KEY_MS
        frame.pict_type = PictureType.I if is_key else PictureType.NONE
        self._sent_ms, self._key_ms = time_ms, time_ms if is_key else self._key_ms
        self._mux(self._video.encode(frame))

    def end(self, length_ms: int) -> None:
        while self._chunks * CHUNK_MS < length_ms:
            self._mix()
        for frame in self._mixer.end():
            self._mux(self._audio.encode(frame))
        self._mux(self._audio.encode(None))
        self._mux(self._video.encode(None))
        self._progress(length_ms)

    def _draw(self, shown: tuple[tuple[int, int], ...]) -> None:
        before = dict(self._shown or ())
        if self._shown is None or [number for number, _ in shown] != list(before):
            self._canvas.clear()
            before = {}
        for box, (number, picture) in zip(grid(len(shown), WIDTH, HEIGHT), shown, strict=True):
            if before.get(number) == picture:
                continue
            source = self._people[number].pictures.picture if picture else None
            self._canvas.show(box, source, is_new=not before.get(number))
        self._shown = shown

    def _mix(self) -> None:
        pieces = [person.sound.take() for person in self._people]
        for frame in self._mixer.mix(pieces, self._chunks * CHUNK):
            self._mux(self._audio.encode(frame))
        self._chunks += 1

    def _mux(self, packets: Any) -> None:
        for packet in packets:
            done_ms = round(float(packet.pts * packet.time_base) * 1000)
            is_video = packet.stream is self._video
            self._container.mux_one(packet)
            if is_video:
                self._progress(done_ms)


class _Mixer:
    """Adds up what everybody said, and limits what would be too loud."""

    def __init__(self, count: int) -> None:
        self._graph: Any = av.filter.Graph()
        self._inputs = [
            self._graph.add_abuffer(sample_rate=RATE, format="flt", layout="mono", time_base=Fraction(1, RATE))
            for _ in range(count)
        ]
        mix = self._graph.add("amix", f"inputs={count}:normalize=0:dropout_transition=0")
        limit = self._graph.add("alimiter", "limit=0.9:level=0")
        self._out = self._graph.add("abuffersink")
        for number, one in enumerate(self._inputs):
            one.link_to(mix, 0, number)
        mix.link_to(limit)
        limit.link_to(self._out)
        self._graph.configure()

    def mix(self, pieces: Sequence[bytes], at: int) -> Iterator[Any]:
        for source, piece in zip(self._inputs, pieces, strict=True):
            frame = av.AudioFrame(format="flt", layout="mono", samples=CHUNK)
            frame.planes[0].update(piece)
            frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
            source.push(frame)
        yield from self._pull()

    def end(self) -> Iterator[Any]:
        for source in self._inputs:
            source.push(None)
        yield from self._pull()

    def _pull(self) -> Iterator[Any]:
        while True:
            try:
                yield self._out.pull()
            except (BlockingIOError, EOFError):
                return


class _Canvas:
    """A picture in memory of which only changed places are drawn again (planes Y, U, V; chroma at half the size)."""

    def __init__(self) -> None:
        self._planes = [bytearray(WIDTH * HEIGHT), *(bytearray(WIDTH * HEIGHT // 4) for _ in range(2))]

    def clear(self) -> None:
        self._fill(Box(0, 0, WIDTH, HEIGHT), BACKGROUND)

    def show(self, box: Box, picture: Any, *, is_new: bool) -> None:
        """Draws a decoded picture, or the card for None. `is_new`: something else was there before."""
        if picture is None:
            self._fill(box, CARD)
            for y, left, right in silhouette(box):
                at = y * WIDTH
                self._planes[0][at + left : at + right] = bytes((FIGURE,)) * (right - left)
            return
        place = fit(box, picture.width, picture.height)
        if is_new:
            self._fill(box, BACKGROUND)
        scaled = picture.reformat(width=place.width, height=place.height, format="yuv420p")
        for number, plane in enumerate(scaled.planes):
            half = 2 if number else 1
            self._copy(number, plane, place.x // half, place.y // half, place.width // half, place.height // half)

    def frame(self) -> Any:
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        for data, plane in zip(self._planes, frame.planes, strict=True):
            assert plane.line_size * plane.height == len(data), "FFmpeg pads no rows of this width"
            plane.update(data)  # type: ignore[arg-type]
        return frame

    def _copy(self, number: int, plane: Any, x: int, y: int, width: int, height: int) -> None:
        source, target = memoryview(plane), self._planes[number]
        row_bytes, step = WIDTH // (2 if number else 1), plane.line_size
        for row in range(height):
            at = (y + row) * row_bytes + x
            target[at : at + width] = source[row * step : row * step + width]

    def _fill(self, box: Box, luma: int) -> None:
        for number, data in enumerate(self._planes):
            half = 2 if number else 1
            line = bytes((GREY if number else luma,)) * (box.width // half)
            for row in range(box.y // half, (box.y + box.height) // half):
                at = row * (WIDTH // half) + box.x // half
                data[at : at + len(line)] = line
