"""The staff's pages of recordings: what there is, watching it, and how long it stays."""

from typing import Any

from django.contrib import messages
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from consultations.recordings.access import (
    get_recording_for,
    get_track_for,
    may_keep,
    may_watch,
    require_keeper,
    visible_recordings,
)
from consultations.recordings.actions import keeping
from consultations.recordings.models import Recording, Track
from consultations.recordings.sending import send_track
from consultations.rooms.refusals import Refused, sentence
from telemed.accounts.decorators import staff_required

# A player asks for many ranges; those of one sitting are one playback in the log.
ONE_PLAYBACK_S = 600
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
    context = {
        "recording": found,
        "tracks": _named_tracks(found) if watches else [],
        "watches": watches,
        "keeps": may_keep(request.user, found),
        "appointment": found.room.appointment,
        "clinic": found.room.appointment.clinic,
    }
    return render(request, "recordings/recording.html", context)


@require_safe
@never_cache
@staff_required
def recording_media(request: HttpRequest, public_id: str, track_id: str) -> HttpResponseBase:
    """The plain bytes for the page's player, by range. The first of a sitting is written down before it is sent."""
    track = get_track_for(request.user, public_id, track_id)
    if cache.add(f"playback:{request.user.pk}:{track.public_id}", 1, ONE_PLAYBACK_S):
        keeping.note_playback(track, acting_user=request.user)  # type: ignore[arg-type]
    return send_track(request, track)


@require_safe
@never_cache
@staff_required
def recording_download(request: HttpRequest, public_id: str, track_id: str) -> HttpResponseBase:
    """A copy to take away. Every one is written down."""
    track = get_track_for(request.user, public_id, track_id)
    keeping.note_playback(track, acting_user=request.user, download=True)  # type: ignore[arg-type]
    return send_track(request, track, download_as=track.public_id)


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


def _named_tracks(found: Recording) -> list[tuple[Track, str, str]]:
    """Return (track, name, role) of what may be watched. Two queries."""
    people = {seat.public_id: seat for seat in found.room.participants.all()}
    shown = []
    for track in found.tracks.all():
        seat = people.get(track.person)
        if track.can_be_watched:
            shown.append((track, seat.name if seat else "", seat.get_role_display() if seat else ""))
    return shown
