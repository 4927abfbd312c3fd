"""The staff's pages of recordings: what there is, watching it, and how long it stays."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from consultations.recordings import copies
from consultations.recordings.access import (
    get_file_for,
    get_recording_for,
    may_keep,
    may_watch,
    require_keeper,
    visible_recordings,
)
from consultations.recordings.actions import keeping
from consultations.recordings.models import Recording, Track
from consultations.recordings.playing import play, take_away
from consultations.recordings.views_films import film_context
from consultations.rooms.models import Participant
from consultations.rooms.refusals import Refused, sentence
from telemed.accounts.decorators import staff_required

MOST_SHOWN = 200


@require_safe
@never_cache
@staff_required
def recordings(request: HttpRequest) -> HttpResponse:
    found = visible_recordings(request.user)[:MOST_SHOWN]
    return render(request, "recordings/list.html", {"recordings": found})


@require_safe
@never_cache
@staff_required
def recording(request: HttpRequest, public_id: str) -> HttpResponse:
    """One recording with a player for each person. Opening the page plays nothing."""
    found = get_recording_for(request.user, public_id)
    keeping.note_opened(found, acting_user=request.user)  # type: ignore[arg-type]
    watches = found.can_be_watched and may_watch(request.user, found)
    people = {seat.public_id: seat for seat in found.room.participants.all()}
    names = {code: seat.name for code, seat in people.items()}
    tracks = _named_tracks(found, people) if watches else []
    keeps = may_keep(request.user, found)
    context = {
        "recording": found,
        "tracks": tracks,
        "watches": watches,
        "keeps": keeps,
        "can_combine": len({track.person for track, _name, _role in tracks}) > 1,
        **(film_context(request, found, names) if watches else {}),
        "copies": _copies(found, names) if keeps and not found.deleted_at else [],
        "appointment": found.room.appointment,
        "clinic": found.room.appointment.clinic,
    }
    return render(request, "recordings/recording.html", context)


@require_safe
@never_cache
@staff_required
def recording_media(request: HttpRequest, public_id: str, file_id: str) -> HttpResponseBase:
    return play(request, get_file_for(request.user, public_id, file_id))


@require_safe
@never_cache
@staff_required
def recording_download(request: HttpRequest, public_id: str, file_id: str) -> HttpResponseBase:
    return take_away(request, get_file_for(request.user, public_id, file_id))


@require_POST
@never_cache
@staff_required
def recording_delete(request: HttpRequest, public_id: str) -> HttpResponse:
    return _keep(request, public_id, keeping.delete_recording, _("The recording is deleted."))


@require_POST
@never_cache
@staff_required
def recording_hold(request: HttpRequest, public_id: str) -> HttpResponse:
    """`on` = 1 keeps it until further notice, 0 lifts that."""
    on = request.POST.get("on") == "1"

    def hold(found: Recording, *, acting_user: Any) -> None:
        keeping.set_legal_hold(found, on, acting_user=acting_user)

    words = _("The recording is kept until the hold is lifted.") if on else _("The hold is lifted.")
    return _keep(request, public_id, hold, words)


def _keep(request: HttpRequest, public_id: str, act: Any, words: str) -> HttpResponse:
    found = get_recording_for(request.user, public_id)
    require_keeper(request.user, found)
    try:
        act(found, acting_user=request.user)
    except Refused as refused:
        messages.error(request, sentence(refused.code))
    else:
        messages.success(request, words)
    return redirect("recording", public_id)


def _copies(found: Recording, names: dict[str, str]) -> list[dict[str, Any]]:
    """Return who asked for a copy, and how that stands. One query."""
    now = timezone.now()
    rows = found.copies.all()
    return [
        {"row": one, "name": names.get(one.person, ""), "standing": copies.standing(one.state, one.until, now)}
        for one in rows
    ]


def _named_tracks(found: Recording, people: dict[str, Participant]) -> list[tuple[Track, str, str]]:
    """Return (track, name, role) of what may be watched. One query."""
    shown = []
    for track in found.tracks.all():
        seat = people.get(track.person)
        if track.can_be_watched:
            shown.append((track, seat.name if seat else "", seat.get_role_display() if seat else ""))
    return shown
