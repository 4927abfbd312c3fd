"""Booking a visit, moving one, and starting one without an appointment."""

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from consultations.appointments.access import get_appointment_for
from consultations.appointments.errors import BookingRefused
from consultations.appointments.forms import BookingForm, StartNowForm, TimeForm, split_contact
from consultations.appointments.models import Appointment, VisitType
from consultations.clinics.access import SCHEDULERS, Role, clinics_of, get_clinic_for, has_role
from consultations.clinics.models import Clinic
from consultations.patients.access import find_patients, get_patient_for, record_read_alone
from consultations.patients.models import Patient
from consultations.practitioners.access import practitioner_of, practitioners_in
from consultations.practitioners.models import Practitioner
from consultations.rooms.actions import booking
from consultations.rooms.practice.answers import (
    INVALID_STATUS,
    REFUSED_STATUS,
    json_invalid,
    json_refusal,
    wants_json,
)
from consultations.rooms.practice.link_page import show_link
from consultations.rooms.practice.sentences import refusal_sentence
from consultations.rooms.practice.zones import today_of, when_for
from telemed.accounts.decorators import staff_required


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@staff_required
def appointment_new(request: HttpRequest) -> HttpResponse:
    """Book for a patient of the clinic (?patient=…, found with ?q=…) or for somebody new."""
    clinic, clinics = _clinic(request)
    patient_id = request.GET.get("patient", "")
    patient = get_patient_for(request.user, patient_id, purpose="booking") if patient_id else None
    if patient is not None:
        clinic = patient.clinic
    form = _booking_form(request, clinic, patient)
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                appointment = _book(request, form, clinic, patient)
            except BookingRefused as refusal:
                if wants_json(request):
                    return json_refusal(refusal)
                form.add_error("time", refusal_sentence(refusal))
                status = REFUSED_STATUS
            else:
                return _booked(request, appointment)
        else:
            if wants_json(request):
                return json_invalid(form)
            status = INVALID_STATUS
    query = "" if patient else request.GET.get("q", "").strip()
    context = {
        "form": form,
        "clinic": clinic,
        "clinics": clinics,
        "patient": patient,
        "query": query,
        "found": find_patients(clinic, query, acting_user=request.user) if query else [],
    }
    return render(request, "appointments/new.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@staff_required
def appointment_reschedule(request: HttpRequest, public_id: str) -> HttpResponse:
    appointment = get_appointment_for(request.user, public_id)
    record_read_alone(appointment.patient, acting_user=request.user, purpose="reschedule")
    zones = [appointment.zone, request.user.time_zone]
    local = appointment.starts_at.astimezone(ZoneInfo(appointment.zone))
    initial = {"date": local.date(), "time": local.time()}
    form = TimeForm(request.POST or None, zones=zones, initial=initial)
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                booking.reschedule_visit(
                    appointment,
                    starts_at=form.cleaned_data["starts_at"],
                    zone=form.cleaned_data["zone"],
                    acting_user=request.user,
                )
            except BookingRefused as refusal:
                if wants_json(request):
                    return json_refusal(refusal)
                form.add_error("time", refusal_sentence(refusal))
                status = REFUSED_STATUS
            else:
                messages.success(
                    request, _("The visit was moved. The old link no longer works; a new one is on its way.")
                )
                return redirect("appointment", public_id)
        else:
            if wants_json(request):
                return json_invalid(form)
            status = INVALID_STATUS
    context = {
        "form": form,
        "appointment": appointment,
        "clinic": appointment.clinic,
        "when": when_for(request.user, appointment),
    }
    return render(request, "appointments/reschedule.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@staff_required
def start_now(request: HttpRequest) -> HttpResponse:
    """Name and contact in, link out: nothing else is asked."""
    practitioner = practitioner_of(request.user)
    clinic, clinics = _clinic(request, Role.PRACTITIONER)
    if practitioner is None:
        raise PermissionDenied
    form = StartNowForm(
        request.POST or None,
        visit_types=_visit_types(clinic).filter(is_group=False),
        languages=clinic.languages,
        initial={"language": clinic.default_language},
    )
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                booked = booking.start_now(
                    clinic=clinic,
                    practitioner=practitioner,
                    visit_type=form.cleaned_data["visit_type"],
                    name=form.cleaned_data["name"],
                    language=form.cleaned_data["language"],
                    acting_user=request.user,
                    **split_contact(form.cleaned_data["contact"]),
                )
            except BookingRefused as refusal:
                if wants_json(request):
                    return json_refusal(refusal)
                form.add_error(
                    None, _("You have a visit now, or in less than five minutes. Finish, move or cancel it first.")
                )
                status = REFUSED_STATUS
            else:
                return show_link(request, booked, started_now=True)
        else:
            if wants_json(request):
                return json_invalid(form)
            status = INVALID_STATUS
    context = {"form": form, "clinic": clinic, "clinics": clinics}
    return render(request, "appointments/start_now.html", context, status=status)


def _clinic(request: HttpRequest, *roles: str) -> tuple[Clinic, list[Clinic]]:
    """Return the clinic of ?clinic=, else the user's first, and all they may choose from."""
    clinics = list(clinics_of(request.user, *roles))
    if not clinics:
        raise PermissionDenied
    chosen = request.GET.get("clinic", "")
    return (get_clinic_for(request.user, chosen, *roles) if chosen else clinics[0]), clinics


def _visit_types(clinic: Clinic) -> Any:
    return VisitType.objects.filter(clinic=clinic, active=True).order_by("name", "id")


def _bookable(request: HttpRequest, clinic: Clinic) -> list[Practitioner]:
    """Schedulers book for everybody in the clinic, practitioners for themselves."""
    everybody = practitioners_in(clinic)
    if not has_role(request.user, clinic, *SCHEDULERS):
        everybody = everybody.filter(user=request.user)
    return list(everybody)


def _booking_form(request: HttpRequest, clinic: Clinic, patient: Patient | None) -> BookingForm:
    practitioners = _bookable(request, clinic)
    mine = next((p.public_id for p in practitioners if p.user_id == request.user.pk), None)
    return BookingForm(
        request.POST or None,
        visit_types=_visit_types(clinic),
        practitioners=practitioners,
        languages=clinic.languages,
        zones=[clinic.time_zone, request.user.time_zone],
        with_patient=patient is not None,
        initial={
            "practitioner": mine,
            "language": clinic.default_language,
            "date": today_of(request.user),
            "name": request.GET.get("q", "") if "@" not in request.GET.get("q", "") else "",
        },
    )


def _book(request: HttpRequest, form: BookingForm, clinic: Clinic, patient: Patient | None) -> Appointment:
    facts = form.cleaned_data
    when: dict[str, Any] = {
        "clinic": clinic,
        "practitioner": form.chosen_practitioner,
        "visit_type": facts["visit_type"],
        "starts_at": facts["starts_at"],
        "zone": facts["zone"],
        "acting_user": request.user,
    }
    if patient is not None:
        return booking.book_visit(patient=patient, **when)
    who = split_contact(facts["contact"])
    return booking.book_new_patient(name=facts["name"], language=facts["language"], **who, **when)


def _booked(request: HttpRequest, appointment: Appointment) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"appointment": appointment.public_id}, status=201)
    messages.success(request, _("The visit is booked. The link is on its way to the patient."))
    return redirect("appointment", appointment.public_id)
