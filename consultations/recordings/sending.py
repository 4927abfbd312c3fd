"""A track as an answer to a browser: opened piece by piece, never whole in memory, never in clear on the disk."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from consultations.recordings import storage
from consultations.recordings.models import Track
from consultations.recordings.ranges import NotSatisfiable, parse_range
from media_routing import api

# How much of a range one answer holds: it is in memory once per request.
MOST_BYTES = 2 * 1024 * 1024


def send_track(request: HttpRequest, track: Track, *, download_as: str = "") -> HttpResponseBase:
    """Return the plain bytes of a track, or the range that was asked for. Http404 when the file is not there."""
    path, key = storage.path_of(track), track.recording.key
    try:
        with api.SealedReader(path, key) as reader:
            if not reader.complete:  # what was finished has an end; this was cut off since, by somebody or by a disk
                raise Http404
            size = reader.size
            response: HttpResponseBase
            try:
                span = parse_range(request.headers.get("Range", ""), size, most_bytes=MOST_BYTES)
            except NotSatisfiable:
                response = HttpResponse(status=416)
                response["Content-Range"] = f"bytes */{size}"
                return response
            if span is not None:
                body = b"".join(reader.read_range(*span))
                response = HttpResponse(body, status=206, content_type=track.content_type)
                response["Content-Range"] = f"bytes {span[0]}-{span[1] - 1}/{size}"
    except (FileNotFoundError, api.SealedFileError):
        raise Http404 from None
    if span is None:
        pieces = _later(path, key) if isinstance(request, ASGIRequest) else _pieces(path, key)
        response = StreamingHttpResponse(pieces, content_type=track.content_type)
        response["Content-Length"] = str(size)
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, no-store"
    disposition = "attachment" if download_as else "inline"
    response["Content-Disposition"] = f'{disposition}; filename="{download_as or "recording"}.webm"'
    return response


def _pieces(path: Path, key: bytes) -> Iterator[bytes]:
    with api.SealedReader(path, key) as reader:
        yield from reader.read_range(0, reader.size)


async def _later(path: Path, key: bytes) -> AsyncIterator[bytes]:
    """`_pieces` for a server that must not wait for a disk; a thread of its own kind, not the database's."""
    pieces = _pieces(path, key)
    while True:
        piece = await sync_to_async(lambda: next(pieces, b""), thread_sensitive=False)()
        if not piece:
            return
        yield piece
