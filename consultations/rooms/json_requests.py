"""Small JSON requests in, JSON out: the patient's API and the notes share these few lines."""

import functools
import json
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.utils import translation
from django.views.decorators.cache import never_cache

from consultations.rooms.refusals import Refused, sentence

# Codes of the socket that have an older, shorter name on the patient's pages.
_HTTP_CODES = {"visit_ended": "ended"}


def json_view(view: Callable[..., Any]) -> Callable[..., JsonResponse]:
    """Turn the view's dictionary, or its Refused, into a response; nothing of it is ever cached."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> JsonResponse:
        try:
            answer = view(request, *args, **kwargs)
        except Refused as refused:
            code = _HTTP_CODES.get(refused.code, refused.code)
            error: dict[str, Any] = {"code": code, "message": sentence(code)}
            if refused.fields:
                error["fields"] = refused.fields
            return JsonResponse({"error": error}, status=refused.status)
        return answer if isinstance(answer, JsonResponse) else JsonResponse(answer)

    return never_cache(wrapped)


def read_object(request: HttpRequest) -> dict[str, Any]:
    """Return the request's JSON object; raise Refused (400) for anything else."""
    try:
        data = json.loads(request.body)
    except (ValueError, RecursionError):
        raise Refused("bad_json", status=400) from None
    if not isinstance(data, dict):
        raise Refused("bad_message", status=400)
    return data


def text_of(data: dict[str, Any], name: str, *, limit: int) -> str:
    """Return a field as one trimmed line of text; raise Refused (400) when it is no text or too long."""
    value = data.get(name, "")
    if not isinstance(value, str) or len(value) > limit:
        raise Refused("bad_field", status=400)
    # A lone surrogate or a NUL is valid JSON and no database takes it.
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise Refused("bad_field", status=400)
    return " ".join(value.replace("\x00", " ").split())


def choice_of(data: dict[str, Any], name: str, choices: frozenset[str]) -> str:
    value = data.get(name)
    if not isinstance(value, str) or value not in choices:
        raise Refused("bad_field", status=400)
    return value


def speak(request: HttpRequest, language: str) -> None:
    """Answer in the person's language, unless they chose one themselves with the switch on the page."""
    if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES and language in dict(settings.LANGUAGES):
        translation.activate(language)
        request.LANGUAGE_CODE = language
