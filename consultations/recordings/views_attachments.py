"""Attachments of a visit, for the staff who had a seat in it."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from consultations.recordings.access import get_attachment_for
from consultations.recordings.actions import attachments
from consultations.recordings.sending import send_attachment
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
