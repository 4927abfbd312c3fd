"""After the visit, for whoever was in it: what is asked, what was recorded of them, and their copy (docs/PROTOCOL.md).

No account: the seat's cookie is the proof, as everywhere on the participant's page.
"""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from consultations.consent.access import current_text, languages_for
from consultations.consent.models import ConsentRecord
from consultations.recordings import copies
from consultations.recordings.access import copy_files, get_copied_file, get_own_recording, recordings_of
from consultations.recordings.actions import copying, keeping
from consultations.recordings.models import Film, Recording, Track
from consultations.recordings.sending import send_film
from consultations.rooms.actions import consents
from consultations.rooms.asking import describe_text
from consultations.rooms.json_requests import choice_of, json_view, read_object, text_of
from consultations.rooms.models import Participant
from consultations.rooms.recorder.port import recordings
from consultations.rooms.refusals import Refused
from consultations.rooms.snapshot import iso
from consultations.rooms.views_seat import seat_of

_ANSWERS = frozenset(ConsentRecord.Decision.values)


@require_GET
@json_view
def seat_after(request: HttpRequest, code: str) -> dict[str, Any]:
    return _describe(seat_of(request, code))


@require_POST
@json_view
def seat_answer(request: HttpRequest, code: str) -> dict[str, Any]:
    """Answer what is asked after the visit. Taking a yes back is `seat_withdraw`, as during the visit."""
    seat, data = seat_of(request, code), read_object(request)
    purpose, decision = text_of(data, "purpose", limit=20), choice_of(data, "decision", _ANSWERS)
    if purpose not in recordings().asked_afterwards(seat.room, seat.public_id):
        raise Refused("not_allowed", status=403)
    version = data.get("version")
    if not isinstance(version, int) or isinstance(version, bool):
        raise Refused("bad_field", status=400)
    capacity = choice_of(data, "capacity", frozenset(ConsentRecord.Capacity.values))
    consents.answer_capture(seat, purpose=purpose, decision=decision, version=version, capacity=capacity)
    return _describe(seat_of(request, code))


@require_POST
@json_view
def seat_copy(request: HttpRequest, code: str) -> dict[str, Any]:
    """Ask for a copy of what was recorded of oneself."""
    seat = seat_of(request, code)
    try:
        recording = get_own_recording(seat, text_of(read_object(request), "recording", limit=22))
    except Http404:
        raise Refused("copy_nothing") from None
    copying.ask_for_copy(recording, seat)
    return _describe(seat_of(request, code))


@require_safe
@never_cache
def seat_copy_file(request: HttpRequest, code: str, public_id: str, file_id: str) -> HttpResponseBase:
    """One file of a copy that was given, to take away. Each time is written down before the first byte."""
    try:
        seat = seat_of(request, code)
    except Refused as refused:
        return HttpResponse(status=refused.status)
    file = get_copied_file(seat, public_id, file_id)
    keeping.note_playback(file, acting_seat=seat.public_id, download=True)
    return send_film(request, file, download_as=file.public_id)


def _describe(seat: Participant) -> dict[str, Any]:
    asked = recordings().asked_afterwards(seat.room, seat.public_id)
    languages = languages_for(seat.language, seat.room.appointment.clinic.default_language)
    texts = [text for text in (current_text(purpose, languages) for purpose in sorted(asked)) if text is not None]
    return {
        "asks": [describe_text(text) for text in texts],
        "capacity_options": [
            {"value": str(value), "label": str(label)} for value, label in ConsentRecord.Capacity.choices
        ]
        if seat.role == Participant.Role.PATIENT
        else [],
        "recordings": [_recording(one, seat) for one in recordings_of(seat)],
    }


def _recording(recording: Recording, seat: Participant) -> dict[str, Any]:
    """What the person is told of a recording: how long it stays, and how their request stands."""
    now = timezone.now()
    mine = next((one for one in recording.copies.all() if one.person == seat.public_id), None)
    standing = copies.standing(mine.state, mine.until, now) if mine else "none"
    files = copy_files(recording, seat.public_id)
    return {
        "id": recording.public_id,
        "began_at": iso(recording.started_at),
        "keep_until": None if recording.legal_hold else iso(recording.keep_until),
        "copy": standing,
        "copy_until": iso(mine.until) if mine and standing == "ready" else None,
        "holds": [_kind(file) for file in files],
        "files": [
            {
                "kind": _kind(file),
                "size_bytes": file.size_bytes,
                "url": reverse("seat_copy_file", args=[seat.room.code, recording.public_id, file.public_id]),
            }
            for file in files
        ]
        if standing == "ready"
        else [],
    }


def _kind(file: Track | Film) -> str:
    if isinstance(file, Film):
        return "everybody"
    return "screen" if file.number > 1 else "own"
