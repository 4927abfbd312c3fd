"""The demo's one-click sign-in (SEC-16): its own door, which exists only while DEMO is on."""

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from telemed.accounts.mfa import DEMO_SESSION_KEY
from telemed.accounts.models import User


def open_demo_session(request: HttpRequest, user: User) -> None:
    """Sign `user` in without password and second factor; raise PermissionDenied outside DEMO.

    The session is worthless once the server runs without DEMO: mfa_state asks the setting at every request.
    """
    if not settings.DEMO:
        raise PermissionDenied
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    request.session[DEMO_SESSION_KEY] = user.pk
    UserSession.objects.create_from_request(request)
