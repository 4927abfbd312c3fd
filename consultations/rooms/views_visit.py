"""The practitioner's page of one visit, and the notes they write there. Everything live goes through the socket."""

from zoneinfo import ZoneInfo

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from consultations.rooms.access import get_staff_seat, require_staff_seat
from consultations.rooms.actions.notes import latest_note, save_note
from consultations.rooms.json_requests import json_view, read_object
from consultations.rooms.models import NoteVersion, Participant, Room
from consultations.rooms.nodes.pins import visit_socket_url
from consultations.rooms.nodes.policy import may_reach_nodes
from consultations.rooms.refusals import Refused
from consultations.rooms.snapshot import iso
from consultations.rooms.story.loading import load_story_facts
from consultations.rooms.story.summary import tell
from consultations.rooms.story.timeline import build_story
from telemed import audit
from telemed.accounts.decorators import staff_required

# The drawer of a running visit shows the newest; the page of the story shows all.
NEWEST_EVENTS = 40


@require_safe
@never_cache
@staff_required
@may_reach_nodes
def visit(request: HttpRequest, code: str) -> HttpResponse:
    """The call page. Reading it opens nothing: the room opens when its socket says hello."""
    seat = get_staff_seat(request.user, code)
    note = _read(seat, request)
    appointment = seat.room.appointment
    context = {
        "room": seat.room,
        "seat": seat,
        "appointment": appointment,
        "clinic": appointment.clinic,
        "patient": appointment.patient,
        "note_text": note.text if note else "",
        "note_number": note.number if note else 0,
        "note_saved_at": note.saved_at if note else None,
        "outcomes": Room.Outcome.choices,
        "ws_url": visit_socket_url(seat.room, "staff"),
    }
    return render(request, "rooms/visit.html", context)


@require_GET
@json_view
def visit_socket(request: HttpRequest, code: str) -> dict[str, object]:
    """Tell where the visit's socket is now, like `seat_socket`."""
    return {"ws_url": visit_socket_url(require_staff_seat(request.user, code).room, "staff")}


@require_POST
@json_view
def visit_notes(request: HttpRequest, code: str) -> dict[str, object]:
    """Save the note: `{text, number}` in, `{number, saved_at}` out. 409 `note_changed` when another page was faster.

    A background request: without a session it answers 401 instead of sending the page to the sign-in form.
    """
    seat = require_staff_seat(request.user, code)
    data = read_object(request)
    text, number = data.get("text"), data.get("number")
    if not isinstance(text, str) or not (number is None or type(number) is int):
        raise Refused("bad_field", status=400)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Refused("bad_field", status=400) from None
    version = save_note(seat, text=text.replace("\x00", ""), number=number, acting_user=request.user)  # type: ignore[arg-type]
    return {"number": version.number, "saved_at": iso(version.saved_at)}


@require_GET
@json_view
def visit_path_events(request: HttpRequest, code: str) -> dict[str, object]:
    """What happened to the visit's connection, newest first. The page that asks was audited when it was opened."""
    room = require_staff_seat(request.user, code).room
    story = build_story(load_story_facts(room), now=timezone.now())
    told = tell(story, ZoneInfo(request.user.time_zone)) if story else []  # type: ignore[union-attr]
    return {
        "events": [
            {"number": one.number, "time": one.time, "text": one.headline, "why": one.why}
            for one in reversed(told[-NEWEST_EVENTS:])
        ]
    }


@transaction.atomic
def _read(seat: Participant, request: HttpRequest) -> NoteVersion | None:
    """Return the newest note; the page shows a patient, and that is audited (SEC-7)."""
    note = latest_note(seat)
    appointment = seat.room.appointment
    audit.record(
        "patient.read",
        actor=request.user,  # type: ignore[arg-type]
        clinic=appointment.clinic.public_id,
        subject=appointment.patient.public_id,
        object=f"room:{seat.room.code}",
        details={"page": "visit"},
    )
    return note
