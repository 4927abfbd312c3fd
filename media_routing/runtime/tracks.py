"""The files of a recording while it runs: one sealed WebM per track, written by one thread and never by the event loop."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from media_routing.runtime.capture import CapturedFrame
from media_routing.runtime.sealed_file import SealedWriter
from media_routing.runtime.webm import WebmWriter, vp8_size

logger = logging.getLogger(__name__)

SUFFIX: Final = ".sealed"
# What is missing from a track is worth telling from here on: a lost packet of voice, a picture frozen.
GAP_MS: Final = {"audio": 200, "video": 1000}
MOST_GAPS: Final = 1000

_SAFE_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TRACK_NAME = re.compile(r"(?P<participant>[A-Za-z0-9_-]{1,64})-(?P<number>\d)\.(?P<kind>audio|video)\.sealed")
# Microphone and camera are shown together, a screen by itself.
_NUMBERS = {"microphone": 1, "camera": 1, "screen": 2}
_SOURCES = {("audio", 1): "microphone", ("video", 1): "camera", ("video", 2): "screen"}


class DiskFull(OSError):
    """Less is left than must stay free."""


@dataclass(frozen=True, slots=True)
class TrackReport:
    """One track for the manifest. Times are milliseconds since the recording began, `gaps` (from, to) of them;
    `complete`: the file has its end, nothing was cut off. `sha256`: of the sealed file, in hex; "" when the disk did not
    let it be read again."""

    file: str
    participant: str
    number: int
    source: str
    start_ms: int
    end_ms: int
    frames: int
    gaps: tuple[tuple[int, int], ...]
    size_bytes: int
    sha256: str
    complete: bool


@dataclass(slots=True)
class Span:
    """Begin, end and holes of a track, frame by frame."""

    kind: str
    start_ms: int = 0
    end_ms: int = 0
    frames: int = 0
    gaps: list[tuple[int, int]] = field(default_factory=list)

    def add(self, time_ms: int) -> None:
        if not self.frames:
            self.start_ms = time_ms
        elif time_ms - self.end_ms >= GAP_MS[self.kind] and len(self.gaps) < MOST_GAPS:
            self.gaps.append((self.end_ms, time_ms))
        self.end_ms = max(time_ms, self.end_ms)
        self.frames += 1


def track_name(participant: str, source: str, kind: str) -> str:
    """<person>-<n>.<kind>.sealed; a participant whose id could not be in a file name appears as a digest of it."""
    if not _SAFE_NAME.fullmatch(participant):
        participant = hashlib.sha256(participant.encode()).hexdigest()[:22]
    return f"{participant}-{_NUMBERS[source]}.{kind}{SUFFIX}"


def read_name(name: str) -> tuple[str, int, str, str] | None:
    """(participant, number, source, kind) of a track's file name; None for other files."""
    found = _TRACK_NAME.fullmatch(name)
    if found is None:
        return None
    number, kind = int(found["number"]), found["kind"]
    source = _SOURCES.get((kind, number))
    return (found["participant"], number, source, kind) if source is not None else None


def digest_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Track:
    """One growing file. Begins with a frame that `can_begin`."""

    def __init__(self, path: Path, key: bytes, first: CapturedFrame) -> None:
        self.path = path
        self.participant, self.source = first.participant, first.source
        self.span = Span(first.kind)
        size = vp8_size(first.data) if first.kind == "video" else None
        self._sealed = SealedWriter(path, key)
        self._webm = WebmWriter(self._sealed, size)
        self._is_sound = True

    @staticmethod
    def can_begin(frame: CapturedFrame) -> bool:
        return frame.kind == "audio" or vp8_size(frame.data) is not None

    def write(self, frame: CapturedFrame, time_ms: int) -> None:
        self._is_sound = False
        self._webm.write(frame.data, time_ms, is_key=frame.is_key)
        self.span.add(time_ms)
        self._is_sound = True

    def seal(self, *, sync: bool) -> None:
        self._is_sound = False
        self._sealed.seal(sync=sync)
        self._is_sound = True

    def finish(self) -> TrackReport:
        """A file that could not be written to the end stays as it was cut off: no record number is used twice."""
        complete = False
        try:
            if self._is_sound:
                self._is_sound = False
                self._webm.close()
                self._sealed.finish()
                complete = True
        except OSError:
            logger.warning("a track could not be finished")
        if not complete:
            with suppress(OSError):
                self._sealed.abandon()
        size_bytes, sha256 = 0, ""
        with suppress(OSError):
            size_bytes, sha256 = self.path.stat().st_size, digest_file(self.path)
        span = self.span
        return TrackReport(
            file=self.path.name,
            participant=self.participant,
            number=_NUMBERS[self.source],
            source=self.source,
            start_ms=span.start_ms,
            end_ms=span.end_ms,
            frames=span.frames,
            gaps=tuple(span.gaps),
            size_bytes=size_bytes,
            sha256=sha256,
            complete=complete,
        )


class TrackFiles:
    """All tracks of one recording. Not for the event loop's thread: everything here may wait for the disk."""

    def __init__(
        self, directory: Path, key: bytes, began: float, reserve_bytes: int, free: Callable[[Path], int]
    ) -> None:
        """`began`: time.monotonic() of the recording's zero."""
        self._directory = directory
        self._key = key
        self._began = began
        self._reserve_bytes = reserve_bytes
        self._free = free
        self._tracks: dict[str, Track] = {}
        self._is_listed = True

    def write(self, frames: Iterable[CapturedFrame], *, sync: bool) -> None:
        """Writes and seals; with `sync` it also survives a power cut, and the free space is looked at. Raises OSError;
        DiskFull while there is still room to finish."""
        for frame in frames:
            name = track_name(frame.participant, frame.source, frame.kind)
            track = self._tracks.get(name)
            if track is None:
                if not Track.can_begin(frame):
                    continue
                track = self._tracks[name] = Track(self._directory / name, self._key, frame)
                self._is_listed = False
            track.write(frame, max(0, round((frame.captured_at - self._began) * 1000)))
        for track in self._tracks.values():
            track.seal(sync=sync)
        if sync:
            self._list()
            self._check_space()

    def _check_space(self) -> None:
        if self._free(self._directory) < self._reserve_bytes:
            raise DiskFull(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def finish(self) -> Sequence[TrackReport]:
        """Closes all; a file that could not be finished is reported as not complete."""
        reports = [track.finish() for track in self._tracks.values()]
        self._tracks.clear()
        self._is_listed = False
        self._list()
        return reports

    def _list(self) -> None:
        """The names of new files survive a power cut only when their directory is written as well."""
        if self._is_listed:
            return
        handle = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(handle)
            self._is_listed = True
        finally:
            os.close(handle)
