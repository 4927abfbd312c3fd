"""The clock of a signed-in person: times are shown, and read from forms, in their account's time zone (REL-9)."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from telemed.accounts.models import User


class PersonClockMiddleware:
    """Whoever is not signed in sees the site's time, unless a page says a zone of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with _clock_of(request.user):
            return self.get_response(request)


def _clock_of(user: object) -> AbstractContextManager[object]:
    if not isinstance(user, User):
        return nullcontext()
    try:
        return timezone.override(ZoneInfo(user.time_zone))
    except (LookupError, ValueError):  # it was kept before zones were checked
        return nullcontext()
