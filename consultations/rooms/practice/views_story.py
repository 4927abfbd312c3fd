"""How a visit was connected: the page with the drawing, and the same as JSON."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from consultations.rooms.access import get_story_room
from consultations.rooms.models import Room
from consultations.rooms.practice.zones import local_time, place_name, zone_of
from consultations.rooms.relay_use import relay_use_of
from consultations.rooms.story.drawing import draw
from consultations.rooms.story.export import export_story
from consultations.rooms.story.loading import load_story_facts
from consultations.rooms.story.summary import duration, spans, summarise, tell
from consultations.rooms.story.timeline import Story, build_story
from consultations.rooms.story.words import BANDS, WAY_MEANINGS, WAYS, clock
from telemed import audit
from telemed.accounts.decorators import staff_required


@require_safe
@never_cache
@staff_required
def visit_path(request: HttpRequest, code: str) -> HttpResponse:
    """The story of one visit, for its practitioner and for the clinic's admins. Reading it is audited (SEC-7)."""
    room = get_story_room(request.user, code)
    zone = zone_of(request.user)
    story = _read(request, room, "room.story_read")
    appointment = room.appointment
    context: dict[str, Any] = {
        "room": room,
        "appointment": appointment,
        "clinic": appointment.clinic,
        "story": story,
        "starts": local_time(story.start if story else appointment.starts_at, zone),
        "place": place_name(zone.key),
        "forgotten": room.state == Room.State.ENDED and room.ended_at is None,
    }
    if story:
        drawing = draw(story, zone)
        context |= {
            "drawing": drawing,
            "summary": summarise(story),
            "told": tell(story, zone),
            "spans": [(span, clock(span.start, zone), clock(span.end, zone)) for span in spans(story)],
            "ways": [(way, WAYS[way], WAY_MEANINGS[way]) for way in drawing.ways],
            "bands": BANDS,
            "relayed": [
                (region, duration(seconds))
                for region, seconds in relay_use_of(room, now=story.end).relayed_s.items()
                if region
            ],
        }
    return render(request, "rooms/path_story.html", context)


@require_GET
@never_cache
@staff_required
def visit_path_json(request: HttpRequest, code: str) -> JsonResponse:
    """The same as a file; taking it along is audited as what it is."""
    room = get_story_room(request.user, code)
    story = _read(request, room, "room.story_exported")
    answer = JsonResponse(export_story(story) if story else {}, json_dumps_params={"indent": 2, "ensure_ascii": False})
    answer["Content-Disposition"] = f'attachment; filename="path-{room.code}.json"'
    return answer


@transaction.atomic
def _read(request: HttpRequest, room: Room, event: str) -> Story | None:
    audit.record(
        event,
        actor=request.user,
        clinic=room.appointment.clinic.public_id,
        subject=room.appointment.patient.public_id,
        object=f"room:{room.code}",
    )
    return build_story(load_story_facts(room), now=timezone.now())
