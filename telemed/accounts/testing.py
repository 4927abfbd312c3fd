"""For tests: a client that has signed in, without the ceremony. Refuses to work outside TESTING."""

import time

from allauth.account.internal.flows.login import record_authentication
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.http import HttpRequest
from django.test import Client

from telemed.accounts.models import User


def sign_in(client: Client, user: User, *, factor: str = "webauthn") -> None:
    """Give `client` a session of `user` in which the second factor `factor` was passed ("" for none)."""
    if not settings.TESTING:
        raise RuntimeError("sign_in is for tests")
    client.force_login(user)
    request = HttpRequest()
    request.session = client.session
    request.user = user
    request.META = {"REMOTE_ADDR": "127.0.0.1", "HTTP_USER_AGENT": "test client"}
    if factor:
        record_authentication(request, user, "mfa", type=factor, id=0)
    request.session["signed_in_at_s"] = request.session["last_input_at_s"] = time.time()
    request.session.save()
    UserSession.objects.create_from_request(request)
