"""The combined file on the staff's page: asked for, its progress, called off; and the answer to a copy request."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from consultations.consent.models import ConsentRecord, Purpose
from consultations.recordings import films
from consultations.recordings.access import (
    current_film,
    get_copy_for,
    get_recording_for,
    may_watch,
    own_seat,
)
from consultations.recordings.actions import copying, filming
from consultations.recordings.models import Film, Recording
from consultations.rooms.actions import consents
from consultations.rooms.refusals import Refused, sentence
from telemed.accounts.decorators import staff_required


def _watched(request: HttpRequest, public_id: str) -> Recording:
    found = get_recording_for(request.user, public_id)
    if not may_watch(request.user, found):
        raise PermissionDenied
    return found


@require_POST
@never_cache
@staff_required
def film_request(request: HttpRequest, public_id: str) -> HttpResponse:
    """Ask everybody in it. Who asks, and is in it, has the text before them: the button is their own yes (`version`)."""
    found = _watched(request, public_id)
    try:
        film = filming.request_film(found, acting_user=request.user)  # type: ignore[arg-type]
        if request.POST.get("version"):
            _answer(request, found, film, "granted")
    except Refused as refused:
        messages.error(request, sentence(refused.code))
    return redirect("recording", public_id)


@require_POST
@never_cache
@staff_required
def film_answer(request: HttpRequest, public_id: str) -> HttpResponse:
    """A member of staff who is in it answers for themselves: `decision` granted, refused or withdrawn."""
    found = _watched(request, public_id)
    film = current_film(found)
    decision = request.POST.get("decision", "")
    if film is not None and decision in {*ConsentRecord.Decision.values, "withdrawn"}:
        try:
            _answer(request, found, film, decision)
        except Refused as refused:
            messages.error(request, sentence(refused.code))
    return redirect("recording", public_id)


def _answer(request: HttpRequest, found: Recording, film: Film, decision: str) -> None:
    seat = own_seat(request.user, found)
    if seat is None or seat.public_id not in film.people:
        return
    version = request.POST.get("version", "")
    consents.answer_capture(
        seat,
        purpose=Purpose.COMBINED,
        decision=decision,
        version=int(version) if version.isdecimal() else 0,
        acting_user=request.user,  # type: ignore[arg-type]
    )


@require_POST
@never_cache
@staff_required
def film_cancel(request: HttpRequest, public_id: str) -> HttpResponse:
    film = current_film(_watched(request, public_id))
    if film is not None:
        filming.cancel_film(film, acting_user=request.user)  # type: ignore[arg-type]
    return redirect("recording", public_id)


@require_safe
@never_cache
@staff_required
def film_state(request: HttpRequest, public_id: str) -> JsonResponse:
    """What the page asks every second while something happens."""
    film = current_film(_watched(request, public_id))
    if film is None:
        return JsonResponse({"state": "none", "percent": 0, "active": False})
    return JsonResponse({"state": film.state, "percent": film.percent, "active": film.is_active})


@require_POST
@never_cache
@staff_required
def copy_decide(request: HttpRequest, public_id: str) -> HttpResponse:
    """`give` = 1 gives the copy, 0 does not. Goes back to the recording."""
    asked = get_copy_for(request.user, public_id)
    give = request.POST.get("give") == "1"
    try:
        copying.decide_copy(asked, give, acting_user=request.user)  # type: ignore[arg-type]
    except Refused as refused:
        messages.error(request, sentence(refused.code))
    else:
        messages.success(request, _("The copy is given.") if give else _("The copy is not given."))
    return redirect("recording", asked.recording.public_id)


def film_context(request: HttpRequest, found: Recording, names: dict[str, str]) -> dict[str, Any]:
    """What the page says of the combined file. `names`: participant -> name."""
    film = current_film(found)
    seat = own_seat(request.user, found)
    context: dict[str, Any] = {"film": film, "film_text": None, "film_waits_for": [], "film_mine": ""}
    asks_me = seat is not None and any(
        track.person == seat.public_id for track in found.tracks.all() if track.can_be_watched
    )
    if seat is not None and asks_me:
        context["film_text"], context["film_mine"] = filming.question_to(seat)
    if film is not None and film.state == films.ASKING:
        undecided = filming.verdict_of(film, found.room).undecided
        context["film_waits_for"] = [names[person] for person in undecided if names.get(person)]
        context["film_asks_me"] = seat is not None and seat.public_id in undecided
    return context
