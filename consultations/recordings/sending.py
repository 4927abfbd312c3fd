"""A sealed file as an answer to a browser: opened piece by piece, never whole in memory, never in clear on the disk."""

from collections.abc import AsyncIterator, Callable, Iterator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from consultations.recordings import storage
from consultations.recordings.models import Attachment, Film, Track
from consultations.recordings.ranges import NotSatisfiable, parse_range
from media_routing import api

# How much of a range one answer holds: it is in memory once per request.
MOST_BYTES = 2 * 1024 * 1024
_ENDINGS = {"video/webm": "webm", "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}

Open = Callable[[], api.SealedReader]


def send_film(request: HttpRequest, file: Track | Film, *, download_as: str = "") -> HttpResponseBase:
    """Return the plain bytes of a track or of a combined file, or the range that was asked for. Http404 when it is not there."""
    name, key = storage.name_of(file), file.recording.key
    return _send(request, lambda: api.SealedReader(storage.open_kept(name), key), file.content_type, download_as)


def send_attachment(request: HttpRequest, attachment: Attachment, *, download: bool = False) -> HttpResponseBase:
    """Return the plain bytes of an attachment. Only pictures are shown: anything else is taken away as a file."""
    name, key, kind = attachment.file_name, attachment.key, attachment.content_type
    shown = kind in _ENDINGS and not download
    return _send(
        request,
        lambda: api.SealedReader(storage.open_kept(name), key),
        kind if kind in _ENDINGS else "application/octet-stream",
        "" if shown else attachment.public_id,
    )


def _send(request: HttpRequest, open_sealed: Open, content_type: str, download_as: str) -> HttpResponseBase:
    try:
        with open_sealed() as reader:
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
                response = HttpResponse(body, status=206, content_type=content_type)
                response["Content-Range"] = f"bytes {span[0]}-{span[1] - 1}/{size}"
    except (FileNotFoundError, api.SealedFileError):
        raise Http404 from None
    except OSError:  # the storage is away, not the file
        return HttpResponse(status=503)
    if span is None:
        pieces = _later(open_sealed) if isinstance(request, ASGIRequest) else _pieces(open_sealed)
        response = StreamingHttpResponse(pieces, content_type=content_type)
        response["Content-Length"] = str(size)
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, no-store"
    disposition = "attachment" if download_as else "inline"
    ending = _ENDINGS.get(content_type, "bin")
    response["Content-Disposition"] = f'{disposition}; filename="{download_as or "recording"}.{ending}"'
    return response


def _pieces(open_sealed: Open) -> Iterator[bytes]:
    with open_sealed() as reader:
        yield from reader.read_range(0, reader.size)


async def _later(open_sealed: Open) -> AsyncIterator[bytes]:
    """`_pieces` for a server that must not wait for a disk; a thread of its own kind, not the database's."""
    pieces = _pieces(open_sealed)
    while True:
        piece = await sync_to_async(lambda: next(pieces, b""), thread_sensitive=False)()
        if not piece:
            return
        yield piece
