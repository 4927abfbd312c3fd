"""The language of a signed-in person: what their account says, on every computer they sign in at.

Before the sign-in the browser decides (its cookie, then Accept-Language), as Django does it.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.views.i18n import LANGUAGE_QUERY_PARAMETER
from django.views.i18n import set_language as set_browser_language

from telemed.accounts.actions import change_language
from telemed.accounts.models import User


class PersonLanguageMiddleware:
    """Speaks the account's language; a colleague's choice on the same computer does not count."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if isinstance(user, User) and user.language in dict(settings.LANGUAGES):
            translation.activate(user.language)
            request.LANGUAGE_CODE = user.language
        return self.get_response(request)


def set_language(request: HttpRequest) -> HttpResponse:
    """The switch on every page: for this browser, and for the account of whoever is signed in."""
    language = request.POST.get(LANGUAGE_QUERY_PARAMETER, "")
    user = request.user
    if isinstance(user, User) and language in dict(settings.LANGUAGES) and language != user.language:
        change_language(user, language, acting_user=user)
    return set_browser_language(request)
