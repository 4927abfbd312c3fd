"""Inviting one more person before the visit; during the visit the practitioner does it on the call page."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from consultations.appointments.access import get_appointment_for
from consultations.rooms.access import get_patient_seat
from consultations.rooms.actions.guests import invite_participant
from consultations.rooms.practice.answers import INVALID_STATUS, REFUSED_STATUS, json_invalid, wants_json
from consultations.rooms.practice.forms import GuestForm
from consultations.rooms.practice.link_page import show_guest_link
from consultations.rooms.refusals import Refused, sentence
from telemed.accounts.decorators import staff_required


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@staff_required
def appointment_invite(request: HttpRequest, public_id: str) -> HttpResponse:
    """Name, role and contact in, a link for one device out."""
    found = get_appointment_for(request.user, public_id)
    room = get_patient_seat(found).room
    form = GuestForm(
        request.POST or None, languages=found.clinic.languages, initial={"language": found.clinic.default_language}
    )
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                invited = invite_participant(room, acting_user=request.user, **form.cleaned_data)
            except Refused as refused:
                if wants_json(request):
                    error = {"code": refused.code, "message": sentence(refused.code)}
                    return JsonResponse({"error": error}, status=REFUSED_STATUS)
                form.add_error(None, sentence(refused.code))
                status = REFUSED_STATUS
            else:
                return show_guest_link(request, found, invited)
        else:
            if wants_json(request):
                return json_invalid(form)
            status = INVALID_STATUS
    context = {"form": form, "appointment": found, "clinic": found.clinic}
    return render(request, "appointments/invite.html", context, status=status)
