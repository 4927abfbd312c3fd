"""What allauth has no page for: the session's clock, ending one session, removing a passkey only when another stays."""

import time

from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.views import IndexView
from allauth.mfa.webauthn.views import RemoveWebAuthnView
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from telemed.accounts import actions, sessions
from telemed.accounts.decorators import staff_required
from telemed.accounts.mfa import MfaState, may_remove, mfa_state
from telemed.accounts.models import User


@never_cache
@require_http_methods(["GET", "POST"])
def session_status(request: HttpRequest) -> JsonResponse:
    """Tell a page how long its session lasts: {signed_in, busy, idle_s, absolute_s}.

    Asking counts for nothing. A POST reports real input that happened X-Input-Age seconds ago (0 when missing).
    """
    user = request.user
    if not isinstance(user, User):
        return JsonResponse({"signed_in": False})
    if request.method == "POST":
        age = request.headers.get("X-Input-Age", "0")
        sessions.note_input(request.session, time.time() - (int(age) if age.isdecimal() else 0))
    idle_s, absolute_s = sessions.remaining_s(request.session, time.time())
    status = {"busy": sessions.is_busy(user), "idle_s": round(idle_s), "absolute_s": round(absolute_s)}
    return JsonResponse({"signed_in": True} | status)


@require_POST
@staff_required
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    """End one session of one's own."""
    session = get_object_or_404(UserSession, pk=pk, user=request.user)
    if session.session_key == request.session.session_key:
        return redirect("account_logout")
    actions.end_sessions([session], reason="ended_by_user")
    messages.success(request, _("That browser is signed out."))
    return redirect("usersessions_list")


class SecurityView(IndexView):
    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        """Add `owed`: what the person must set up before anything else ('' for nothing)."""
        user = self.request.user
        assert isinstance(user, User)
        state = mfa_state(user, self.request.session)
        owed = "" if state == MfaState.PASSED else str(state)
        return super().get_context_data(**kwargs) | {"owed": owed}


class RemovePasskeyView(RemoveWebAuthnView):
    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        """Refuse to remove the last way to confirm a sign-in."""
        authenticator = get_object_or_404(self.get_queryset(), pk=kwargs["pk"])
        if not may_remove(authenticator):
            messages.error(request, get_adapter().error_messages["cannot_delete_authenticator"])
            return redirect("mfa_list_webauthn")
        return super().dispatch(request, *args, **kwargs)


security = login_required(SecurityView.as_view())
remove_passkey = RemovePasskeyView.as_view()
