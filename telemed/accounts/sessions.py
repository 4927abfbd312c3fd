"""How long a session of staff lives (SEC-14), and the hooks by which other apps take part in it.

A session ends after STAFF_IDLE_LOGOFF_S without real input and after SESSION_ABSOLUTE_S in any case, but never while the
user is in a call: then it ends at the first request after the call. Times are Unix seconds (float), always the caller's.
"""

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from django.conf import settings

from telemed.accounts import mfa
from telemed.accounts.models import User

SIGNED_IN_AT = "signed_in_at_s"
LAST_INPUT_AT = "last_input_at_s"
# Input within this many seconds of the stored time is not stored again: it saves a write per click.
_INPUT_GRAIN_S = 5

BusyHook = Callable[[User], bool]
_busy_hooks: list[BusyHook] = []


def register_busy_hook(hook: BusyHook) -> BusyHook:
    """Postpone log-off while `hook(user)` is true (the user is in a call). Call it from AppConfig.ready()."""
    if hook not in _busy_hooks:
        _busy_hooks.append(hook)
    return hook


def is_busy(user: User) -> bool:
    """Return whether any hook says that the user must not be logged off now."""
    return any(hook(user) for hook in _busy_hooks)


def start(session: MutableMapping[str, Any], now_s: float) -> None:
    """Start both clocks: somebody signed in."""
    session[SIGNED_IN_AT] = session[LAST_INPUT_AT] = now_s


def note_input(session: MutableMapping[str, Any], now_s: float) -> None:
    """Remember that a person did something at `now_s`; earlier than what is known changes nothing."""
    if SIGNED_IN_AT not in session:
        start(session, now_s)
    elif now_s - session.get(LAST_INPUT_AT, 0.0) >= _INPUT_GRAIN_S:
        session[LAST_INPUT_AT] = now_s


def remaining_s(session: Mapping[str, Any], now_s: float) -> tuple[float, float]:
    """Return the seconds until idle log-off and until the absolute end; zero or less is over."""
    signed_in_at = session.get(SIGNED_IN_AT, now_s)
    last_input_at = session.get(LAST_INPUT_AT, signed_in_at)
    return last_input_at + settings.STAFF_IDLE_LOGOFF_S - now_s, signed_in_at + settings.SESSION_ABSOLUTE_S - now_s


def end_reason(user: User, session: Mapping[str, Any], now_s: float) -> str:
    """Return "idle" or "absolute" when the session is over, '' while it lives. Asks the busy hooks only when it is over."""
    idle_s, absolute_s = remaining_s(session, now_s)
    if idle_s > 0 and absolute_s > 0:
        return ""
    if is_busy(user):
        return ""
    return "absolute" if absolute_s <= 0 else "idle"


def may_act_as_staff(user: Any, session: Mapping[str, Any], now_s: float) -> bool:
    """Return whether this user may use staff pages and sockets with this session: active, second factor passed, not over.

    For WebSocket consumers, which no middleware guards. One or two queries.
    """
    return bool(
        isinstance(user, User)
        and user.is_active
        and mfa.mfa_state(user, session) == mfa.MfaState.PASSED
        and not end_reason(user, session, now_s)
    )
