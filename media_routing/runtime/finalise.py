"""What becomes of a recording's tracks afterwards: found again after a crash, and put together to play and to seek.

    anna-1.audio.sealed ─┐                     anna-1: microphone and camera
    anna-1.video.sealed ─┴▶ anna-1.webm.sealed        anna-2.video.sealed ─▶ anna-2.webm.sealed: her screen

All results begin at the recording's zero and are as long as the recording, so that played together they are in step.
Nothing is decoded, and nothing is on the disk in clear at any time. For a job's process: everything here blocks.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import av

from media_routing.runtime.sealed_file import SealedFileError
from media_routing.runtime.sealed_stream import SealedSource, Spool
from media_routing.runtime.tracks import SUFFIX, Span, TrackReport, digest_file, read_name
from media_routing.runtime.webm import remux

PART: Final = ".part"


@dataclass(frozen=True, slots=True)
class FinalFile:
    """One seekable WebM, sealed. `sources`: the names of what it was made of. `plain_bytes`: its size once opened."""

    file: str
    participant: str
    number: int
    sources: tuple[str, ...]
    duration_ms: int
    plain_bytes: int
    sha256: str
    complete: bool
    """All of its tracks had their end."""


def recover(directory: Path, key: bytes) -> list[TrackReport]:
    """The tracks of a recording whose process died, each read to where it was cut off; takes away what a finalising job
    left half done. A track without one whole frame has `frames` 0. Raises SealedFileError for another key."""
    for part in directory.glob(f"*{PART}"):
        part.unlink()
    return [_read_track(path, key) for path in sorted(directory.iterdir()) if read_name(path.name) is not None]


def finalise(directory: Path, key: bytes, tracks: Iterable[TrackReport]) -> list[FinalFile]:
    """One file per person, and one per shared screen. Files of an earlier, interrupted or finished call are replaced.
    Raises OSError and SealedFileError; the tracks stay as they are."""
    whole = [track for track in tracks if track.frames]
    length_ms = max((track.end_ms for track in whole), default=0)
    people = groupby(sorted(whole, key=_person), key=_person)
    return [_put_together(directory, key, sorted(own, key=lambda track: track.file), length_ms) for _, own in people]


def _person(track: TrackReport) -> tuple[str, int]:
    found = read_name(track.file)
    assert found is not None
    return found[0], found[1]


def _put_together(directory: Path, key: bytes, tracks: Sequence[TrackReport], length_ms: int) -> FinalFile:
    name, number = _person(tracks[0])
    path = directory / f"{name}-{number}.webm{SUFFIX}"
    part = path.with_name(path.name + PART)
    part.unlink(missing_ok=True)
    sources = [SealedSource(directory / track.file, key) for track in tracks]
    try:
        with Spool(directory) as spool:
            duration_s = remux(sources, spool, length_ms)  # type: ignore[arg-type]
            plain_bytes = spool.seal_into(part, key)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    finally:
        for source in sources:
            source.close()
    os.replace(part, path)
    return FinalFile(
        file=path.name,
        participant=tracks[0].participant,
        number=number,
        sources=tuple(track.file for track in tracks),
        duration_ms=round(duration_s * 1000),
        plain_bytes=plain_bytes,
        sha256=digest_file(path),
        complete=all(track.complete for track in tracks),
    )


def _read_track(path: Path, key: bytes) -> TrackReport:
    found = read_name(path.name)
    assert found is not None
    participant, number, source, kind = found
    span, complete = Span(kind), False
    try:
        with SealedSource(path, key) as plain:
            complete = plain.is_complete
            for time_ms in _times(plain):
                span.add(time_ms)
    except SealedFileError:
        if path.stat().st_size > 1024:  # less was cut off before anything was sealed
            raise
    return TrackReport(
        file=path.name,
        participant=participant,
        number=number,
        source=source,
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        frames=span.frames,
        gaps=tuple(span.gaps),
        size_bytes=path.stat().st_size,
        sha256=digest_file(path),
        complete=complete,
    )


def _times(plain: Any) -> Iterable[int]:
    """Milliseconds of every frame; none when the file was cut off within its header."""
    try:
        with av.open(plain, "r", format="matroska") as container:
            for packet in container.demux():
                if packet.pts is not None and packet.size and packet.time_base is not None:
                    yield round(packet.pts * packet.time_base * 1000)
    except (av.error.InvalidDataError, av.error.EOFError):
        return
