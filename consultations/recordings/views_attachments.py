"""Attachments of a visit, for the staff who had a seat in it."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from consultations.recordings.access import get_attachment_for
from consultations.recordings.actions import attachments
from consultations.recordings.sending import send_attachment
from consultations.recordings.stills import MOST_STILL_BYTES, redraw_still
from consultations.rooms.access import require_staff_seat
from consultations.rooms.json_requests import json_view
from telemed.accounts.decorators import staff_required


@require_safe
@never_cache
@staff_required
def attachment(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """The picture itself; other files, and `?download=1`, to take away. Each time is written down."""
    found = get_attachment_for(request.user, public_id)
    attachments.note_attachment_opened(found, acting_user=request.user)  # type: ignore[arg-type]
    return send_attachment(request, found, download=request.GET.get("download") == "1")


@require_POST
@never_cache
@staff_required
def attachment_delete(request: HttpRequest, public_id: str) -> HttpResponse:
    found = get_attachment_for(request.user, public_id)
    attachments.delete_attachment(found, acting_user=request.user)  # type: ignore[arg-type]
    return HttpResponse(status=204)


@require_POST
@json_view
def visit_still(request: HttpRequest, code: str) -> dict[str, Any]:
    """Keep a sharp picture of the call: the practitioner's page sends the JPEG that it got, `?person=` whom it shows.

    Their yes is asked for before a byte is read, and again when it is kept.
    """
    room = require_staff_seat(request.user, code).room
    person = request.GET.get("person", "")
    attachments.require_still_agreed(room, person, acting_user=request.user)  # type: ignore[arg-type]
    content = redraw_still(request.read(MOST_STILL_BYTES + 1))
    kept = attachments.keep_attachment(
        room,
        person=person,
        kind="still",
        content=content,
        content_type="image/jpeg",
        acting_user=request.user,  # type: ignore[arg-type]
    )
    return {"id": kept.public_id}
