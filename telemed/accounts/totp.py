"""A code of an authenticator app works once (RFC 6238 §5.2): the last counter is kept with the secret."""

import time

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.mfa.utils import decrypt
from django.db import transaction

_LAST_COUNTER = "last_counter"


def matching_counter(secret: str, code: str) -> int | None:
    """Return the time step that `code` belongs to, None when it fits none of the accepted ones."""
    for counter in yield_hotp_counters_from_time():
        if compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, counter))):
            return counter
    return None


@transaction.atomic
def spend_code(authenticator: Authenticator, code: str) -> bool:
    """Return whether `code` is valid and newer than every code used before; it is used up then."""
    current = Authenticator.objects.select_for_update().get(pk=authenticator.pk)
    counter = matching_counter(decrypt(current.data["secret"]), code)
    if counter is None or counter <= current.data.get(_LAST_COUNTER, -1):
        return False
    current.data[_LAST_COUNTER] = counter
    current.save(update_fields=["data"])
    authenticator.data = current.data
    return True


def spend_enrolment_code(authenticator: Authenticator, code: str) -> None:
    """Use up the code with which the app was enrolled; an unreadable one uses up all that are valid now."""
    if not spend_code(authenticator, code):
        latest = int(time.time()) // app_settings.TOTP_PERIOD + app_settings.TOTP_TOLERANCE
        authenticator.data[_LAST_COUNTER] = latest
        authenticator.save(update_fields=["data"])
