"""Has this session passed the second factor that this user needs? (SEC-5)

    NONE enrolled ──► ENROL ─────────────► PASSED        a passkey is needed, none there ──► ENROL_PASSKEY ──► PASSED
    enrolled, not passed here ──► MISSING (signed out)   a passkey is there, a code was used ──► USE_PASSKEY ──► PASSED

The proof is allauth's record of this session's authentication steps, bound to the user. It is written when a code or a
passkey is accepted, and by receivers.py when somebody who had no second factor enrols one.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import SimpleNamespace
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from django.conf import settings

from telemed.accounts.models import User

DEMO_SESSION_KEY = "demo_session_of"
PasskeyRule = Callable[[User], bool]
_passkey_rules: list[PasskeyRule] = []


class MfaState(StrEnum):
    PASSED = "passed"
    ENROL = "enrol"
    ENROL_PASSKEY = "enrol_passkey"
    USE_PASSKEY = "use_passkey"
    MISSING = "missing"


def register_passkey_rule(rule: PasskeyRule) -> PasskeyRule:
    """Make a passkey obligatory for users for whom `rule(user)` is true (clinic admins). Call it from AppConfig.ready()."""
    if rule not in _passkey_rules:
        _passkey_rules.append(rule)
    return rule


def needs_passkey(user: User) -> bool:
    """Return whether only a phishing-resistant factor is good enough for this user."""
    return user.is_staff or user.is_superuser or any(rule(user) for rule in _passkey_rules)


def mfa_state(user: User, session: Mapping[str, Any]) -> MfaState:
    """Return what an authenticated user still owes in this session. No query when a passkey was used."""
    if settings.DEMO and session.get(DEMO_SESSION_KEY) == user.pk:
        return MfaState.PASSED
    passed = passed_types(user, session)
    if Authenticator.Type.WEBAUTHN in passed:
        return MfaState.PASSED
    if passed and not needs_passkey(user):
        return MfaState.PASSED
    enrolled = factor_types(user)
    if not enrolled:
        return MfaState.ENROL_PASSKEY if needs_passkey(user) else MfaState.ENROL
    if not passed:
        return MfaState.MISSING
    return MfaState.USE_PASSKEY if Authenticator.Type.WEBAUTHN in enrolled else MfaState.ENROL_PASSKEY


def passed_types(user: User, session: Mapping[str, Any]) -> set[str]:
    """Return the kinds of second factor that were accepted in this session for this user."""
    records = get_authentication_records(SimpleNamespace(session=session), user)
    return {str(record.get("type")) for record in records if record.get("method") == "mfa"}


def factor_types(user: User) -> set[str]:
    """Return the kinds of second factor that the user has enrolled; recovery codes alone are none."""
    return set(
        Authenticator.objects.filter(user_id=user.pk)
        .exclude(type=Authenticator.Type.RECOVERY_CODES)
        .values_list("type", flat=True)
    )


def may_remove(authenticator: Authenticator) -> bool:
    """Return whether the user keeps what they need without this authenticator."""
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        return True
    others = Authenticator.objects.filter(user_id=authenticator.user_id).exclude(pk=authenticator.pk)
    if needs_passkey(authenticator.user):
        return others.filter(type=Authenticator.Type.WEBAUTHN).exists()
    return others.exclude(type=Authenticator.Type.RECOVERY_CODES).exists()
