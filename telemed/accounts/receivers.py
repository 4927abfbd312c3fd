"""What happens at the edges of a session: clocks start, sockets close, events are told. Connected in AccountsConfig.ready."""

import time
from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.account.signals import user_logged_in as allauth_logged_in
from allauth.mfa import signals as mfa_signals
from allauth.mfa.models import Authenticator
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.http import HttpRequest

from telemed.accounts import actions, mfa, sessions, totp
from telemed.accounts.events import announce
from telemed.accounts.models import User


def connect() -> None:
    user_logged_in.connect(start_clocks, dispatch_uid="accounts.start_clocks")
    user_logged_out.connect(tell_logged_out, dispatch_uid="accounts.tell_logged_out")
    allauth_logged_in.connect(tell_logged_in, dispatch_uid="accounts.tell_logged_in")
    mfa_signals.authenticator_added.connect(note_enrolment, dispatch_uid="accounts.note_enrolment")
    mfa_signals.authenticator_removed.connect(tell_removed, dispatch_uid="accounts.tell_removed")
    mfa_signals.authenticator_reset.connect(tell_recovery_codes_replaced, dispatch_uid="accounts.tell_reset")


def start_clocks(sender: Any, request: HttpRequest | None, user: User, **kwargs: Any) -> None:
    if request is not None and hasattr(request, "session"):
        sessions.start(request.session, time.time())


def tell_logged_in(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    factors = sorted(mfa.passed_types(user, request.session))
    announce("login.ok", user=user, actor=user, factor="+".join(factors) or "none")


def tell_logged_out(sender: Any, request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    if user is None:
        return
    reason = getattr(request, "log_off_reason", "by_user")
    actions.tell_session_ended(user, request.session.session_key, reason=reason)
    announce("login.out", user=user, actor=user, reason=reason)


def note_enrolment(sender: Any, request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    """Enrolling a factor proves it for this session: the app's code or the passkey was checked a moment ago.

    Only sessions that had passed already, or of users without any factor, get this far (RequireMfaMiddleware).
    """
    if authenticator.type == Authenticator.Type.TOTP:
        totp.spend_enrolment_code(authenticator, request.POST.get("code", ""))
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        record_authentication(request, user, "mfa", id=authenticator.pk, type=str(authenticator.type))
    announce("mfa.enrolled", user=user, actor=user, type=str(authenticator.type))


def tell_removed(sender: Any, request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    announce("mfa.removed", user=user, actor=user, type=str(authenticator.type))


def tell_recovery_codes_replaced(sender: Any, user: User, **kwargs: Any) -> None:
    announce("mfa.recovery_codes_replaced", user=user, actor=user)
