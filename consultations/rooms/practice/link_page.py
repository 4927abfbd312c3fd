"""The page that shows a link, once: to copy, to scan, and whether it was sent."""

import qrcode
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from qrcode.image.svg import SvgPathImage

from consultations.appointments.models import Appointment
from consultations.rooms.actions.booking import Booked
from consultations.rooms.actions.guests import Invited
from consultations.rooms.actions.links import link_url
from consultations.rooms.practice.answers import wants_json
from consultations.rooms.practice.sentences import delivery_sentence


def show_link(request: HttpRequest, booked: Booked, *, started_now: bool = False) -> HttpResponse:
    """Answer a POST with the raw link. It is not stored, so reloading cannot bring it back."""
    message = booked.message
    if message is not None:
        message.refresh_from_db(fields=["state", "error_code"])  # it was sent when the transaction committed
    url = link_url(booked.token)
    if wants_json(request):
        return JsonResponse(
            {"appointment": booked.appointment.public_id, "link": url, "message": message.state if message else "none"},
            status=201,
        )
    context = {
        "appointment": booked.appointment,
        "clinic": booked.appointment.clinic,
        "room": booked.seat.room,
        "url": url,
        "qr": qr_svg(url),
        "message": message,
        "error": delivery_sentence(message.error_code) if message else "",
        "started_now": started_now,
        "mine": booked.appointment.practitioner is not None
        and booked.appointment.practitioner.user_id == request.user.pk,
    }
    return render(request, "appointments/link.html", context)


def show_guest_link(request: HttpRequest, appointment: Appointment, invited: Invited) -> HttpResponse:
    """`show_link` for somebody who was invited besides the patient."""
    message = invited.message
    if message is not None:
        message.refresh_from_db(fields=["state", "error_code"])
    if wants_json(request):
        state = message.state if message else "none"
        return JsonResponse({"link": invited.url, "message": state}, status=201)
    context = {
        "guest": invited.seat,
        "appointment": appointment,
        "clinic": appointment.clinic,
        "url": invited.url,
        "qr": qr_svg(invited.url),
        "message": message,
        "error": delivery_sentence(message.error_code) if message else "",
    }
    return render(request, "appointments/link.html", context)


def qr_svg(text: str) -> SafeString:
    """Return an inline SVG of the QR code (ISO/IEC 18004, level M), without anything for a CSP to refuse."""
    image = qrcode.make(text, image_factory=SvgPathImage, border=2, error_correction=qrcode.constants.ERROR_CORRECT_M)
    return mark_safe(image.to_string(encoding="unicode"))
