"""The front door, and the clinic's logo, which patients see before they are anybody to us."""

import hashlib

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from consultations.clinics.models import Clinic


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home.html")


@require_safe
def clinic_logo(request: HttpRequest, public_id: str) -> HttpResponse:
    """The PNG that the clinic uploaded. Public on purpose: join pages and e-mails carry it."""
    logo = Clinic.objects.filter(public_id=public_id).values_list("logo_png", flat=True).first()
    if not logo:
        raise Http404
    image = bytes(logo)
    etag = f'"{hashlib.sha256(image).hexdigest()[:32]}"'
    response = get_conditional_response(request, etag=etag) or HttpResponse(image, content_type="image/png")
    response["ETag"] = etag
    response["Cache-Control"] = "public, max-age=3600"
    return response
