"""Puts what a recorder left into files that can be watched: nothing is decoded, nothing stands on the disk in clear."""

from dataclasses import dataclass
from pathlib import Path

from media_routing import api


@dataclass(frozen=True, slots=True)
class Finished:
    """One file to watch. `size_bytes` is that of the plain file, `sha256` that of the sealed one."""

    person: str
    number: int
    file_name: str
    duration_ms: int
    size_bytes: int
    sha256: str
    complete: bool
    sources: tuple[str, ...]


def finish_files(folder: Path, key: bytes) -> list[Finished]:
    """Return a file per person and one per shared screen; a recorder that wrote nothing left no folder. May be repeated."""
    if not folder.is_dir():
        return []
    tracks = api.recover_tracks(folder, key)
    return [
        Finished(
            person=one.participant,
            number=one.number,
            file_name=one.file,
            duration_ms=one.duration_ms,
            size_bytes=one.plain_bytes,
            sha256=one.sha256,
            complete=one.complete,
            sources=one.sources,
        )
        for one in api.finalise_tracks(folder, key, tracks)
    ]
