"""Every write on an account."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.db import transaction

from telemed.accounts.events import announce, sessions_ended
from telemed.accounts.models import User


@transaction.atomic
def change_password(user: User, password: str, *, acting_user: User | None) -> None:
    """Set a new password and end every session of the user (SEC-14). The second factor stays as it is."""
    user.set_password(password)
    user.save(update_fields=["password"])
    end_all_sessions(user, reason="password_changed")
    announce("account.password_changed", user=user, actor=acting_user)


@transaction.atomic
def deactivate_user(user: User, *, acting_user: User | None) -> None:
    """Stop the user from signing in and end every session of theirs."""
    user.is_active = False
    user.save(update_fields=["is_active"])
    end_all_sessions(user, reason="deactivated")
    announce("account.deactivated", user=user, actor=acting_user)


@transaction.atomic
def activate_user(user: User, *, acting_user: User | None) -> None:
    """Let the user sign in again."""
    user.is_active = True
    user.save(update_fields=["is_active"])
    announce("account.activated", user=user, actor=acting_user)


@transaction.atomic
def reset_mfa(user: User, *, acting_user: User | None) -> int:
    """Remove every second factor of somebody who lost them; the next sign-in enrols anew. Return how many there were."""
    removed, _ = Authenticator.objects.filter(user=user).delete()
    end_all_sessions(user, reason="mfa_reset")
    announce("mfa.removed", user=user, actor=acting_user, type="all", count=removed)
    return removed


@transaction.atomic
def change_language(user: User, language: str, *, acting_user: User) -> None:
    """Speak `language` (a code of settings.LANGUAGES) to this person from now on, in pages and in messages."""
    user.language = language
    user.save(update_fields=["language"])
    announce("account.language_changed", user=user, actor=acting_user, language=language)


@transaction.atomic
def end_sessions(sessions: Iterable[UserSession], *, reason: str) -> None:
    """End some sessions; their sockets close on commit."""
    keys_by_user: dict[User, set[str]] = {}
    for session in sessions:
        keys_by_user.setdefault(session.user, set()).add(session.session_key)
        session.end()
    for user, keys in keys_by_user.items():
        _tell_on_commit(user, frozenset(keys), reason)


@transaction.atomic
def end_all_sessions(user: User, *, reason: str) -> None:
    """End every session of the user, those too that nobody listed."""
    for session in UserSession.objects.filter(user=user):
        session.end()
    _tell_on_commit(user, None, reason)


def tell_session_ended(user: User, session_key: str | None, *, reason: str) -> None:
    """Say that one session is over which somebody else ended (log-out, log-off)."""
    if session_key:
        UserSession.objects.filter(session_key=session_key).delete()
        _tell_on_commit(user, frozenset({session_key}), reason)


def signed_in_recently(session: Mapping[str, Any]) -> bool:
    """Return whether this session proved who the user is within ACCOUNT_REAUTHENTICATION_TIMEOUT."""
    records = session.get(AUTHENTICATION_METHODS_SESSION_KEY) or [{}]
    return bool(time.time() - records[-1].get("at", 0) < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


def _tell_on_commit(user: User, session_keys: frozenset[str] | None, reason: str) -> None:
    transaction.on_commit(lambda: sessions_ended.send(sender=User, user=user, session_keys=session_keys, reason=reason))
