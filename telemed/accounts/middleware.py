"""Session life time (SEC-14) and the second factor (SEC-5), enforced for every request."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.translation import gettext as _

from telemed.accounts import sessions
from telemed.accounts.mfa import MfaState, mfa_state
from telemed.accounts.models import User

GetResponse = Callable[[HttpRequest], HttpResponse]

_ALWAYS = {"account_logout", "set_language", "session_status"}
_REACHABLE = {
    MfaState.ENROL: _ALWAYS | {"mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "account_reauthenticate"},
    MfaState.ENROL_PASSKEY: _ALWAYS | {"mfa_index", "mfa_add_webauthn", "account_reauthenticate", "mfa_reauthenticate"},
    MfaState.USE_PASSKEY: _ALWAYS | {"mfa_reauthenticate_webauthn"},
}
_INSTEAD = {
    MfaState.ENROL: "mfa_index",
    MfaState.ENROL_PASSKEY: "mfa_index",
    MfaState.USE_PASSKEY: "mfa_reauthenticate_webauthn",
    MfaState.MISSING: "account_login",
}


def is_background(request: HttpRequest) -> bool:
    """Return whether the page asked by itself; pages report real input themselves (static/js/pages/idle.js)."""
    return request.headers.get("X-Background") == "1"


class SessionPolicyMiddleware:
    """Log staff off when their session is over; otherwise remember real input."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if isinstance(user, User):
            now_s = time.time()
            reason = sessions.end_reason(user, request.session, now_s)
            if reason:
                _log_off(request, reason)
                if is_background(request):
                    return _send_to(request, "account_login")
            elif not is_background(request) and request.path_info != reverse("session_status"):
                sessions.note_input(request.session, now_s)
        return self.get_response(request)


class RequireMfaMiddleware:
    """Let a signed-in user without a passed second factor reach enrolment, log-out and language only."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        user = request.user
        if not isinstance(user, User):
            return None
        state = mfa_state(user, request.session)
        if state == MfaState.PASSED:
            return None
        name = request.resolver_match.view_name if request.resolver_match else ""
        if name in _REACHABLE.get(state, set()):
            return None
        if state == MfaState.MISSING:
            request.log_off_reason = "mfa_missing"  # type: ignore[attr-defined]
            logout(request)
            if name in {"account_login", "account_logout", "set_language"}:
                return None
        return _send_to(request, _INSTEAD[state])


def _log_off(request: HttpRequest, reason: str) -> None:
    request.log_off_reason = reason  # type: ignore[attr-defined]
    logout(request)
    if reason == "idle":
        messages.info(request, _("You were signed out because nobody used this browser for a while."))
    else:
        messages.info(request, _("You were signed out because a sign-in lasts at most twelve hours."))


def _send_to(request: HttpRequest, url_name: str) -> HttpResponse:
    """Redirect a page; answer a script with 401."""
    if is_background(request):
        error = {"code": "signed_out", "message": _("You are no longer signed in. Please sign in again.")}
        return JsonResponse({"error": error}, status=401)
    url = resolve_url(url_name)
    if url_name != "mfa_index" and request.method == "GET":
        url = f"{url}?{urlencode({'next': request.get_full_path()})}"
    return HttpResponseRedirect(url)
