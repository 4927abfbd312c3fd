"""Answers that pages and scripts share: a refusal is a 409 with a sentence, in HTML or in JSON."""

from django.forms import Form
from django.http import HttpRequest, JsonResponse

from consultations.appointments.errors import BookingRefused
from consultations.appointments.lifecycle import IllegalTransition
from consultations.rooms.practice.sentences import refusal_code, refusal_sentence

REFUSED_STATUS = 409
INVALID_STATUS = 422


def wants_json(request: HttpRequest) -> bool:
    return request.accepts("application/json") and not request.accepts("text/html")


def json_refusal(refusal: BookingRefused | IllegalTransition) -> JsonResponse:
    error = {"code": refusal_code(refusal), "message": refusal_sentence(refusal)}
    return JsonResponse({"error": error}, status=REFUSED_STATUS)


def json_invalid(form: Form) -> JsonResponse:
    fields = {name: " ".join(str(error) for error in errors) for name, errors in form.errors.items()}
    error = {"code": "check_fields", "message": " ".join(fields.values()), "fields": fields}
    return JsonResponse({"error": error}, status=INVALID_STATUS)
