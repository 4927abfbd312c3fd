"""One appointment: what is known about it, and what may be done with it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from consultations.appointments.access import get_appointment_for, visible_appointments
from consultations.appointments.errors import BookingRefused
from consultations.appointments.lifecycle import IllegalTransition
from consultations.appointments.models import Appointment
from consultations.clinics.access import Role, require_role
from consultations.outbox.models import Message
from consultations.patients.access import record_read_alone
from consultations.practitioners.access import practitioner_of
from consultations.rooms.access import get_patient_seat, guests_of, visits_with_story
from consultations.rooms.actions import booking
from consultations.rooms.practice.answers import REFUSED_STATUS, json_refusal, wants_json
from consultations.rooms.practice.day import build_history, build_rows
from consultations.rooms.practice.link_page import show_link
from consultations.rooms.practice.sentences import delivery_sentence, refusal_sentence
from telemed.accounts.decorators import staff_required


@require_safe
@never_cache
@staff_required
def appointment(request: HttpRequest, public_id: str) -> HttpResponse:
    found = get_appointment_for(request.user, public_id)
    record_read_alone(found.patient, acting_user=request.user, purpose="appointment")
    return _page(request, found)


@require_POST
@never_cache
@staff_required
def appointment_cancel(request: HttpRequest, public_id: str) -> HttpResponse:
    found = get_appointment_for(request.user, public_id)
    try:
        booking.cancel_visit(found, acting_user=request.user)
    except (BookingRefused, IllegalTransition) as refusal:
        return _refused(request, found, refusal)
    if wants_json(request):
        return JsonResponse({"appointment": found.public_id})
    messages.success(request, _("The visit is cancelled, and the link no longer works. The patient is told."))
    return redirect("appointment", public_id)


@require_POST
@never_cache
@staff_required
def appointment_claim(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take a team's visit."""
    found = get_appointment_for(request.user, public_id)
    require_role(request.user, found.clinic, Role.PRACTITIONER)
    practitioner = practitioner_of(request.user)
    assert practitioner is not None, "the role without the practitioner"
    try:
        booking.claim_visit(found, practitioner=practitioner, acting_user=request.user)
    except BookingRefused as refusal:
        return _refused(request, found, refusal)
    if wants_json(request):
        return JsonResponse({"appointment": found.public_id})
    messages.success(request, _("The visit is yours now."))
    return redirect("today")


@require_POST
@never_cache
@staff_required
def appointment_link(request: HttpRequest, public_id: str) -> HttpResponse:
    """Make one more link for the patient, send it, and show it once."""
    found = get_appointment_for(request.user, public_id)
    try:
        booked = booking.send_new_link(get_patient_seat(found), acting_user=request.user)
    except BookingRefused as refusal:
        return _refused(request, found, refusal)
    return show_link(request, booked)


def _refused(request: HttpRequest, found: Appointment, refusal: BookingRefused | IllegalTransition) -> HttpResponse:
    """409 with the sentence on the appointment's own page, as it stands now."""
    if wants_json(request):
        return json_refusal(refusal)
    messages.error(request, refusal_sentence(refusal))
    visible = visible_appointments(request.user).filter(pk=found.pk).first()
    if visible is None:  # a colleague took it: it is not this person's any more
        return redirect("today")
    return _page(request, visible, status=REFUSED_STATUS)


def _page(request: HttpRequest, found: Appointment, *, status: int = 200) -> HttpResponse:
    row = build_rows(request.user, [found])[0]
    sent = Message.objects.filter(clinic=found.clinic, subject=found.public_id).order_by("-created_at")
    context = {
        "row": row,
        "appointment": found,
        "clinic": found.clinic,
        "changes": build_history(request.user, found),
        "guests": guests_of(found),
        "has_story": not row.can_move and visits_with_story(request.user).filter(appointment=found).exists(),
        "messages_sent": [(message, delivery_sentence(message.error_code)) for message in sent],
    }
    return render(request, "appointments/appointment.html", context, status=status)
